"""The nearest vehicle that can drive there gets an order that it understands."""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.plan.line import NOW, PLANT, VEHICLES, lot, situation, vehicle

from genba.guard import Guard
from genba.plan import EarliestDueDate, LotPhase, Situation
from genba.plan.floor.roadmap import Roadmap
from genba.plant import US, Proposal, VirtualClock

SCHEMAS = Path(__file__).parents[3] / "src" / "genba" / "connect" / "schemas"


def transports(picture: Situation) -> list[Proposal]:
    return [p for p in EarliestDueDate(PLANT).propose(picture) if p.kind == "transport"]


def document(proposal: Proposal) -> dict[str, object]:
    return json.loads(str(proposal.writes[0].value))


def test_the_nearest_free_vehicle_goes() -> None:
    near = situation([lot("L1")], vehicles=(vehicle("amr-1", "n3"), vehicle("amr-2", "n1")))
    assert transports(near)[0].equipment == "amr-2"
    busy = situation(
        [lot("L1")], vehicles=(vehicle("amr-1", "n3"), vehicle("amr-2", "n1", free=False))
    )
    assert transports(busy)[0].equipment == "amr-1"


def test_a_vehicle_only_drives_edges_of_its_kind() -> None:
    hoist = vehicle("hoist", "n2")
    assert transports(situation([lot("L1")], vehicles=(hoist,))) == []
    baked = lot("L1", place="saw-2", step=1)
    assert transports(situation([baked], vehicles=(hoist,)))[0].equipment == "hoist"


def test_the_way_is_the_fastest_and_keeps_to_one_way_edges() -> None:
    route = Roadmap(PLANT.layout).route(VEHICLES[0], "n4", "n2")
    assert route is not None
    assert route.nodes == ("n4", "n0", "n1", "n2")
    assert route.duration_s == pytest.approx(120.0)
    assert Roadmap(PLANT.layout).route(VEHICLES[2], "n0", "n1") is None


def test_the_order_picks_and_drops_the_lot_on_the_way() -> None:
    found = transports(
        situation([lot("L1", place="saw-1", step=1)], vehicles=(vehicle("amr-1", "n0"),))
    )
    order = document(found[0])
    assert [n["nodeId"] for n in order["nodes"]] == ["n0", "n1", "n2", "n3"]
    assert [n["sequenceId"] for n in order["nodes"]] == [0, 2, 4, 6]
    actions = {n["nodeId"]: [a["actionType"] for a in n["actions"]] for n in order["nodes"]}
    assert actions == {"n0": [], "n1": ["pick"], "n2": [], "n3": ["drop"]}


def test_a_vehicle_that_carries_a_lot_without_an_order_brings_it() -> None:
    carried = lot("L1", place="amr-1", step=1, phase=LotPhase.MOVING)
    found = transports(situation([carried], vehicles=(vehicle("amr-1", "n1", loads=("L1",)),)))
    kinds = [a["actionType"] for n in document(found[0])["nodes"] for a in n["actions"]]
    assert kinds == ["drop"]


def test_a_low_battery_sends_a_vehicle_to_charge_and_keeps_it_there() -> None:
    low = vehicle("amr-1", "n1", battery_pct=20.0)
    found = transports(situation([lot("L1")], vehicles=(low,)))
    assert [n["nodeId"] for n in document(found[0])["nodes"]] == ["n1", "n0", "p1"]
    assert document(found[0])["nodes"][-1]["actions"][0]["actionType"] == "startCharging"
    charging = vehicle("amr-1", "p1", battery_pct=40.0)
    assert transports(situation([lot("L1")], vehicles=(charging,))) == []
    charged = vehicle("amr-1", "p1", battery_pct=60.0)
    assert transports(situation([lot("L1")], vehicles=(charged,)))[0].context["lot"] == "L1"


def test_an_idle_vehicle_makes_way() -> None:
    idle = vehicle("amr-1", "n1", idle_since=NOW - 60 * US)
    assert transports(situation([], vehicles=(idle,)))[0].context["destination"] == "p1"
    just_now = vehicle("amr-1", "n1", idle_since=NOW - 5 * US)
    assert transports(situation([], vehicles=(just_now,))) == []


def test_orders_are_valid_in_both_versions_of_vda_5050() -> None:
    header = {
        "headerId": 1, "timestamp": "2026-01-05T06:00:00.000Z", "manufacturer": "m",
        "serialNumber": "s",
    }  # fmt: skip
    for name, version in (("amr-1", "2.1.0"), ("hoist", "3.0.0")):
        baked = lot("L1", place="saw-2", step=1)
        order = document(transports(situation([baked], vehicles=(vehicle(name, "n2"),)))[0])
        schema = json.loads(next(SCHEMAS.glob(f"**/{version[0]}*/order.schema*")).read_text())
        jsonschema.validate({**header, "version": version, **order}, schema)
        assert ("startNodeId" in order["edges"][0]) == (version < "3")


def test_the_guard_finds_nothing_wrong_with_the_shape_of_an_order() -> None:
    guard = Guard(PLANT, VirtualClock(NOW))
    found = transports(situation([lot("L1")], vehicles=(vehicle("amr-1", "n0"),)))[0]
    reasons = guard.decide(found).reasons
    # This plant's vehicles report nothing: what they do not show is the only thing to object to.
    objections = ("has no signal with role", "it names no evidence")
    assert all(any(words in reason for words in objections) for reason in reasons), reasons
