"""What a machine shows while it settles is left out: of training and live, by the same rule."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.learn.press import MINUTE, START, plant_in, record

from genba.historian import Historian
from genba.learn import Slice, slice_of_equipment, slice_of_parts
from genba.learn.data.settle import settled, settled_parts
from genba.learn.edge.contract import STANDS, Contract
from genba.learn.edge.past import Past
from genba.learn.edge.window import Feed
from genba.plant import US, Plant

END = START + 240 * MINUTE
SETTLE_S = 600.0
"""Less than the press's quarters of an hour of rest: each is a standstill."""
WANTED = Slice("press-1", START, END, step_s=10, settle_s=SETTLE_S)
COLUMNS = ("press-1.hold", "press-1.melt", "press-1.cavity")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant_in(tmp_path_factory.mktemp("plant"))


@pytest.fixture(scope="module")
def historian(tmp_path_factory: pytest.TempPathFactory) -> Historian:
    return record(tmp_path_factory.mktemp("recorded") / "historian", 240)


def contract(settle_s: float = SETTLE_S) -> Contract:
    return Contract(
        "watch", "1", "anomaly", "press-1", COLUMNS, 1, 10.0, working=True, settle_s=settle_s
    )


def past(historian: Historian, plant: Plant, now: int) -> Past:
    @contextmanager
    def opened() -> Iterator[Historian]:
        yield historian

    return Past(plant, opened, lambda: now)


def test_training_and_live_drop_the_same_moments(historian: Historian, plant: Plant) -> None:
    data = slice_of_equipment(historian, plant, WANTED)
    minutes = (data.time - START) // MINUTE
    assert set(minutes.tolist()) == {m for m in range(240) if 10 <= m % 60 < 45}
    stretch = past(historian, plant, END).stretch(contract(), START, END)
    shown = np.isfinite(stretch.rows()).all(axis=1)
    assert stretch.time[shown].tolist() == data.time.tolist()
    feed = Feed(contract())
    live = []
    for row, moment in enumerate(stretch.time.tolist()):
        if feed.tick(moment, stretch.look(row)) and np.isfinite(feed.window()).all():
            live.append(moment)
    assert live == data.time.tolist()


@pytest.mark.parametrize(("minute", "knows"), [(65, False), (75, True), (104, True), (124, False)])
def test_a_model_that_starts_at_work_knows_whether_its_machine_is_settled(
    historian: Historian, plant: Plant, minute: int, knows: bool
) -> None:
    """It looks back far enough into the recording, and waits for nothing."""
    feed = past(historian, plant, START + minute * MINUTE).feed(contract())
    assert isinstance(feed, Feed)
    assert feed.full
    assert np.isfinite(feed.window()).all() == knows


def test_parts_made_meanwhile_are_left_out_too(historian: Historian, plant: Plant) -> None:
    """Parts come all the time here: the machine settles once, from the first on."""
    whole = slice_of_parts(historian, plant, Slice("press-1", START, END), None)
    calm = slice_of_parts(historian, plant, WANTED, None)
    assert calm.target is None
    assert calm.rows == whole.rows - 10
    feed = Contract(
        "parts", "1", "anomaly", "press-1", ("press-1.hold",), 1, 60.0,
        asked_at="press-1.part", takes=(STANDS,), settle_s=SETTLE_S,
    )  # fmt: skip
    recorded = past(historian, plant, END).stretch(feed, START, END)
    assert recorded.time.tolist() == calm.time.tolist()


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 40)), min_size=1, max_size=20),
    st.integers(1, 20),
)
def test_whoever_works_and_did_not_stand_still_for_so_long_is_settled(
    story: list[tuple[bool, int]], settle_s: int
) -> None:
    executes = np.array([on for on, length in story for _ in range(length)])
    time = np.arange(len(executes), dtype=np.int64) * US
    found = settled(time, executes, settle_s * US)
    assert not (found & ~executes).any()
    for row in np.flatnonzero(executes):
        before = executes[max(0, row - 2 * settle_s) : row + 1]
        if before.all() and row >= 2 * settle_s:
            assert found[row]
    assert np.array_equal(settled(time, executes, 0), executes)


def test_a_pause_between_parts_as_long_as_it_settles_is_a_standstill() -> None:
    ends = np.array([0, 4, 8, 12, 13, 30, 33, 37, 41]) * US
    assert settled_parts(ends, 10 * US).tolist() == [
        False, False, False, True, True, False, False, False, True,
    ]  # fmt: skip
