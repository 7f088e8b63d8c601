"""Grinding: chip energy as published, dulling burns, spark-out sizes, dressing mends."""

import math

import pytest
from tests.testbed.unit.bench import Bench

from genba.testbed.randomness import Chance
from genba.testbed.unit.grinding import Grinder, GrindingParameters
from genba.testbed.unit.process import Part, Phase

STEEL = {"harden_distortion_um": 18.0, "harden_case_mm": 0.26, "mill_error_um": 2.0}


def bench_with(**setpoints: float) -> Bench:
    return Bench("grinder").write(**setpoints).rest(60)


def steel(bench: Bench) -> Part:
    return bench.part(**STEEL)


def test_without_rubbing_the_power_is_chip_energy_times_removal_rate() -> None:
    bench = Bench("grinder")
    parameters = GrindingParameters(flat_kw=0.0)
    grinder = Grinder(parameters, Chance(1).stream("g"))
    for name, value in grinder.recipe_setpoints(bench.job).items():
        grinder.write(name, value)
    grinder.start_job(bench.job)
    grinder.begin([bench.part(harden_hardness_hrc=60.0)], bench.around)
    powers = []
    while not grinder.done:
        grinder.tick(1.0, Phase.RUN, bench.around)
        powers.append(grinder.power_kw)
    r = bench.job.recipe
    removal = math.pi * r["diameter_mm"] * 0.001 * r["infeed_um_s"] * r["width_mm"]  # mm³/s
    extra_kw = (max(powers) - min(powers)) * parameters.drive_efficiency
    assert extra_kw == pytest.approx(0.001 * 13.8 * removal, rel=1e-6)


def test_the_cycle_is_handling_stock_over_infeed_and_spark_out() -> None:
    bench = bench_with(infeed_rate=6.0, spark_out=9.0)
    r = bench.job.recipe
    stock = r["stock_um"] + 18.0 + 0.35 * 2.0
    taken = bench.run(10, lambda: steel(bench)).seconds / 10
    assert taken == pytest.approx(r["idle_s"] + stock / 6.0 + 9.0, abs=0.6)


def test_a_wheel_that_is_not_dressed_burns_and_dressing_mends_it() -> None:
    bench = bench_with(dress_interval=100)
    run = bench.run(70, lambda: steel(bench))
    early, late = run.made[:15], run.made[-15:]
    assert sum("burn_mark" in m.part.defects for m in early) == 0
    assert sum("burn_mark" in m.part.defects for m in late) >= 10
    assert late[-1].trace["peak_power_kw"] > 1.8 * early[0].trace["peak_power_kw"]
    diameter = bench.process.truth()["wheel_mm"]
    bench.process.maintain("dress")
    assert bench.process.truth()["wear_flats"] == 1.0
    assert bench.process.truth()["wheel_mm"] == pytest.approx(diameter - 0.05)


def test_dressing_is_due_after_the_set_number_of_parts() -> None:
    bench = bench_with(dress_interval=7)
    bench.process.maintain("dress")
    bench.run(6, lambda: steel(bench), upkeep=False)
    assert bench.process.maintenance_due() is None
    bench.run(1, lambda: steel(bench), upkeep=False)
    due = bench.process.maintenance_due()
    assert due is not None
    assert due.kind == "dress"


def test_too_little_spark_out_leaves_the_seat_too_large() -> None:
    short, long = bench_with(spark_out=2.0), bench_with(spark_out=12.0)
    large = short.run(20, lambda: steel(short)).mean("grind_error_um")
    small = long.run(20, lambda: steel(long)).mean("grind_error_um")
    assert large > small + 2.0


def test_a_distorted_part_loses_more_of_its_case() -> None:
    bench = bench_with()
    thin = {**STEEL, "harden_distortion_um": 90.0}
    assert bench.run(5, lambda: bench.part(**thin)).count("thin_case") == 5
    assert bench.run(5, lambda: steel(bench)).count("thin_case") == 0


def test_a_wheel_above_50_meters_per_second_is_a_hazard() -> None:
    bench = bench_with(wheel_speed=52.0)
    bench.process.begin([steel(bench)], bench.around)
    bench.rest(1, Phase.RUN)
    assert len(bench.process.hazards()) == 1
