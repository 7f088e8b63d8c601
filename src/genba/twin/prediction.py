"""What a twin is asked and what it answers, in words that any twin can speak."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from genba.plant import US
from genba.twin.recording import Activity, Recording

STATES: Mapping[str, tuple[Activity, ...]] = {
    "run": (Activity.RUN,),
    "setup": (Activity.SETUP,),
    "down": (Activity.DOWN, Activity.SERVICE, Activity.HELD),
    "off": (Activity.OFF,),
    "idle": (Activity.IDLE, Activity.WAIT, Activity.CHANGE),
}
"""Machine states that twins are compared in, and the recorded activities that they stand for."""


@dataclass(frozen=True)
class Case:
    """A recorded period to predict.

    A twin may look at the recording up to ``start`` (the state of the plant), and at the arrivals
    within the period (what came from outside). The rest is what it is asked for.
    """

    recording: Recording
    start: int
    end: int

    @property
    def length_s(self) -> float:
        """How long it is."""
        return (self.end - self.start) / US


@dataclass(frozen=True)
class Prediction:
    """One future of a period; or what was recorded of it."""

    output: float
    """Good parts delivered."""
    lots: float
    """Lots delivered."""
    scrap: float
    """Parts scrapped, lots that were given up included."""
    parts_in: float
    """Parts on the line at the start, and of the lots that came in the period."""
    parts_left: float
    """Parts on the line at the end."""
    tardiness_h: float
    """Hours of lateness that orders gathered in the period, times their weights."""
    energy_kwh: float
    """Of the machines."""
    transports: float
    """Loads set down."""
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By machine and state of ``STATES``; of each machine they add up to the period."""

    def share(self, state: str) -> float:
        """Part of all machines' time spent in a state."""
        total = sum(self.seconds.values())
        spent = sum(s for (_, kind), s in self.seconds.items() if kind == state)
        return spent / total if total > 0 else 0.0


MEASURES = (
    ("output", "parts delivered"),
    ("lots", "lots delivered"),
    ("tardiness_h", "weighted tardiness, h"),
    ("energy_kwh", "energy of the machines, kWh"),
    ("transports", "transports"),
    ("scrap", "parts scrapped"),
)
"""Fields of a prediction that are compared, and what they are called."""


class Twin(Protocol):
    """Anything that predicts a recorded period."""

    def predict(self, case: Case, seed: int) -> Prediction:
        """Return one future; the same case and seed give the same one."""
        ...


def observed(case: Case) -> Prediction:
    """Return what was recorded of a period in the terms of a prediction."""
    recording, start, end = case.recording, case.start, case.end
    inside = [d for d in recording.done if start <= d.time < end]
    there = parts_at(recording, start)
    left = parts_at(recording, end)
    came = sum(
        parts for a in recording.arrivals for _, parts, when in a.lots if start < when <= end
    )
    scrap = sum(b.scrap for b in recording.booked if start < b.end <= end)
    return Prediction(
        output=sum(d.parts for d in inside),
        lots=sum(d.parts > 0 for d in inside),
        scrap=scrap,
        parts_in=sum(there.values()) + came,
        parts_left=sum(left.values()),
        tardiness_h=tardiness_h(recording, {d.lot: d.time for d in recording.done}, start, end),
        energy_kwh=sum(
            p.kwh * _overlap(p.start, p.end, start, end) / max(p.end - p.start, 1)
            for pieces in recording.pieces.values()
            for p in pieces
        ),
        transports=sum(start <= t.dropped < end for t in recording.trips),
        seconds=_seconds(recording, start, end),
    )


def parts_at(recording: Recording, when: int) -> Mapping[str, int]:
    """Return the parts of every lot that was on the line at a time (material there, not done)."""
    done = {d.lot for d in recording.done if d.time <= when}
    lost: dict[str, int] = {}
    for booked in recording.booked:
        if booked.end <= when:
            lost[booked.lot] = lost.get(booked.lot, 0) + booked.scrap
    return {
        lot: parts - lost.get(lot, 0)
        for arrival in recording.arrivals
        for lot, parts, there in arrival.lots
        if there <= when and lot not in done
    }


def tardiness_h(
    recording: Recording, done: Mapping[str, int | float], start: int, end: int
) -> float:
    """Weighted hours of lateness that orders gather in ``[start, end)``.

    Parameters
    ----------
    done : mapping
        When each lot is done, microseconds UTC; a lot that is missing is not done by ``end``.
    """
    total = 0.0
    for arrival in recording.arrivals:
        finished = max(done.get(lot, end) for lot, _, _ in arrival.lots)
        late = min(finished, end) - max(arrival.due, start)
        total += arrival.weight * max(0.0, late) / US / 3600
    return total


def _seconds(recording: Recording, start: int, end: int) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for machine, pieces in recording.pieces.items():
        for state, activities in STATES.items():
            found[machine, state] = sum(
                _overlap(p.start, p.end, start, end) / US
                for p in pieces
                if p.activity in activities
            )
    return found


def _overlap(start: int, end: int, begin: int, until: int) -> int:
    return max(0, min(end, until) - max(start, begin))
