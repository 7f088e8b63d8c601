"""Heat treatment: energy is conserved, carbon diffuses as Fick says, drift hides in the sensors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testbed.unit.bench import Bench

from genba.testbed.randomness import Chance
from genba.testbed.unit.carburizing import case_depth_m, diffusivity_m2_s
from genba.testbed.unit.furnace import Furnace, FurnaceParameters, Stage
from genba.testbed.unit.process import Phase

P = FurnaceParameters()


def furnace(bench: Bench) -> Furnace:
    assert isinstance(bench.process, Furnace)
    return bench.process


def test_diffusivity_of_carbon_by_hand() -> None:
    # 920 °C, 0.5% C: 0.47e-4 exp(-0.8) exp(-(37000 - 3300) / (1.987 · 1193.15)) m²/s
    # = 0.47e-4 · 0.44933 · exp(-14.215) = 1.42e-11 m²/s.
    assert diffusivity_m2_s(920.0, 0.5) == pytest.approx(1.42e-11, rel=0.01)


def test_case_depth_solves_the_error_function_and_goes_with_the_square_root_of_time() -> None:
    depth = case_depth_m(2.5e-8, 0.80, 0.17)
    left = (0.80 - 0.35) / (0.80 - 0.17)
    assert math.erf(depth / (2.0 * math.sqrt(2.5e-8))) == pytest.approx(left, rel=1e-9)
    assert case_depth_m(4 * 2.5e-8, 0.80, 0.17) == pytest.approx(2.0 * depth)
    assert case_depth_m(0.0, 0.80, 0.17) == 0.0
    assert case_depth_m(2.5e-8, 0.30, 0.17) == 0.0


@given(st.floats(1e-10, 1e-7), st.floats(0.4, 1.2), st.floats(0.01, 0.2))
def test_more_carbon_makes_a_deeper_case(integral: float, carbon: float, more: float) -> None:
    assert case_depth_m(integral, carbon + more, 0.17) > case_depth_m(integral, carbon, 0.17)


def test_an_empty_furnace_at_rest_draws_what_it_loses() -> None:
    bench = Bench("furnace").rest(12 * 3600)
    energy = 0.0
    for _ in range(3600):
        bench.rest(1)
        energy += bench.process.power_kw / 3600.0
    at = bench.process.truth()["furnace_c"]
    losses = P.loss_kw_k * (at - 21.0) + P.atmosphere_kw
    assert energy == pytest.approx(losses, rel=0.01)


def test_heat_is_conserved_while_a_load_warms_up() -> None:
    bench = Bench("furnace").rest(3600)
    bench.process.begin([bench.part() for _ in range(40)], bench.around)
    while furnace(bench).stage is Stage.LOADING:
        bench.rest(1, Phase.RUN)
    mass = P.fixture_kg + 40 * bench.job.recipe["mass_kg"]
    before = bench.process.truth()
    given_kj = lost_kj = 0.0
    for _ in range(900):
        lost_kj += P.loss_kw_k * (bench.process.truth()["furnace_c"] - bench.around.hall_c)
        bench.rest(1, Phase.RUN)
        given_kj += bench.process.power_kw - P.atmosphere_kw
    after = bench.process.truth()
    stored_kj = P.heat_capacity_kj_k * (after["furnace_c"] - before["furnace_c"])
    stored_kj += mass * P.heat_kj_kg_k * (after["load_c"] - before["load_c"])
    assert after["load_c"] > 700.0
    assert given_kj - lost_kj == pytest.approx(stored_kj, rel=1e-6)


def test_hotter_and_longer_make_a_deeper_case_and_more_distortion() -> None:
    def batch(**setpoints: float) -> tuple[float, float]:
        run = Bench("furnace").write(**setpoints).rest(3600).run(1, batch=40)
        return run.mean("harden_case_mm"), run.mean("harden_distortion_um")

    recipe, hot = batch(), batch(temperature_setpoint=945.0)
    long = batch(soak_time=45.0)
    assert hot[0] > recipe[0] + 0.02
    assert hot[1] > recipe[1] + 3.0
    assert long[0] > recipe[0] + 0.03


def test_a_thermocouple_that_reads_low_overheats_the_furnace() -> None:
    offsets, depths = [], []
    for seed in range(1, 7):
        bench = Bench("furnace", seed=seed).rest(3600)
        offsets.append(bench.process.truth()["thermocouple_offset_k"])
        depths.append(bench.run(1, batch=24).mean("harden_case_mm"))
        shown = bench.process.readings()["temperature"]
        assert shown == pytest.approx(920.0, abs=4.0)  # what the controller sees looks right
    lowest, highest = offsets.index(min(offsets)), offsets.index(max(offsets))
    assert depths[lowest] > depths[highest]
    bench.process.maintain("service")
    assert abs(bench.process.truth()["thermocouple_offset_k"]) < 0.2 * max(map(abs, offsets)) + 0.5


def test_soaking_below_750_degrees_is_a_hazard() -> None:
    bench = Bench("furnace").rest(3600)
    bench.process.begin([bench.part()], bench.around)
    while furnace(bench).stage is not Stage.SOAKING:
        bench.rest(1, Phase.RUN)
    assert bench.process.hazards() == []
    bench.process.write("temperature_setpoint", 700.0)
    assert len(bench.process.hazards()) == 1


def test_a_batch_lost_before_carburizing_can_run_again_and_one_lost_later_cannot() -> None:
    early, late = Bench("furnace").rest(3600), Bench("furnace").rest(3600)
    for bench, seconds in ((early, 120), (late, 2200)):
        bench.process.begin([bench.part() for _ in range(5)], bench.around)
        bench.rest(seconds, Phase.RUN)
    assert early.process.abort() == []
    lost = late.process.abort()
    assert [part.defects for part in lost] == [["cycle_lost"]] * 5


def test_more_parts_in_a_batch_cost_less_energy_each() -> None:
    few = Bench("furnace").rest(3600).run(1, batch=8).energy_kwh / 8
    many = Bench("furnace").rest(3600).run(1, batch=48).energy_kwh / 48
    assert many < 0.3 * few


def test_the_gauging_bench_reads_run_out_and_the_record_of_the_batch() -> None:
    run = Bench("furnace").rest(3600).run(1, batch=40)
    apart = [
        item.measurements["harden_distortion_um"] - item.part.features["harden_distortion_um"]
        for item in run.made
    ]
    assert 0.5 < max(map(abs, apart)) < 5.0
    assert abs(sum(apart) / len(apart)) < 0.6
    for item in run.made:
        # Between announcement and end of quench a second passes.
        assert item.trace["batch_s"] == pytest.approx(run.seconds, abs=1.0)
        assert item.trace["batch_kwh"] == pytest.approx(run.energy_kwh, abs=0.02)


def test_what_the_gauge_draws_changes_no_later_batch() -> None:
    stream, other = Chance(3).stream("a"), Chance(3).stream("a")
    beside = stream.apart()
    drawn = [beside.normal() for _ in range(1000)]
    assert [stream.normal() for _ in range(1000)] == [other.normal() for _ in range(1000)]
    assert drawn != [Chance(3).stream("a").normal() for _ in range(1000)]


def test_cooler_richer_carburizing_distorts_less_in_no_more_time() -> None:
    # Seeds that nothing was tuned on: the fixed recipe leaves room, and one step more takes it.
    def batch(**setpoints: float) -> tuple[float, float, float]:
        runs = [Bench("furnace", seed=s).write(**setpoints).rest(600) for s in range(31, 37)]
        made = [bench.run(1, batch=48) for bench in runs]
        bad = sum(run.bad_share for run in made) / len(made)
        return bad, sum(r.mean("harden_distortion_um") for r in made) / 6, made[0].seconds

    recipe = batch(soak_time=28.0)
    cooler = batch(temperature_setpoint=910.0, soak_time=25.0, carbon_potential_setpoint=0.92)
    short = batch(temperature_setpoint=905.0, soak_time=16.0, carbon_potential_setpoint=0.92)
    assert cooler[1] < recipe[1] - 1.0
    assert cooler[2] < recipe[2]
    assert short[0] > recipe[0] + 0.06
