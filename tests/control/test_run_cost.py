"""A run's electricity is paid by the hours that it takes, and so are choices made."""

from pathlib import Path

import numpy as np
import pytest
from tests.control.press import PLANT, plant_in

from genba.control.bound import bound
from genba.control.run_cost import RunCost
from genba.errors import ControlError, PlantError
from genba.plant import parse_time
from genba.twin.process import Tracker, prior

TARIFF = f"""\
tariffs:
  - {{id: grid, price_per_kwh: [{", ".join(["0.1"] * 12 + ["0.3"] * 12)}],
     carbon_g_per_kwh: [{", ".join(["200"] * 24)}]}}
"""
BY_HOUR = PLANT.replace(
    "{prices: {cycle: 0.0153, energy: 0.15}}", "{prices: {cycle: 0.0153}, kwh: {energy: 2.0}}"
)
RECIPE, AROUND = np.array([[450.0, 15.0]]), np.array([70.0, 523.0])


def test_a_kilowatt_hour_costs_what_its_hour_costs(tmp_path: Path) -> None:
    plant = plant_in(tmp_path, BY_HOUR + TARIFF)
    joined = bound(plant, "molding")
    tracker, cost = Tracker(joined.symbolic, prior(joined.physics)), RunCost(plant, joined)
    mean, _ = cost.predicted(tracker, RECIPE, AROUND)
    names = [v.name for v in joined.physics.outputs]
    energy, cycle_s = mean[0, names.index("energy")], mean[0, names.index("cycle")]
    noon = parse_time("2026-01-05T12:00:00Z")

    def at(before_s: float) -> float:
        return float(cost.of(tracker, "lid", RECIPE, AROUND, noon - round(before_s * 1e6))[0])

    # Half of the run lies before noon; a bad part's electricity is paid twice.
    cheap, dear, half = at(3600), at(-3600), at(cycle_s / 2)
    assert half == pytest.approx((cheap + dear) / 2)
    more = dear - cheap
    assert 1.0 <= more / (0.2 * 2.0 * energy) <= 2.0
    assert cost.only_paid[names.index("energy")]


def test_a_plant_without_a_tariff_cannot_price_by_the_hour(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="paid by a tariff of electricity, and the plant has none"):
        plant_in(tmp_path, BY_HOUR)
    wrong = BY_HOUR.replace("kwh: {energy: 2.0}", "kwh: {enrgy: 2.0}") + TARIFF
    plant = plant_in(tmp_path, wrong)
    with pytest.raises(ControlError, match="kwh name 'enrgy'"):
        RunCost(plant, bound(plant, "molding"))
