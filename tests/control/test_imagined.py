"""Faults as a world model knows them, and a detector that is held against them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.control.oven import BASE, START, plant_in, record
from typer.testing import CliRunner

from genba.cli.main import app
from genba.control.bound import bound
from genba.control.imagined import faults_in
from genba.control.learned import keep, kept_world, learn
from genba.control.recorded import episodes_of
from genba.errors import ControlError
from genba.historian import Historian
from genba.learn import Registry, Slice, anomaly_ladder, by_time, slice_of_equipment, train
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder
from genba.plant import US, Plant, VirtualClock

HOUR = 3600 * US
LEARNED = START + 4 * HOUR
END = START + 6 * HOUR


class Oven:
    """Four hours to learn a detector from, one of them for the process, and two more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plant: Plant = plant_in(folder)
        self.state = StateFolder(folder / "state")
        self.bound = bound(self.plant, "oven")
        key = self.state.secrets / KEY
        with record(self.state.historian, 6) as historian:
            episodes = episodes_of(historian, self.bound, START + 3 * HOUR, LEARNED)
            learned = learn(self.bound, episodes, (START, LEARNED))
            keep(learned, self.state.root / "processes", key)
            wanted = Slice("oven", START, LEARNED, without=("oven.setpoint",))
            data = slice_of_equipment(historian, self.plant, wanted)
        self.world, _ = kept_world(self.bound, self.state.root / "processes", key)
        split = by_time(data)
        ladder = anomaly_ladder(split.take(data, "train"))
        found = train(data, split, replace(ladder, rungs=ladder.rungs[:1]), equipment="oven")
        self.model = found.keep(Registry(self.state.root / "models", key), "2026-01-05T14:00:00Z")

    def opened(self) -> Historian:
        return Historian.open(self.state.historian, VirtualClock(END), read_only=True)


@pytest.fixture(scope="module")
def oven(tmp_path_factory: pytest.TempPathFactory) -> Oven:
    return Oven(tmp_path_factory.mktemp("oven"))


def test_a_fault_adds_what_the_physics_says_in_the_signals_own_unit(oven: Oven) -> None:
    begins = [LEARNED + 600 * US, LEARNED + HOUR]
    with oven.opened() as historian:
        faults = faults_in(oven.bound, oven.world, historian, begins, 1200)
    by_name = {fault.name: fault for fault in faults if fault.time[0] == begins[0]}
    base = by_name["base rises by 40%"]
    assert base.added["oven.drawn"] == pytest.approx(np.full(60, 400 * BASE), rel=0.1)
    assert base.added["oven.heat"] == pytest.approx(np.zeros(60), abs=1e-9)
    assert base.time.tolist() == [begins[0] + 20 * step * US for step in range(60)]
    drift = by_name["the sensor of temperature drifts by 2% of its range"]
    assert drift.added["oven.heat"][[0, -1]] == pytest.approx([0, 7])
    assert len(faults) == 2 * len(by_name)
    assert by_name["loss rises by 40%"].shown > 5


def test_onsets_without_a_whole_recording_are_left_out(oven: Oven) -> None:
    with oven.opened() as historian:
        faults = faults_in(oven.bound, oven.world, historian, [START, LEARNED], 1200)
        assert {int(fault.time[0]) for fault in faults} == {LEARNED}
        with pytest.raises(ControlError, match="nothing whole was recorded"):
            faults_in(oven.bound, oven.world, historian, [START], 1200)


def test_a_detector_that_misses_what_plainly_shows_is_not_passed(oven: Oven) -> None:
    verify = ("model", "verify", oven.model.digest[:12], str(oven.folder / "plant.yaml"))
    wide = (*verify, "--budget", "500", "--twin", "oven", "--fault-hours", "0.4")
    told = CliRunner().invoke(app, [*wide, "--found", "1"])
    assert told.exit_code == 1, told.output
    text = " ".join(told.output.split())
    assert "base rises by 40%" in text
    assert "imagined faults that plainly show, and 100% are asked for" in text
    assert CliRunner().invoke(app, wide).exit_code == 0, "it need not, where nobody asks for it"
    alone = CliRunner().invoke(app, [*verify, "--found", "0.5"])
    assert "name the process with --twin" in alone.output
