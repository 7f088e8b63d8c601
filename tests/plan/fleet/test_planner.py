"""The fleet planner proposes orders as the plain one does, but looks at all vehicles at once."""

import json
import math
from dataclasses import replace

import pytest
from tests.plan.fleet.layouts import amr, grid
from tests.plan.line import HOUR, NOW, PLANT, lot, situation, vehicle

from genba.connect.vda5050_schema import checker
from genba.errors import PlanError
from genba.plan import LotPhase
from genba.plan.fleet.fleet_plan import plan_fleet
from genba.plan.fleet.network import Network
from genba.plan.fleet.planner import FleetPlanner
from genba.plan.fleet.tasks import Carrier, TransportTask
from genba.plan.floor.transport import Move
from genba.plant import US, Edge, Layout, Proposal

L1 = Move("L1", "O", "saw-1", "oven")


def document(proposal: Proposal) -> dict[str, object]:
    return json.loads(str(proposal.writes[0].value))


def nodes(proposal: Proposal) -> list[str]:
    return [node["nodeId"] for node in document(proposal)["nodes"]]


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
    here = situation([lot("L1", place="saw-1", step=1)], vehicles=(vehicle("amr-1", "n0"),))
    (found,) = FleetPlanner(PLANT).propose(here, [L1])
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
        here = situation([], vehicles=(vehicle(name, "n2"),))
        (found,) = FleetPlanner(PLANT).propose(here, [Move("L1", "O", "saw-2", "oven")])
        message = {**header, "version": version, **document(found)}
        assert checker(int(version[0]), "order")(message) is None


def test_two_moves_are_shared_so_that_neither_vehicle_drives_far() -> None:
    """The nearest-vehicle rule gives the first move the vehicle that the second one needs."""
    here = situation([], vehicles=(vehicle("amr-1", "n0"), vehicle("amr-2", "n2")))
    moves = [Move("L1", "O", "saw-1", "store"), Move("L2", "O", "saw-2", "oven")]
    found = FleetPlanner(PLANT).propose(here, moves)
    assert {p.equipment: p.context["lot"] for p in found} == {"amr-1": "L1", "amr-2": "L2"}


def test_a_move_waits_for_a_busy_vehicle_that_will_do_it_sooner() -> None:
    planner = FleetPlanner(PLANT)
    # From the dock the way to saw 1 is 110 m long; amr-1 is about to set down right beside it.
    first = situation([], vehicles=(vehicle("amr-1", "n2"),))
    (sent,) = planner.propose(first, [Move("L0", "O", "saw-2", "saw-1")])
    assert sent.equipment == "amr-1"
    busy = vehicle("amr-1", "n2", free=False)
    later = replace(first, vehicles=(busy, vehicle("amr-2", "n4")))
    assert planner.propose(later, [L1]) == []
    alone = replace(first, vehicles=(vehicle("amr-2", "n4"),))
    assert [p.equipment for p in planner.propose(alone, [L1])] == ["amr-2"]


def test_a_vehicle_that_is_overdue_counts_as_standing_in_the_way() -> None:
    planner = FleetPlanner(PLANT)
    first = situation([], vehicles=(vehicle("amr-1", "n0"),))
    planner.propose(first, [L1])
    driving = replace(first, vehicles=(vehicle("amr-1", "n1", free=False), vehicle("amr-2", "n0")))
    onward = Move("L2", "O", "store", "saw-2")
    assert len(planner.propose(replace(driving, time=NOW + 60 * US), [onward])) == 1
    assert planner.propose(replace(driving, time=NOW + HOUR), [onward]) == []
    away = (vehicle("amr-1", "n3", free=False), vehicle("amr-2", "n0"))
    (found,) = planner.propose(replace(first, time=NOW + HOUR, vehicles=away), [onward])
    assert nodes(found) == ["n0", "n1", "n2"]


def test_whoever_stands_where_another_one_is_about_to_drive_makes_way() -> None:
    planner = FleetPlanner(PLANT)
    first = situation([], vehicles=(vehicle("amr-1", "n0"),))
    planner.propose(first, [L1])  # over n1 to n3
    waits = vehicle("amr-1", "n0", free=False)
    for after_s in (30, 600):
        here = replace(first, time=NOW + after_s * US, vehicles=(waits, vehicle("amr-2", "n1")))
        (found,) = planner.propose(here, [])
        assert found.equipment == "amr-2"
        assert "another vehicle needs the place" in found.reason
        assert nodes(found)[:2] == ["n1", "n2"]


def test_two_vehicles_do_not_go_to_rest_at_one_place() -> None:
    planner = FleetPlanner(PLANT)
    long_idle = NOW - 100 * US
    both = (
        vehicle("amr-1", "n1", idle_since=long_idle), vehicle("amr-2", "n2", idle_since=long_idle),
    )  # fmt: skip
    first = planner.propose(situation([], vehicles=both), [])
    assert sorted(str(p.context["destination"]) for p in first) == ["p1", "p2"]
    underway = (vehicle("amr-1", "n0", free=False), both[1])
    planner = FleetPlanner(PLANT)
    planner.propose(situation([], vehicles=(both[0],)), [])
    later = replace(situation([], vehicles=underway), time=NOW + 10 * US)
    assert [p.context["destination"] for p in planner.propose(later, [])] == ["p2"]


def test_a_vehicle_with_an_unknown_order_is_in_the_way_only_where_it_stands() -> None:
    planner = FleetPlanner(PLANT)
    onward = Move("L2", "O", "store", "saw-2")
    free = vehicle("amr-2", "n0")

    def look(node: str, after_s: int) -> list[Proposal]:
        there = (vehicle("amr-1", node, free=False), free)
        here = replace(situation([], vehicles=there), time=NOW + after_s * US)
        return planner.propose(here, [onward])

    assert look("n2", 0) == []
    assert len(look("n1", 5)) == 1
    assert look("n1", 100) == []


def test_a_vehicle_that_carries_a_lot_without_an_order_brings_it() -> None:
    carried = lot("L1", place="amr-1", step=1, phase=LotPhase.MOVING)
    here = situation([carried], vehicles=(vehicle("amr-1", "n1", loads=("L1",)),))
    (found,) = FleetPlanner(PLANT).propose(here, [Move("L1", "O", "amr-1", "oven")])
    assert [a["actionType"] for n in document(found)["nodes"] for a in n["actions"]] == ["drop"]


def test_a_low_battery_sends_a_vehicle_to_charge_and_keeps_it_there() -> None:
    planner = FleetPlanner(PLANT)
    store = Move("L1", "O", "store", "saw-1")
    low = situation([], vehicles=(vehicle("amr-1", "n1", battery_pct=20.0),))
    (found,) = planner.propose(low, [store])
    assert nodes(found) == ["n1", "n0", "p1"]
    assert document(found)["nodes"][-1]["actions"][0]["actionType"] == "startCharging"
    charging = replace(low, vehicles=(vehicle("amr-1", "p1", battery_pct=40.0),))
    assert planner.propose(charging, [store]) == []
    charged = replace(low, vehicles=(vehicle("amr-1", "p1", battery_pct=60.0),))
    assert planner.propose(charged, [store])[0].context["lot"] == "L1"


def test_an_idle_vehicle_goes_home_after_a_while_and_at_once_when_it_is_in_the_way() -> None:
    planner = FleetPlanner(PLANT)
    idle = vehicle("amr-1", "n1", idle_since=NOW - 60 * US)
    (found,) = planner.propose(situation([], vehicles=(idle,)), [])
    assert found.context["destination"] == "p1"
    just_now = vehicle("amr-1", "n1", idle_since=NOW - 5 * US)
    assert planner.propose(situation([], vehicles=(just_now,)), []) == []
    here = situation([], vehicles=(just_now, vehicle("amr-2", "n0", battery_pct=100.0)))
    found = planner.propose(
        here, [Move("L2", "O", "store", "saw-1"), Move("L1", "O", "saw-1", "oven")]
    )
    assert {p.equipment for p in found} == {"amr-1", "amr-2"}


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
    planner = FleetPlanner(PLANT)
    assert planner.travel_s("store", "saw-2") == pytest.approx(20.0)
    assert planner.travel_s("store", "moon") is None
    assert math.isclose(planner.travel_s("dock", "saw-1") or 0.0, 110.0)
