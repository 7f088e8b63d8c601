"""Molding: time from the recipe, cooling that binds, pressure that fixes size, wear that leaks."""

import pytest
from tests.testbed.unit.bench import Bench

from genba.testbed.unit.process import Phase


def warm(seed: int = 1, **setpoints: float) -> Bench:
    return Bench("press-1", seed=seed).write(**setpoints).rest(2400)


def test_cooling_time_goes_into_the_cycle_second_for_second() -> None:
    quick, slow = (warm(cooling_time=t).run(40).seconds / 40 for t in (10.0, 20.0))
    assert slow - quick == pytest.approx(10.0, abs=0.05)


def test_more_holding_pressure_makes_larger_and_heavier_parts() -> None:
    low, high = (warm(hold_pressure=p).run(40) for p in (430.0, 480.0))
    assert high.mean("mold_error_um") > low.mean("mold_error_um") + 15.0
    assert high.mean("mold_weight_g") > low.mean("mold_weight_g")


def test_a_stiffer_melt_lot_makes_smaller_parts_and_a_wet_one_splay() -> None:
    bench = warm()
    stiff = bench.run(40, lambda: bench.part(material_mfi_g_10min=14.0))
    thin = bench.run(40, lambda: bench.part(material_mfi_g_10min=22.0))
    assert stiff.mean("mold_error_um") < thin.mean("mold_error_um") - 10.0
    wet = bench.run(40, lambda: bench.part(material_moisture_pct=0.08))
    dry = bench.run(40, lambda: bench.part(material_moisture_pct=0.02))
    assert wet.count("splay") >= 38
    assert dry.count("splay") == 0


def test_a_worn_check_ring_costs_cavity_pressure_and_cushion() -> None:
    bench = warm()
    bench.process.maintain("service")
    start = bench.run(20)
    before = bench.process.readings()["cushion"]
    wear = bench.process.truth()["ring_wear"]
    worn = bench.run(6000)
    assert bench.process.truth()["ring_wear"] > wear + 0.3
    assert bench.process.readings()["cushion"] < before - 0.3
    late = worn.made[-200:]
    pressure = sum(m.trace["peak_pressure_bar"] for m in late) / len(late)
    assert pressure < sum(m.trace["peak_pressure_bar"] for m in start.made) / 20 - 5.0


def test_a_cold_press_waits_until_it_is_warm() -> None:
    bench = warm().rest(6 * 3600, Phase.OFF)
    bench.process.begin([bench.part()], bench.around)
    bench.rest(60, Phase.RUN)
    assert not bench.process.done
    readings = bench.process.readings()
    assert readings["melt_temperature_actual"] < 200.0
    bench.rest(1800, Phase.RUN)
    assert bench.process.done


def test_the_barrel_is_a_first_order_lag() -> None:
    bench = warm(melt_temperature=255.0)
    start = bench.process.readings()["melt_temperature_actual"]
    bench.write(melt_temperature=275.0).rest(240)
    share = (bench.process.readings()["melt_temperature_actual"] - start) / 20.0
    assert share == pytest.approx(0.632, abs=0.08)  # 1 - 1/e after one time constant


def test_energy_covers_at_least_the_heat_of_the_melt() -> None:
    run = warm().run(40)
    enthalpy_kwh = 0.028 * 2.1 * (255.0 - 21.0) / 3600.0  # kg · kJ/(kg K) · K
    per_part = run.energy_kwh / 40
    assert 1.5 * enthalpy_kwh < per_part < 20 * enthalpy_kwh
    # Published specific energies of molding lie between 0.4 and 4 kWh/kg.
    assert 0.4 < per_part / 0.028 < 4.0
