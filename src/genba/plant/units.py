"""Units of measurement: the part of UCUM that plants use, parsed and converted exactly.

UCUM (The Unified Code for Units of Measure, version 2.1, https://ucum.org) in its case-sensitive
form: prefixes (``kW``), powers (``m2``, ``s-1``), products (``N.m``), quotients (``mm/min``,
``/min``), brackets, plain factors, ``10*3`` and annotations (``{part}/h``). What is different here:

- ``Cel`` and ``[degF]`` carry their offset only when they stand alone. In a product, a quotient
  or a power they are differences: ``Cel/min`` is ``K/min``.
- Amount of substance (``mol``), levels (``dB``) and ``[pH]`` are kinds of quantity of their own,
  and are converted only among themselves.
- ``Wh``, ``VA``, ``var`` and ``Ah`` are taken, because meters say so; UCUM writes ``W.h``.
"""

import difflib
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from genba.errors import PlantError
from genba.plant.unit_atoms import (
    METRIC,
    NONE,
    OFFSETS,
    OFTEN_WRITTEN,
    PLAIN,
    PREFIXES,
    Dimensions,
    base,
)

MAX_LENGTH = 64
_MAX_POWER = 12
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """A parsed unit: ``value in base units = value * factor + offset``."""

    text: str
    factor: Fraction
    dimensions: Dimensions
    offset: Fraction = Fraction(0)


def parse_unit(text: str) -> Unit:
    """Read a unit.

    Raises
    ------
    PlantError
        If it is none; the message names the part that is not understood and a near spelling.
    """
    parsed = _parse(text)
    if isinstance(parsed, str):
        raise PlantError(parsed)
    return parsed


def commensurable(a: str, b: str) -> bool:
    """Whether both units measure the same kind of quantity.

    Raises
    ------
    PlantError
        If one of them is no unit.
    """
    return parse_unit(a).dimensions == parse_unit(b).dimensions


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Turn a number in ``from_unit`` into ``to_unit``.

    Raises
    ------
    PlantError
        If one of them is no unit, or they measure different things.
    """
    if from_unit == to_unit:
        return value
    scale, shift = _conversion(from_unit, to_unit)
    return value * scale + shift


@lru_cache(maxsize=1024)
def _conversion(from_unit: str, to_unit: str) -> tuple[float, float]:
    a, b = parse_unit(from_unit), parse_unit(to_unit)
    if a.dimensions != b.dimensions:
        raise PlantError(
            f"unit '{from_unit}' cannot be turned into '{to_unit}': they measure different things; "
            "give a unit of the same kind"
        )
    return float(a.factor / b.factor), float((a.offset - b.offset) / b.factor)


class _Mistake(Exception):
    """Why a text is no unit, in words."""


@lru_cache(maxsize=4096)
def _parse(text: str) -> Unit | str:
    """Parse; a mistake comes back as text, so that it is remembered as well."""
    try:
        return _Parser(text).parse()
    except _Mistake as mistake:
        better = suggest_unit(text)
        mend = f"write '{better}'" if better else "write it in UCUM, such as kW, Cel, mm/s or 1"
        known = "" if str(mistake) == f"'{text}' is no unit" else f": {mistake}"
        return f"unit '{text[:MAX_LENGTH]}' is not known{known}; {mend}"


_TOKEN = re.compile(
    r"(?P<op>[./()])|(?P<note>\{[^{}]*\})"
    r"|(?P<ten>10[*^])|(?P<number>[0-9]+)"
    r"|(?P<atom>(?:[A-Za-z%']|\[[A-Za-z0-9_]+\])+)|(?P<power>[+-]?[0-9]+)"
)


class _Parser:
    """Recursive descent over the tokens of one unit; terms are read from left to right."""

    def __init__(self, text: str) -> None:
        if not text or len(text) > MAX_LENGTH:
            raise _Mistake("it is empty" if not text else "it is too long")
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise _Mistake(f"'{text[at]}' has no place in it")
            self._tokens.append((match.lastgroup, match.group()))
            at = match.end()
        self._at = 0
        self._alone = len(self._tokens) == 1

    def parse(self) -> Unit:
        if self._alone and self._tokens[0][0] == "atom":
            factor, dimensions, offset = _atom(self._tokens[0][1])
            return Unit(self._text, factor, dimensions, offset)
        factor, dimensions = self._term(0)
        if self._at < len(self._tokens):
            raise _Mistake(f"'{self._tokens[self._at][1]}' is one too many")
        try:
            finite = 0 < float(factor) < math.inf
        except OverflowError:
            finite = False
        if not finite:
            raise _Mistake("its factor is beyond all measure")
        return Unit(self._text, factor, dimensions)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _term(self, depth: int) -> tuple[Fraction, Dimensions]:
        if depth > _MAX_DEPTH:
            raise _Mistake("its brackets are nested too deep")
        factor, dimensions = Fraction(1), NONE
        sign = 1
        if self._peek() == ("op", "/"):
            self._at += 1
            sign = -1
        while True:
            more_factor, more = self._component(depth)
            factor *= more_factor**sign
            dimensions = tuple(a + sign * b for a, b in zip(dimensions, more, strict=True))
            if self._peek() not in {("op", "."), ("op", "/")}:
                return factor, dimensions
            sign = 1 if self._peek()[1] == "." else -1
            self._at += 1

    def _component(self, depth: int) -> tuple[Fraction, Dimensions]:
        kind, text = self._peek()
        self._at += 1
        if kind == "note":
            return Fraction(1), NONE
        if kind == "number":
            if int(text) == 0:
                raise _Mistake("a factor of 0 makes no unit")
            result = (Fraction(int(text)), NONE)
        elif (kind, text) == ("op", "("):
            result = self._term(depth + 1)
            if self._peek() != ("op", ")"):
                raise _Mistake("a bracket is not closed")
            self._at += 1
        elif kind in {"atom", "ten"}:
            factor, dimensions, _ = _atom(text)
            result = self._raised(factor, dimensions)
        else:
            raise _Mistake(
                f"'{text}' stands where a unit belongs" if text else "its end is missing"
            )
        if self._peek()[0] == "note":
            self._at += 1
        return result

    def _raised(self, factor: Fraction, dimensions: Dimensions) -> tuple[Fraction, Dimensions]:
        kind, text = self._peek()
        if kind not in {"number", "power"}:
            return factor, dimensions
        self._at += 1
        power = int(text)
        if not 0 < abs(power) <= _MAX_POWER:
            raise _Mistake(f"the power {power} makes no sense")
        return factor**power, tuple(power * d for d in dimensions)


def _atom(text: str) -> tuple[Fraction, Dimensions, Fraction]:
    """Return factor, dimensions and offset of a unit without powers."""
    found = METRIC.get(text) or PLAIN.get(text)
    if found is not None:
        return Fraction(found[0]), found[1], Fraction(0)
    if text in OFFSETS:
        factor, offset = OFFSETS[text]
        return factor, base("temperature"), offset
    for length in (2, 1):
        prefix, rest = PREFIXES.get(text[:length]), METRIC.get(text[length:])
        if prefix is not None and rest is not None:
            return prefix * Fraction(rest[0]), rest[1], Fraction(0)
    if text in {"mm[H2O]", "mm[Hg]", "cm[H2O]", "cm[Hg]"}:
        factor, dimensions, _ = _atom(text[1:])
        return factor * PREFIXES[text[0]], dimensions, Fraction(0)
    raise _Mistake(f"'{text}' is no unit" if text else "a unit is missing")


def suggest_unit(text: str) -> str | None:
    """Find the unit that may have been meant: a common slip, another case, a near spelling."""
    if len(text) > MAX_LENGTH:
        return None
    parts = re.split(r"([./])", text)
    if len(parts) > 1 and text.lower() not in OFTEN_WRITTEN:
        mended = [p if p in {"", ".", "/"} or _is_unit(p) else suggest_unit(p) for p in parts]
        whole = "".join(p or "" for p in mended)
        return whole if None not in mended and _is_unit(whole) else None
    often = OFTEN_WRITTEN.get(text.lower())
    if often is not None:
        return often
    known = _spellings()
    same = [name for name in known if name.lower() == text.lower()]
    near = same or difflib.get_close_matches(text, known, n=1, cutoff=0.6)
    return near[0] if near else None


def _is_unit(text: str) -> bool:
    try:
        _Parser(text).parse()
    except _Mistake:
        return False
    return True


@lru_cache(maxsize=1)
def _spellings() -> tuple[str, ...]:
    usual = ("W", "V", "A", "Pa", "N", "J", "Wh", "Hz", "bar", "g", "m", "l", "L", "s", "VA", "Ohm")
    return (*METRIC, *PLAIN, *OFFSETS, *(prefix + unit for prefix in "kMmuhcd" for unit in usual))
