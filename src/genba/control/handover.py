"""Whose set-points are in force: the plain controller's own, or what control asked for.

The plain controller's are those that were in force before control took over, and what somebody
else (a recipe at the start of a job, a person) wrote since. They come back in bounded steps.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genba.plant import DataType, Signal

_REMEMBERED = 8
"""What was asked for lately, so that it is not taken for somebody else's."""


@dataclass(slots=True)
class _Knob:
    """One set-point."""

    signal: Signal
    step: float
    plain: float | None = None
    now: float | None = None
    left: float | None = None
    asked: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def same(self, a: float, b: float) -> bool:
        """Whether two values are one, to the resolution of a register."""
        scale = abs(self.signal.scale) if self.signal.scale != 1.0 else 0.0
        return abs(a - b) <= max(1e-6 * abs(b), scale, 1e-12)

    def found(self, value: float) -> bool:
        """Whether a value may be what control left; one write may have been under way."""
        assert self.left is not None  # noqa: S101 - asked only where it is known
        return self.same(value, self.left) or abs(value - self.left) <= self.step * (1 + 1e-6)

    def fits(self, value: float) -> float | int:
        """Give a value that the signal can take."""
        return round(value) if self.signal.type is DataType.INT else value


class Handover:
    """Follows the set-points of one process.

    Parameters
    ----------
    steps : sequence of (Signal, float)
        The set-points, each with the most that it changes at once, in its unit.
    plain : mapping, optional
        The plain controller's own, where control drove when Genba stopped.
    left : mapping, optional
        Where set-points were then. One that is found farther away than a step was set by somebody
        else meanwhile.
    """

    def __init__(
        self,
        steps: Sequence[tuple[Signal, float]],
        plain: Mapping[str, float] | None = None,
        left: Mapping[str, float] | None = None,
    ) -> None:
        self._knobs = {signal.id: _Knob(signal, step) for signal, step in steps}
        for name, value in (plain or {}).items():
            if name in self._knobs:
                self._knobs[name].plain = value
        for name, value in (left or {}).items():
            if name in self._knobs:
                self._knobs[name].left = value

    @property
    def signals(self) -> frozenset[str]:
        """The set-points."""
        return frozenset(self._knobs)

    @property
    def plain(self) -> dict[str, float]:
        """The plain controller's own set-points, as far as they are known."""
        return {name: k.plain for name, k in self._knobs.items() if k.plain is not None}

    @property
    def in_force(self) -> dict[str, float]:
        """What the device shows, as far as it is known."""
        return {name: k.now for name, k in self._knobs.items() if k.now is not None}

    @property
    def left(self) -> dict[str, float]:
        """What the device showed last, before a restart where it has shown nothing since."""
        shown = {n: k.left if k.now is None else k.now for n, k in self._knobs.items()}
        return {name: value for name, value in shown.items() if value is not None}

    def known(self) -> bool:
        """Whether all set-points were shown."""
        return all(knob.now is not None for knob in self._knobs.values())

    def shown(self, name: str, value: float) -> bool:
        """Take in what a set-point shows.

        Returns
        -------
        bool
            Whether somebody else changed it: it is the plain controller's own from now on.
        """
        knob = self._knobs[name]
        before, knob.now = knob.now, value
        if knob.plain is None:
            knob.plain = value
            return False
        if before is None and knob.left is not None and not knob.found(value):
            knob.plain = value
            return True
        if before is None or knob.same(value, before):
            # What control left in force before a restart is no new base.
            return False
        if any(knob.same(value, asked) for asked in knob.asked):
            return False
        knob.plain = value
        return True

    def begin(self) -> None:
        """A job begins: its machine wrote its own set-points, whatever was asked for before."""
        for knob in self._knobs.values():
            knob.asked.clear()
            if knob.now is not None:
                knob.plain = knob.now

    def written(self, name: str, value: float) -> None:
        """Take in what a machine wrote for a job that has begun."""
        knob = self._knobs[name]
        knob.now = knob.plain = value

    def asked(self, writes: Mapping[str, float | int]) -> None:
        """Note what control asks for."""
        for name, value in writes.items():
            self._knobs[name].asked.append(float(value))

    def toward(self, wanted: Mapping[str, float]) -> dict[str, float | int]:
        """Give the next bounded step to some set-points: what is to be written, if anything."""
        writes: dict[str, float | int] = {}
        for name, value in wanted.items():
            knob = self._knobs[name]
            if knob.now is None or knob.same(knob.now, value):
                continue
            most = max(1.0, knob.step) if knob.signal.type is DataType.INT else knob.step
            writes[name] = knob.fits(knob.now + min(max(value - knob.now, -most), most))
        return writes

    def way_back(self) -> dict[str, float | int]:
        """Give the next bounded step to the plain controller's own; empty where they are back."""
        return self.toward(self.plain)
