"""Tracking follows orders that grow, that lead only a part of the way, or that are taken back."""

import json

from tests.operate.devices import state
from tests.operate.shop import SHOP
from tests.operate.test_track import Floor, actions, sent, vehicle

from genba.plan import LotPhase
from genba.plant import DataType, Plant, Proposal, Role


def cancel(floor: Floor) -> Proposal:
    context = {"task": "cancel", "vehicle": "amr", "vehicle_order": "T-1"}
    proposal = Proposal("P-C", floor.now, "transport", "amr", (), "", context=context)
    floor.tracker.fleet.sent(proposal)
    return proposal


def test_an_update_that_was_not_taken_does_not_end_the_order() -> None:
    floor = Floor()
    update = sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions="[]")
    floor.tracker.fleet.not_taken(update)
    assert floor.lot().heading == "saw"


def test_an_order_that_was_taken_back_is_no_failure_and_its_lot_can_be_planned_again() -> None:
    floor = Floor()
    sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions="[]")
    cancel(floor)
    floor.see(amr__nodes_left=0, amr__actions=actions("FAILED", "FAILED"))
    assert floor.failed == []
    assert floor.tracker.fleet.failed == 0
    assert floor.lot().heading is None
    assert floor.lot().place == "store"


def test_an_order_that_was_not_taken_back_after_all_can_fail() -> None:
    floor = Floor()
    sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions="[]")
    floor.tracker.fleet.not_taken(cancel(floor))
    floor.see(amr__nodes_left=0, amr__actions=actions("FAILED", "FAILED"))
    assert floor.tracker.fleet.failed == 1


def test_a_lot_that_is_still_on_the_vehicle_was_not_delivered() -> None:
    floor = Floor()
    sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions="[]")
    floor.see(amr__loads="O-1-01", amr__nodes_left=0, amr__actions=actions("FINISHED"))
    assert (floor.lot().place, floor.lot().phase) == ("amr", LotPhase.MOVING)
    assert floor.lot().heading is None


def test_planning_sees_how_far_a_vehicle_is_with_its_order() -> None:
    floor = Floor(_showing(SHOP))
    floor.see(amr__node="n0", amr__order_id="T-1", amr__order_update=3, amr__sequence=8,
              amr__nodes_left=2, amr__actions=actions("FINISHED", "RUNNING"),
              amr__mode="AUTOMATIC")  # fmt: skip
    order = vehicle(floor).order
    assert (order.id, order.update, order.sequence, order.over) == ("T-1", 3, 8, False)
    assert order.finished == {json.loads(actions("FINISHED"))[0]["actionId"]}
    assert order.able
    floor.see(amr__mode="SERVICE")
    assert not vehicle(floor).order.able
    assert vehicle(Floor()).order is None


def _showing(plant: Plant) -> Plant:
    more = tuple(
        state(name, DataType.INT, owner="amr", role=role)
        for name, role in (
            ("order_update", Role.VEHICLE_ORDER_UPDATE), ("sequence", Role.VEHICLE_SEQUENCE),
        )
    )  # fmt: skip
    equipment = tuple(
        e.model_copy(update={"signals": (*e.signals, *more)}) if e.id == "amr" else e
        for e in plant.equipment
    )
    # Validated anew: a mere copy would keep what was worked out of the old signals.
    return Plant.model_validate({**plant.model_dump(), "equipment": equipment})
