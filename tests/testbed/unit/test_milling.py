"""Cutting: formulas against hand calculation, wear that shows only by its traces, tool changes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testbed.unit.bench import Bench

from genba.testbed.unit.cutting import (
    chip_thickness_mm,
    cutting_power_kw,
    flank_wear_mm,
    ideal_roughness_um,
    specific_force_mpa,
    stable_depth_mm,
    taylor_life,
)
from genba.testbed.unit.process import Phase


def test_power_of_a_cut_by_hand() -> None:
    # 16MnCr5, fz 0.08 mm, ae/D = 8/16: hm = 0.08 sqrt(0.5) = 0.05657 mm,
    # kc = 2100 · 0.05657^-0.26 = 4429 MPa, Pc = 3.5 · 8 · 1000 · 4429 / 60e6 = 2.067 kW.
    chip = chip_thickness_mm(0.08, 8.0, 16.0)
    kc = specific_force_mpa(2100.0, 0.26, chip)
    assert chip == pytest.approx(0.05657, abs=1e-5)
    assert kc == pytest.approx(4429.0, rel=2e-3)
    assert cutting_power_kw(3.5, 8.0, 1000.0, kc) == pytest.approx(2.067, rel=2e-3)


def test_a_chip_of_one_millimeter_takes_kc11() -> None:
    assert specific_force_mpa(2100.0, 0.26, 1.0) == 2100.0


def test_twenty_percent_more_speed_halves_the_life_at_n_of_a_quarter() -> None:
    exponents = (0.25, 0.62, 1.6)
    assert taylor_life(60.0, 1.0, 1.0, 1.0, exponents) == 60.0
    assert taylor_life(60.0, 1.2, 1.0, 1.0, exponents) == pytest.approx(60.0 / 1.2**4)


@given(st.floats(0.0, 2.0), st.floats(0.001, 0.5))
def test_wear_only_grows(share: float, more: float) -> None:
    assert flank_wear_mm(share + more) > flank_wear_mm(share)


def test_wear_is_three_tenths_at_the_end_of_life_and_ideal_roughness_is_as_by_hand() -> None:
    assert flank_wear_mm(0.0) == 0.0
    assert flank_wear_mm(1.0) == pytest.approx(0.30, abs=1e-6)
    assert ideal_roughness_um(0.1, 0.8) == pytest.approx(0.390625)


def test_the_cut_is_most_stable_where_whole_waves_fit_between_the_teeth() -> None:
    pocket = 60.0 * 780.0 / (4 * 3)  # three waves per tooth
    between = 60.0 * 780.0 / (4 * 3.5)
    assert stable_depth_mm(3.4, 1.1, 780.0, 4, pocket) == pytest.approx(3.4 * 2.1)
    assert stable_depth_mm(3.4, 1.1, 780.0, 4, between) == pytest.approx(3.4)


def test_the_cycle_is_idle_time_and_path_over_feed() -> None:
    bench = Bench("mill-1")
    recipe = bench.job.recipe
    taken = bench.write(feed_rate=600.0, tool_life_limit=200.0).run(10).seconds / 10
    assert taken == pytest.approx(recipe["idle_s"] + 60.0 * recipe["path_mm"] / 600.0, abs=0.6)


def test_a_feed_written_in_the_middle_of_a_cut_acts_at_once() -> None:
    bench = Bench("mill-1")
    bench.process.begin([bench.part()], bench.around)
    bench.rest(30, Phase.RUN)
    bench.process.write("feed_rate", 4000.0)
    seconds = 30
    while not bench.process.done:
        bench.rest(1, Phase.RUN)
        seconds += 1
    assert seconds < bench.job.planned_cycle_s - 10


def worn_and_new() -> tuple[Bench, Bench]:
    worn = Bench("mill-1").write(tool_life_limit=240.0)
    worn.process.maintain("tool_change")
    while worn.process.truth()["tool_life_used"] < 0.95:
        worn.run(1, upkeep=False)
    new = Bench("mill-1")
    new.process.maintain("tool_change")
    return worn, new


def test_wear_raises_load_vibration_and_size_and_a_tool_change_ends_it() -> None:
    worn, new = worn_and_new()
    assert worn.process.truth()["flank_wear_mm"] == pytest.approx(0.3, abs=0.05)
    shown = []
    for bench in (worn, new):
        bench.process.begin([bench.part()], bench.around)
        bench.rest(40, Phase.RUN)
        readings = [bench.process.readings() for _ in range(50)]
        shown.append([sum(r[k] for r in readings) / 50 for k in ("spindle_load", "vibration")])
        while not bench.process.done:
            bench.rest(1, Phase.RUN)
        bench.process.finish(bench.around)
    assert shown[0][0] > 1.3 * shown[1][0]
    assert shown[0][1] > 1.3 * shown[1][1]
    assert worn.run(20, upkeep=False).mean("mill_error_um") > new.run(20).mean("mill_error_um") + 6
    worn.process.maintain("tool_change")
    assert worn.process.truth()["flank_wear_mm"] == 0.0


def test_a_tool_is_due_after_the_set_cutting_time() -> None:
    bench = Bench("mill-1").write(tool_life_limit=5.0)
    bench.process.maintain("tool_change")
    cut_min = 0.0
    while bench.process.maintenance_due() is None:
        bench.run(1, upkeep=False)
        cut_min = bench.process.truth()["tool_cut_min"]
    assert 5.0 <= cut_min < 6.0


def test_faster_cutting_uses_tools_up_sooner() -> None:
    used = []
    for rpm in (2800.0, 4200.0):
        bench = Bench("mill-1").write(spindle_speed=rpm, tool_life_limit=240.0)
        bench.process.maintain("tool_change")
        bench.run(10, upkeep=False)
        used.append(bench.process.truth()["tool_life_used"])
    # Speed to the fourth power, feed per tooth the other way (1/m of the same ratio).
    assert used[1] / used[0] == pytest.approx(1.5**4 * 1.5 ** (-1 / 0.62), rel=0.02)


def test_an_overloaded_spindle_is_a_hazard() -> None:
    bench = Bench("mill-1").write(spindle_speed=500.0, feed_rate=4000.0)
    bench.process.begin([bench.part()], bench.around)
    seen = set()
    while not bench.process.done:
        bench.rest(1, Phase.RUN)
        seen.update(bench.process.hazards())
    assert seen == {"spindle overload"}


def test_size_scatters_by_little_more_than_its_noise_with_a_sharp_tool() -> None:
    bench = Bench("mill-1").write(tool_life_limit=2.0)
    errors = [m.part.features["mill_error_um"] for m in bench.run(60).made]
    mean = sum(errors) / 60
    assert math.sqrt(sum((e - mean) ** 2 for e in errors) / 60) < 6.0
