"""A machine's mode is taken as a state where it is asked for: set-up is not production."""

from pathlib import Path

import numpy as np
from tests.learn.press import MINUTE, PLANT, START

from genba.historian import Historian
from genba.learn import ColumnKind, Slice, slice_of_equipment
from genba.learn.anomaly.usual import Usual
from genba.plant import PackMLState, Sample, VirtualClock, load_plant

MODE = "      - {id: mode, role: mode, kind: state, type: int, address: mode}\n"
PRODUCTION, SETUP = 1, 4


def test_the_mode_is_a_state_by_which_normal_goes(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT + MODE)
    plant = load_plant(tmp_path / "plant.yaml")
    minutes = 400
    random = np.random.default_rng(0)
    samples = [
        Sample("press-1.state", START, START, int(PackMLState.EXECUTE)),
        Sample("press-1.hold", START, START, 500.0),
    ]
    for minute in range(minutes):
        time = START + minute * MINUTE
        mode = SETUP if minute % 100 < 30 else PRODUCTION
        samples.append(Sample("press-1.mode", time, time, mode))
        level = 200.0 if mode == SETUP else 300.0
        samples.append(Sample("press-1.cavity", time, time, level + float(random.normal())))
        samples.append(Sample("press-1.melt", time, time, 230.0 + float(random.normal())))
    with Historian.open(
        tmp_path / "historian", VirtualClock(START + minutes * MINUTE)
    ) as historian:
        historian.append(samples)
        wanted = Slice("press-1", START, START + minutes * MINUTE, 60.0, mode=True)
        data = slice_of_equipment(historian, plant, wanted)
        plain = slice_of_equipment(
            historian, plant, Slice("press-1", START, START + minutes * MINUTE, 60.0)
        )
    assert plain.names == tuple(name for name in data.names if name != "mode")
    assert data.columns[data.names.index("mode")].kind is ColumnKind.STATE
    usual = Usual.learn(data)
    assert len(usual.settings) == 2
    left, _ = usual.left_over(data.values)
    assert np.abs(left).max() < 6
    assert np.allclose(left.std(axis=0), 1.0, atol=0.2)
