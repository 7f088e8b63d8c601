"""How each column is written: an encoding that suits what it holds, found by trying.

Source times and sequence numbers grow evenly within a signal: differences, bit-packed. Receive and
store times repeat over the signals of one connection and one batch, and values come in the steps
of a device's resolution: which encoding is smallest for them depends on the plant, so a compacted
file uses whichever is smallest on a part of its own rows.
"""

from collections.abc import Sequence
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
_TRIAL_LEVEL = 12
_PAGE_BYTES = 4 * 2**20
_UNBOUNDED = ("text", "data")
"""Columns without statistics: long texts, that nobody asks for by value."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Level of zstd (1 to 22) and the encoding of each column."""

    level: int
    encodings: dict[str, str]

    def writer(self, path: str | pa.NativeFile, schema: pa.Schema) -> pq.ParquetWriter:
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


def thorough(groups: Sequence[pa.Table], layout: Layout, level: int) -> Effort:
    """Find the smallest encodings for row groups like these."""
    parts = [group.cast(layout.schema) for group in groups]
    encodings = dict(_USUAL)
    for name, kinds in _CANDIDATES.items():
        if name in layout.schema.names and not pa.types.is_string(layout.schema.field(name).type):
            columns = [part.select([name]) for part in parts]
            sizes = {kind: _size(columns, Effort(_TRIAL_LEVEL, {name: kind})) for kind in kinds}
            encodings[name] = min(sizes, key=sizes.__getitem__)
    return Effort(level, encodings)


def _size(groups: Sequence[pa.Table], effort: Effort) -> int:
    sink = pa.BufferOutputStream()
    with effort.writer(sink, groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    return int(sink.getvalue().size)
