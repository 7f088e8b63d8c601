"""A floor that does not keep to its plan is led by it all the same."""

from collections.abc import Sequence

from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation

from genba.plan import Lot, LotPhase, Situation
from genba.plan.floor.follow import EARLY_S, Follower
from genba.plan.floor.instructions import Instructions, Step
from genba.plan.floor.moves import Moves
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import NearestVehicle
from genba.plant import US
from genba.twin.rules import BATCH_WAIT_S

MINUTE = 60 * US


def follower() -> Follower:
    routings = Routings(PLANT)
    return Follower(PLANT, routings, Moves(routings, NearestVehicle(PLANT)), "optimizer")


def step(name: str, machine: str, start_min: float, number: int = 0) -> Step:
    start = NOW + round(start_min * MINUTE)
    return Step(name, number, machine, start, start + 10 * MINUTE)


def orders(*steps: Step) -> Instructions:
    return Instructions("P-1", NOW, steps)


def started(picture: Situation, plan: Instructions) -> dict[str, object]:
    wanted = follower().moves(picture, plan)
    return {p.equipment: p.context["lot"] for p in follower().jobs(picture, plan, wanted)}


def moved(picture: Situation, plan: Instructions) -> list[tuple[str, str]]:
    return [(m.lot, m.destination) for m in follower().moves(picture, plan)]


def at(name: str, place: str, **more: object) -> Lot:
    return lot(name, place=place, **more)


def picture(lots: Sequence[Lot], **machines: dict[str, object]) -> Situation:
    states = {"saw-1": {}, "saw-2": {}, "oven": {}} | {
        k.replace("_", "-"): v for k, v in machines.items()
    }
    return situation(
        list(lots), machines=tuple(machine(name, **fields) for name, fields in states.items())
    )


def test_a_machine_takes_what_the_plan_has_first_though_another_is_due_sooner() -> None:
    lots = [at("L1", "saw-1", due=NOW + HOUR), at("L2", "saw-1", due=NOW + 9 * HOUR)]
    plan = orders(step("L2", "saw-1", 0), step("L1", "saw-1", 20))
    assert started(picture(lots), plan) == {"saw-1": "L2"}


def test_a_machine_waits_for_the_planned_lot_that_is_about_to_come() -> None:
    lots = [at("L1", "saw-1"), at("L2", "store", phase=LotPhase.MOVING, heading="saw-1")]
    plan = orders(step("L2", "saw-1", 0), step("L1", "saw-1", 20))
    assert started(picture(lots), plan) == {}


def test_a_machine_does_not_stand_idle_for_a_planned_lot_that_has_no_place_there() -> None:
    lots = [at("L1", "saw-1"), at("L2", "store")]
    plan = orders(step("L2", "saw-1", 0), step("L1", "saw-1", 20))
    full = picture(lots, saw_1={"places": 1, "station": ("L1",)})
    assert started(full, plan) == {"saw-1": "L1"}


def test_a_machine_waits_for_work_that_ends_soon_elsewhere_and_not_for_what_is_overdue() -> None:
    plan = orders(step("L2", "oven", 0, 1), step("L1", "oven", 20, 1))
    lots = [
        at("L1", "oven", step=1, quantity=28),
        at("L2", "saw-1", quantity=20, phase=LotPhase.IN_WORK),
    ]
    soon = {"ready": False, "work": ("L2",), "free_at": NOW + MINUTE}
    assert "oven" not in started(picture(lots, saw_1=soon), plan)
    overdue = soon | {"free_at": NOW}
    assert started(picture(lots, saw_1=overdue), plan) == {"oven": "L1"}


def test_a_machine_does_not_wait_long_only_to_keep_to_the_order() -> None:
    lots = [at("L1", "saw-1", quantity=2), at("L2", "store")]
    plan = orders(step("L2", "saw-1", 0), step("L1", "saw-1", 20))
    assert started(picture(lots), plan) == {"saw-1": "L1"}


def test_a_machine_waits_longer_where_that_saves_two_set_ups() -> None:
    lots = [at("L1", "saw-1", product="B", quantity=2), at("L2", "store")]
    plan = orders(step("L2", "saw-1", 0), step("L1", "saw-1", 20))
    assert started(picture(lots, saw_1={"family": "fa"}), plan) == {}


def test_a_lot_that_the_plan_has_elsewhere_is_taken_only_after_those_it_has_here() -> None:
    lots = [at("L1", "saw-1", due=NOW), at("L2", "saw-1", due=NOW + 9 * HOUR)]
    plan = orders(step("L1", "saw-2", 0), step("L2", "saw-1", 30))
    assert started(picture(lots), plan) == {"saw-1": "L2"}


def test_a_lot_that_is_in_no_plan_is_worked_on_where_nothing_else_waits() -> None:
    assert started(picture([at("L9", "saw-1")]), orders()) == {"saw-1": "L9"}


def test_a_tool_that_is_in_use_holds_a_lot_back() -> None:
    lots = [at("L1", "saw-1", product="C"), at("L2", "saw-1")]
    plan = orders(step("L1", "saw-1", 0), step("L2", "saw-1", 20))
    busy = picture(lots, saw_2={"ready": False, "tools": ("clamp",)})
    assert started(busy, plan) == {"saw-1": "L2"}


def test_a_batch_takes_what_is_here_in_the_plans_order_as_far_as_it_fits() -> None:
    lots = [at(f"L{n}", "oven", step=1, quantity=15) for n in (1, 2, 3)]
    plan = orders(step("L3", "oven", 0, 1), step("L1", "oven", 10, 1), step("L2", "oven", 70, 1))
    assert started(picture(lots), plan) == {"oven": "L3,L1"}


def test_a_batch_waits_for_lots_that_come_soon_but_not_for_ever() -> None:
    lots = [
        at("L1", "oven", step=1, since=NOW),
        at("L2", "saw-1", step=1, phase=LotPhase.MOVING, heading="oven"),
    ]
    plan = orders(step("L1", "oven", 0, 1), step("L2", "oven", 5, 1))
    assert started(picture(lots), plan) == {}
    lots[0] = at("L1", "oven", step=1, since=NOW - round(BATCH_WAIT_S * US))
    assert started(picture(lots), plan) == {"oven": "L1"}


def test_lots_go_to_the_machine_that_the_plan_has_for_them() -> None:
    plan = orders(step("L1", "saw-2", 0), step("L2", "saw-1", 5))
    lots = [at("L1", "store"), at("L2", "store")]
    assert moved(picture(lots), plan) == [("L1", "saw-2"), ("L2", "saw-1")]


def test_a_lot_is_brought_to_another_machine_when_its_planned_one_is_down() -> None:
    plan = orders(step("L1", "saw-2", 0))
    down = picture([at("L1", "store")], saw_2={"able": False, "ready": False})
    assert moved(down, plan) == [("L1", "saw-1")]


def test_a_lot_stays_in_the_store_until_it_is_nearly_its_turn() -> None:
    soon, later = EARLY_S / 60 - 1, EARLY_S / 60 + 5
    plan = orders(step("L1", "saw-1", soon), step("L2", "saw-2", later))
    lots = [at("L1", "store"), at("L2", "store")]
    assert moved(picture(lots), plan) == [("L1", "saw-1")]


def test_a_finished_lot_goes_to_the_dock_whatever_the_plan_says() -> None:
    assert moved(picture([at("L1", "oven", step=2)]), orders()) == [("L1", "dock")]


def test_a_lot_that_waits_at_the_wrong_machine_is_taken_to_the_planned_one() -> None:
    plan = orders(step("L1", "saw-2", 0))
    assert moved(picture([at("L1", "saw-1")]), plan) == [("L1", "saw-2")]
