"""Retention: what is over goes, by signal and day; nothing else does, and the room comes back."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.historian.conftest import START, series

from genba.errors import HistorianError, StateError
from genba.historian import Historian, lake
from genba.historian.age import Age, newest, next_age
from genba.historian.policy import Policy
from genba.historian.retention import expired, forget
from genba.plant import US, VirtualClock, parse_time

MINUTE = 60 * US
HOUR = 3600 * US
DAY = 24 * HOUR
SHORT = Policy({"samples": {"m.a": 2 * DAY}})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two signals, a value every ten minutes for ten days, summed up."""
    folder = tmp_path_factory.mktemp("recorded") / "historian"
    clock = VirtualClock(START)
    with Historian.open(folder, clock) as historian:
        for day in range(10):
            clock.set(START + day * DAY)
            for name in ("m.a", "m.b"):
                values = [float(day * 144 + n) for n in range(144)]
                historian.append(
                    series(name, values, start=START + day * DAY, step_us=600 * US, first=day * 144)
                )
            historian.append_rows("events", [{"id": f"E-{day}", "time": START + day * DAY}])
            historian.commit()
        historian.roll_up(whole=True)
    return folder


@pytest.fixture
def ten_days(recorded: Path, folder: Path, clock: VirtualClock) -> Iterator[Historian]:
    """A copy of what was recorded, open."""
    shutil.copytree(recorded, folder)
    clock.set(START + 9 * DAY)
    with Historian.open(folder, clock) as opened:
        yield opened


def count(historian: Historian, name: str) -> int:
    return historian.samples([name], START, START + 20 * DAY).num_rows


def test_what_is_over_goes_and_only_that(ten_days: Historian) -> None:
    before = ten_days.rollup(["m.a", "m.b"], START, START + 10 * DAY, HOUR)
    assert ten_days.forget(SHORT) > 0
    # Everything of m.a up to the last midnight that is two days before the newest store time.
    kept = ten_days.samples(["m.a"], START, START + 20 * DAY)
    oldest = kept["source_time"][0].as_py().timestamp() * US
    assert oldest == START // DAY * DAY + 7 * DAY
    assert count(ten_days, "m.b") == 1440
    after = ten_days.rollup(["m.a", "m.b"], START, START + 10 * DAY, HOUR)
    assert after.equals(before)
    assert ten_days.rows("events").num_rows == 10
    assert ten_days.forget(SHORT) == 0


def test_a_dry_run_changes_nothing_and_tells_the_same(ten_days: Historian, folder: Path) -> None:
    before = sorted(path for path in folder.rglob("*.parquet"))
    found = list(expired(ten_days._store, SHORT))
    assert {expiry.signals for expiry in found} == {frozenset({"m.a"})}
    assert sum(expiry.bytes for expiry in found) > 0
    assert sorted(path for path in folder.rglob("*.parquet")) == before
    assert count(ten_days, "m.a") == 1440


def test_whole_files_go_without_being_written_anew(ten_days: Historian) -> None:
    both = Policy({"samples": {"m.a": 2 * DAY, "m.b": 2 * DAY}}, {"events": 5 * DAY})
    files = {file.path for file in ten_days._store.tables["samples"].snapshot().files}
    ten_days.forget(both)
    left = {file.path for file in ten_days._store.tables["samples"].snapshot().files}
    assert left < files
    assert ten_days.rows("events")["id"].to_pylist() == [f"E-{day}" for day in range(4, 10)]


def test_nothing_goes_that_is_not_summed_up(historian: Historian, clock: VirtualClock) -> None:
    historian.append(series("m.a", range(10)))
    clock.set(START + 30 * DAY)
    historian.append(series("m.a", [1.0], start=START + 30 * DAY, first=99))
    historian.commit()  # the newest minute stays due; the old day is summed up but for its hour
    historian._store.due.mark("rollup_1m", [START // MINUTE * MINUTE], ["m.a"], 1)
    assert historian.forget(SHORT) == 0
    assert count(historian, "m.a") == 10
    historian.roll_up(whole=True)
    assert historian.forget(SHORT) > 0
    assert count(historian, "m.a") == 0


def test_answers_come_from_rollups_where_samples_are_gone(ten_days: Historian) -> None:
    start, end = START, START + DAY
    exact = ten_days.resample(["m.a"], start, end, HOUR, "max")
    ten_days.forget(SHORT)
    rolled = ten_days.resample(["m.a"], start, end, HOUR, "max")
    assert rolled.schema.metadata == {b"genba.source": b"rollup_1h"}
    assert rolled["value"].to_pylist() == exact["value"].to_pylist()
    with pytest.raises(HistorianError, match="whole minutes"):
        ten_days.resample(["m.a"], start + US, end, HOUR, "max")


def test_hours_are_left_when_minutes_are_gone(ten_days: Historian) -> None:
    ten_days.forget(Policy({"samples": {"m.a": 2 * DAY}, "rollup_1m": {"m.a": 4 * DAY}}))
    assert ten_days.resample(["m.a"], START, START + DAY, HOUR, "count").num_rows == 24
    with pytest.raises(HistorianError, match=r"only rollups of whole hours are kept of m\.a"):
        ten_days.resample(["m.a"], START, START + DAY, 5 * MINUTE, "count")


def test_a_late_sample_is_added_to_what_is_left(ten_days: Historian, clock: VirtualClock) -> None:
    ten_days.forget(Policy({"samples": {"m.a": 2 * DAY}, "rollup_1m": {"m.a": 4 * DAY}}))
    before = ten_days.rollup(["m.a"], START, START + HOUR, HOUR).to_pylist()[0]
    clock.set(clock.now() + US)
    late = series("m.a", [5000.0], start=START + 11 * MINUTE, first=10**6)
    ten_days.append(late)
    ten_days.commit()
    for _ in range(2):
        ten_days.roll_up(whole=True)
        after = ten_days.rollup(["m.a"], START, START + HOUR, HOUR).to_pylist()[0]
        assert (after["count"], after["max"]) == (before["count"] + 1, 5000.0)
        assert (after["min"], after["mean"]) == (before["min"], before["mean"])


def test_the_room_comes_back_after_the_grace(
    ten_days: Historian, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Policy({"samples": {"m.a": 2 * DAY, "m.b": 2 * DAY}})
    ten_days.compact(whole=True)
    on_disk = sum(path.stat().st_size for path in (folder / "samples").rglob("*.parquet"))
    freed = ten_days.forget(both)
    table = ten_days._store.tables["samples"]
    assert table.vacuum() == 0  # a query that runs now still finds its files
    monkeypatch.setattr(lake, "KEEP_HOURS", 0)
    assert table.vacuum() > 0
    left = sum(path.stat().st_size for path in (folder / "samples").rglob("*.parquet"))
    assert on_disk - left >= freed > 0
    assert left == sum(file.size for file in table.snapshot().files)


def test_a_stop_in_the_middle_goes_on_next_time(ten_days: Historian) -> None:
    stop = threading.Event()
    stop.set()
    assert forget(ten_days._store, SHORT, stop) == 0
    assert count(ten_days, "m.a") == 1440
    assert ten_days.forget(SHORT) > 0


def test_a_damaged_policy_forgets_nothing(folder: Path, historian: Historian) -> None:
    SHORT.hand_over(folder)
    assert Policy.found(folder) == SHORT
    (folder / "policy.json").write_text('{"signals": {"samples"')
    with pytest.raises(StateError, match="nothing is forgotten"):
        Policy.found(folder)


def test_the_spool_is_never_touched(ten_days: Historian, clock: VirtualClock) -> None:
    ten_days.append(series("m.a", [1.0, 2.0], start=START, first=9000))
    ten_days.forget(SHORT)
    assert count(ten_days, "m.a") > 0
    assert 9000 in ten_days.samples(["m.a"], START, START + MINUTE)["sequence"].to_pylist()


def test_a_clock_that_leaps_ahead_forgets_next_to_nothing(
    ten_days: Historian, clock: VirtualClock
) -> None:
    """Ten days, of which two are to be kept; the clock then says that it is months later."""
    store = ten_days._store
    first = next_age(store)
    assert first == Age(newest(store) or 0)
    forget(store, SHORT, now=first.now)
    kept = count(ten_days, "m.a")
    leap = START + 200 * DAY
    clock.set(leap)
    ten_days.append(series("m.a", [1.0], start=START + 10 * DAY, first=10**6))
    ten_days.commit()
    ten_days.roll_up(whole=True)
    for run in range(1, 7):
        age = next_age(store)
        assert age == Age(first.now + run * 20 * MINUTE, held=True)
        forget(store, SHORT, now=age.now)
    assert count(ten_days, "m.a") == kept + 1
    # If the clock is mended, what is stored then has the right time, and age goes by it again.
    right = START + 11 * DAY
    assert age.after(right) == Age(right)
    # If it was right, a person says so.
    assert ten_days.forget(SHORT) > 0
    assert count(ten_days, "m.a") == 0
    assert Age.last(store.folder.root) == Age(leap)


def test_no_moment_after_now_counts(historian: Historian, clock: VirtualClock) -> None:
    clock.set(parse_time("2400-01-01T00:00:00Z"))
    historian.append(series("m.a", [1.0]))
    historian.commit()
    assert abs((newest(historian._store) or 0) / US - time.time()) < 60


def test_a_damaged_note_of_the_age_lets_nothing_go(ten_days: Historian, folder: Path) -> None:
    (folder / "age.json").write_text("{")
    with pytest.raises(StateError, match=r"age\.json is damaged; nothing is forgotten"):
        next_age(ten_days._store)
    assert ten_days.forget(SHORT) > 0
    assert next_age(ten_days._store) is not None
