"""A load waits where a fuller one or a cheaper hour saves more than the wait costs."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation

from genba.errors import PlantError
from genba.plan import EarliestDueDate, Lot, LotPhase
from genba.plan.floor.follow import Follower
from genba.plan.floor.instructions import Instructions, Step
from genba.plan.floor.loads import Loads
from genba.plan.floor.moves import Moves
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import NearestVehicle
from genba.plant import (
    US,
    Calendar,
    LoadCost,
    PlanningSettings,
    Plant,
    Tariff,
    load_plant,
)

MINUTE = 60 * US
FLAT, NOON = (0.2,) * 24, (0.3,) * 7 + (0.1,) * 17
"""Prices by hour; it is six o'clock."""


def priced(
    prices: tuple[float, ...] = FLAT, part_hour: float = 0.02, wait_min: float = 90, **more: object
) -> Plant:
    cost = LoadCost(equipment="oven", kwh=10.0, part_hour=part_hour, wait_min=wait_min)
    tariff = Tariff(id="grid", price_per_kwh=prices, carbon_g_per_kwh=(200.0,) * 24)
    planning = PlanningSettings(loads=(cost,))
    fields = {name: getattr(PLANT, name) for name in Plant.model_fields}
    return Plant(**{**fields, "tariffs": (tariff,), "planning": planning, **more})


def here(name: str = "L1", quantity: int = 10, **more: object) -> Lot:
    return lot(name, place="oven", step=1, quantity=quantity, since=NOW, **more)


def waits_min(plant: Plant, lots: Sequence[Lot], **more: object) -> float:
    chosen = [one for one in lots if one.place == "oven"]
    picture = situation(list(lots), **more)
    return Loads(plant, Routings(plant)).waits_s(picture, "oven", chosen, lots) / 60


COMING = lot("L2", place="saw-1", phase=LotPhase.IN_WORK, quantity=20)
SOON = (machine("saw-1", free_at=NOW + 20 * MINUTE), machine("saw-2"), machine("oven"))


def test_it_waits_for_the_cheaper_hour_where_that_saves_more_than_the_delay_costs() -> None:
    # From seven on a load costs 1.00 instead of 3.00; ten parts wait an hour for 0.20.
    assert waits_min(priced(NOON), [here()]) == 60
    assert waits_min(priced(NOON, part_hour=0.5), [here()]) == 0
    assert waits_min(priced(FLAT), [here()]) == 0
    # The dearer the wait, the smaller the load that still waits.
    assert waits_min(priced(NOON, part_hour=0.1), [here(quantity=10)]) == 60
    assert waits_min(priced(NOON, part_hour=0.1), [here(quantity=30)]) == 0


def test_it_waits_for_lots_that_fill_it_up_and_not_where_they_do_not_fit() -> None:
    # Twenty parts more save half a load, 1.00; ten parts wait 24 min for 0.08.
    assert waits_min(priced(), [here(), COMING], machines=SOON) == pytest.approx(24)
    assert waits_min(priced(part_hour=0.5), [here(), COMING], machines=SOON) == 0
    full = here(quantity=40)
    assert waits_min(priced(), [full, COMING], machines=SOON) == 0


def test_what_is_urgent_waits_for_nothing() -> None:
    # An hour in the oven is planned; four times that are taken to be needed.
    soon, later = here(due=NOW + 4 * HOUR), here(due=NOW + 6 * HOUR)
    assert waits_min(priced(NOON), [soon]) == 0
    assert waits_min(priced(NOON), [later]) == 60
    assert waits_min(priced(NOON), [later, here("L3", due=NOW + 4 * HOUR)]) == 0


def test_nothing_waits_longer_than_the_plant_file_allows_or_past_the_shift() -> None:
    # Part of the hour in the oven is cheaper already.
    assert waits_min(priced(NOON, wait_min=45), [here()]) == 45
    patient = lot("L1", place="oven", step=1, since=NOW - HOUR)
    assert waits_min(priced(NOON), [patient]) == 30
    weary = lot("L1", place="oven", step=1, since=NOW - 2 * HOUR)
    assert waits_min(priced(NOON), [weary]) == 0
    shift = {"id": "early", "days": ["mon"], "start": "05:00:00", "end": "07:30:00"}
    closing = Calendar.model_validate({"id": "short", "shifts": [shift]})
    oven = PLANT.equipment_by_id["oven"].model_copy(update={"calendar": "short"})
    equipment = tuple(oven if e.id == "oven" else e for e in PLANT.equipment)
    plant = priced(NOON, calendars=(closing,), equipment=equipment)
    # Loaded at seven it would be done at eight, and the shift ends at half past seven.
    assert waits_min(plant, [here()]) == 30


def test_both_planners_keep_to_it_and_it_starts_when_the_hour_has_come() -> None:
    plant = priced(NOON)
    picture = situation([here()])
    routings = Routings(plant)
    follower = Follower(plant, routings, Moves(routings, NearestVehicle(plant)), "optimizer")
    plan = Instructions("P-1", NOW, (Step("L1", 1, "oven", NOW, NOW + HOUR),))
    assert EarliestDueDate(plant).propose(picture) == []
    assert follower.jobs(picture, plan) == []
    assert [p.equipment for p in EarliestDueDate(PLANT).propose(picture)] == ["oven"]
    later = situation([here(due=NOW + 9 * HOUR)])
    later = type(later)(**{**_fields(later), "time": NOW + HOUR})
    assert [p.equipment for p in EarliestDueDate(plant).propose(later)] == ["oven"]
    assert [p.equipment for p in follower.jobs(later, plan)] == ["oven"]


def _fields(picture: object) -> dict[str, object]:
    names = ("time", "lots", "machines", "vehicles", "source", "sink")
    return {name: getattr(picture, name) for name in names}


@pytest.mark.parametrize(
    ("loads", "told"),
    [
        ("{equipment: ovn, kwh: 5, part_hour: 0.1}", "there is no equipment 'ovn'"),
        ("{equipment: oven, kwh: 5, part_hour: 0.1}", "nothing is treated in batches on 'oven'"),
        ("{equipment: oven, kwh: 0, part_hour: 0.1}", "greater than 0"),
    ],
)
def test_a_load_that_cannot_be_weighed_is_refused(tmp_path: Path, loads: str, told: str) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(
        f"genba: 1\nid: works\nequipment: [{{id: oven}}]\nplanning: {{loads: [{loads}]}}\n"
    )
    with pytest.raises(PlantError, match=told):
        load_plant(path)
