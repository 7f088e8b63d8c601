"""Times in questions and answers: ISO 8601 with a zone outside, microseconds UTC inside."""

import re
from typing import Annotated

from fastapi import Depends, HTTPException, Query
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from genba.errors import PlantError
from genba.operate.api.running import TheCore
from genba.plant import US, format_time, parse_time

_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time"})
_FIRST, _LAST = parse_time("1900-01-01T00:00:00Z"), parse_time("2200-01-01T00:00:00Z")
_LOST_PLUS = re.compile(r"(T.*) (\d\d:?\d\d)$")

Moment = Annotated[int, PlainSerializer(format_time, return_type=str), _SCHEMA]
"""A time in an answer."""


def _parse(text: object) -> object:
    if not isinstance(text, str):
        return text
    # A plus sign that was not written as %2B arrives as a space.
    text = _LOST_PLUS.sub(r"\1+\2", text)
    try:
        moment = parse_time(text)
    except (PlantError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if not _FIRST <= moment < _LAST:
        raise ValueError(f"'{text}' is not between the years 1900 and 2200")
    return moment


Asked = Annotated[int, BeforeValidator(_parse), _SCHEMA]
"""A time in a question."""


class Period:
    """The query parameters ``from`` and ``to``; by default the last hour of the plant's clock."""

    def __init__(self, start: int, end: int) -> None:
        if start >= end:
            raise HTTPException(
                422, f"'from' ({format_time(start)}) must be before 'to' ({format_time(end)})"
            )
        self.start, self.end = start, end

    @property
    def length_s(self) -> float:
        """How long it is, in seconds."""
        return (self.end - self.start) / US


async def _period(
    core: TheCore,
    start: Annotated[
        Asked | None,
        Query(alias="from", description="Begin, included. Default: an hour before the end."),
    ] = None,
    end: Annotated[
        Asked | None, Query(alias="to", description="End, not included. Default: the plant's now.")
    ] = None,
) -> Period:
    last = core.clock.now() if end is None else end
    return Period(last - 3600 * US if start is None else start, last)


ThePeriod = Annotated[Period, Depends(_period)]
