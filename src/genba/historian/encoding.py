"""How each column is written: an encoding that suits what it holds, found by trying.

Source times and sequence numbers grow evenly within a signal: differences, bit-packed. Receive and
store times repeat over the signals of one connection and one batch, and values come in the steps
of a device's resolution: which encoding is smallest for them depends on the plant, so a compacted
file uses whichever is smallest on a part of its own rows.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from genba.historian.schema import Layout

DICTIONARY = "DICTIONARY"
PLAIN = "PLAIN"
_PACKED = "DELTA_BINARY_PACKED"
_SPLIT = "BYTE_STREAM_SPLIT"

_USUAL = {
    "time": _PACKED,
    "source_time": _PACKED,
    "sequence": _PACKED,
    "receive_time": PLAIN,
    "store_time": PLAIN,
    "data": PLAIN,
}
_CANDIDATES = {
    "receive_time": (PLAIN, _PACKED, _SPLIT),
    "store_time": (PLAIN, _PACKED, DICTIONARY),
    "value": (DICTIONARY, PLAIN, _SPLIT),
}
_TRIED_ROWS = 32_768
_PAGE_BYTES = 4 * 2**20
_UNBOUNDED = ("text", "data")
"""Columns without statistics: long texts, that nobody asks for by value."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Level of zstd (1 to 22) and the encoding of each column."""

    level: int
    encodings: dict[str, str]

    def writer(self, path: str, schema: pa.Schema) -> pq.ParquetWriter:
        """Open a Parquet writer that does so."""
        names = schema.names
        chosen = {name: self.encodings.get(name, DICTIONARY) for name in names}
        return pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=self.level,
            use_dictionary=[name for name in names if chosen[name] == DICTIONARY],
            column_encoding={name: kind for name, kind in chosen.items() if kind != DICTIONARY},
            write_statistics=[name for name in names if name not in _UNBOUNDED],
            data_page_size=_PAGE_BYTES,
            dictionary_pagesize_limit=_PAGE_BYTES,
            store_schema=False,
        )


QUICK = Effort(1, _USUAL)
"""For files that will be merged soon."""


def thorough(rows: pa.Table, layout: Layout, level: int) -> Effort:
    """Find the smallest encodings for rows like these, which must be sorted."""
    start = max(0, (rows.num_rows - _TRIED_ROWS) // 2)
    part = rows.slice(start, _TRIED_ROWS).cast(layout.schema)
    encodings = dict(_USUAL)
    for name, kinds in _CANDIDATES.items():
        if name in layout.schema.names:
            column = part.select([name])
            encodings[name] = min(
                kinds, key=lambda kind: _size(column, Effort(level, {name: kind}))
            )
    return Effort(level, encodings)


def _size(column: pa.Table, effort: Effort) -> int:
    sink = pa.BufferOutputStream()
    with effort.writer(sink, column.schema) as writer:
        writer.write_table(column)
    return int(sink.getvalue().size)
