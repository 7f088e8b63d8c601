"""Set-points of a process that runs on in time: follow, look ahead, prove, and say what is wished.

A pilot follows the process and looks ahead; a simplex lets through what keeps the envelope. Where
nothing can be proved of the process, the plant file says how far control may go all the same.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from genba.control.advice import both_ways, elsewhere, near, nothing_known, pinned, unmoved
from genba.control.bound import Bound, Wire
from genba.control.chooser import Effect, Held, Setting
from genba.control.effects import effects_of, in_words
from genba.control.envelope import proof_or_why
from genba.control.excitation import Excitation
from genba.control.handover import Handover
from genba.control.live_row import LiveRow
from genba.control.nmpc import Ahead, Nmpc
from genba.control.pilot import Pilot
from genba.control.worth import worth
from genba.errors import ControlError, GenbaError
from genba.guard.assurance import Assured, Shield, Simplex, Source
from genba.plant import US, Autonomy, Sample, Signal
from genba.twin.process import Belief, Episode, Tracker
from genba.twin.process.episode import Floats

_FOLLOWED = 3
"""Steps that are followed before anything is chosen."""
_FORGOTTEN = 5
"""Steps without a choice after which the process is followed anew."""
_STILL = 0.05
"""Part of a set-point's largest step that is not worth a write."""


_WATCHED, _MOST_WATCHED = 3, 96
"""Steps that a model which was contradicted while it drove is watched: 6, 12 ... 96."""
_FORGIVEN = 60
"""Steps of driving after which earlier contradictions count no more."""


class ContinuousChooser:
    """Satisfies :class:`~genba.control.chooser.Chooser` for a process whose clock is time.

    Parameters
    ----------
    bound : Bound
        The process, joined to its physics.
    belief : Belief
        What was learned of it.
    seen : dict
        Between what inputs and context were then.
    model : str
        Short digest of that, for the record.
    limit_s : float
        Wall seconds that looking ahead may take.
    plain : mapping, optional
        The plain controller's own set-points (signal -> value), where control drove before.

    Raises
    ------
    ControlError
        If the plant file does not say what is wanted, or leaves nothing to choose.
    """

    def __init__(
        self,
        bound: Bound,
        belief: Belief,
        seen: dict[str, tuple[float, float]],
        model: str,
        *,
        limit_s: float = 0.5,
        plain: Mapping[str, float] | None = None,
    ) -> None:
        self._bound, self._seen, self._model = bound, seen, model
        process = bound.process
        self._bounds, self._most = near(bound, seen), bound.steps()
        controller = Nmpc(
            bound.symbolic,
            bound.objective(),
            process.horizon,
            limit_s=limit_s,
            bounds=pinned(bound, self._bounds, seen),
        )
        self._pilot = Pilot(controller, Tracker(bound.symbolic, belief))
        knobs = [(_of(w), float(m) / abs(w.scale)) for w, m in self._pairs()]
        self._steps = {signal.id: step for signal, step in knobs}
        self._handover = Handover(knobs, plain)
        shield = proof_or_why(bound, belief, self._bounds)
        self._simplex = Simplex(shield) if isinstance(shield, Shield) else None
        self._at_most = None if self._simplex else _less(process.unproved)
        self._about = (
            "it is proved that the envelope can be kept"
            if isinstance(shield, Shield)
            else f"nothing is proved, so at most '{process.unproved}': {shield}"
        )
        self._blind = nothing_known(bound) if len(unmoved(bound, seen)) == len(knobs) else ""
        self._row = LiveRow(bound)
        self._last: int | None = None
        self._went = self._bounds[0]
        self._followed = 0
        self._drives = False
        self._drove, self._watched, self._patience = 0, _WATCHED, 0
        self._foreign: list[str] = []
        self._excitation: Excitation | None = None

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
        """What is proved, or why nothing is."""
        return self._about

    @property
    def signals(self) -> Sequence[str]:
        """All signals that are wired."""
        return self._bound.signals

    @property
    def steps(self) -> Mapping[str, float]:
        """Set-points, with the most that each changes at once."""
        return self._steps

    def take(self, samples: Sequence[Sample]) -> None:
        """Take in what came since the last call, oldest first."""
        for sample in samples:
            value = self._row.take(sample)
            if (
                sample.signal in self._steps
                and math.isfinite(value)
                and self._handover.shown(sample.signal, value)
            ):
                self._foreign.append(sample.signal)

    def wrote(self, writes: Mapping[str, float]) -> None:
        """Learn what was written for control, by whomever it was chosen."""
        self._handover.asked({n: v for n, v in writes.items() if n in self._steps})

    def due(self, now: int) -> bool:
        """Whether a new step has begun."""
        return self._last is None or now // self._step_us > self._last // self._step_us

    def choose(self, now: int) -> Setting | Held:
        """Follow what was taken in, look ahead, and have the choice proved."""
        shown, in_force, context = self._row.now(now, self._last)
        passed = 1 if self._last is None else now // self._step_us - self._last // self._step_us
        went = in_force if self._last is None else self._row.mean_inputs(self._last, now)
        self._last, self._went = now, went
        unknown = self._row.unknown(now)
        if unknown:
            self._forget()
            return self._held(unknown)
        row = Episode(in_force[None], context[None], shown[None])
        strange = elsewhere(self._bound, row, self._seen)
        try:
            self._catch_up(passed - 1, shown, in_force, context)
            choice = self._pilot.choose(shown, in_force, context, self._ahead(now, context), went)
        except GenbaError as error:
            self._forget()
            return self._held(str(error))
        self._followed += 1
        outside = strange or self._outside()
        if outside:
            self._excitation = None
            return self._held(outside)
        if self._followed < _FOLLOWED:
            return self._held(f"it follows the process, step {self._followed} of {_FOLLOWED}")
        if self._excitation is not None:
            return self._excited(in_force)
        if self._blind:
            return self._held(self._blind, in_force)
        if choice.course is None:
            return self._doubtful(choice.why, in_force)
        if self._patience > 0:
            self._patience -= 1
            why = (
                f"its model was contradicted while it drove; watched for {self._patience + 1} more"
            )
            return self._held(why, in_force, doubted=True)
        self._drove += 1
        if self._drove > _FORGIVEN:
            self._watched = _WATCHED
        return self._chosen(choice.course.inputs, in_force, context, now)

    def experiment(self, rows: int, now: int, seed: int = 0) -> str:
        """Begin to move set-points in order to learn; says what is expected of it.

        Raises
        ------
        ControlError
            If the process is not followed yet.
        TwinError
            If no experiment is expected to keep the envelope.
        """
        if self._followed < _FOLLOWED or not self._handover.known():
            raise ControlError(f"'{self.process}' is not followed yet; ask again in a few steps")
        _, in_force, context = self._row.now(now)
        self._excitation = Excitation.designed(
            self._bound, self._pilot.tracker, in_force, context, rows, seed
        )
        return self._excitation.promises

    def end_experiment(self) -> None:
        """Stop moving set-points; the next choice gives back what was in force before."""
        self._excitation = None

    def _doubtful(self, why: str, in_force: Floats) -> Held:
        """Stand back; after each time that the model was wrong while it drove, for longer."""
        if self._pilot.doubted and self._drove:
            self._drove = 0
            self._watched = min(2 * self._watched, _MOST_WATCHED)
            self._patience = self._watched
        return self._held(why, in_force, doubted=self._pilot.doubted)

    # -- what is chosen -----------------------------------------------------------------------

    def _chosen(
        self, course: Floats, in_force: Floats, context: Floats, now: int
    ) -> Setting | Held:
        wanted = self._near(course[0], in_force)
        left = self._left_alone(np.vstack([wanted, course[1:]]), in_force, context, now)
        wanted = in_force if left else wanted
        answer = self._assured(wanted)
        if answer is not None and answer.source is Source.RECOVERY and not self._drives:
            return self._held(answer.why)
        inputs = wanted if answer is None else np.array(answer.inputs)
        stays = np.tile(in_force, (len(course), 1))
        path = stays if left else np.vstack([inputs, course[1:]])
        paths = both_ways(self._bound, self._pilot.tracker, (stays, path), context)
        effects = effects_of(self._bound, self._pilot.tracker.belief, paths)
        why = "" if answer is None or answer.source is Source.ADVANCED else f"; {answer.why}"
        return self._setting(inputs, in_force, f"{in_words(effects)}{left}{why}", effects)

    def _left_alone(self, course: Floats, in_force: Floats, context: Floats, now: int) -> str:
        """Say that what is in force is left as it is, where a move is not worth its doubt."""
        if np.array_equal(course[0], in_force):
            return ""
        courses = np.tile(in_force, (len(course), 1)), course
        tracker = self._pilot.tracker
        paths = both_ways(self._bound, tracker, courses, context, disturbed=False)
        found = worth(self._bound, tracker.belief, paths, courses, self._ahead(now, context))
        return "" if found.enough or not len(paths[0]) else f"; {found.told()}, so it stays"

    def _excited(self, in_force: Floats) -> Setting | Held:
        """Play the next step of the experiment, unless somebody or something objects."""
        assert self._excitation is not None  # noqa: S101 - choose() asked
        wanted = self._excitation.next()
        if self._foreign:
            return self._ended(f"somebody else set {', '.join(self._foreign)}", in_force)
        if wanted is None:
            return self._ended("it is over", in_force)
        answer = self._assured(wanted)
        if answer is not None and answer.source is not Source.ADVANCED:
            return self._ended(answer.why, in_force)
        return self._setting(wanted, in_force, self._excitation.told())

    def _ended(self, why: str, in_force: Floats) -> Held:
        self._excitation = None
        return self._held(f"the experiment ends: {why}", in_force)

    def _setting(
        self, inputs: Floats, in_force: Floats, reason: str, effects: Sequence[Effect] = ()
    ) -> Setting:
        self._drives = True
        writes = self._writes(inputs, in_force)
        self._handover.asked(writes)
        process = self._bound.process
        return Setting(
            writes, self._noticed() + reason, effects, self._row.shown(),
            process.horizon * process.step_s, self._at_most,
        )  # fmt: skip

    def _held(self, why: str, in_force: Floats | None = None, *, doubted: bool = False) -> Held:
        """Hold; where control drove until now, one step back to what is plain."""
        back: Mapping[str, float | int] = {}
        if self._drives and in_force is not None and self._handover.known():
            back = self._handover.way_back()
            wanted = in_force.copy()
            for place, wire in enumerate(self._bound.inputs):
                name = _of(wire).id
                wanted[place] = (
                    wire.scale * back.get(name, wire.plain(in_force[place])) + wire.shift
                )
            answer = self._assured(wanted)
            if answer is not None and answer.source is not Source.ADVANCED:
                why = f"{why}; {answer.why}"
                back = self._writes(np.array(answer.inputs), in_force)
            self._handover.asked(back)
            self._drives = bool(back)
        return Held(self._noticed() + why, back, doubted)

    def _assured(self, wanted: Floats) -> Assured | None:
        if self._simplex is None:
            return None
        state = self._pilot.tracker.state.tolist()
        return self._simplex.decide(state, wanted.tolist(), went=self._went.tolist())

    def _near(self, wanted: Floats, in_force: Floats) -> Floats:
        """Take one bounded step; leave what is hardly worth it."""
        by = np.clip(wanted - in_force, -self._most, self._most)
        by[np.abs(by) < _STILL * self._most] = 0.0
        return np.asarray(np.clip(in_force + by, *self._bounds))

    def _writes(self, inputs: Floats, in_force: Floats) -> dict[str, float | int]:
        writes: dict[str, float | int] = {}
        for wire, to, now in zip(self._bound.inputs, inputs, in_force, strict=True):
            if to != now:
                signal, value = _of(wire), wire.plain(float(to))
                writes[signal.id] = round(value) if signal.type == "int" else value
        return writes

    def _noticed(self) -> str:
        """Say, once, whose new set-points are the base now."""
        names, self._foreign = list(dict.fromkeys(self._foreign)), []
        plain = self._handover.plain
        return "".join(
            f"somebody else set {n} to {plain[n]:.5g}, which is taken as it is; " for n in names
        )

    # -- what is known ------------------------------------------------------------------------

    @property
    def _step_us(self) -> int:
        return max(1, round(self._bound.process.step_s * US))

    def _pairs(self) -> list[tuple[Wire, float]]:
        return list(zip(self._bound.inputs, self._most.tolist(), strict=True))

    def _outside(self) -> str:
        """Say which of the plain controller's own set-points control may not choose at all."""
        plain = self._handover.plain
        for place, wire in enumerate(self._bound.inputs):
            own = wire.scale * plain[_of(wire).id] + wire.shift
            low, high = self._bounds[:, place]
            slack = 1e-6 * (high - low)
            if not low - slack <= own <= high + slack:
                self._drives = False
                return (
                    f"{_of(wire).id} was set to {plain[_of(wire).id]:.5g}, outside of what control "
                    "may choose; it waits until that is back"
                )
        return ""

    def _catch_up(self, missed: int, shown: Floats, in_force: Floats, context: Floats) -> None:
        if missed > _FORGOTTEN:
            self._forget()
        if self._followed == 0:
            self._pilot.restart(shown)
            return
        for _ in range(missed):
            self._pilot.tracker.went(in_force, context)

    def _forget(self) -> None:
        """Follow anew: what was thought of the state is too old."""
        self._followed = 0
        self._excitation = None

    def _ahead(self, now: int, context: Floats) -> Ahead:
        steps = self._bound.process.horizon
        return Ahead(
            np.tile(self._bound.references(), (steps, 1)),
            np.tile(context, (steps, 1)),
            self._bound.tariff(now),
            np.zeros((steps, len(self._bound.outputs))),
        )


def _of(wire: Wire) -> Signal:
    assert wire.signal is not None  # noqa: S101 - inputs and context are always wired
    return wire.signal


def _less(level: Autonomy) -> Autonomy | None:
    return None if level is Autonomy.AUTONOMOUS else level
