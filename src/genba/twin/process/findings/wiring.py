"""Is a signal what the plant file says that it is: exchanged, of the other sign, of another unit?

Each thing that may have been mistaken is undone in turn, the physics are fitted to what results,
and where that explains the recording decisively better (a likelihood ratio with a margin), it is
named. Only one is: the likeliest. What cannot be, because values would lie where the physics mean
nothing, is not tried.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from genba.plant.units import commensurable, convert
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.findings.finding import Finding, error
from genba.twin.process.findings.guessed import guessed
from genba.twin.process.findings.likelihood import (
    QUICK,
    ROWS,
    THOROUGH,
    Likelihood,
    likelihood,
    most_moved,
)
from genba.twin.process.findings.told import Told
from genba.twin.process.unit import Clock
from genba.twin.process.variable import Variable

MARGIN = 30.0
"""By so much the logarithm of the likelihood has to be better, and ..."""
PER_VALUE = 0.03
"""... by so much for each value: errors hang together, so their number alone proves little."""
_SCREEN = 180
"""Rows of the first look; what is not likelier there is not tried on all."""
_INSIDE = 0.98
_SLACK = 0.1
_OFFSET = 0.02
_UNEXPECTED, _EXPECTED = 4.0, 2.5
"""Deviations from what is believed of a size, in logarithms, from which it is not so as it is read,
and within which it is so in another unit."""

_MISTAKEN = (
    ("Cel", "[degF]", "K"),
    ("bar", "MPa", "kPa", "[psi]"),
    ("1", "%"),
    ("W", "kW"),
    ("J", "kJ", "kW.h"),
    ("m", "cm", "mm"),
    ("mm/s", "m/min"),
    ("m3/s", "L/min", "m3/h"),
    ("s", "min"),
    ("mol/L", "mmol/L"),
    ("N", "kN"),
    ("N.m", "[lbf_av].[ft_i]"),
)
"""Units that are taken for each other."""

Place = tuple[str, int, Variable]


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """Something that may have been mistaken, and the recording with it undone."""

    rule: str
    about: tuple[str, ...]
    text: str
    mend: str
    episodes: list[Episode]
    columns: bool = False
    """Whether other columns are to be explained than before."""


def mistaken(told: Told) -> list[Finding]:
    """Find the mistake that decisively explains a recording, if there is one."""
    alone = list(_by_range(told))
    if alone:
        return alone
    likely = [mistake for _, mistake in _better(told, _SCREEN, None)]
    best = max(_better(told, ROWS, likely), key=lambda one: one[0], default=None)
    if best is None:
        return list(_by_guess(told))[:1]
    gain, mistake = best
    text = f"{mistake.text} (log of the likelihood ratio {gain:.0f}, and {MARGIN:.0f} is asked for)"
    return [error(mistake.rule, mistake.about, text, mistake.mend)]


def _better(
    told: Told, rows: int, among: Sequence[Mistake] | None
) -> Iterator[tuple[float, Mistake]]:
    """Give mistakes that make a recording decisively likelier, and by how much."""
    kept = most_moved(told.symbolic, told.episodes, rows)
    if not kept or (among is not None and not among):
        return
    effort = QUICK if among is None else THOROUGH
    plain = likelihood(told.symbolic, kept, effort)
    wanted = None if among is None else [(one.rule, one.text) for one in among]
    for mistake in mistakes(Told(told.symbolic, kept, told.sources)):
        if wanted is None or (mistake.rule, mistake.text) in wanted:
            other = likelihood(told.symbolic, mistake.episodes, effort)
            if other is None:
                continue
            gain = gained(plain, other, columns=mistake.columns)
            if gain > (max(MARGIN, PER_VALUE * other.values) if among is not None else 0.0):
                yield gain, mistake


def gained(plain: Likelihood | None, other: Likelihood, *, columns: bool) -> float:
    """Give by how much the logarithm of the likelihood is better; 0 where nothing is explained."""
    if other.told <= 0:
        return 0.0
    if plain is None:
        return other.ahead if columns else other.told
    gain = other.told - plain.told
    return min(gain, other.ahead - plain.ahead) if columns else gain


def mistakes(told: Told) -> Iterator[Mistake]:
    """Give all that may have been mistaken, undone."""
    places = list(told.variables())
    for at, one in enumerate(places):
        for other in places[at + 1 :]:
            if np.ptp(_known(told, one)) == np.ptp(_known(told, other)) == 0:
                continue  # what never changes follows nothing
            swapped = _exchanged(told, one, other)
            if swapped is not None:
                a, b = told.called(one[2].name), told.called(other[2].name)
                yield Mistake(
                    "swapped",
                    (one[2].name, other[2].name),
                    f"{a} and {b} look exchanged: each follows the physics of the other",
                    "exchange them in the plant file, or their addresses or cables",
                    swapped,
                    one[0] != other[0] and "shown" in (one[0], other[0]),
                )
    for place in places:
        name = told.called(place[2].name)
        if _fits(-_known(told, place), place[2]):
            yield Mistake(
                "sign",
                (place[2].name,),
                f"{name} looks as if it had the wrong sign",
                "mend the sign where the signal is made, or in the device's scaling",
                _changed(told, place, np.negative),
            )
        for unit, undo in _units(told, place[2]):
            if _fits(undo(_known(told, place)), place[2]):
                yield Mistake(
                    "unit",
                    (place[2].name,),
                    f"{name} is read as {told.unit_of(place[2])} and looks like {unit}",
                    "correct the unit in the plant file",
                    _changed(told, place, undo),
                )


def _by_range(told: Told) -> Iterator[Finding]:
    """Find mistakes by where values lie alone: mostly outside as read, inside if undone."""
    places = list(told.variables())
    strange = [place for place in places if _share_inside(_known(told, place), place[2]) <= 0.5]
    for at, first in enumerate(strange):
        for second in strange[at + 1 :]:
            if _exchanged(told, first, second) is not None:
                a, b = told.called(first[2].name), told.called(second[2].name)
                yield error(
                    "swapped",
                    (first[2].name, second[2].name),
                    f"{a} and {b} look exchanged: each lies where the other is to be",
                    "exchange them in the plant file, or their addresses or cables",
                )
                return
    for place in places:
        one, known = place[2], _known(told, place)
        # What cannot be negative, and is throughout by more than an offset.
        below = one.low >= 0 and float(np.quantile(known, _INSIDE)) < 0
        below = below and float(np.median(known)) < -_OFFSET * one.span
        if _share_inside(known, one) > 0.5 and not below:
            continue
        fitting = [
            unit
            for unit, undo in _units(told, one)
            if _fits(undo(known), one) and not (below and float(np.median(undo(known))) < 0)
        ]
        negated = _fits(-known, one) and not (below and fitting)
        if len(fitting) + negated != 1:
            continue
        where = (
            f"{told.called(one.name)} is {np.median(known):.5g} {one.unit} as it is read, where "
            f"'{told.symbolic.process.name}' has {one.low:g} to {one.high:g}"
        )
        if negated:
            mend = "mend the sign where the signal is made, or in the device's scaling"
            yield error("sign", (one.name,), f"{where}; it looks as if it had the wrong sign", mend)
        else:
            read, mend = told.unit_of(one), "correct the unit in the plant file"
            text = f"{where}; read as {read}, it looks like {fitting[0]}"
            yield error("unit", (one.name,), text, mend)


def _by_guess(told: Told) -> Iterator[Finding]:
    """Find outputs of a size that nobody expects as they are read, and anybody in another unit.

    In time that goes by where a process is, which no belief tells.
    """
    if told.symbolic.process.clock is not Clock.RUN:
        return
    for place, told_of in enumerate(guessed(told)):
        one = told.symbolic.process.outputs[place]
        known = _known(told, ("shown", place, one))
        if told_of is None or not len(known) or not float(np.median(known)) > 0:
            continue
        middle, spread = told_of

        def off(values: Floats, middle: float = middle, spread: float = spread) -> float:
            size = float(np.median(values))
            return float(abs(np.log(size) - middle)) / spread if size > 0 else np.inf

        fitting = [unit for unit, undo in _units(told, one) if off(undo(known)) < _EXPECTED]
        if off(known) > _UNEXPECTED and len(fitting) == 1:
            text = (
                f"{told.called(one.name)} is {np.median(known):.3g} {one.unit} as it is read, "
                f"where about {np.exp(middle):.3g} is expected of '{told.symbolic.process.name}'; "
                f"read as {told.unit_of(one)}, it looks like {fitting[0]}"
            )
            yield error("unit", (one.name,), text, "correct the unit in the plant file")


def _units(told: Told, one: Variable) -> Iterator[tuple[str, Callable[[Floats], Floats]]]:
    """Give units that it may have come in, and how to undo that it was read in another."""
    read = told.unit_of(one)
    for family in _MISTAKEN:
        if not commensurable(family[0], one.unit):
            continue
        for unit in family:
            ends = np.array([convert(convert(v, one.unit, read), unit, one.unit) for v in (0, 1)])
            if not np.allclose(ends, (0.0, 1.0)):
                yield unit, _line(float(ends[1] - ends[0]), float(ends[0]))


def _line(scale: float, shift: float) -> Callable[[Floats], Floats]:
    return lambda values: scale * values + shift


def _exchanged(told: Told, one: Place, other: Place) -> list[Episode] | None:
    (values_a, at_a, a), (values_b, at_b, b) = one, other
    if not commensurable(a.unit, b.unit):
        return None
    to_b, to_a = _between(a.unit, b.unit), _between(b.unit, a.unit)
    known_a, known_b = _known(told, one), _known(told, other)
    if not (_fits(to_b(known_a), b) and _fits(to_a(known_b), a)):
        return None
    swapped = []
    for episode in told.episodes:
        arrays = _arrays(episode)
        first, second = arrays[values_a][:, at_a].copy(), arrays[values_b][:, at_b].copy()
        arrays[values_a][:, at_a], arrays[values_b][:, at_b] = to_a(second), to_b(first)
        if not all(np.isfinite(arrays[name]).all() for name in ("inputs", "context")):
            return None
        swapped.append(Episode(**arrays))
    return swapped


def _between(unit: str, to: str) -> Callable[[Floats], Floats]:
    shift = convert(0.0, unit, to)
    return _line(convert(1.0, unit, to) - shift, shift)


def _changed(told: Told, place: Place, undo: Callable[[Floats], Floats]) -> list[Episode]:
    values, at, _ = place
    changed = []
    for episode in told.episodes:
        arrays = _arrays(episode)
        arrays[values][:, at] = undo(arrays[values][:, at])
        changed.append(Episode(**arrays))
    return changed


def _arrays(episode: Episode) -> dict[str, Floats]:
    return {name: getattr(episode, name).copy() for name in ("inputs", "context", "shown")}


def _known(told: Told, place: Place) -> Floats:
    column = told.column(place[0], place[1])
    return column[np.isfinite(column)]


def _fits(values: Floats, one: Variable) -> bool:
    return _share_inside(values, one) >= _INSIDE


def _share_inside(values: Floats, one: Variable) -> float:
    slack = _SLACK * one.span
    return float(((values >= one.low - slack) & (values <= one.high + slack)).mean())
