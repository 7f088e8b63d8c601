"""Interlocks: while a condition holds, only what is named may be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from genba.errors import PlantError
from genba.guard.knowledge import Knowledge
from genba.plant import Interlock, Plant, Scalar
from genba.plant.expression import Expression, parse_expression


@dataclass(frozen=True, slots=True)
class _Compiled:
    interlock: Interlock
    when: Expression
    allow: Expression


class Interlocks:
    """All interlocks of a plant, ready to be asked about a write."""

    def __init__(self, plant: Plant) -> None:
        self._of_signal: dict[str, list[_Compiled]] = {}
        for interlock in plant.interlocks:
            compiled = _Compiled(
                interlock, parse_expression(interlock.when), parse_expression(interlock.allow)
            )
            for signal in plant.signals:
                if any(fnmatchcase(signal, pattern) for pattern in interlock.signals):
                    self._of_signal.setdefault(signal, []).append(compiled)

    def refusals(self, signal: str, value: Scalar, knowledge: Knowledge, now: int) -> list[str]:
        """Return the reason of each interlock that keeps ``value`` from ``signal``."""
        reasons = []
        for compiled in self._of_signal.get(signal, ()):
            why = _active(compiled, knowledge, now)
            if why is not None and not _allowed(compiled, value, knowledge, now):
                told = f" ({compiled.interlock.reason})" if compiled.interlock.reason else ""
                reasons.append(f"interlock {compiled.interlock.id} holds {signal}: {why}{told}")
        return reasons


def _active(compiled: _Compiled, knowledge: Knowledge, now: int) -> str | None:
    """Return why an interlock is active, None where it is not. The unknown counts as active."""
    values, unknown = _gather(compiled.when, knowledge, now)
    if unknown:
        return unknown
    try:
        result = compiled.when.evaluate(values)
    except PlantError as error:
        return f"its condition cannot be judged: {error}"
    return None if result is False else compiled.interlock.when


def _allowed(compiled: _Compiled, value: Scalar, knowledge: Knowledge, now: int) -> bool:
    values, unknown = _gather(compiled.allow, knowledge, now)
    if unknown:
        return False
    try:
        return compiled.allow.evaluate({**values, "value": value}) is True
    except PlantError:
        return False


def _gather(
    expression: Expression, knowledge: Knowledge, now: int
) -> tuple[Mapping[str, Scalar], str]:
    """Return the values that an expression speaks of, or what is missing."""
    values: dict[str, Scalar] = {}
    for name in expression.names:
        if name == "value":
            continue
        known = knowledge.known(name, now)
        if known.sample is None:
            return {}, known.why_not
        values[name] = known.sample.value
    return values, ""
