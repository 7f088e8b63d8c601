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
from genba.plant import US, Plant, Quality, Role, Sample, SignalKind
from genba.twin.process import Episode
from genba.twin.process.episode import Floats

SECONDS = "seconds"
"""Field of a part that is not in its JSON: how long after the part before it came."""
_PAUSE = 3.0
"""A part that took so many times as long as its job's quickest was not made without a pause."""
_APART_S = 2 * 3600.0
"""Runs that lie so far apart are of two episodes."""
_SHORTEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One part as its machine announced it, in the physics' units.

    Attributes
    ----------
    product : str
        Empty where the lot belongs to no known order.
    again : bool
        Whether the part was made before (rework): what is measured of it is another thing.
    """

    time: int
    product: str
    lot: str
    serial: str
    result: str
    again: bool
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
        self._desks = [s.id for s in plant.signals.values() if s.role is Role.ORDER_RELEASED]
        self._products = {order.id: order.product for order in plant.orders}
        self._counters = {
            w.signal.id: w.signal
            for w in bound.outputs
            if w.signal is not None and not w.field and w.signal.kind is SignalKind.COUNTER
        }
        self._values: dict[str, float] = {}
        self._counted: dict[str, float] = {}
        self._last: int | None = None
        self._quickest: float | None = None
        self._made: dict[str, None] = {}
        self.lot = ""
        """First of the lots that the machine works on now; empty: none."""
        self.job_since = 0
        """When it began with them."""

    @property
    def signals(self) -> list[str]:
        """Signals whose samples are needed."""
        own = [name for name in (self._part, self._lots) if name]
        return list(dict.fromkeys([*self._bound.signals, *own, *self._desks]))

    @property
    def product(self) -> str:
        """What the machine makes now; empty: nothing, or nothing known."""
        return self.product_of(self.lot)

    def product_of(self, lot: str) -> str:
        """Give a lot's product; empty where its order is not known."""
        return self._products.get(lot.rpartition("-")[0], "")

    def take(self, sample: Sample) -> Run | None:
        """Take a sample; returns the run that it ends, if it ends one."""
        name, value = sample.signal, sample.value
        if sample.quality == Quality.BAD or value is None:
            self._values.pop(name, None)
        elif name == self._part:
            return self._ended(sample)
        elif name == self._lots:
            self._begun(str(value).split(",")[0], sample.source_time)
        elif name in self._desks:
            self._ordered(value)
        elif isinstance(value, int | float):
            self._values[name] = float(value)
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
        again = bool(serial) and serial in self._made
        self._made[serial] = None
        while len(self._made) > 10_000:
            del self._made[next(iter(self._made))]
        shown = np.array(
            [self._shown(w, told, took_s, counted) for w in self._bound.outputs], float
        )
        if again:
            shown[:] = math.nan
        return Run(
            sample.source_time,
            self.product_of(lot),
            lot,
            serial,
            str(told.get("result", "")),
            again,
            self.inputs(),
            self.context(),
            shown,
        )

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
            value = told.get(wire.field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return math.nan
            return float(value) if math.isfinite(value) else math.nan
        if wire.signal.id in self._counters:
            # What was counted in a pause says nothing of the run.
            return wire.scale * counted[wire.signal.id] if math.isfinite(took_s) else math.nan
        return self._value(wire)

    def _row(self, wires: Sequence[Wire]) -> Floats:
        return np.array([self._value(wire) for wire in wires], float)

    def _value(self, wire: Wire) -> float:
        if wire.signal is None:
            return math.nan
        return wire.scale * self._values.get(wire.signal.id, math.nan) + wire.shift


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
    known = np.isfinite(run.inputs).all() and np.isfinite(run.context).all()
    return bool(run.product) and not run.again and bool(known)


def episodes_by_product(runs: Iterable[Run]) -> dict[str, list[Episode]]:
    """Cut runs into unbroken episodes, product by product; runs that tell nothing are left out."""
    pieces: dict[str, list[list[Run]]] = {}
    last: Run | None = None
    for run in runs:
        if not usable(run):
            continue
        own = pieces.setdefault(run.product, [])
        apart = last is None or run.product != last.product
        apart = apart or (last is not None and run.time - last.time > _APART_S * US)
        if apart or not own:
            own.append([])
        own[-1].append(run)
        last = run
    return {
        product: [
            Episode(
                np.array([run.inputs for run in piece]),
                np.array([run.context for run in piece]).reshape(len(piece), -1),
                np.array([run.shown for run in piece]),
            )
            for piece in own
            if len(piece) >= _SHORTEST and any(np.isfinite(run.shown).any() for run in piece)
        ]
        for product, own in pieces.items()
    }
