"""The quarantine: kept whole, mended on the record, put through again once."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.historian.conftest import START
from tests.historian.test_admission import SIGNALS

from genba.errors import HistorianError, PlantError
from genba.historian import Historian
from genba.historian.admission import Admission, Misfit, Reason
from genba.historian.correction import Correction, value_from_json, value_to_json
from genba.historian.quarantine import PAGE_ROWS, Selection, counts, drop, fix, replay, select
from genba.historian.setting_apart import MOST_PER_MIN, Quarantine
from genba.plant import US, DataType, Quality, Sample, VirtualClock

ALL = Selection()


def arrive(historian: Historian, samples: Sequence[Sample]) -> None:
    """Let samples come in as they do in a running core."""
    held: list[tuple[str, Any]] = []
    quarantine = Quarantine(
        lambda name, row: held.append((name, row)), lambda: START, dict.fromkeys(SIGNALS, "a")
    )
    admission = Admission(SIGNALS, lambda: START, 1.0, quarantine.hold)
    admitted = admission.admit(samples)
    rows = [row for name, row in held if name == "quarantine"]
    historian.append_all(admitted.stored, {"quarantine": rows})


def temp(at: float, value: Any, number: int = 1, name: str = "temp") -> Sample:
    return Sample(f"a.{name}", START + round(at * US), START, value, 0, number)


def good(historian: Historian, name: str = "a.temp") -> list[tuple[float, Any, int]]:
    """Time (seconds after the start), value and quality of what is not bad."""
    table = historian.samples([name], START - 9999 * US, START + 9999 * US)
    times = [(t - START) / US for t in table["source_time"].cast(pa.int64()).to_pylist()]
    rows = zip(times, table["value"].to_pylist(), table["quality"].to_pylist(), strict=True)
    return [row for row in rows if row[2] < Quality.BAD]


def mend(historian: Historian, selection: Selection = ALL, **correction: Any) -> int:
    return fix(historian, SIGNALS, selection, Correction(**correction), "mika", "wrong unit")


def again(historian: Historian, selection: Selection = ALL) -> tuple[int, int, dict[str, int]]:
    done = replay(historian, SIGNALS, selection, "mika", START)
    return done.stored, done.already, dict(done.held)


def test_a_misfit_is_kept_whole(historian: Historian) -> None:
    arrive(historian, [temp(-3, 20.0), temp(-2, math.nan, 7)])
    (row,) = select(historian, ALL).to_pylist()
    assert (row["signal"], row["connection"], row["number"]) == ("a.temp", "a", 7)
    assert row["source_time"] == START - 2 * US
    assert math.isnan(value_from_json(row["value"]))
    assert (row["reason"], row["status"], row["quality"]) == ("not_a_number", "held", 0)
    assert good(historian) == [(-3, 20.0, 0)]


def test_a_wrong_unit_is_mended_and_put_through(historian: Historian) -> None:
    arrive(historian, [temp(-3, 293.15), temp(-2, 294.15)])
    assert good(historian) == []
    assert mend(historian, offset=-273.15) == 2
    assert [row["status"] for row in select(historian, ALL).to_pylist()] == ["held", "held"]
    assert again(historian) == (2, 0, {})
    assert [(at, round(v, 6), q) for at, v, q in good(historian)] == [(-3, 20.0, 1), (-2, 21.0, 1)]
    rows = select(historian, Selection(status=None)).to_pylist()
    assert [(r["status"], r["by"], r["why"]) for r in rows] == [
        ("replayed", "mika", "wrong unit")
    ] * 2
    assert json.loads(rows[0]["correction"]) == {"offset": -273.15}
    assert json.loads(rows[0]["value"]) == 293.15


def test_replaying_again_stores_nothing_again(historian: Historian) -> None:
    arrive(historian, [temp(-3, 200.0)])
    mend(historian, scale=0.1)
    assert again(historian) == (1, 0, {})
    historian.commit()
    assert again(historian) == (0, 0, {})
    assert again(historian, Selection(status=None)) == (0, 0, {})
    assert len(good(historian)) == 1


def test_what_the_historian_has_by_now_is_not_stored_again(historian: Historian) -> None:
    arrive(historian, [temp(-3, 200.0), temp(-2, 200.0)])
    historian.append([temp(-3, 20.0), temp(-2, 33.0)])
    mend(historian, scale=0.1)
    assert again(historian) == (0, 1, {"duplicate_time": 1})
    (held,) = select(historian, ALL).to_pylist()
    assert (held["reason"], held["detail"]) == (
        "duplicate_time",
        "its time has the value 33.0 already",
    )


def test_two_that_would_fall_on_one_time_do_not_both_go_in(historian: Historian) -> None:
    arrive(historian, [temp(-3, 200.0), temp(-3, 210.0), temp(-3, 200.0)])
    mend(historian, scale=0.1)
    assert again(historian) == (1, 1, {"duplicate_time": 1})
    assert len(good(historian)) == 1


def test_time_type_and_name_are_mended_too(historian: Historian) -> None:
    arrive(
        historian,
        [
            temp(3600, 20.0),
            temp(-2, "21.5"),
            temp(-1, 22.5, name="tmep"),
            temp(-1, "6", 1, "state"),
        ],
    )
    mend(historian, Selection(reasons=["future"]), shift_s=-3610.0)
    mend(historian, Selection(signals=["a.temp"], reasons=["wrong_type"]), as_type=DataType.FLOAT)
    mend(historian, Selection(reasons=["unknown_signal"]), signal="a.temp")
    mend(historian, Selection(signals=["a.state"]), as_type=DataType.INT)
    assert again(historian) == (4, 0, {})
    assert good(historian) == [(-10, 20.0, 0), (-2, 21.5, 1), (-1, 22.5, 0)]
    assert good(historian, "a.state") == [(-1, 6, 1)]


def test_what_still_does_not_fit_stays_and_says_why(historian: Historian) -> None:
    arrive(historian, [temp(-3, 999.0), temp(-2, "warm")])
    mend(historian, scale=0.5)
    done = replay(historian, SIGNALS, ALL, "mika", START)
    assert done.held == {"out_of_range": 1, "wrong_type": 1}
    assert done.why["out_of_range"] == "a.temp: 499.5 1 is not between -40 and 120"
    assert "'warm' is no number" in done.why["wrong_type"]
    assert select(historian, ALL).num_rows == 2


def test_what_is_dropped_is_kept_and_not_replayed(historian: Historian) -> None:
    arrive(historian, [temp(-3, 200.0), temp(-2, 201.0)])
    first = select(historian, ALL)["id"][0].as_py()
    assert drop(historian, Selection(ids=[first]), "mika", "test signal") == 1
    mend(historian, Selection(status=None), scale=0.1)
    assert again(historian, Selection(status=None)) == (1, 0, {})
    table = counts(historian, Selection(status=None))
    assert dict(zip(table["status"].to_pylist(), table["samples"].to_pylist(), strict=True)) == {
        "dropped": 1,
        "replayed": 1,
    }


@pytest.mark.parametrize(
    ("correction", "said"),
    [
        ({}, "changes nothing"),
        ({"scale": 0.0}, "scale 0"),
        ({"offset": math.inf}, "no finite number"),
        ({"shift_s": 1e12}, "over 100 years"),
        ({"unit_from": "furlongz"}, "furlongz"),
        ({"signal": "a.tmep"}, r"no signal 'a.tmep'.*did you mean 'a.temp'"),
    ],
)
def test_a_correction_that_mends_nothing_is_refused(
    historian: Historian, correction: dict[str, Any], said: str
) -> None:
    with pytest.raises((HistorianError, PlantError), match=said):
        mend(historian, **correction)


def test_who_and_why_must_be_given_and_words_must_be_known(historian: Historian) -> None:
    with pytest.raises(HistorianError, match="who does it and why"):
        fix(historian, SIGNALS, ALL, Correction(scale=2), "mika", " ")
    with pytest.raises(HistorianError, match="no reason 'hot'; use unknown_signal, "):
        Selection(reasons=["hot"])
    with pytest.raises(HistorianError, match="no status 'gone'; use held, replayed, dropped"):
        Selection(status="gone")


def test_a_source_time_that_no_column_holds_loses_nothing_else(historian: Historian) -> None:
    arrive(historian, [Sample("a.temp", 10**30, START, 20.0, 0, 5)])
    (row,) = select(historian, ALL).to_pylist()
    assert (row["source_time"], row["number"], row["reason"]) == (None, 5, "no_time")
    mend(historian, shift_s=1.0)
    assert again(historian) == (0, 0, {"no_time": 1})
    assert str(10**30) in select(historian, ALL)["detail"][0].as_py()


def test_several_pages_are_mended_and_put_through(folder: Path, clock: VirtualClock) -> None:
    most = 2 * PAGE_ROWS + 1
    with Historian.open(folder, clock) as historian:
        arrive(historian, [temp(-n / 100, 200.0 + n % 7, n) for n in range(most, 0, -1)])
        historian.commit()
        assert mend(historian, scale=0.1) == most
        assert again(historian) == (most, 0, {})
        assert len(good(historian)) == most
        assert counts(historian, ALL).num_rows == 0


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=9)
    )
)
def test_any_value_is_kept_as_json(value: Any) -> None:
    text = value_to_json(value)
    json.loads(text, parse_constant=pytest.fail)
    assert repr(value_from_json(text)) == repr(value)


def test_a_flood_of_misfits_is_counted_and_not_kept_whole() -> None:
    now = [START]
    kept: list[Any] = []
    quarantine = Quarantine(
        lambda name, row: kept.append(row) if name == "quarantine" else None,
        lambda: now[0],
        dict.fromkeys(SIGNALS, "a"),
    )
    misfit = Misfit(Reason.NOT_A_NUMBER, "nan is no number")
    for _ in range(MOST_PER_MIN + 7):
        quarantine.hold(temp(0, math.nan), misfit)
    assert (len(kept), quarantine.left_out) == (MOST_PER_MIN, 7)
    now[0] += 60 * US
    quarantine.hold(temp(0, math.nan), misfit)
    assert (len(kept), quarantine.left_out) == (MOST_PER_MIN + 1, 7)
    assert quarantine.by_reason() == {"not_a_number": MOST_PER_MIN + 8}
