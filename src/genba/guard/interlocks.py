"""Interlocks: while a condition holds, only what is named may be written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from genba.errors import PlantError
from genba.guard.knowledge import Knowledge
from genba.plant import Interlock, Plant, Scalar
from genba.plant.expression import Expression, parse_expression

MOST_SITUATIONS = 256
"""That one interlock is asked about; where writes could lead to more, it counts as active."""


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

    def refusals(
        self, signal: str, writes: Mapping[str, Scalar], knowledge: Knowledge, now: int
    ) -> list[str]:
        """Return the reason of each interlock that keeps a value from ``signal``.

        Parameters
        ----------
        signal : str
            What is to be written.
        writes : mapping
            The value for it, and those that go to other setpoints together with it.
        knowledge, now
            What the plant shows, and the time in microseconds UTC.
        """
        value, reasons = writes[signal], []
        for compiled in self._of_signal.get(signal, ()):
            case = _Case(signal, writes, knowledge, now)
            why = _active(compiled, case)
            if why is not None and not _allowed(compiled, value, case):
                told = f" ({compiled.interlock.reason})" if compiled.interlock.reason else ""
                reasons.append(f"interlock {compiled.interlock.id} holds {signal}: {why}{told}")
        return reasons


@dataclass(frozen=True, slots=True)
class _Case:
    """One write that an interlock is asked about, what goes out with it, the plant as of now."""

    signal: str
    writes: Mapping[str, Scalar]
    knowledge: Knowledge
    now: int


def _active(compiled: _Compiled, case: _Case) -> str | None:
    """Return why an interlock is active, None where it is not. The unknown counts as active."""
    situations, unknown = _situations(compiled.when, case)
    if unknown:
        return unknown
    for values in situations:
        try:
            if compiled.when.evaluate(values) is not False:
                return compiled.interlock.when
        except PlantError as error:
            return f"its condition cannot be judged: {error}"
    return None


def _allowed(compiled: _Compiled, value: Scalar, case: _Case) -> bool:
    situations, unknown = _situations(compiled.allow, case)
    if unknown:
        return False
    try:
        return all(
            compiled.allow.evaluate({**values, "value": value}) is True for values in situations
        )
    except PlantError:
        return False


def _situations(expression: Expression, case: _Case) -> tuple[list[dict[str, Scalar]], str]:
    """Return every situation that the plant may be in as far as an expression speaks of it.

    That is what its devices show, and beside it what was written, or is about to be, and shows
    only later. What is missing is said instead.
    """
    choices: dict[str, list[Scalar]] = {}
    for name in expression.names:
        if name == "value":
            continue
        known = case.knowledge.known(name, case.now)
        if known.sample is None:
            return [], known.why_not
        choices[name] = [known.sample.value]
        if name == case.signal:
            continue  # what it is, and not what it is about to become
        choices[name] += case.knowledge.possible(name, case.now)
        if name in case.writes:
            choices[name].append(case.writes[name])
    distinct = [list({(type(v), v): v for v in every}.values()) for every in choices.values()]
    if math.prod(map(len, distinct)) > MOST_SITUATIONS:
        return [], f"too much of {', '.join(sorted(choices))} is being written"
    return [dict(zip(choices, chosen, strict=True)) for chosen in product(*distinct)], ""
