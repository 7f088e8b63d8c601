"""Interlocks: they speak of known signals, make sense, and do not contradict each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations

from genba.errors import PlantError
from genba.plant.checks.reasoning import (
    LIMIT_MS,
    Answer,
    Domain,
    Sort,
    can_hold,
    either,
    negated,
    stuck,
)
from genba.plant.checks.report import Path, Report, near
from genba.plant.checks.typing import sort_of
from genba.plant.expression import VALUE, Expression, Term, parse_expression
from genba.plant.model import Plant
from genba.plant.safety import Interlock
from genba.plant.signal import DataType, Signal

_SORTS = {
    DataType.BOOL: Sort.TRUTH,
    DataType.INT: Sort.WHOLE,
    DataType.FLOAT: Sort.NUMBER,
    DataType.STRING: Sort.TEXT,
    DataType.JSON: Sort.TEXT,
}
_MOST_TOGETHER = 8
"""Interlocks on one signal that are reasoned about together."""


@dataclass(frozen=True, slots=True)
class _Read:
    """An interlock whose two expressions are sound."""

    index: int
    interlock: Interlock
    when: Expression
    allow: Expression
    targets: tuple[Signal, ...]

    @property
    def path(self) -> Path:
        return ("interlocks", self.index)


def check_interlocks(plant: Plant, report: Report) -> None:
    """Check every interlock by itself, then those that act on the same signal together."""
    domains = {signal.id: domain_of(signal) for signal in plant.signals.values()}
    read: list[_Read] = []
    for index, interlock in enumerate(plant.interlocks):
        targets = _targets(plant, index, report)
        when = _expression(plant, ("interlocks", index, "when"), interlock.when, None, report)
        allow = _expression(plant, ("interlocks", index, "allow"), interlock.allow, targets, report)
        if when is not None and allow is not None and targets:
            read.append(_Read(index, interlock, when, allow, targets))
    for one in read:
        _check_alone(one, domains, report)
    _check_together(read, domains, report)
    _check_circles(read, domains, report)


def domain_of(signal: Signal) -> Domain:
    """The values that a signal can have, as far as the plant file says."""
    sort = _SORTS[signal.type]
    if signal.range is None:
        return Domain(sort)
    return Domain(sort, signal.range.low, signal.range.high)


def _targets(plant: Plant, index: int, report: Report) -> tuple[Signal, ...]:
    found: dict[str, Signal] = {}
    for place, pattern in enumerate(plant.interlocks[index].signals):
        path: Path = ("interlocks", index, "signals", place)
        fitting = [s for s in plant.signals.values() if fnmatchcase(s.id, pattern)]
        if not fitting:
            report.error(
                path, f"'{pattern}' fits no signal", near(pattern, plant.signals, "signal")
            )
        elif not any(signal.writable for signal in fitting):
            report.error(
                path,
                f"'{pattern}' fits no setpoint, and nothing else is ever written",
                "name the setpoints to hold",
            )
        found.update({signal.id: signal for signal in fitting if signal.writable})
    return tuple(found.values())


def _expression(
    plant: Plant, path: Path, text: str, targets: Sequence[Signal] | None, report: Report
) -> Expression | None:
    """Parse one expression and check its names and types; None after any error."""
    try:
        parsed = parse_expression(text)
    except PlantError as error:
        what, _, mend = str(error).rpartition("; ")
        report.error(path, what, mend)
        return None
    if parsed.uses_value and targets is None:
        report.error(path, "'value' is known in 'allow' only", "name the setpoint instead")
        return None
    unknown = sorted(name for name in parsed.names if name not in plant.signals)
    for name in unknown:
        report.error(path, f"there is no signal '{name}'", _near_name(name, plant.signals))
    if unknown:
        return None
    types = {name: _SORTS[plant.signals[name].type] for name in parsed.names}
    for sort in {_SORTS[signal.type] for signal in targets or ()} or {Sort.NUMBER}:
        try:
            result = sort_of(parsed.root, {**types, VALUE: sort})
        except PlantError as error:
            what, _, mend = str(error).rpartition("; ")
            report.error(path, f"in '{text}' {what}", mend)
            return None
        if result is not Sort.TRUTH:
            report.error(path, f"'{text}' is neither true nor false", "compare it with something")
            return None
    return parsed


def _near_name(name: str, known: Iterable[str]) -> str:
    listed = set(known)
    for sign in "-/":
        parts = name.split(sign)
        for cut in range(1, len(parts)):
            if sign.join(parts[:cut]) in listed:
                return f"put spaces around '{sign}' if you mean to calculate"
    return near(name, listed, "signal")


def _check_alone(one: _Read, domains: Mapping[str, Domain], report: Report) -> None:
    holds = can_hold([one.when.root], domains)
    rests = can_hold([negated(one.when.root)], domains)
    _say_open(one, [holds, rests], report)
    if holds.impossible:
        report.warning(
            (*one.path, "when"),
            f"'{one.when.text}' can never be true within the ranges of its signals",
            "correct it, or take the interlock out",
        )
    elif rests.impossible:
        report.warning(
            (*one.path, "when"),
            f"'{one.when.text}' is always true within the ranges of its signals",
            "correct it, or narrow the range of the setpoint instead",
        )
    if one.allow.uses_value:
        for signal in one.targets:
            if can_hold([one.allow.root], {**domains, VALUE: domain_of(signal)}).impossible:
                report.warning(
                    (*one.path, "allow"),
                    f"nothing in the range of {signal.id} satisfies '{one.allow.text}', "
                    "so nothing is allowed",
                    'write allow: "false" if that is meant',
                )


def _say_open(one: _Read, answers: Iterable[Answer], report: Report) -> None:
    if not all(answer.decided for answer in answers):
        report.warning(
            (*one.path, "when"),
            f"whether '{one.when.text}' can ever be true, or false, was not decided within "
            f"{LIMIT_MS} ms",
            "write it simpler, or have somebody look at it",
        )


def _check_together(read: Sequence[_Read], domains: Mapping[str, Domain], report: Report) -> None:
    """Check the interlocks that hold the same signal; like cases are told once."""
    by_signal: dict[str, list[_Read]] = {}
    signals: dict[str, Signal] = {}
    for one in read:
        for signal in one.targets:
            by_signal.setdefault(signal.id, []).append(one)
            signals[signal.id] = signal
    seen: set[tuple[object, ...]] = set()
    for name, group in by_signal.items():
        case = (*(one.index for one in group), domain_of(signals[name]))
        if len(group) < 2 or case in seen:
            continue
        seen.add(case)
        here = {**domains, VALUE: domain_of(signals[name])}
        contradiction = False
        for a, b in combinations(group, 2):
            contradiction = _check_pair(a, b, name, here, report) or contradiction
        if not contradiction:
            _check_never(group[:_MOST_TOGETHER], name, here, report)


def _check_pair(
    a: _Read, b: _Read, signal: str, domains: Mapping[str, Domain], report: Report
) -> bool:
    """Whether both can hold at once and then allow nothing, though each alone allows something."""
    both = can_hold([a.when.root, b.when.root], domains)
    if both.example is None:
        return False
    for one in (a, b):
        if can_hold([one.when.root, one.allow.root], domains).example is None:
            return False
    if not can_hold([a.when.root, b.when.root, a.allow.root, b.allow.root], domains).impossible:
        return False
    report.error(
        b.path,
        f"it contradicts interlock '{a.interlock.id}': when {_say(both.example)}, both hold, and "
        f"no value of {signal} fits both '{a.allow.text}' and '{b.allow.text}'",
        "let one of them leave room for the other",
    )
    return True


def _check_never(
    group: Sequence[_Read], signal: str, domains: Mapping[str, Domain], report: Report
) -> None:
    """Whether the interlocks together never let any value through."""
    free = [either(negated(one.when.root), one.allow.root) for one in group]
    if not can_hold(free, domains).impossible:
        return
    if any(can_hold([part], domains).impossible for part in free):
        return  # one of them blocks it alone, which was told already
    ids = [f"'{one.interlock.id}'" for one in group]
    report.error(
        group[-1].path,
        f"{signal} can never be written: whatever the plant does, one of the interlocks "
        f"{', '.join(ids[:-1])} and {ids[-1]} refuses it",
        "let one of them allow something, or narrow its condition",
    )


def _check_circles(read: Sequence[_Read], domains: Mapping[str, Domain], report: Report) -> None:
    """Whether setpoints hold each other: each one could only be freed by changing the other.

    Only conditions over one setpoint are followed, and circles of up to two interlocks: what
    hangs on anything that changes by itself is no deadlock.
    """
    held = [(one, name) for one in read if (name := _only_name(one)) is not None]
    for one, name in held:
        if any(target.id == name for target in one.targets):
            _check_circle([(one, name)], domains, report)
    for (a, of_a), (b, of_b) in combinations(held, 2):
        a_holds = {target.id for target in a.targets}
        b_holds = {target.id for target in b.targets}
        if of_a != of_b and of_b in a_holds and of_a in b_holds:
            _check_circle([(a, of_b), (b, of_a)], domains, report)


def _only_name(one: _Read) -> str | None:
    names = one.when.names
    return next(iter(names)) if len(names) == 1 else None


def _check_circle(
    circle: Sequence[tuple[_Read, str]], domains: Mapping[str, Domain], report: Report
) -> None:
    """Look for values from which the setpoints of a circle can never be written free again."""
    for one, _ in circle:
        if can_hold([one.when.root], domains).impossible:
            return
    own = [(one.when.root, one.allow.root, target) for one, target in circle]
    answer = stuck(own, domains, VALUE)
    last = circle[-1][0]
    if not answer.decided:
        _say_open(last, [answer], report)
    elif answer.example is not None:
        targets = " or ".join(dict.fromkeys(target for _, target in circle))
        others = [f"'{one.interlock.id}'" for one, _ in circle[:-1]]
        with_whom = f"together with {others[0]} " if others else ""
        report.error(
            last.path,
            f"{with_whom}it is a deadlock: when {_say(answer.example)}, nothing that may be "
            f"written to {targets} ever ends it",
            "allow at least one value that makes a condition false",
        )


def _say(example: Mapping[str, Term]) -> str:
    """Put an example in words."""

    def one(value: Term) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return f"'{value}'" if isinstance(value, str) else f"{value:g}"

    return " and ".join(f"{name} = {one(v)}" for name, v in example.items()) or "any values"
