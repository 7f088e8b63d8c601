"""Rows of a process that goes by run: one maker for what is recorded and for what comes live.

A run ends when the machine announces its part (or each part of a batch). Its row holds which
product it was, the set-points and the context in force then, and what was measured of it. Nothing
that came later is in it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genba.control.bound import Bound, Wire
from genba.plant import US, PackMLMode, Plant, Quality, Role, Sample, SignalKind
from genba.twin.process import Episode
from genba.twin.process.episode import Floats

SECONDS = "seconds"
"""Field of a part that is not in its JSON: how long after the part before it came."""
MAINTAINED = "maintained"
"""Another: 1 where the machine was in maintenance since the part before (a new tool), else 0."""
_PAUSE = 3.0
"""A part that took so many times as long as its job's quickest was not made without a pause."""
_APART_S = 2 * 3600.0
"""Runs that lie so far apart are of two episodes."""
_SHORTEST = 3
_SAME = 0.03
"""Recipes are one where they differ by no more than this part of what may be chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One part as its machine announced it, in the physics' units.

    Attributes
    ----------
    product : str
        Empty where the lot belongs to no known order.
    again : bool
        Whether the part was made before by the same program (rework): what is measured of it is
        another thing.
    recipe : (inputs,) float
        Set-points that the machine wrote when the job began; NaN: unknown.
    """

    time: int
    product: str
    lot: str
    serial: str
    result: str
    again: bool
    recipe: Floats
    inputs: Floats
    context: Floats
    shown: Floats


class RunRows:
    """Makes rows out of samples, in the order of their source times.

    Parameters
    ----------
    plant : Plant
        For the orders that are known beforehand, and who says what.
    bound : Bound
        The process; its physics goes by run.
    """

    def __init__(self, plant: Plant, bound: Bound) -> None:
        self._bound = bound
        roles = plant.roles
        machine = bound.process.equipment
        self._part = _signal(roles, machine, Role.PART)
        self._lots = _signal(roles, machine, Role.LOTS)
        self._mode = _signal(roles, machine, Role.MODE)
        self._knobs = {w.signal.id for w in bound.inputs if w.signal is not None}
        self.desks = [s.id for s in plant.signals.values() if s.role is Role.ORDER_RELEASED]
        self._products = {order.id: order.product for order in plant.orders}
        self._shared = shared_programs(plant, machine)
        self._counters = {
            w.signal.id: w.signal
            for w in bound.outputs
            if w.signal is not None and not w.field and w.signal.kind is SignalKind.COUNTER
        }
        self._values: dict[str, float] = {}
        self._counted: dict[str, float] = {}
        self._last: int | None = None
        self._quickest: float | None = None
        self._made: dict[str, list[tuple[int, Floats]]] = {}
        """Jobs, by their begin, and programs that each part was made in: it may be milled, and then
        bored, on one machine."""
        low, high = bound.bounds()
        self._span = high - low
        self._told: Mapping[str, Any] = {}
        self._maintained = False
        self.recipe: Floats = np.full(len(bound.inputs), math.nan)
        """Set-points that the machine wrote when the job began; NaN: unknown."""
        self.lot = ""
        """First of the lots that the machine works on now; empty: none."""
        self.job_since = 0
        """When it began with them."""

    @property
    def signals(self) -> list[str]:
        """Signals whose samples are needed."""
        own = [name for name in (self._part, self._lots, self._mode) if name]
        return list(dict.fromkeys([*self._bound.signals, *own, *self.desks]))

    @property
    def product(self) -> str:
        """What the machine makes now; empty: nothing, or nothing known."""
        return self.product_of(self.lot)

    def product_of(self, lot: str) -> str:
        """Give a lot's product, or the family of products that share batches with it.

        Empty where its order is not known.
        """
        product = self._products.get(lot.rpartition("-")[0], "")
        return self._shared.get(product, product)

    def take(self, sample: Sample) -> Run | None:
        """Take a sample; returns the run that it ends, if it ends one."""
        name, value = sample.signal, sample.value
        if sample.quality == Quality.BAD or value is None:
            self._values.pop(name, None)
        elif name == self._part:
            return self._ended(sample)
        elif name == self._lots:
            self._begun(str(value).split(",")[0], sample.source_time)
        elif name in self.desks:
            self._ordered(value)
        elif isinstance(value, int | float):
            self._values[name] = float(value)
            if name == self._mode and value == PackMLMode.MAINTENANCE:
                self._maintained = True
            if name in self._knobs and sample.source_time <= self.job_since:
                self.recipe = self.inputs()
        return None

    def inputs(self) -> Floats:
        """Set-points in force, NaN: unknown."""
        return self._row(self._bound.inputs)

    def context(self) -> Floats:
        """Context as it is, NaN: unknown."""
        return self._row(self._bound.context)

    # -- what samples mean --------------------------------------------------------------------

    def _begun(self, lot: str, time: int) -> None:
        if lot != self.lot:
            self.lot, self.job_since = lot, time
            self._last, self._quickest = None, None
            self.recipe = self.inputs()

    def _ordered(self, value: Any) -> None:
        told = _document(value)
        if isinstance(told.get("id"), str) and isinstance(told.get("product"), str):
            self._products[told["id"]] = told["product"]

    def _ended(self, sample: Sample) -> Run | None:
        told = _document(sample.value)
        serial, lot = str(told.get("serial", "")), str(told.get("lot", ""))
        if not lot:
            return None
        took_s = self._took(sample.source_time)
        counted = self._count()
        again = self._again(serial)
        self._told = told
        shown = np.array(
            [self._shown(w, told, took_s, counted) for w in self._bound.outputs], float
        )
        if again:
            shown[:] = math.nan
        context, self._maintained = self.context(), False
        return Run(
            sample.source_time,
            self.product_of(lot),
            lot,
            serial,
            str(told.get("result", "")),
            again,
            self.recipe,
            self.inputs(),
            context,
            shown,
        )

    def _again(self, serial: str) -> bool:
        """Note that a part was made; say whether it was made so before."""
        if not serial:
            return False
        before = self._made.setdefault(serial, [])
        again = any(
            job == self.job_since or same_program(recipe, self.recipe, self._span)
            for job, recipe in before
        )
        before.append((self.job_since, self.recipe))
        while len(self._made) > 10_000:
            del self._made[next(iter(self._made))]
        return again

    def _took(self, time: int) -> float:
        """How long the run took; NaN where there was a pause in it, or nobody knows."""
        took = math.nan if self._last is None else (time - self._last) / US
        self._last = time
        if not took > 0:
            return math.nan
        self._quickest = took if self._quickest is None else min(self._quickest, took)
        return took if took < _PAUSE * self._quickest else math.nan

    def _count(self) -> Mapping[str, float]:
        counted = {}
        for name in self._counters:
            now = self._values.get(name, math.nan)
            counted[name] = now - self._counted.get(name, math.nan)
            self._counted[name] = now
        return counted

    def _shown(
        self, wire: Wire, told: Mapping[str, Any], took_s: float, counted: Mapping[str, float]
    ) -> float:
        if wire.signal is None:
            return math.nan
        if wire.field == SECONDS:
            return took_s
        if wire.field:
            return _number(told.get(wire.field))
        if wire.signal.id in self._counters:
            # What was counted in a pause says nothing of the run.
            return wire.scale * counted[wire.signal.id] if math.isfinite(took_s) else math.nan
        return self._value(wire)

    def _row(self, wires: Sequence[Wire]) -> Floats:
        return np.array([self._value(wire) for wire in wires], float)

    def _value(self, wire: Wire) -> float:
        if wire.signal is None:
            return math.nan
        if wire.field:
            return float(self._maintained) if wire.field == MAINTAINED else self._last_told(wire)
        return wire.scale * self._values.get(wire.signal.id, math.nan) + wire.shift

    def _last_told(self, wire: Wire) -> float:
        return _number(self._told.get(wire.field))


def shared_programs(plant: Plant, machine: str) -> dict[str, str]:
    """Say which products go into batches of one set-up family together on a machine.

    Such a batch has one program, whatever is in it, so that these products are learned as one.

    Returns
    -------
    dict
        Product -> set-up family.
    """
    return {
        product.id: way.setup_family
        for product in plant.products
        for step in product.routing
        for way in step.alternatives
        if way.equipment == machine and step.batch_parts and way.setup_family
    }


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan
    return float(value)


def _signal(roles: Mapping[tuple[str, Role], Any], machine: str, role: Role) -> str:
    found = roles.get((machine, role))
    return "" if found is None else str(found.id)


def _document(value: Any) -> Mapping[str, Any]:
    try:
        told = json.loads(str(value))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def usable(run: Run) -> bool:
    """Whether a run can be learned from: product, set-points and context are known."""
    known = all(np.isfinite(of).all() for of in (run.inputs, run.context, run.recipe))
    return bool(run.product) and not run.again and known


def same_program(one: Floats, other: Floats, span: Floats) -> bool:
    """Whether two recipes are one: what a machine writes for a product at one operation."""
    return bool((np.abs(one - other) <= _SAME * span).all())


def episodes_by_program(
    runs: Iterable[Run], span: Floats
) -> list[tuple[str, Floats, list[Episode]]]:
    """Cut runs into unbroken episodes, program by program.

    A product that is made twice on one machine (milled, then bored) has two programs; they are told
    apart by the recipes that the machine writes. Runs that tell nothing are left out.

    Returns
    -------
    list of (product, recipe, episodes)
    """
    programs: list[tuple[str, Floats, list[list[Run]]]] = []
    last: Run | None = None
    for run in runs:
        if not usable(run):
            continue
        own = [p for p in programs if p[0] == run.product and same_program(p[1], run.recipe, span)]
        if not own:
            own = [(run.product, run.recipe, [])]
            programs += own
        pieces = own[0][2]
        apart = last is None or run.time - last.time > _APART_S * US
        apart = apart or (last is not None and not (last.product == run.product and pieces))
        apart = apart or (last is not None and not same_program(last.recipe, run.recipe, span))
        if apart:
            pieces.append([])
        pieces[-1].append(run)
        last = run
    return [
        (product, recipe, [_episode(p) for p in pieces if len(p) >= _SHORTEST])
        for product, recipe, pieces in programs
    ]


def _episode(piece: Sequence[Run]) -> Episode:
    return Episode(
        np.array([run.inputs for run in piece]),
        np.array([run.context for run in piece]).reshape(len(piece), -1),
        np.array([run.shown for run in piece]),
    )
