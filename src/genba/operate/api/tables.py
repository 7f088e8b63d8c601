"""Arrow tables as answers: a page of JSON rows, or the same page as CSV or Arrow."""

import io
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import anyio
import anyio.to_thread
import pyarrow as pa
import pyarrow.compute as pc
from fastapi import Depends, Query, Request, Response
from pyarrow import csv

from genba.operate.api.auditing import note

MOST_ROWS = 100_000
AT_ONCE = 2
"""Questions to the historian that run at the same time; the others wait for their turn."""
ARROW = "application/vnd.apache.arrow.stream"
PIECE_ROWS = 500
NEXT = "X-Genba-Next"
"""Header that holds the offset of the next page; absent on the last."""


class Format(StrEnum):
    """How rows are written."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


class Page:
    """The query parameters ``limit``, ``offset`` and ``format``."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[
            int, Query(ge=1, le=MOST_ROWS, description="Most rows of the answer.")
        ] = 10_000,
        offset: Annotated[
            int, Query(ge=0, le=10**9, description="Rows to leave out before, as `next` says.")
        ] = 0,
        form: Annotated[Format, Query(alias="format", description="How to write rows.")] = (
            Format.JSON
        ),
    ) -> None:
        self.limit, self.offset, self.form = limit, offset, form
        if form is not Format.JSON:
            note(request, action="export", query=str(request.url.query))

    def cut(self, table: pa.Table) -> Response:
        """Answer with this page of a whole table."""
        page = table.slice(self.offset, self.limit)
        return self._answer(page, more=self.offset + self.limit < table.num_rows)

    def take(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Response:
        """Answer with this page of a stream, and read no further."""
        kept, seen = [], 0
        for batch in batches:
            kept.append(batch.slice(max(0, self.offset - seen)))
            seen += batch.num_rows
            if seen > self.offset + self.limit:
                break
        whole = pa.Table.from_batches([b.cast(schema) for b in kept], schema)
        return self._answer(whole.slice(0, self.limit), more=whole.num_rows > self.limit)

    def _answer(self, page: pa.Table, *, more: bool) -> Response:
        following = self.offset + self.limit if more else None
        headers = {} if following is None else {NEXT: str(following)}
        match self.form:
            case Format.JSON:
                text = f'{{"rows": [{_json_rows(page)}], "next": {json.dumps(following)}}}'
                return Response(text, media_type="application/json", headers=headers)
            case Format.CSV:
                buffer = io.BytesIO()
                csv.write_csv(_plain(page), buffer)
                return Response(buffer.getvalue(), media_type="text/csv", headers=headers)
            case Format.ARROW:
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, page.schema) as writer:
                    writer.write_table(page)
                return Response(sink.getvalue().to_pybytes(), media_type=ARROW, headers=headers)


ThePage = Annotated[Page, Depends()]
FORMATS: dict[str, Any] = {"content": {"text/csv": {}, ARROW: {}}}
"""For OpenAPI: what else than JSON a page may be."""


async def read(request: Request, question: Callable[[], Response]) -> Response:
    """Ask the historian in a thread, so that the loop goes on; few at once."""
    limiter: anyio.CapacityLimiter = request.app.state.readers
    return await anyio.to_thread.run_sync(question, limiter=limiter)


def _json_rows(table: pa.Table) -> str:
    """Write rows as JSON, in pieces: one long call would keep the loop from its turn."""
    texts = []
    for piece in _plain(table).to_batches(max_chunksize=PIECE_ROWS):
        rows = piece.to_pylist()
        if "data" in table.column_names:
            for row in rows:
                row["data"] = _unpack(row["data"])
        if rows:
            texts.append(json.dumps(rows, allow_nan=False)[1:-1])
    return ", ".join(texts)


def _plain(table: pa.Table) -> pa.Table:
    """Write times as ISO 8601 text, and numbers that are not finite as null."""
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_timestamp(field.type):
            local = column.cast(pa.timestamp("us"))
            texts = pc.strftime(local, format="%Y-%m-%dT%H:%M:%SZ")
            texts = pc.replace_substring(texts, ".000000Z", "Z")
            table = table.set_column(index, field.name, texts)
        elif pa.types.is_floating(field.type):
            finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(index, field.name, finite)
    return table


def _unpack(text: str | None) -> Any:
    """Read what a column ``data`` holds as JSON text."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        return text
