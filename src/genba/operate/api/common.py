"""What the routes share: the core behind the request, times in queries, Arrow tables as rows."""

import datetime as dt
from typing import Annotated, Any

import pyarrow as pa
from fastapi import Depends, HTTPException, Query, Request
from pydantic import AwareDatetime, BaseModel

from genba.operate.runtime import Core
from genba.plant import US, format_time, parse_time


class Problem(BaseModel):
    """Why a request was not served."""

    detail: str


ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No token, or one that is not known"},
    403: {"model": Problem, "description": "The role does not suffice"},
}


def _core(request: Request) -> Core:
    core: Core = request.app.state.core
    return core


TheCore = Annotated[Core, Depends(_core)]


class Period:
    """The query parameters ``from`` and ``to``; by default the last hour of the plant's clock."""

    def __init__(
        self,
        core: TheCore,
        start: Annotated[
            AwareDatetime | None, Query(alias="from", description="Begin, included.")
        ] = None,
        end: Annotated[
            AwareDatetime | None, Query(alias="to", description="End, not included.")
        ] = None,
    ) -> None:
        self.end = core.clock.now() if end is None else _microseconds(end)
        self.start = self.end - 3600 * US if start is None else _microseconds(start)
        if self.start >= self.end:
            raise HTTPException(
                422,
                f"'from' ({format_time(self.start)}) must be before 'to' ({format_time(self.end)})",
            )


ThePeriod = Annotated[Period, Depends()]


def _microseconds(moment: dt.datetime) -> int:
    return parse_time(moment.isoformat())


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Turn an Arrow table into rows that JSON can carry; times become ISO 8601 text."""
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            texts = pa.array(
                [None if us is None else format_time(us) for us in _as_us(table.column(index))],
                pa.string(),
            )
            table = table.set_column(index, field.name, texts)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _as_us(column: pa.ChunkedArray) -> list[int | None]:
    values: list[int | None] = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return values
