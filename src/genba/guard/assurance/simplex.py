"""Switch between an advanced controller and the recovery, and say why each time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genba.guard.assurance.matrix import Vector
from genba.guard.assurance.shield import Shield

_DOUBT_STEPS = 20
"""Steps for which the recovery drives after the class was contradicted."""
_KEPT = 1000


class Source(StrEnum):
    """Who drives."""

    ADVANCED = "advanced"
    TRIMMED = "trimmed"
    """The advanced controller, held back as far as the envelope asks."""
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Switch:
    """One change of who drives."""

    step: int
    source: Source
    why: str


@dataclass(frozen=True, slots=True)
class Assured:
    """The set-points of this step, who they are from, and why."""

    inputs: Vector
    source: Source
    share: float
    why: str


class Simplex:
    """Drives one process. One call a step; silence, lateness and nonsense are answers, too.

    Parameters
    ----------
    late_s : float
        Age from which a choice is too old.
    """

    def __init__(self, shield: Shield, late_s: float = math.inf) -> None:
        self._shield = shield
        self._late_s = late_s
        self._step = 0
        self._doubt = 0
        self._last: tuple[Vector, Vector] | None = None
        self._source = Source.RECOVERY
        self.switches: list[Switch] = []
        """The last thousand, oldest first."""

    def decide(
        self,
        x: Sequence[float],
        chosen: Sequence[float] | None,
        age_s: float = 0.0,
        went: Sequence[float] | None = None,
    ) -> Assured:
        """Give the set-points of the next step.

        Parameters
        ----------
        x : (n,)
            Where the process is thought to be; not finite: unknown.
        chosen : (m,) or None
            What the advanced controller wants; None: it said nothing.
        went : (m,), optional
            Set-points that were in force since the last call, where not everything that was given
            is written: somebody may refuse it, or be asked first.
        """
        if went is not None and self._last is not None:
            written = _numbers(went)
            inside = self._shield.known.inputs.holds(written)
            self._last = (self._last[0], written) if inside else None
        state = _numbers(x)
        seen = len(state) == len(self._shield.known.w) and all(map(math.isfinite, state))
        self._compare(state, seen=seen)
        wish = None if chosen is None else _numbers(chosen)
        why = self._objection(state, seen, wish, age_s)
        if why or wish is None:
            answer = Assured(self._recovered(state, seen=seen), Source.RECOVERY, 0.0, why)
        else:
            found = self._shield.filter(state, wish)
            if not found.recoverable:
                why = "the recovery drives on as was proved, until the envelope is sure anew"
                answer = Assured(found.inputs, Source.RECOVERY, 0.0, why)
            elif found.share < 1.0:
                why = f"{1 - found.share:.0%} of the choice was held back to keep the envelope"
                answer = Assured(found.inputs, Source.TRIMMED, found.share, why)
            else:
                answer = Assured(found.inputs, Source.ADVANCED, 1.0, "the envelope is kept")
        self._last = (state, answer.inputs) if seen else None
        self._note(answer)
        self._step += 1
        return answer

    def _objection(
        self, state: Vector, seen: bool, chosen: Sequence[float] | None, age_s: float
    ) -> str:
        known = self._shield.known
        if not seen:
            return "the state is unknown"
        if self._doubt > 0:
            return f"the process did what no member of its class does; {self._doubt} steps to wait"
        if chosen is None:
            return "the advanced controller is silent"
        if not age_s <= self._late_s:
            return f"its choice is {age_s:.3g} s old, and may be {self._late_s:.3g} s"
        if not known.inputs.holds(chosen):
            return "its choice is not finite, or outside of the inputs' range"
        if not known.envelope.holds(state):
            return "the state is outside of the envelope"
        return ""

    def _recovered(self, state: Vector, *, seen: bool) -> Vector:
        recovery = self._shield.recovery
        wanted = recovery.choose(state) if seen else recovery.inputs
        return self._shield.known.inputs.nearest(wanted)

    def _compare(self, state: Vector, *, seen: bool) -> None:
        """Hold what happened against the class."""
        self._doubt = max(0, self._doubt - 1)
        if self._last is not None and seen and not self._shield.known.has(*self._last, state):
            self._doubt = _DOUBT_STEPS

    def _note(self, answer: Assured) -> None:
        if answer.source is not self._source or not self.switches:
            self.switches.append(Switch(self._step, answer.source, answer.why))
            del self.switches[:-_KEPT]
        self._source = answer.source


def _numbers(values: Sequence[float]) -> Vector:
    """Take what was said as numbers; nothing at all where it is none."""
    try:
        return tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        return ()
