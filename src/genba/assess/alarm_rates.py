"""How many alarms people had to look at: the figures of EEMUA 191 and ISA-18.2, from the journal.

Sources: EEMUA Publication 191, edition 3 (2013), "Alarm systems: a guide to design, management and
procurement", on performance levels; ANSI/ISA-18.2-2016, clause 16.5, table "alarm performance
metrics" (the same numbers stand in IEC 62682).
"""

from collections import Counter
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, Field

from genba.assess.floods import MINUTE, TEN, busiest, flood_s, peak
from genba.historian import Historian
from genba.plant import US, format_time

TABLE = "alarms"
TOP = 10
ENOUGH, ENOUGH_FOR_TOP = 20, 100
"""Alarms from which on shares of priorities, and of the ten most frequent, say something."""
DAY_S = 86_400.0
_ANNUNCIATED = "unacknowledged"
_STANDING = frozenset({"unacknowledged", "acknowledged"})


class Benchmark(BaseModel):
    """A figure with what EEMUA 191 and ISA-18.2 call good."""

    name: str
    value: float | None
    unit: str
    target: str
    within: bool | None
    """Whether it is in the target; None where the value is undefined."""
    source: str


class Frequent(BaseModel):
    """One of the alarms that came most often."""

    alarm: str
    count: int
    share: float


class AlarmRates(BaseModel):
    """The alarm system's load on people in a period. What cannot be computed is None."""

    start: str = Field(serialization_alias="from")
    end: str = Field(serialization_alias="to")
    operators: int
    covered_s: float
    """Seconds of the period in which the alarm system ran, by its own journal."""
    annunciated: int | None
    by_priority: dict[str, int]
    acknowledged: int
    acknowledge_mean_s: float | None
    never_acknowledged: int
    standing_at_end: int | None
    stale_at_end: int | None
    """Active for more than 24 hours at the end."""
    chattering: list[str]
    """Alarms that came three times within a minute."""
    fleeting: int
    """Alarms that were gone within ten seconds, before anybody acknowledged them."""
    shelved: int
    suppressed: int
    top: list[Frequent]
    benchmarks: list[Benchmark]


def alarm_rates(historian: Historian, start: int, end: int, *, operators: int = 1) -> AlarmRates:
    """Compute the rates of a period ``[start, end)``, in microseconds UTC, from the journal alone.

    Parameters
    ----------
    historian : Historian
        With the table ``alarms``.
    start, end : int
        The period.
    operators : int
        Positions among which the alarms are shared; rates are for each of them.

    Raises
    ------
    HistorianError
        If the period is empty or the journal cannot be read.
    """
    rows = _plain(historian.rows(TABLE, start, end))
    newest = [r for r in _plain(historian.newest(TABLE, "alarm", None, end)) if r["alarm"]]
    covered = _covered(historian, start, end)
    covered_s = sum(b - a for a, b in covered) / US
    came = [row for row in rows if row["after"] == _ANNUNCIATED]
    times = [row["time"] for row in came]
    delays, never = _acknowledgements(rows)
    known = covered_s > 0
    standing = [r for r in newest if r["after"] in _STANDING]
    stale = [r for r in standing if end - r["time"] > DAY_S * US]
    chattering = _chattering(came)
    counts = Counter(row["alarm"] for row in came)
    top = [Frequent(alarm=a, count=n, share=n / len(came)) for a, n in counts.most_common(TOP)]
    by_priority = Counter(row["priority"] for row in came)
    return AlarmRates(
        start=format_time(start),
        end=format_time(end),
        operators=operators,
        covered_s=covered_s,
        annunciated=len(came) if known else None,
        by_priority={p: by_priority[p] for p in ("critical", "high", "medium", "low")},
        acknowledged=len(delays),
        acknowledge_mean_s=sum(delays) / len(delays) if delays else None,
        never_acknowledged=never,
        standing_at_end=len(standing) if known else None,
        stale_at_end=len(stale) if known else None,
        chattering=chattering,
        fleeting=_fleeting(rows),
        shelved=sum(row["event"] == "shelve" for row in rows),
        suppressed=sum(row["event"] == "suppress" for row in rows),
        top=top,
        benchmarks=_benchmarks(times, by_priority, top, chattering, len(stale), covered, operators)
        if known
        else [],
    )


def _covered(historian: Historian, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the period in which the alarm system ran; one that was killed ran till the next."""
    marks: list[tuple[int, str]] = []
    for event in ("start", "stop"):
        marks += [
            (row["time"], event) for row in _plain(historian.rows(TABLE, None, end, event=event))
        ]
    spans, since = [], None
    for time, event in sorted(marks):
        if event == "start" and since is None:
            since = time
        elif event == "stop" and since is not None:
            spans.append((since, time))
            since = None
    if since is not None:
        spans.append((since, end))
    return [(max(a, start), b) for a, b in spans if b > start]


def _acknowledgements(rows: list[dict[str, Any]]) -> tuple[list[float], int]:
    """Seconds from annunciation to acknowledgement, and how many alarms got none."""
    waiting: dict[str, int] = {}
    delays = []
    for row in rows:
        if row["after"] == _ANNUNCIATED:
            waiting.setdefault(row["alarm"], row["time"])
        elif row["event"] == "acknowledge" and row["alarm"] in waiting:
            delays.append((row["time"] - waiting.pop(row["alarm"])) / US)
        elif row["event"] in {"shelve", "suppress", "remove"}:
            waiting.pop(row["alarm"], None)
    return delays, len(waiting)


def _fleeting(rows: list[dict[str, Any]], within_s: float = 10.0) -> int:
    came: dict[str, int] = {}
    count = 0
    for row in rows:
        if row["after"] == _ANNUNCIATED:
            came[row["alarm"]] = row["time"]
        else:
            begun = came.pop(row["alarm"], None)
            short = begun is not None and row["time"] - begun <= within_s * US
            count += short and row["event"] == "return"
    return count


def _chattering(came: list[dict[str, Any]]) -> list[str]:
    times: dict[str, list[int]] = {}
    for row in came:
        times.setdefault(row["alarm"], []).append(row["time"])
    return sorted(name for name, listed in times.items() if peak(listed, MINUTE) >= 3)


def _benchmarks(
    times: list[int],
    by_priority: Counter[str],
    top: list[Frequent],
    chattering: list[str],
    stale: int,
    covered: list[tuple[int, int]],
    operators: int,
) -> list[Benchmark]:
    covered_s = sum(b - a for a, b in covered) / US
    each = len(times) / operators
    over = busiest(times, covered, TEN, above=10 * operators)
    hours = busiest(times, covered, 6 * TEN, above=30 * operators)
    flood = 100 * sum(flood_s(times, a, b, operators) for a, b in covered) / covered_s
    total = by_priority.total()
    enough = total >= ENOUGH
    share = {name: 100 * n / total if enough else None for name, n in by_priority.items()}
    low, medium = (share.get(name, 0.0 if enough else None) for name in ("low", "medium"))
    high = 100 * (by_priority["high"] + by_priority["critical"]) / total if enough else None
    ten = 100 * sum(f.share for f in top) if total >= ENOUGH_FOR_TOP else None
    return [
        _row("alarms per day", each * DAY_S / covered_s, "1/d", 0, 150, "EEMUA 191; ISA-18.2"),
        _row("alarms per hour", each * 3600 / covered_s, "1/h", 0, 6, "ISA-18.2"),
        _row("alarms per 10 minutes", each * 600 / covered_s, "1", 0, 1, "EEMUA 191; ISA-18.2"),
        _row("most in 10 minutes", peak(times, TEN) / operators, "1", 0, 10, "ISA-18.2"),
        _row("10-minute periods over 10", over, "%", 0, 1, "ISA-18.2"),
        _row("hours over 30", hours, "%", 0, 1, "ISA-18.2"),
        _row("time in flood", flood, "%", 0, 1, "EEMUA 191; ISA-18.2"),
        _row("share of the top 10", ten, "%", 0, 5, "ISA-18.2"),
        _row("chattering alarms", float(len(chattering)), "1", 0, 0, "ISA-18.2"),
        _row("stale alarms", float(stale), "1", 0, 5, "ISA-18.2"),
        _row("low priority", low, "%", 75, 100, "EEMUA 191 (about 80%)"),
        _row("medium priority", medium, "%", 0, 20, "EEMUA 191 (about 15%)"),
        _row("high and critical priority", high, "%", 0, 6, "EEMUA 191 (about 5%)"),
    ]


def _row(
    name: str, value: float | None, unit: str, least: float, most: float, source: str
) -> Benchmark:
    target = f"{least:g} to {most:g}" if least else (f"up to {most:g}" if most else "none")
    within = None if value is None else least <= value <= most
    return Benchmark(name=name, value=value, unit=unit, target=target, within=within, source=source)


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    """Turn the journal into rows in the order of recording, times in microseconds."""
    columns = ["time", "sequence", "alarm", "event", "after", "priority"]
    chosen = table.select(columns)
    times = chosen["time"].cast(pa.int64())
    rows: list[dict[str, Any]] = chosen.set_column(0, "time", times).to_pylist()
    return sorted(rows, key=lambda row: row["sequence"])
