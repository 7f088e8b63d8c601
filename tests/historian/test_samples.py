"""What goes in comes out: values, times and order, from the moment it is acknowledged."""

import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, series, times

from genba.errors import HistorianError
from genba.historian import SAMPLES, Historian
from genba.plant import US, Sample, VirtualClock

HOUR = 3600 * US


def test_a_sample_can_be_queried_when_append_returns(historian: Historian) -> None:
    historian.append([Sample("mill-1.power", START, START + 7, 12.5, 1, 42)])
    found = historian.samples(["mill-1.power"], START, START + 1)
    assert found.schema == SAMPLES.schema
    row = found.to_pylist()[0]
    assert (row["value"], row["text"], row["quality"], row["sequence"]) == (12.5, None, 1, 42)
    assert times(found) == [START]
    assert times(found, "receive_time") == [START + 7]


def test_store_time_is_the_clock_at_append(historian: Historian, clock: VirtualClock) -> None:
    clock.set(START + 9 * US)
    historian.append(series("a.b", [1.0]))
    assert times(historian.samples(["a.b"], START, START + US), "store_time") == [START + 9 * US]


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        (True, 1.0, None),
        (False, 0.0, None),
        (-3, -3.0, None),
        (2**53, float(2**53), None),
        (2**53 + 1, float(2**53), str(2**53 + 1)),
        (10**400, None, str(10**400)),
        (math.inf, math.inf, None),
        ("", None, ""),
        ("Lots äöü 現場", None, "Lots äöü 現場"),
        (None, None, None),
    ],
)
@pytest.mark.parametrize("committed", [False, True], ids=["spooled", "committed"])
def test_every_kind_of_value(
    historian: Historian,
    committed: bool,
    value: object,
    number: float | None,
    text: str | None,
) -> None:
    historian.append(series("a.b", [value, 1.0]))  # type: ignore[list-item]
    if committed:
        historian.commit()
    row = historian.samples(["a.b"], START, START + US).to_pylist()[0]
    assert (row["value"], row["text"]) == (number, text)


def test_nan_stays_nan_and_is_not_null(historian: Historian) -> None:
    historian.append(series("a.b", [math.nan]))
    historian.commit()
    value = historian.samples(["a.b"], START, START + US)["value"][0]
    assert value.is_valid
    assert math.isnan(value.as_py())


def test_what_is_no_value_is_refused_whole(historian: Historian) -> None:
    with pytest.raises(HistorianError, match="cannot be stored: a value of type list"):
        historian.append([*series("a.b", [1.0]), Sample("a.c", START, START, [1])])  # type: ignore[arg-type]
    assert historian.samples(["a.b", "a.c"], START, START + HOUR).num_rows == 0


@pytest.mark.parametrize("moment", [-(10**17), 10**18])
def test_a_time_that_no_calendar_has_is_refused(historian: Historian, moment: int) -> None:
    """It would stand in the way of every later commit."""
    with pytest.raises(HistorianError, match=r"'source_time' .* before the year 1 or after 9999"):
        historian.append(series("a.b", [1.0], start=moment))
    historian.append(series("a.b", [1.0], start=-11_644_473_600 * US))  # OPC UA's first moment
    assert historian.commit() == 1
    assert historian.samples(["a.b"], -(10**17) // 2, START).num_rows == 1


def test_table_and_spool_read_as_one_sorted(historian: Historian) -> None:
    historian.append(series("b.x", [5.0, 6.0]) + series("a.x", [1.0, 2.0]))
    historian.commit()
    late = Sample("a.x", START - US, START, 0.0, 0, 9)
    historian.append([*series("a.x", [3.0], start=START + 2 * US), late])
    found = historian.samples(["b.x", "a.x"], START - HOUR, START + HOUR)
    assert found["signal"].to_pylist() == ["a.x"] * 4 + ["b.x"] * 2
    assert found["value"].to_pylist() == [0.0, 1.0, 2.0, 3.0, 5.0, 6.0]


def test_a_period_includes_its_start_and_not_its_end(historian: Historian) -> None:
    historian.append(series("a.x", range(5)))
    historian.commit()
    historian.append(series("a.x", range(5, 10), start=START + 5 * US))
    found = historian.samples(["a.x"], START + 2 * US, START + 7 * US)
    assert found["value"].to_pylist() == [2, 3, 4, 5, 6]


def test_samples_of_several_days_lie_in_their_days(historian: Historian, folder: Path) -> None:
    historian.append(series("a.x", range(72), step_us=HOUR))
    historian.commit()
    days = sorted(path.name for path in (folder / "samples").glob("day=*"))
    assert days == ["day=2026-01-05", "day=2026-01-06", "day=2026-01-07", "day=2026-01-08"]
    found = historian.samples(["a.x"], START, START + 100 * HOUR)
    assert found["value"].to_pylist() == list(range(72))


def test_columns_go_in_as_samples_do(historian: Historian) -> None:
    historian.append_table(
        pa.table(
            {
                "signal": ["a.x", "a.y"],
                "source_time": pa.array([START, START], pa.timestamp("us", "UTC")),
                "value": [1.0, 2.0],
            }
        )
    )
    found = historian.samples(["a.x", "a.y"], START, START + 1)
    assert found["value"].to_pylist() == [1.0, 2.0]
    assert times(found, "receive_time") == [START, START]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"source_time": [START], "value": [1.0]}, "no column 'signal'"),
        ({"signal": ["a"], "source_time": [START]}, "neither value nor text"),
        ({"signal": ["a"], "source_time": [START], "value": [1.0], "colour": [1]}, "'colour'"),
        ({"signal": ["a"], "source_time": [START], "value": ["much"]}, "'value'.*takes double"),
        ({"signal": [None], "source_time": [START], "value": [1.0]}, "'signal'.*must not be empty"),
    ],
)
def test_columns_that_do_not_fit_are_named(
    historian: Historian, columns: dict[str, list[object]], said: str
) -> None:
    with pytest.raises(HistorianError, match=said):
        historian.append_table(pa.table(columns))
    assert historian.stats()["samples"] == 0


def test_many_samples_are_cut_into_batches(historian: Historian) -> None:
    count = 1_200_001
    historian.append_table(
        pa.table(
            {
                "signal": pa.repeat("a.x", count),
                "source_time": pa.array(range(START, START + count), pa.timestamp("us", "UTC")),
                "value": pa.repeat(1.5, count),
            }
        )
    )
    assert historian.stats()["samples"] == count
    assert historian.commit() == count
    assert historian.samples(["a.x"], START, START + HOUR).num_rows == count


def test_a_stream_gives_the_same_in_pieces(historian: Historian) -> None:
    historian.append(series("a.x", range(1000)))
    historian.commit()
    historian.append(series("a.x", range(1000, 1500), start=START + 1000 * US))
    pieces = list(historian.stream(["a.x"], START, START + HOUR, rows=300))
    assert len(pieces) > 1
    whole = pa.Table.from_batches(pieces)
    assert whole["value"].to_pylist() == list(range(1500))


def test_bad_questions_get_one_clear_error(historian: Historian) -> None:
    with pytest.raises(HistorianError, match="before it begins"):
        historian.samples(["a.x"], START, START)
    with pytest.raises(HistorianError, match="at least one"):
        historian.samples([], START, START + 1)
    with pytest.raises(HistorianError, match="as a list"):
        historian.samples("a.x", START, START + 1)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.x", "a.y", "b'c", "z"]),
            st.integers(-3 * 86_400, 3 * 86_400),
            st.one_of(st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=5)),
            st.sampled_from([0, 1, 2]),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 40),
)
def test_reading_is_the_inverse_of_writing(
    tmp_path_factory: pytest.TempPathFactory,
    given_samples: list[tuple[str, int, object, int]],
    committed: int,
) -> None:
    samples = [
        Sample(signal, START + at * US, START, value, quality, n)  # type: ignore[arg-type]
        for n, (signal, at, value, quality) in enumerate(given_samples)
    ]
    clock = VirtualClock(START)
    with Historian.open(tmp_path_factory.mktemp("h") / "historian", clock) as historian:
        historian.append(samples[:committed]) if committed else None
        historian.commit()
        historian.append(samples[committed:])
        found = historian.samples(
            ["a.x", "a.y", "b'c", "z"], START - 100 * HOUR, START + 100 * HOUR
        )
    expected = sorted(samples, key=lambda s: (s.signal, s.source_time, s.sequence))
    read = [
        (row["signal"], row["sequence"], row["text"] if row["value"] is None else row["value"])
        for row in found.to_pylist()
    ]
    assert read == [(s.signal, s.sequence, s.value) for s in expected]
    assert found["quality"].to_pylist() == [s.quality for s in expected]
