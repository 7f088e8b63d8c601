"""What is read out of the historian is what a model would have seen live."""

import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.guard import Guard
from genba.historian import Historian
from genba.learn.edge.contract import Contract
from genba.learn.edge.past import Past
from genba.operate.model_judge import ModelJudge
from genba.operate.records import Records
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    PackMLState,
    Plant,
    Quality,
    Sample,
    VirtualClock,
    load_plant,
    parse_time,
)

START = parse_time("2026-01-05T06:00:00Z")
YAML = """\
genba: 1
id: works
connections: [{id: line, driver: replay, url: "recorded.csv"}]
equipment:
  - id: press
    connection: line
    signals:
      - {id: state, role: state, kind: state, type: int, address: state}
      - {id: hold, kind: setpoint, unit: bar, address: hold}
      - {id: melt, unit: Cel, sample_s: 2, address: melt}
"""
COLUMNS = ("press.melt", "press.hold")
CONTRACT = Contract("watch", "1", "anomaly", "press", COLUMNS, 4, 1.0, working=True)
MOMENTS = 60


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    path = tmp_path_factory.mktemp("plant") / "plant.yaml"
    path.write_text(YAML)
    return load_plant(path)


NUMBER = st.floats(-100, 100, width=32)
SAMPLE = st.one_of(
    st.tuples(st.just("press.melt"), NUMBER, st.sampled_from([Quality.GOOD, Quality.BAD])),
    st.tuples(st.just("press.hold"), NUMBER, st.just(Quality.GOOD)),
    st.tuples(
        st.just("press.state"),
        st.sampled_from([int(PackMLState.EXECUTE), int(PackMLState.IDLE)]),
        st.just(Quality.GOOD),
    ),
)
STORY = st.lists(st.tuples(st.integers(0, MOMENTS * 4 - 1), SAMPLE), max_size=40)


@settings(max_examples=25, deadline=None)
@given(STORY)
def test_recorded_moments_look_as_the_live_ones_did(
    plant: Plant,
    tmp_path_factory: pytest.TempPathFactory,
    story: list[tuple[int, tuple[str, float, Quality]]],
) -> None:
    """Quarters of a second, in order; at each full second the model looks."""
    clock = VirtualClock(START)
    samples = {
        (name, START + quarter * US // 4): Sample(
            name, START + quarter * US // 4, START + quarter * US // 4, value, quality
        )
        for quarter, (name, value, quality) in sorted(story, key=lambda one: one[0])
    }
    ordered = sorted(samples.values(), key=lambda sample: sample.source_time)
    live, seen = LiveValues(), []
    judge = ModelJudge(plant, Guard(plant, clock), live, Records(lambda *_: None))
    for moment in range(MOMENTS):
        now = START + moment * US
        live.update([s for s in ordered if now - US < s.source_time <= now])
        look = judge.look(now)
        seen.append([look(name) for name in (*COLUMNS, "press")])
    with Historian.open(tmp_path_factory.mktemp("h") / "historian", clock) as historian:
        historian.append(ordered)

        past = Past(plant, lambda: nullcontext(historian), clock.now)
        found = past.stretch(CONTRACT, START, START + MOMENTS * US)
    told = [[found.look(row)(name) for name in (*COLUMNS, "press")] for row in range(MOMENTS)]
    assert np.array_equal(np.float32(told), np.float32(seen), equal_nan=True)


def test_where_nothing_is_recorded_nothing_is_known(plant: Plant, tmp_path: Path) -> None:
    clock = VirtualClock(START + 100 * US)
    with Historian.open(tmp_path / "historian", clock) as historian:
        historian.append([Sample("press.hold", START, START, 5.0)])
    past = Past(plant, lambda: Historian.open(tmp_path / "historian", clock), clock.now)
    rows = past.rows(CONTRACT, 5)
    assert rows is not None
    assert np.isnan(rows).all(), "it does not tell that it is at work"
    found = past.stretch(CONTRACT, START, START + 10 * US)
    assert not found.at_work.any()
    assert found.look(9)("press.hold") == 5.0
    assert math.isnan(found.look(9)("press.melt"))
