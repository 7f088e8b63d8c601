"""Heartbeats, back-off, records and lateness: the small parts of the loop."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.operate.devices import plant

from genba.operate.heartbeat import EVERY_TICKS, MISSED, Heartbeats
from genba.operate.lateness import Lateness
from genba.operate.patience import MOST_S, Patience
from genba.operate.records import Records
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Command,
    Decision,
    Outcome,
    Proposal,
    Sample,
    Verdict,
    Write,
)


def beat(live: LiveValues, value: object, now: int) -> None:
    live.update([Sample("saw.heartbeat", now, now, value)])


def test_a_heartbeat_grows_from_what_the_device_shows() -> None:
    live = LiveValues()
    hearts = Heartbeats(plant(), live)
    assert hearts.due(0) == []  # nothing is known of the device yet
    beat(live, 41, 0)
    assert [p.writes[0].value for p in hearts.due(0)] == [42]
    assert hearts.due(US) == []
    assert [p.writes[0].value for p in hearts.due(EVERY_TICKS * US)] == [43]
    assert hearts.due(EVERY_TICKS * US)[:1] == []


def test_a_device_counts_as_hearing_until_several_beats_are_missed() -> None:
    hearts = Heartbeats(plant(), LiveValues())
    assert hearts.unheard() == {"saw"}
    hearts.ended("saw", Outcome("C", 5, done=True))
    assert hearts.unheard() == frozenset()
    for _ in range(MISSED):
        assert hearts.unheard() == frozenset()
        hearts.ended("saw", Outcome("C", 6, done=False))
    assert hearts.unheard() == {"saw"}
    hearts.ended("saw", Outcome("C", 7, done=True))
    assert hearts.unheard() == frozenset()


@given(st.integers(1, 40))
def test_what_fails_again_and_again_is_tried_less_and_less(failures: int) -> None:
    patience, now, waits = Patience(), 0, []
    for _ in range(failures):
        patience.failed("saw", now)
        begun = now
        while "saw" in patience.waiting(now):
            now += US
        waits.append((now - begun) / US)
    assert waits == sorted(waits)
    assert waits[0] == 10.0
    assert waits[-1] <= MOST_S
    patience.succeeded("saw")
    assert patience.waiting(0) == frozenset()
    patience.failed("saw", now)
    assert "saw" not in patience.waiting(now + 10 * US)


class Book:
    """Collects rows."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def __call__(self, table: str, row: Any) -> None:
        assert table == "decisions"
        self.rows.append(dict(row))


def parts(kind: str, number: int, done: bool) -> tuple[Proposal, Verdict, Command, Outcome]:
    writes = (Write("saw.heartbeat", number, "1"),)
    time = number * US
    proposal = Proposal(f"P{number}", time, kind, "saw", writes, "why", context={"lot": "L1"})
    return (
        proposal,
        Verdict(proposal.id, time, Decision.ALLOWED),
        Command(f"C-{proposal.id}", proposal.id, time, writes),
        Outcome(f"C-{proposal.id}", time, done, "" if done else "no answer"),
    )


def record(records: Records, kind: str, number: int, done: bool = True) -> None:
    proposal, verdict, command, outcome = parts(kind, number, done)
    records.proposal(proposal, verdict)
    records.command(proposal, command)
    records.outcome(proposal, command, outcome)


def test_a_decision_is_recorded_from_proposal_to_outcome() -> None:
    book = Book()
    record(Records(book), "dispatch", 1)
    assert [(r["stage"], r["ref"]) for r in book.rows] == [
        ("proposal", "P1"),
        ("verdict", "P1"),
        ("command", "P1"),
        ("outcome", "C-P1"),
    ]
    assert json.loads(book.rows[0]["data"])["context"] == {"lot": "L1"}
    assert json.loads(book.rows[1]["data"])["decision"] == "allowed"
    assert len({row["id"] for row in book.rows}) == 4


def test_heartbeats_are_summed_up_but_failures_stand_out() -> None:
    book = Book()
    records = Records(book)
    for number in range(100):
        record(records, "heartbeat", number, done=number not in (50, 51, 52))
    assert [(r["stage"], r["text"]) for r in book.rows] == [
        ("outcome", "no answer"),
        ("outcome", "done"),
    ]
    records.flush(100 * US)
    assert json.loads(book.rows[-1]["data"])["beats"] == {"saw": 97}
    records.flush(101 * US)
    assert len(book.rows) == 3


def test_lateness_has_no_quantiles_before_the_first_tick() -> None:
    lateness = Lateness()
    assert lateness.report() == {"missed": 0, "failed": 0}
    for late in range(101):
        lateness.add(late / 1000)
    report = lateness.report()
    assert (report["late_p50_ms"], report["late_p99_ms"], report["late_max_ms"]) == (50, 99, 100)
