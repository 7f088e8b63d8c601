"""The present row of a process out of its samples: outputs, inputs and context, as far as known."""

import math
from collections.abc import Sequence

import numpy as np

from genba.control.bound import Bound, Wire
from genba.plant import US, Quality, Sample
from genba.twin.process.episode import Floats

_BLIND = 3
"""Steps for which all outputs may be unmeasured."""


class LiveRow:
    """Keeps the newest value of each signal of a process."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._blind_us = _BLIND * round(bound.process.step_s * US)
        self._values: dict[str, tuple[int, float]] = {}
        self._inputs = {w.signal.id for w in bound.inputs if w.signal is not None}
        self._stood: dict[str, list[tuple[int, float]]] = {}

    def take(self, sample: Sample) -> float:
        """Take a sample; returns its value, NaN where it is none."""
        value = math.nan
        if sample.quality != Quality.BAD and isinstance(sample.value, int | float):
            value = float(sample.value)
        self._values[sample.signal] = (sample.source_time, value)
        if sample.signal in self._inputs:
            self._stood.setdefault(sample.signal, []).append((sample.source_time, value))
        return value

    def mean_inputs(self, since: int, now: int) -> Floats:
        """Give the mean of each set-point over a stretch, (inputs,); what is older is forgotten."""
        means = []
        for wire in self._bound.inputs:
            name = "" if wire.signal is None else wire.signal.id
            stood = self._stood.get(name, [])
            first = max((i for i, (time, _) in enumerate(stood) if time <= since), default=0)
            del stood[:first]
            times = [max(since, time) for time, _ in stood] + [now]
            lasted = np.maximum(np.diff(times), 0)
            values = np.array([value for _, value in stood])
            whole = float(lasted.sum())
            mean = float(lasted @ values) / whole if whole > 0 else self._values.get(name, _NONE)[1]
            means.append(wire.scale * mean + wire.shift)
        return np.array(means)

    def shown(self) -> list[str]:
        """Return the signals that are known."""
        return [n for n in self._bound.signals if math.isfinite(self._values.get(n, _NONE)[1])]

    def now(self, now: int, since: int | None = None) -> tuple[Floats, Floats, Floats]:
        """Give outputs, inputs and context as they are, in the physics' units; NaN: unknown.

        An output counts if it was measured after ``since``, by default within the last steps.
        """
        oldest = now - self._blind_us if since is None else since
        return (
            self._row(self._bound.outputs, oldest),
            self._row(self._bound.inputs),
            self._row(self._bound.context),
        )

    def unknown(self, now: int) -> str:
        """Say what is not known and has to be; empty where nothing is."""
        for wire in (*self._bound.inputs, *self._bound.context):
            if wire.signal is not None and not math.isfinite(self._value(wire)):
                return f"{wire.signal.id} is unknown"
        shown = self._row(self._bound.outputs, now - self._blind_us)
        if not np.isfinite(shown).any():
            names = [w.signal.id for w in self._bound.outputs if w.signal is not None]
            return f"{', '.join(names) or 'no output'}: nothing was measured for {_BLIND} steps"
        return ""

    def _row(self, wires: Sequence[Wire], oldest: int | None = None) -> Floats:
        return np.array([self._value(wire, oldest) for wire in wires], float)

    def _value(self, wire: Wire, oldest: int | None = None) -> float:
        if wire.signal is None:
            return math.nan
        time, value = self._values.get(wire.signal.id, _NONE)
        if oldest is not None and time < oldest:
            return math.nan
        return wire.scale * value + wire.shift


_NONE = (0, math.nan)
