"""The fleet planner leads vehicles by orders with base and horizon, in the loop's own words."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from tests.plan.fleet.layouts import amr, grid
from tests.plan.line import NOW, PLANT, lot, situation, vehicle

from genba.connect.vda5050_schema import checker
from genba.errors import PlanError
from genba.plan import LotPhase, OrderState, Situation, VehicleState
from genba.plan.fleet.fleet_plan import plan_fleet
from genba.plan.fleet.network import Network
from genba.plan.fleet.planner import FleetPlanner
from genba.plan.fleet.tasks import Carrier, TransportTask
from genba.plan.floor.transport import Move
from genba.plant import US, DataType, Edge, Layout, Plant, Proposal, Role, Signal, SignalKind

L1 = Move("L1", "O", "saw-1", "oven")
STATES = {
    Role.VEHICLE_ORDER_ID: DataType.STRING,
    Role.VEHICLE_ORDER_UPDATE: DataType.INT,
}


def _led(plant: Plant) -> Plant:
    """The line, with vehicles that show their orders and take them back."""

    def signals(owner: str) -> list[Signal]:
        fields = {"equipment": owner, "connection": owner}
        state = SignalKind.STATE
        actions = Role.VEHICLE_INSTANT_ACTIONS
        return [
            *(
                Signal(id=f"{owner}.{r}", address=r, kind=state, type=t, role=r, **fields)
                for r, t in STATES.items()
            ),
            Signal(
                id=f"{owner}.{actions}", address=actions, kind=SignalKind.SETPOINT,
                type=DataType.JSON, role=actions, **fields,
            ),
        ]  # fmt: skip

    names = {v.id for v in plant.vehicles}
    equipment = tuple(
        e.model_copy(update={"signals": (*e.signals, *signals(e.id))}) if e.id in names else e
        for e in plant.equipment
    )
    # Validated anew: a mere copy would keep what was worked out of the old signals.
    return Plant.model_validate({**plant.model_dump(), "equipment": equipment})


LINE = _led(PLANT)


def at(name: str, node: str, **more: Any) -> VehicleState:
    return vehicle(name, node, **{"order": OrderState("", 0, 0), **more})


def document(proposal: Proposal) -> dict[str, Any]:
    return json.loads(str(proposal.writes[0].value))


def nodes(proposal: Proposal) -> list[str]:
    return [node["nodeId"] for node in document(proposal)["nodes"]]


def released(proposal: Proposal) -> list[str]:
    return [n["nodeId"] for n in document(proposal)["nodes"] if n["released"]]


def took(state: VehicleState, proposal: Proposal, **more: Any) -> VehicleState:
    """A vehicle as it shows itself after it took an order or an update."""
    order = document(proposal)
    assert state.order is not None
    sequence = order["nodes"][0]["sequenceId"] if order["orderUpdateId"] == 0 else (
        state.order.sequence
    )  # fmt: skip
    shown = OrderState(order["orderId"], order["orderUpdateId"], sequence, over=False)
    return replace(state, free=False, order=shown, **more)


def drove(state: VehicleState, node: str, by: int, **more: Any) -> VehicleState:
    """The same, so many nodes further on."""
    assert state.order is not None
    order = replace(state.order, sequence=state.order.sequence + 2 * by, **more)
    return replace(state, node=node, order=order)


def seen(*vehicles: VehicleState, after_s: float = 0.0, lots: Any = ()) -> Situation:
    return replace(situation(list(lots), vehicles=vehicles), time=NOW + round(after_s * US))


def stations(*names: str) -> Layout:
    """A two-way row of stations 10 m apart, and a loop around it."""
    row = grid(len(names), 2)
    return row.model_copy(
        update={
            "nodes": tuple(
                n.model_copy(update={"station": names[i]}) if i < len(names) else n
                for i, n in enumerate(row.nodes)
            )
        }
    )


def test_a_move_becomes_an_order_that_picks_and_drops_in_the_words_of_the_plain_planner() -> None:
    here = seen(at("amr-1", "n0"), lots=[lot("L1", place="saw-1", step=1)])
    (found,) = FleetPlanner(LINE).propose(here, [L1])
    assert nodes(found) == ["n0", "n1", "n2", "n3"]
    actions = {
        n["nodeId"]: [a["actionType"] for a in n["actions"]] for n in document(found)["nodes"]
    }
    assert actions == {"n0": [], "n1": ["pick"], "n2": [], "n3": ["drop"]}
    assert (found.kind, found.equipment, found.source) == ("transport", "amr-1", "fleet")
    assert found.context["lot"] == "L1"
    assert found.context["destination"] == "oven"
    assert found.context["vehicle_order"] == document(found)["orderId"]


def test_orders_are_valid_in_both_versions_of_vda_5050() -> None:
    header = {
        "headerId": 1, "timestamp": "2026-01-05T06:00:00.000Z", "manufacturer": "m",
        "serialNumber": "s",
    }  # fmt: skip
    for name, version in (("amr-1", "2.1.0"), ("hoist", "3.0.0")):
        (found,) = FleetPlanner(LINE).propose(
            seen(at(name, "n2")), [Move("L1", "O", "saw-2", "oven")]
        )
        message = {**header, "version": version, **document(found)}
        assert checker(int(version[0]), "order")(message) is None


def test_an_order_grows_only_as_the_vehicle_shows_that_it_has_what_was_sent() -> None:
    planner = FleetPlanner(LINE)
    far = Move("L1", "O", "store", "dock")
    first = at("amr-1", "n1")
    (order,) = planner.propose(seen(first), [far])
    assert document(order)["orderUpdateId"] == 0
    assert 1 < len(released(order)) < len(nodes(order))
    assert planner.propose(seen(first, after_s=5), []) == []
    under_way = drove(took(first, order), nodes(order)[1], 1)
    silent = replace(under_way, order=replace(under_way.order, listens=False))
    assert planner.propose(seen(silent, after_s=20), []) == []
    (update,) = planner.propose(seen(under_way, after_s=30), [])
    assert document(update)["orderUpdateId"] == 1
    assert nodes(update)[0] == released(order)[-1]
    assert update.context["lot"] == "L1"


def test_an_update_that_got_lost_is_made_up_for() -> None:
    planner = FleetPlanner(LINE)
    first = at("amr-1", "n1")
    (order,) = planner.propose(seen(first), [Move("L1", "O", "store", "dock")])
    under_way = drove(took(first, order), nodes(order)[1], 1)
    (lost,) = planner.propose(seen(under_way, after_s=10), [])
    assert planner.propose(seen(under_way, after_s=20), []) == []
    (again,) = planner.propose(seen(under_way, after_s=30), [])
    assert document(again)["orderUpdateId"] == 2
    assert nodes(again)[0] == nodes(lost)[0]
    assert set(released(lost)) <= set(released(again))


def test_an_order_that_no_vehicle_took_is_given_again_under_another_id() -> None:
    planner = FleetPlanner(LINE)
    (order,) = planner.propose(seen(at("amr-1", "n0")), [L1])
    planner.propose(seen(at("amr-1", "n0"), after_s=20), [L1])
    (again,) = planner.propose(seen(at("amr-1", "n0"), after_s=21), [L1])
    assert document(again)["orderUpdateId"] == 0
    assert document(again)["orderId"] != document(order)["orderId"]


def test_two_moves_are_shared_so_that_neither_vehicle_drives_far() -> None:
    """The nearest-vehicle rule gives the first move the vehicle that the second one needs."""
    here = seen(at("amr-1", "n0"), at("amr-2", "n2"))
    moves = [Move("L1", "O", "saw-1", "store"), Move("L2", "O", "saw-2", "oven")]
    found = FleetPlanner(LINE).propose(here, moves)
    assert {p.equipment: p.context["lot"] for p in found} == {"amr-1": "L1", "amr-2": "L2"}


def test_nobody_is_released_to_a_node_that_another_one_has_not_left() -> None:
    planner = FleetPlanner(LINE)
    here = seen(at("amr-1", "n0"), at("amr-2", "n1"))
    moves = [Move("L1", "O", "store", "oven"), Move("L2", "O", "saw-1", "dock")]
    found = {p.equipment: p for p in planner.propose(here, moves)}
    assert found["amr-2"].context["lot"] == "L2"
    assert released(found["amr-1"]) == ["n0"]
    assert nodes(found["amr-1"])[1] == "n1"


def test_a_vehicle_that_breaks_down_before_it_picks_up_loses_its_move_to_another_one() -> None:
    planner = FleetPlanner(LINE)
    near, far = at("amr-1", "n0"), at("amr-2", "n4")
    (order,) = planner.propose(seen(near, far), [L1])
    assert order.equipment == "amr-1"
    near = took(near, order)
    told = lot("L1", place="saw-1", step=1, phase=LotPhase.MOVING, heading="oven")
    down = replace(near, order=replace(near.order, able=False, listens=False))
    planner.propose(seen(down, far, after_s=5, lots=[told]), [])
    planner.propose(seen(down, far, after_s=10, lots=[told]), [])
    assert planner.control.begun.get("L1") in (None, "amr-2")
    # Repaired, it is told first that its order is over.
    found = planner.propose(seen(near, far, after_s=15, lots=[told]), [])
    cancel = next(p for p in found if p.equipment == "amr-1")
    assert cancel.context["task"] == "cancel"
    assert document(cancel)["actions"][0]["actionType"] == "cancelOrder"


def test_orders_of_an_earlier_core_are_taken_back_and_others_are_left_alone() -> None:
    planner = FleetPlanner(LINE)
    stray = at("amr-1", "n1", free=False, order=OrderState("amr-1-17-3", 4, 12, over=False))
    (cancel,) = planner.propose(seen(stray), [L1])
    assert cancel.context["task"] == "cancel"
    assert cancel.context["vehicle_order"] == "amr-1-17-3"
    assert planner.propose(seen(stray, after_s=5), [L1]) == []
    theirs = at("amr-1", "n1", free=False, order=OrderState("local-5", 4, 12, over=False))
    assert FleetPlanner(LINE).propose(seen(theirs), [L1]) == []


def test_a_vehicle_that_is_not_heard_of_is_in_the_way_where_it_was() -> None:
    planner = FleetPlanner(LINE)
    onward = Move("L2", "O", "store", "saw-2")
    planner.propose(seen(at("amr-1", "n1"), at("amr-2", "n0")), [])
    lost = replace(at("amr-1", "n1"), node=None)
    found = planner.propose(seen(lost, at("amr-2", "n0"), after_s=5), [onward])
    assert all("n1" not in nodes(proposal) for proposal in found)


def test_an_idle_vehicle_goes_to_rest_after_a_while_and_makes_way_at_once() -> None:
    idle = at("amr-1", "n1", idle_since=NOW - 60 * US)
    (found,) = FleetPlanner(LINE).propose(seen(idle), [])
    assert found.context["destination"] == "p1"
    just_now = at("amr-1", "n1", idle_since=NOW - 5 * US)
    assert FleetPlanner(LINE).propose(seen(just_now), []) == []
    here = seen(just_now, at("amr-2", "n0"))
    found = FleetPlanner(LINE).propose(here, [Move("L2", "O", "store", "saw-2")])
    assert "amr-1" in {p.equipment for p in found}


def test_two_vehicles_do_not_go_to_rest_at_one_place() -> None:
    long_idle = NOW - 100 * US
    both = (at("amr-1", "n1", idle_since=long_idle), at("amr-2", "n2", idle_since=long_idle))
    first = FleetPlanner(LINE).propose(seen(*both), [])
    assert sorted(str(p.context["destination"]) for p in first) == ["p1", "p2"]


def test_a_vehicle_that_carries_a_lot_without_an_order_brings_it() -> None:
    carried = lot("L1", place="amr-1", step=1, phase=LotPhase.MOVING)
    here = seen(at("amr-1", "n1", loads=("L1",)), lots=[carried])
    (found,) = FleetPlanner(LINE).propose(here, [Move("L1", "O", "amr-1", "oven")])
    assert [a["actionType"] for n in document(found)["nodes"] for a in n["actions"]] == ["drop"]


def test_a_low_battery_sends_a_vehicle_to_charge_and_keeps_it_there() -> None:
    planner = FleetPlanner(LINE)
    store = Move("L1", "O", "store", "saw-1")
    low = at("amr-1", "n1", battery_pct=20.0)
    (found,) = planner.propose(seen(low), [store])
    assert nodes(found) == ["n1", "n0", "p1"]
    assert document(found)["nodes"][-1]["actions"][0]["actionType"] == "startCharging"
    done = replace(drove(took(low, found), "p1", 2, over=True), free=True, battery_pct=40.0)
    assert planner.propose(seen(done, after_s=60), [store]) == []
    charged = replace(done, battery_pct=60.0)
    found = planner.propose(seen(charged, after_s=900), [store])
    assert found[0].context["lot"] == "L1"


def test_a_vehicle_with_room_takes_two_lots_on_one_tour() -> None:
    network = Network(stations("a", "b", "c"))
    carrier = Carrier(amr("v", capacity_lots=2), "n0-0", 0.0)
    tasks = [TransportTask("1", "L1", "a", "c"), TransportTask("2", "L2", "b", "c")]
    plan = plan_fleet(network, [carrier], tasks)
    assert [(s.kind, s.lot) for s in plan.stops["v"]][:2] == [("pick", "L1"), ("pick", "L2")]
    single = plan_fleet(network, [replace(carrier, vehicle=amr("v"))], tasks)
    assert [s.kind for s in single.stops["v"]] == ["pick", "drop", "pick", "drop"]


def test_the_late_task_goes_first() -> None:
    network = Network(stations("a", "b", "c", "d"))
    carrier = Carrier(amr("v"), "n0-0", 0.0)
    tasks = [
        TransportTask("calm", "L1", "b", "c", due_s=3000.0),
        TransportTask("late", "L2", "d", "c", due_s=70.0),
    ]
    assert plan_fleet(network, [carrier], tasks).stops["v"][0].task == "late"


def test_a_lot_that_is_not_ready_is_waited_for() -> None:
    network = Network(stations("a", "b"))
    plan = plan_fleet(
        network,
        [Carrier(amr("v"), "n0-0", 0.0)],
        [TransportTask("t", "L1", "a", "b", ready_s=100.0)],
    )
    assert plan.itineraries["v"].stop_ends_s() == pytest.approx(
        {("t", "pick"): 110, ("t", "drop"): 130}
    )


def test_what_is_left_out_is_named_with_its_reason() -> None:
    network = Network(stations("a", "b"))
    carrier = Carrier(amr("v"), "n0-0", 0.0)
    (left,) = plan_fleet(network, [carrier], [TransportTask("t", "L", "a", "moon")]).left_out
    assert left.id == "t"
    assert "no vehicle comes to moon" in left.reason
    down = replace(carrier, moves=False)
    (left,) = plan_fleet(network, [down], [TransportTask("t", "L", "a", "b")]).left_out
    assert "no vehicle is free" in left.reason


def test_nonsense_is_refused() -> None:
    with pytest.raises(PlanError, match="is at a already"):
        TransportTask("t", "L", "a", "a")
    with pytest.raises(PlanError, match="must not be negative"):
        TransportTask("t", "L", "a", "b", weight=-1.0)
    with pytest.raises(PlanError, match="node nowhere is not on the layout"):
        Network(Layout(edges=(Edge(id="e", start="nowhere", end="nowhere"),)))


def test_travel_times_are_those_of_the_fastest_vehicle() -> None:
    planner = FleetPlanner(LINE)
    assert planner.travel_s("store", "saw-2") == pytest.approx(20.0)
    assert planner.travel_s("store", "moon") is None
    assert math.isclose(planner.travel_s("dock", "saw-1") or 0.0, 110.0)
