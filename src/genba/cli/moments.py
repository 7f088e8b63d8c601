"""Times and lengths of time as people type them."""

import re
from typing import TYPE_CHECKING

from genba.errors import GenbaError

if TYPE_CHECKING:
    from genba.historian import Historian

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
TIMES = "ISO 8601 with a zone, 'now' (the newest that is stored), or before it: -1h, -30m, -2d."


def moment(historian: "Historian", text: str) -> int:
    """Turn a typed time into microseconds UTC; ``now`` is the newest stored sample.

    Raises
    ------
    GenbaError
        If it is no time, or nothing is recorded that ``now`` could mean.
    """
    from genba.plant import parse_time

    if text != "now" and not text.startswith("-"):
        return parse_time(text)
    newest = historian.stats()["last_store_time"]
    if newest is None:
        raise GenbaError("nothing is recorded yet; give times like 2026-01-05T06:00:00Z")
    now = int(newest) + 1
    return now if text == "now" else now - length_us(text[1:], "a time")


def length_us(text: str, what: str) -> int:
    """Turn a typed length (30s, 5m, 1h, 2d) into microseconds.

    Raises
    ------
    GenbaError
        If it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise GenbaError(f"'{text}' is no length for {what}; write it like 30s, 5m, 1h or 2d")
    return round(float(match[1]) * SECONDS[match[2]] * 1_000_000)
