"""The hall, the supplier lots, wear and drift: what surrounds the machines."""

import itertools
import math
import statistics

import pytest
from tests.testbed.unit.bench import Bench, reference

from genba.testbed.randomness import Chance
from genba.testbed.unit import build_climate, build_material
from genba.testbed.unit.environment import (
    ClimateParameters,
    MaterialParameters,
    Property,
    Supply,
    relative_humidity_pct,
)
from genba.testbed.unit.process import Phase, Surroundings
from genba.testbed.unit.wear import Drift, Wear

HOUR_US = 3_600_000_000
STILL = ClimateParameters(outdoor_swing_k=0.0, outdoor_sigma_k=0.0, dew_sigma_k=0.0)


def settled(parameters: ClimateParameters, heat_kw: float) -> tuple[Surroundings, float]:
    around = Surroundings(hour=12.0)
    climate = build_climate(parameters, Chance(1).stream("climate"))
    for _ in range(3 * 24 * 60):
        climate.tick(60.0, around, heat_kw)
    return around, climate.power_kw


def test_between_its_bands_the_hall_settles_where_heat_equals_loss() -> None:
    around, power_kw = settled(STILL, heat_kw=44.0)
    assert around.hall_c == pytest.approx(13.0 + 44.0 / 5.5, abs=0.01)
    assert power_kw == pytest.approx(STILL.fan_kw)


def test_more_machine_heat_costs_cooling_and_less_costs_heating() -> None:
    cool, cooling_kw = settled(STILL, heat_kw=110.0)
    cold, heating_kw = settled(STILL, heat_kw=5.0)
    assert 24.0 < cool.hall_c < 27.0
    assert 17.0 < cold.hall_c < 19.0
    assert min(cooling_kw, heating_kw) > STILL.fan_kw + 1.0
    # Heat balance of the cooled hall: what comes in goes out, by the walls or by the chiller.
    out_kw = 5.5 * (cool.hall_c - 13.0) + STILL.cool_cop * (cooling_kw - STILL.fan_kw)
    assert out_kw == pytest.approx(110.0, rel=1e-3)


def test_relative_humidity_after_magnus() -> None:
    assert relative_humidity_pct(12.0, 12.0) == pytest.approx(100.0)
    # Saturation pressures over water: 12.28 hPa at 10 °C, 23.38 hPa at 20 °C (WMO tables).
    assert relative_humidity_pct(20.0, 10.0) == pytest.approx(100 * 12.28 / 23.38, abs=0.3)


def test_a_warm_hall_changes_what_the_mill_makes() -> None:
    cool, warm = Bench("mill-1"), Bench("mill-1")
    warm.around.hall_c = 27.0
    assert warm.run(30).mean("mill_error_um") < cool.run(30).mean("mill_error_um") - 3.0


def test_a_product_gets_only_its_own_materials_and_lots_change() -> None:
    _, physics = reference()
    material = build_material(physics.material, Chance(1).stream("material"))
    assert set(material.features("JA14-P", 0)) == {"material_mfi_g_10min", "material_moisture_pct"}
    assert len(material.features("JA20-S", 0)) == 4
    hourly = [material.features("JA17-S", h * HOUR_US)["material_hardness_hb"] for h in range(200)]
    inside = statistics.fmean(abs(a - b) for a, b in itertools.pairwise(hourly))
    jumps = sum(abs(a - b) > 9.0 for a, b in itertools.pairwise(hourly))
    assert 3 <= jumps <= 40
    assert inside < statistics.pstdev(hourly)


def test_supplier_lots_spread_as_told() -> None:
    supply = Supply(lot_h=1.0, properties={"x": Property(mean=50.0, lot_sigma=4.0)})
    material = build_material(MaterialParameters(supplies={"s": supply}), Chance(1).stream("m"))
    values = [material.features("any", h * HOUR_US)["material_x"] for h in range(3000)]
    assert statistics.fmean(values) == pytest.approx(50.0, abs=0.5)
    assert statistics.pstdev(values) == pytest.approx(4.0, rel=0.1)


def test_lives_of_new_pieces_follow_weibull() -> None:
    wear = Wear(100.0, 4.5, Chance(1).stream("wear"), used=False)
    lives = []
    for _ in range(4000):
        wear.renew()
        lives.append(wear.life)
    g = math.gamma
    spread = math.sqrt(g(1 + 2 / 4.5) / g(1 + 1 / 4.5) ** 2 - 1)
    assert statistics.fmean(lives) == pytest.approx(100.0, rel=0.02)
    assert statistics.pstdev(lives) / 100.0 == pytest.approx(spread, rel=0.06)


def test_drift_wanders_with_its_deviation_and_trend_and_calibration_resets_it() -> None:
    drift = Drift(3.0, 2.0, 0.0, Chance(2).stream("drift"))
    seen = []
    for _ in range(40_000):
        drift.pass_time(60.0)
        seen.append(drift.value)
    assert statistics.pstdev(seen) == pytest.approx(3.0, rel=0.15)
    trend = Drift(1e-9, 2.0, 0.5, Chance(2).stream("drift"))
    start = trend.value
    trend.pass_time(60.0)
    for _ in range(599):
        trend.pass_time(60.0)
    assert trend.value - start == pytest.approx(5.0, rel=1e-3)
    trend.calibrate(0.1)
    assert trend.value == pytest.approx(0.1 * (start + 5.0), rel=1e-3)


def test_a_cold_sealer_waits_and_dwell_shortens_with_heat() -> None:
    bench = Bench("pack").rest(3600, Phase.OFF)
    bench.process.begin([bench.part()], bench.around)
    bench.rest(30, Phase.RUN)
    assert not bench.process.done
    waited = 30
    while not bench.process.done:
        bench.rest(1, Phase.RUN)
        waited += 1
    assert 300 < waited < 1200
    bench.process.finish(bench.around)
    usual = bench.rest(900).run(30).seconds
    hot = bench.write(seal_temperature=165.0).rest(900).run(30).seconds
    saved = 4.0 * (1.0 - math.exp(-15.0 / 30.0))
    assert (usual - hot) / 30 == pytest.approx(saved, abs=0.1)
