"""What the historian has already: so that nothing that arrives late is stored twice."""

from collections.abc import Iterable, Sequence
from typing import Any

from genba.historian.queries import Queries
from genba.historian.reading import Wanted
from genba.historian.schema import SAMPLES
from genba.plant import US

_DAY_US = 86_400 * US

_LAST = """
    SELECT signal, max(epoch_us(source_time)) AS last FROM rows WHERE quality < 2 GROUP BY signal
"""
_TIMES = "SELECT signal, epoch_us(source_time) AS time, value, text FROM rows"

Key = tuple[int, Any]
"""A source time, and the value where several may share a time, else None."""


def stored_keys(
    historian: Queries, signals: Sequence[str], events: Iterable[str], start: int, end: int
) -> dict[str, set[Key]]:
    """Return what is stored of each signal with a source time in ``[start, end)``.

    Parameters
    ----------
    historian : Queries
        Read on the calling thread.
    signals : sequence of str
        Their ids.
    events : iterable of str
        Those of them of which several values may share a source time.
    start, end : int
        Microseconds UTC.

    Raises
    ------
    HistorianError
        If the historian cannot be read.
    """
    several = set(events)
    keys: dict[str, set[Key]] = {signal: set() for signal in signals}
    found = historian.ask(SAMPLES, Wanted(start, end, tuple(sorted(set(signals)))), _TIMES)
    columns = (found[name].to_pylist() for name in ("signal", "time", "value", "text"))
    for signal, time, value, text in zip(*columns, strict=True):
        said = (value if text is None else text) if signal in several else None
        keys[signal].add((time, said))
    return keys


def last_before(historian: Queries, signals: Iterable[str], before: int) -> dict[str, int]:
    """Return the source time of the last value that was not bad, of each signal that has one.

    A signal that said nothing in the 30 days before ``before`` has none.

    Raises
    ------
    HistorianError
        If the historian cannot be read.
    """
    missing = set(signals)
    last: dict[str, int] = {}
    end = before
    for span in (600 * US, _DAY_US, 30 * _DAY_US):
        if not missing:
            break
        wanted = Wanted(before - span, end, tuple(sorted(missing)))
        for row in historian.ask(SAMPLES, wanted, _LAST).to_pylist():
            last[row["signal"]] = row["last"]
        missing -= last.keys()
        end = before - span
    return last
