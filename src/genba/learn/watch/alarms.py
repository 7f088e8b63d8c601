"""False alarms a week: what a model found, what people said of it, and what came after.

A *finding* is one episode: from the answer that raised it to the one that cleared it. It counts

* **false** where a person said so: acknowledged, shelved or took the alarm out of service with a
  comment that holds ``false``, ``nuisance`` or ``no fault``; or where nobody said anything and
  nothing followed within :data:`FOLLOW_S`;
* **true** where a person said ``true``, ``real``, ``confirmed`` or ``fault found``; or where
  something followed on the same equipment: another alarm that no model raised, a stop that is not
  planned (PackML Aborting, Aborted), or a gauged part that was not good;
* **open** while it stands, or its time for something to follow is not over.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from genba.historian import Historian
from genba.historian.queries import microseconds
from genba.learn.anomaly.episodes import WEEK_US
from genba.learn.verify.budget import Rate
from genba.plant import US, PackMLState, Plant, Role

FOLLOW_S = 24 * 3600.0
"""Within this time after its begin something has to follow a finding, else it was false."""
_FALSE = re.compile(r"\b(false|nuisance|no fault)\b", re.IGNORECASE)
_TRUE = re.compile(r"\b(true|real|confirmed|fault found)\b", re.IGNORECASE)
_SAYING = ("acknowledge", "shelve", "remove", "reset")
_OF_MODELS = ("model_", "unfit_model")
"""How kinds of alarms begin that models raise, or that are raised about them."""
_ABORTED = (PackMLState.ABORTING, PackMLState.ABORTED)


class Judged(StrEnum):
    """What a finding was."""

    FALSE = "false"
    TRUE = "true"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Episode:
    """One finding, microseconds UTC; ``end`` None while it stands. ``why`` says what counted."""

    begin: int
    end: int | None
    judged: Judged = Judged.OPEN
    why: str = ""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """False alarms of one model; ``rate`` None where no time was looked at.

    The time of the rate ends :data:`FOLLOW_S` before that of the episodes: what is younger may
    still prove true.
    """

    rate: Rate | None
    false: int
    true: int
    open: int
    episodes: tuple[Episode, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {**asdict(self), "rate": None}
        if self.rate is not None:
            names = ("a_week", "low", "high", "weeks")
            told["rate"] = {name: getattr(self.rate, name) for name in names}
        return told


def false_alarms_of(
    historian: Historian,
    plant: Plant,
    equipment: str,
    task: str,
    start: int,
    end: int,
    *,
    address: str = "",
    working: bool = False,
    follow_s: float = FOLLOW_S,
) -> FalseAlarms:
    """Count the false alarms of a model at a machine in ``[start, end)``, microseconds UTC.

    ``address`` is the release, or its beginning; empty counts all releases of that task. With
    ``working`` only the time in which the machine executed counts.
    """
    follow = round(follow_s * US)
    name, until = f"{equipment}.{task}", end - follow
    share = _worked(historian, plant, equipment, start, until) if working else 1.0
    raised = episodes_in(_told(historian, name, equipment, start, end, address))
    if not raised:
        return counted([], start, until, share)
    journal = _rows(historian, "alarms", start, end, equipment)
    about = f"{name}:model_{task}"
    said = [row for row in journal if row["alarm"] == about and row["event"] in _SAYING]
    follows = sorted(
        [
            *_other_alarms(journal),
            *_aborts(historian, plant, equipment, start, end),
            *_bad_parts(historian, plant, equipment, start, end),
        ]
    )
    judged = [judge(one, said, follows, end, follow) for one in raised]
    return counted(judged, start, until, share)


def episodes_in(told: Iterable[tuple[int, str]]) -> list[Episode]:
    """Make episodes of what a model told, ``raised`` and ``cleared``, in order of time."""
    found: list[Episode] = []
    for time, what in told:
        stands = bool(found) and found[-1].end is None
        if what == "raised" and not stands:
            found.append(Episode(time, None))
        elif what == "cleared" and stands:
            found[-1] = Episode(found[-1].begin, time)
    return found


def judge(
    episode: Episode,
    said: Sequence[Mapping[str, Any]],
    follows: Sequence[tuple[int, str]],
    now: int,
    follow: int,
) -> Episode:
    """Say whether a finding was false; ``said`` are rows of the alarm journal by people."""
    until = max(episode.begin + follow, episode.end or now)
    for row in said:
        if not episode.begin <= microseconds(row["time"]) < until:
            continue
        comment = str(row["comment"] or "")
        if _FALSE.search(comment):
            return _as(episode, Judged.FALSE, f"{row['actor']}: {comment}")
        if _TRUE.search(comment):
            return _as(episode, Judged.TRUE, f"{row['actor']}: {comment}")
    for time, what in follows:
        if episode.begin <= time < until:
            return _as(episode, Judged.TRUE, what)
    if episode.end is None or until > now:
        return episode
    return _as(episode, Judged.FALSE, f"nothing followed within {follow / 3600 / US:g} h")


def counted(episodes: Sequence[Episode], start: int, until: int, share: float = 1.0) -> FalseAlarms:
    """Sum up what began in ``[start, until)``; ``share`` of that time counts.

    ``until`` lies so far back that all that could follow has: what is younger is left out of the
    rate, time and findings alike.
    """
    kinds = Counter(one.judged for one in episodes if one.begin < until)
    false, true = kinds[Judged.FALSE], kinds[Judged.TRUE]
    weeks = max(until - start, 0) * share / WEEK_US
    rate = Rate(false, weeks) if weeks > 0 else None
    return FalseAlarms(rate, false, true, len(episodes) - false - true, tuple(episodes))


def _worked(historian: Historian, plant: Plant, equipment: str, start: int, until: int) -> float:
    """Share of a time in which a machine executed; 1 where it does not tell."""
    signal = plant.roles.get((equipment, Role.STATE))
    if signal is None or until <= start:
        return 1.0
    table = historian.asof([signal.id], start, until, max(60 * US, (until - start) // 50_000))
    states = table[signal.id].to_pylist()
    return float(sum(state == PackMLState.EXECUTE for state in states) / max(len(states), 1))


def _as(episode: Episode, judged: Judged, why: str) -> Episode:
    return Episode(episode.begin, episode.end, judged, why)


def _told(
    historian: Historian, name: str, equipment: str, start: int, end: int, address: str
) -> list[tuple[int, str]]:
    """Read what a model told of its findings: from its signal, else from the decision records."""
    table = historian.samples([f"{equipment}.model_findings"], start, end)
    found = []
    times = table["source_time"].cast(pa.int64()).to_pylist()
    for time, text in zip(times, table["text"].to_pylist(), strict=True):
        told = _document(text)
        if told.get("model") == name and str(told.get("address", "")).startswith(address):
            found.append((time, str(told.get("what", ""))))
    if found:
        return found
    for row in _rows(historian, "decisions", start, end, equipment):
        told = _document(row["data"])
        model, _, short = str(told.get("source", "")).partition("@")
        mine = model == name and (not address or address.startswith(short))
        if row["stage"] == "finding" and mine:
            what = "cleared" if told.get("severity") == "info" else "raised"
            found.append((microseconds(row["time"]), what))
    return found


def _rows(
    historian: Historian, table: str, start: int, end: int, equipment: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = historian.rows(table, start, end, equipment=equipment).to_pylist()
    return rows


def _other_alarms(journal: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    return [
        (microseconds(row["time"]), f"alarm {row['alarm']}")
        for row in journal
        if row["event"] == "raise" and not str(row["kind"]).startswith(_OF_MODELS)
    ]


def _aborts(
    historian: Historian, plant: Plant, equipment: str, start: int, end: int
) -> list[tuple[int, str]]:
    signal = plant.roles.get((equipment, Role.STATE))
    if signal is None:
        return []
    table = historian.samples([signal.id], start, end)
    times = table["source_time"].cast(pa.int64()).to_pylist()
    values = table["value"].to_pylist()
    return [(t, "the machine aborted") for t, v in zip(times, values, strict=True) if v in _ABORTED]


def _bad_parts(
    historian: Historian, plant: Plant, equipment: str, start: int, end: int
) -> list[tuple[int, str]]:
    signal = plant.roles.get((equipment, Role.PART))
    if signal is None:
        return []
    table = historian.samples([signal.id], start, end)
    times = table["source_time"].cast(pa.int64()).to_pylist()
    found = []
    for time, text in zip(times, table["text"].to_pylist(), strict=True):
        part = _document(text)
        if part.get("inspected") and part.get("result") not in (None, "good"):
            found.append((time, f"a gauged part was {part['result']}"))
    return found


def _document(text: str | None) -> dict[str, Any]:
    try:
        told = json.loads(text or "")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
