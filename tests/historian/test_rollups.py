"""Rollups say what the samples say: extremes exactly, means to the last digits, also after late
samples, while some steps are not summed up yet, and when the samples are gone."""

import math
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, series

from genba.errors import HistorianError
from genba.historian import Historian
from genba.plant import US, Quality, Sample, VirtualClock

MINUTE = 60 * US
HOUR = 3600 * US
SPAN = 3 * HOUR

Row = dict[str, object]

moments = st.integers(0, SPAN // US - 1).map(lambda s: START + s * US)
values = st.one_of(
    st.floats(-1e6, 1e6), st.integers(-5, 5).map(float), st.just(math.nan), st.none()
)
taken = st.tuples(
    st.sampled_from(["m.a", "m.b"]), moments, values, st.sampled_from([0, 0, 0, 1, 2])
)


def samples_of(drawn: list[tuple[str, int, float | None, int]], first: int = 0) -> list[Sample]:
    return [
        Sample(name, time, time + 5, value, Quality(quality), first + place)
        for place, (name, time, value, quality) in enumerate(drawn)
    ]


def expected(samples: list[Sample], name: str, step: int) -> list[Row]:
    """The same by definition: one sample after the other."""
    own = sorted((s for s in samples if s[0] == name), key=lambda s: (s[1], s[5]))
    rows: dict[int, Row] = {}
    area: dict[int, float] = {}
    known_s: dict[int, float] = {}
    counter = None
    for place, sample in enumerate(own):
        time, value = sample[1], sample[3]
        good = value is not None and math.isfinite(value) and sample[4] < Quality.BAD
        begin = START + (time - START) // step * step
        row = rows.setdefault(begin, {"count": 0, "good": 0, "sum": 0.0, "increase": 0.0})
        row["count"] += 1
        until = own[place + 1][1] if place + 1 < len(own) else START + SPAN
        if not good:
            continue
        while time < until:
            end = min(until, START + (time - START) // step * step + step)
            spell = (end - time) / US
            bucket = (time - START) // step
            area[bucket] = area.get(bucket, 0.0) + value * spell
            known_s[bucket] = known_s.get(bucket, 0.0) + spell
            time = end
        row["good"] += 1
        row["sum"] += value
        if counter is not None:
            row["increase"] += value - counter if value >= counter else value
        counter = value
        row.setdefault("first", value)
        row["last"] = value
        if "min" not in row or value < row["min"]:
            row["min"], row["min_time"] = value, sample[1]
        if "max" not in row or value > row["max"]:
            row["max"], row["max_time"] = value, sample[1]
    for begin, row in rows.items():
        held = known_s.get((begin - START) // step, 0.0)
        row["mean"] = area[(begin - START) // step] / held if held else None
        row["time"] = begin
    return [rows[begin] for begin in sorted(rows)]


def agree(historian: Historian, samples: list[Sample], step: int) -> None:
    table = historian.rollup(["m.a", "m.b"], START, START + SPAN, step)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.int64()))
    for name in ("m.a", "m.b"):
        found = table.filter(pc.equal(table["signal"], name)).to_pylist()
        wanted = expected(samples, name, step)
        assert [row["time"] for row in found] == [row["time"] for row in wanted]
        for row, want in zip(found, wanted, strict=True):
            for key in ("count", "good", "min", "min_time", "max", "max_time", "first", "last"):
                assert row[key] == want.get(key), key
            for key in ("sum", "increase", "mean"):
                if want[key] is None:
                    assert row[key] is None
                else:
                    assert row[key] == pytest.approx(want[key], rel=1e-9, abs=1e-4), key


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(taken, max_size=30), min_size=1, max_size=4), st.data())
def test_rollups_say_what_the_samples_say(
    batches: list[list[tuple[str, int, float | None, int]]], data: st.DataObject
) -> None:
    """In whatever order batches come, late ones too, and whatever is summed up in between."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Historian.open(Path(folder) / "h", VirtualClock(START)) as historian,
    ):
        known: list[Sample] = []
        for batch in batches:
            fresh = samples_of(batch, len(known))
            historian.append(fresh)
            known += fresh
            act = data.draw(st.sampled_from(["commit", "whole", "leave"]))
            if act != "leave":
                historian.commit()
            if act == "whole":
                historian.roll_up(whole=True)
        for step in (MINUTE, 5 * MINUTE, HOUR):
            agree(historian, known, step)
        historian.commit()
        historian.roll_up(whole=True)
        historian.compact(whole=True)
        for step in (MINUTE, 7 * MINUTE, HOUR, 3 * HOUR):
            agree(historian, known, step)


def test_a_late_sample_renews_its_minute_and_hour(historian: Historian) -> None:
    historian.append(series("m.a", range(120), step_us=30 * US))
    historian.commit()
    historian.roll_up(whole=True)
    late = series("m.a", [999.0], start=START + 7 * US, first=500)
    historian.append(late)
    for _ in range(2):
        for step in (MINUTE, HOUR):
            row = historian.rollup(["m.a"], START, START + HOUR, step).to_pylist()[0]
            assert row["max"] == 999.0
            assert row["count"] == (3 if step == MINUTE else 121)
        historian.commit()
        historian.roll_up(whole=True)


def test_rows_are_replaced_not_added(historian: Historian, folder: Path) -> None:
    """However often a step is summed up, compaction leaves one row of it."""
    for n in range(12):
        historian.append(series("m.a", [float(n)], start=START + n * US, first=n))
        historian.commit()
        historian.roll_up(whole=True)
    assert historian._store.tables["rollup_1m"].snapshot().listing.num_rows > 1
    historian.compact(whole=True)
    files = historian._store.tables["rollup_1m"].snapshot().files
    assert sum(file.rows for file in files) == 1
    row = historian.rollup(["m.a"], START, START + MINUTE, MINUTE).to_pylist()[0]
    assert (row["count"], row["min"], row["max"], row["last"]) == (12, 0.0, 11.0, 11.0)


def test_a_stop_between_commit_and_list_sums_up_again(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    historian.append(series("m.a", range(90)))
    with monkeypatch.context() as patch:
        patch.setattr("genba.historian.due.Due.done", _killed)
        with pytest.raises(KeyboardInterrupt):
            historian.commit()
    assert historian.rollup(["m.a"], START, START + HOUR, HOUR)["count"].to_pylist() == [90]
    historian.roll_up(whole=True)
    assert historian.rollup(["m.a"], START, START + HOUR, HOUR)["count"].to_pylist() == [90]
    assert historian._store.due.steps("rollup_1m").num_rows == 0


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_an_older_genba_stored_is_summed_up(folder: Path, clock: VirtualClock) -> None:
    with Historian.open(folder, clock) as historian:
        historian.append(series("m.a", range(300)))
        historian.commit()
    for path in folder.glob("due.sqlite*"):
        path.unlink()
    for name in ("rollup_1m", "rollup_1h"):
        for path in sorted((folder / name).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    with Historian.open(folder, clock, read_only=True) as reader:
        assert reader.rollup(["m.a"], START, START + HOUR, HOUR)["count"].to_pylist() == [300]
    with Historian.open(folder, clock) as historian:
        historian.append(series("m.a", [1000.0], start=START + 400 * US, first=400))
        historian.commit()
        historian.roll_up(whole=True)
        table = historian.rollup(["m.a"], START, START + HOUR, HOUR)
        assert table["count"].to_pylist() == [301]
        assert table["max"].to_pylist() == [1000.0]
        assert historian._store.due.days("rollup_1m").num_rows == 0


@pytest.mark.parametrize("how", ["mean", "min", "max", "sum", "time_weighted_mean"])
def test_long_periods_are_answered_by_rollups_and_say_so(historian: Historian, how: str) -> None:
    day = 24 * HOUR
    values = [float((n * 37) % 101) for n in range(2000)]
    historian.append(series("m.a", values, step_us=90 * US))
    historian.commit()
    end = START + 2 * day
    rolled = historian.resample(["m.a"], START, end, HOUR, how)
    exact = historian._resample(("m.a",), START, end, HOUR, how)
    assert rolled.schema.metadata == {b"genba.source": b"rollup_1h"}
    assert rolled["time"].to_pylist() == exact["time"].to_pylist()
    assert rolled["value"].to_pylist() == pytest.approx(exact["value"].to_pylist())
    short = historian.resample(["m.a"], START, START + day, HOUR, how)
    assert short.schema.metadata == {b"genba.source": b"samples"}
    fine = historian.resample(["m.a"], START, end, 5 * MINUTE, how)
    assert fine.schema.metadata == {b"genba.source": b"rollup_1m"}


def test_texts_have_no_rollups(historian: Historian) -> None:
    historian.append([*series("m.t", ["on", "off"]), *series("m.a", [1.0])])
    assert historian.rollup(["m.t", "m.a"], START, START + HOUR, HOUR)["signal"].to_pylist() == [
        "m.a"
    ]


@pytest.mark.parametrize(("start", "step"), [(START + US, MINUTE), (START, 90 * US), (START, 0)])
def test_steps_that_are_no_minutes_are_refused(historian: Historian, start: int, step: int) -> None:
    with pytest.raises(HistorianError, match="whole minutes"):
        historian.rollup(["m.a"], start, start + HOUR, step)
