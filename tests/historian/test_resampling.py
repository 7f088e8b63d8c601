"""Resampled and as-of joined values, against the plain definition."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, series, times

from genba.errors import HistorianError
from genba.historian import Historian
from genba.plant import US, Sample, VirtualClock

TEN = 10 * US


def test_each_way_to_resample(historian: Historian) -> None:
    historian.append(series("a.x", [1, 2, 6, 4]))
    historian.commit()
    historian.append(series("a.x", [7.0, 9.0], start=START + TEN))
    expected = {
        "mean": [3.25, 8.0],
        "min": [1.0, 7.0],
        "max": [6.0, 9.0],
        "last": [4.0, 9.0],
        "sum": [13.0, 16.0],
        "count": [4.0, 2.0],
    }
    for how, values in expected.items():
        found = historian.resample(["a.x"], START, START + 30 * US, TEN, how)  # type: ignore[arg-type]
        assert found["value"].to_pylist() == values, how
        assert times(found, "time") == [START, START + TEN], how


def test_what_is_bad_or_no_number_does_not_count(historian: Historian) -> None:
    bad = Sample("a.x", START + US, START, 1000.0, 2)
    uncertain = Sample("a.x", START + 2 * US, START, 3.0, 1)
    rest = [Sample("a.x", START + n * US, START, v) for n, v in ((3, math.nan), (4, None))]
    historian.append([*series("a.x", [1.0]), bad, uncertain, *rest])
    found = historian.resample(["a.x"], START, START + TEN, TEN, "mean")
    assert found["value"].to_pylist() == [2.0]


def test_the_last_text_of_a_step(historian: Historian) -> None:
    historian.append(series("a.lots", ["O-1-01", "O-1-02", ""]))
    found = historian.resample(["a.lots"], START, START + 4 * US, 2 * US, "last")
    assert found["text"].to_pylist() == ["O-1-02", ""]


@pytest.mark.parametrize(
    ("step", "how", "said"),
    [
        (US, "median", "'median' is no way to resample; use mean"),
        (0, "mean", "not positive"),
        (-US, "mean", "not positive"),
        (1, "mean", "more than 10,000,000 points"),
    ],
)
def test_bad_grids_are_refused(historian: Historian, step: int, how: str, said: str) -> None:
    with pytest.raises(HistorianError, match=said):
        historian.resample(["a.x"], START, START + 60 * US, step, how)  # type: ignore[arg-type]


def test_asof_holds_the_last_value_of_each_signal(historian: Historian) -> None:
    historian.append(series("a.state", [6.0], start=START - 3 * 86_400 * US))
    historian.append(series("a.power", range(0, 40, 10), step_us=TEN))
    historian.append(series("a.lots", ["O-1-01"], start=START + 15 * US))
    found = historian.asof(["a.state", "a.power", "a.lots", "a.none"], START, START + 4 * TEN, TEN)
    assert found.column_names == ["time", "a.state", "a.power", "a.lots", "a.none"]
    assert found["a.state"].to_pylist() == [6.0] * 4
    assert found["a.power"].to_pylist() == [0.0, 10.0, 20.0, 30.0]
    assert found["a.lots"].to_pylist() == [None, None, "O-1-01", "O-1-01"]
    assert found["a.none"].to_pylist() == [None] * 4


def test_asof_on_the_times_of_another_signal(historian: Historian) -> None:
    historian.append(series("a.power", range(10)))
    counts = [Sample("a.count", START + at, START, n) for n, at in enumerate((1_500_000, 7 * US))]
    historian.append(counts)
    found = historian.asof(["a.power"], START, START + TEN, on="a.count")
    assert times(found, "time") == [START + 1_500_000, START + 7 * US]
    assert found["a.power"].to_pylist() == [1.0, 7.0]


def test_asof_is_unknown_after_a_bad_sample(historian: Historian) -> None:
    historian.append(
        [
            *series("a.x", [1.0]),
            Sample("a.x", START + TEN, START, 2.0, 2),
            *series("a.x", [3.0], start=START + 2 * TEN),
        ]
    )
    found = historian.asof(["a.x"], START, START + 3 * TEN, TEN)
    assert found["a.x"].to_pylist() == [1.0, None, 3.0]


def test_asof_wants_either_a_grid_or_a_signal(historian: Historian) -> None:
    with pytest.raises(HistorianError, match="either a step or a signal"):
        historian.asof(["a.x"], START, START + TEN)
    with pytest.raises(HistorianError, match="not both"):
        historian.asof(["a.x"], START, START + TEN, TEN, on="a.y")


samples_in_time = st.lists(
    st.tuples(
        st.integers(-50, 100),
        st.one_of(st.none(), st.integers(-5, 5).map(float)),
        st.sampled_from([0, 0, 0, 2]),
    ),
    max_size=25,
    unique_by=lambda sample: sample[0],
)


@settings(max_examples=40, deadline=None)
@given(samples_in_time, st.integers(3, 40))
def test_grids_agree_with_the_plain_definition(
    tmp_path_factory: pytest.TempPathFactory,
    given_samples: list[tuple[int, float | None, int]],
    step: int,
) -> None:
    samples = [
        Sample("a.x", START + at * US, START, value, quality)
        for at, value, quality in given_samples
    ]
    end = 100
    with Historian.open(tmp_path_factory.mktemp("h") / "h", VirtualClock(START)) as historian:
        historian.append(samples[::2])
        historian.commit()
        historian.append(samples[1::2])
        asof = historian.asof(["a.x"], START, START + end * US, step * US)
        weighted = historian.resample(
            ["a.x"], START, START + end * US, step * US, "time_weighted_mean"
        )

    def held(second: int) -> float | None:
        before = [s for s in samples if s.source_time <= START + second * US]
        last = max(before, key=lambda s: s.source_time, default=None)
        return None if last is None or last.quality == 2 else last.value  # type: ignore[return-value]

    grid = range(0, end, step)
    assert asof["a.x"].to_pylist() == [held(second) for second in grid]
    expected = {}
    for begin in grid:
        known = [v for s in range(begin, min(begin + step, end)) if (v := held(s)) is not None]
        if known:
            expected[START + begin * US] = sum(known) / len(known)
    found = dict(zip(times(weighted, "time"), weighted["value"].to_pylist(), strict=True))
    assert found.keys() == expected.keys()
    assert all(math.isclose(found[t], expected[t], abs_tol=1e-9) for t in expected)
