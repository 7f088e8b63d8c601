"""Set-points of a process that goes by run: follow each product, and choose by what parts cost.

One tracker for each product follows what wanders (a lot, a wear) from what is measured of parts.
For the next part, set-points are chosen that cost least: parts out of tolerance (by the predicted
distribution, so that doubt costs), energy, time, wear; within the plant file's bounds, and no
farther from where data were than one step (del Castillo & Hurwitz 1997, on run-to-run control).
The machine writes its recipe at the start of a job; it is the base from which steps go.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from genba.control.bound import Bound, Wire
from genba.control.chooser import Effect, Held, Setting
from genba.control.run_cost import RunCost
from genba.control.run_experiment import LOADS, course_around
from genba.control.run_followed import BLIND, DOUBTED, Followed, FollowedProducts
from genba.control.run_search import cheapest
from genba.control.runs import RunRows, shared_programs
from genba.control.runs_learned import ProductBelief
from genba.control.standby import Standby
from genba.errors import ControlError
from genba.plant import US, Plant, Sample, Signal
from genba.twin.process.episode import Floats

_STILL = 0.1
"""Part of a step that is not worth a write."""
_REMEMBERED = 8
"""Values that were asked for lately, so that they are not taken for somebody else's."""


class RunToRunChooser:
    """Satisfies :class:`~genba.control.chooser.Chooser` for a process whose clock is the run.

    Parameters
    ----------
    plant : Plant
        Products, prices, orders.
    bound : Bound
        The process, joined to its physics.
    beliefs : sequence of ProductBelief
        What was learned of each program.
    model : str
        Short digest of that, for the record.
    plain : mapping, optional
        The plain controller's own set-points (signal -> value), where control drove before.

    Raises
    ------
    ControlError
        If the plant file does not say what is wanted, or leaves nothing to choose.
    """

    def __init__(
        self,
        plant: Plant,
        bound: Bound,
        beliefs: Sequence[ProductBelief],
        model: str,
        *,
        plain: Mapping[str, float] | None = None,
    ) -> None:
        self._bound, self._model = bound, model
        self._bounds, self._most = bound.bounds(), bound.steps()
        self._rows = RunRows(plant, bound)
        self._cost = RunCost(plant, bound)
        before = [w.scale * (plain or {}).get(_of(w).id, math.nan) + w.shift for w in bound.inputs]
        self._standby = Standby(plant, bound, np.array(before))
        self._by_load = set(shared_programs(plant, bound.process.equipment).values())
        self._asked_for: dict[str, deque[float]] = {
            _of(w).id: deque(maxlen=_REMEMBERED) for w in bound.inputs
        }
        self._followed = FollowedProducts(bound, beliefs, self._cost.only_paid)
        self._job = 0
        self._due = self._begins = False
        self._chosen = 0
        self._drives = False
        self._asked = 0
        self._objected = ""
        """What somebody else set while an experiment ran."""
        self._seed = 0

    @property
    def process(self) -> str:
        """Id of the process."""
        return self._bound.process.id

    @property
    def model(self) -> str:
        """Short digest of what was learned."""
        return self._model

    @property
    def about(self) -> str:
        """What bounds its choices."""
        return (
            "set-points stay within one step of where they were when it was learned, and within "
            "the plant file's bounds"
        )

    @property
    def signals(self) -> Sequence[str]:
        """All signals that rows are made of."""
        return self._rows.signals

    @property
    def steps(self) -> Mapping[str, float]:
        """Set-points, with the most that each changes at once."""
        return {
            _of(w).id: float(step) / abs(w.scale)
            for w, step in zip(self._bound.inputs, self._most, strict=True)
        }

    def take(self, samples: Sequence[Sample]) -> None:
        """Take in what came since the last call, oldest first."""
        for sample in samples:
            before = self._rows.inputs()
            run = self._rows.take(sample)
            if run is not None:
                self._due = True
                self._followed.ran(run)
            self._foreign(sample, before)
            if self._rows.job_since != self._job:
                self._job, self._due, self._drives = self._rows.job_since, True, False
                if self._rows.lot:
                    self._standby.ended()

    def _foreign(self, sample: Sample, before: Floats) -> None:
        """Take what somebody else wrote in the middle of a job for the recipe, as it is."""
        asked = self._asked_for.get(sample.signal)
        if asked is None or sample.source_time <= self._rows.job_since:
            return
        value = sample.value
        if isinstance(value, int | float) and all(abs(value - a) > 1e-4 * abs(a) for a in asked):
            # What is set while the machine runs a program beyond what may be chosen here (it mills,
            # and this is its boring) concerns another process, and is no objection to this one.
            own = self._choosable(self._rows.recipe)
            self._rows.recipe = self._rows.inputs()
            self._drives = False
            moved = not np.array_equal(before, self._rows.inputs())
            if self._asked and self._rows.lot and own and moved and np.isfinite(before).all():
                self._objected = sample.signal

    def _choosable(self, recipe: Floats) -> bool:
        low, high = self._bounds
        return bool(((recipe >= low) & (recipe <= high)).all())

    def wrote(self, writes: Mapping[str, float]) -> None:
        """Learn what was written for it, before any sample shows it."""
        for name, value in writes.items():
            if name in self._asked_for:
                self._asked_for[name].append(float(value))

    def due(self, now: int) -> bool:
        """Whether a part ended or a job began since the last choice, or that was long ago."""
        return self._due or now - self._chosen >= self._bound.process.step_s * US

    def choose(self, now: int) -> Setting | Held:
        """Choose the set-points of the next part."""
        self._begins, self._due, self._chosen = self._due, False, now
        product, in_force = self._rows.product, self._rows.inputs()
        if self._objected:
            return self._held(f"somebody else set {self._objected}")
        if not self._rows.lot:
            return self._standing(in_force, now)
        if not product:
            return self._held(f"lot {self._rows.lot} belongs to no order that is known")
        one = self._followed.known(product, self._rows.recipe)
        if one is None and self._asked and np.isfinite(self._rows.recipe).all():
            one = self._followed.guessed(product, self._rows.recipe)
        if one is None:
            return self._held(
                f"nothing was learned of {product} on this machine with these set-points"
            )
        context = self._rows.context()
        if not (np.isfinite(in_force).all() and np.isfinite(context).all()):
            return self._held("a set-point or what is around is unknown")
        if not self._choosable(one.believed.recipe):
            return self._held(f"the recipe of {product} lies outside of what control may choose")
        if self._asked:
            return self._tried(one, product, in_force, context)
        if one.surprise > DOUBTED:
            why = f"parts of {product} are not as expected ({one.surprise:.1f} times as far off)"
            return self._held(why, doubted=True)
        if one.blind >= BLIND:
            return self._held(f"nothing was measured of the last {BLIND} parts of {product}")
        return self._best(one, product, in_force, context, now)

    def _standing(self, in_force: Floats, now: int) -> Setting | Held:
        """Without a job: to standby where nobody works for long, and back in time."""
        known = bool(np.isfinite(in_force).all())
        wanted = self._standby.wanted(now, in_force) if known else None
        if wanted is None:
            return Held("the machine has no job")
        writes = self._writes(np.where(np.abs(wanted - in_force) > 1e-9, wanted, np.nan))
        told = "no job until the next shift: to standby, and back before it begins"
        return Setting(writes, told, (), [w.id for w in map(_of, self._bound.inputs)])

    # -- experiments --------------------------------------------------------------------------

    def experiment(self, rows: int, now: int, seed: int = 0) -> str:
        """Begin to move set-points by up to a step around the recipe, in order to learn.

        Parameters
        ----------
        rows : int
            Parts of each product, as they come.

        Returns
        -------
        str
            What is going to happen.

        Raises
        ------
        ControlError
            If the plant file does not allow it.
        """
        if not self._bound.process.experiments:
            raise ControlError(
                f"no experiments are allowed on '{self.process}'; say 'experiments: true' there in "
                "the plant file if they are"
            )
        self._asked, self._objected, self._seed = rows, "", seed
        for one in self._followed:
            one.course = None
        self._due = True
        return (
            f"{rows} parts or loads of each product that comes, with set-points up to one step "
            "around its recipe"
        )

    def end_experiment(self) -> None:
        """Stop moving set-points to learn; what comes next is chosen, or the recipe's."""
        self._asked, self._objected = 0, ""

    @property
    def waits(self) -> bool:
        """Whether an experiment goes on later: a product's course is not over, or not begun."""
        begun = [one for one in self._followed if one.course is not None]
        over = {one.believed.product for one in begun if not one.course}
        left = any(one.course for one in begun) or not set(self._bound.process.tolerances) <= over
        return bool(self._asked) and not self._objected and (left or not begun)

    def _tried(
        self, one: Followed, product: str, in_force: Floats, context: Floats
    ) -> Setting | Held:
        if one.course is None:
            one.course = course_around(
                self._bound,
                one.tracker,
                one.believed.recipe,
                self._asked,
                context,
                self._seed,
                LOADS if product in self._by_load else None,
            )
        if not one.course:
            return self._held(f"the experiment on {product} is over")
        wanted = one.course.popleft() if self._begins else one.course[0]
        self._drives = True
        near = in_force + np.clip(wanted - in_force, -self._most, self._most)
        told = f"experiment on {product}, {len(one.course)} parts or loads are left of it"
        writes = self._writes(np.where(np.abs(near - in_force) > 1e-9, near, np.nan))
        return Setting(writes, told, (), [w.id for w in map(_of, self._bound.inputs)])

    # -- choosing -----------------------------------------------------------------------------

    def _best(
        self, one: Followed, product: str, in_force: Floats, context: Floats, now: int
    ) -> Setting | Held:
        low, high = self._trusted(one)
        start = np.clip(in_force, low, high)

        def cost(u: Floats) -> Floats:
            return self._cost.of(one.tracker, product, u, context, now)

        best = cheapest(cost, start, low, high)
        stays, gain = (float(v) for v in cost(np.array([in_force, best])))
        if not math.isfinite(stays) or not math.isfinite(gain):
            return self._held(f"what is known of {product} says nothing of its cost")
        wanted = in_force + np.clip(best - in_force, -self._most, self._most)
        wanted[np.abs(wanted - in_force) < _STILL * self._most] = np.nan
        inside = np.all((in_force >= low - 1e-9) & (in_force <= high + 1e-9))
        chosen = np.where(np.isfinite(wanted), wanted, in_force)
        ways = np.array([in_force, best])
        found = self._cost.worth(one.tracker, product, ways, context, now)
        if inside and not found.enough:
            wanted[:], chosen = np.nan, in_force
        effects = self._effects(one, product, in_force, chosen, context)
        writes = self._writes(wanted)
        self._drives = self._drives or bool(writes)
        told = (
            f"{product}: expected cost of a part {stays:.3f} as it is, {gain:.3f} at best"
            f"{'' if writes else f'; what is in force stays: {found.told()}'}"
        )
        return Setting(writes, told, effects, [w.id for w in map(_of, self._bound.inputs)])

    def _trusted(self, one: Followed) -> tuple[Floats, Floats]:
        """Between what set-points may be chosen: a step beyond where data were when it was learned.

        Going on from where it went by itself would lead to where nobody has looked at parts.

        An input that nobody moved is left alone: nothing is known of what it does.
        """
        recipe = self._rows.recipe
        span = self._bounds[1] - self._bounds[0]
        moved = one.believed.moved(span)
        low = np.where(
            moved, np.maximum(self._bounds[0], one.believed.seen[0] - self._most), recipe
        )
        high = np.where(
            moved, np.minimum(self._bounds[1], one.believed.seen[1] + self._most), recipe
        )
        return low, np.maximum(low, high)

    def _effects(
        self, one: Followed, product: str, stays: Floats, chosen: Floats, context: Floats
    ) -> list[Effect]:
        both = np.array([stays, chosen])
        mean, spread = self._cost.predicted(one.tracker, both, context)
        return [
            Effect(
                wire.variable.name,
                wire.variable.unit,
                float(mean[0, place]),
                float(mean[1, place]),
                float(mean[1, place] - 1.96 * spread[1, place]),
                float(mean[1, place] + 1.96 * spread[1, place]),
                "" if wire.signal is None or wire.field else wire.signal.id,
            )
            for place, wire in enumerate(self._bound.outputs)
        ]

    def _held(self, why: str, *, doubted: bool = False) -> Held:
        """Hold; where control drove until now, one bounded step back to the recipe."""
        back: Mapping[str, float | int] = {}
        in_force = self._rows.inputs()
        recipe = self._rows.recipe
        if self._drives and np.isfinite(in_force).all() and np.isfinite(recipe).all():
            away = recipe - in_force
            step = np.clip(away, -self._most, self._most)
            back = self._writes(np.where(np.abs(away) > 1e-9, in_force + step, np.nan))
            self._drives = bool(back)
        return Held(why, back, doubted)

    def _writes(self, wanted: Floats) -> dict[str, float | int]:
        writes: dict[str, float | int] = {}
        for wire, to in zip(self._bound.inputs, wanted, strict=True):
            if np.isfinite(to):
                name, value = _of(wire).id, wire.plain(float(to))
                writes[name] = round(value) if _of(wire).type == "int" else value
                self._asked_for[name].append(float(writes[name]))
        return writes


def _of(wire: Wire) -> Signal:
    assert wire.signal is not None  # noqa: S101 - inputs are always wired
    return wire.signal
