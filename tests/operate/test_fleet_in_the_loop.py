"""The loop leads the reference plant's vehicles by updates, all of them through the guard."""

import json
from pathlib import Path

from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plan import EarliestDueDate, Situation
from genba.plan.fleet.planner import FleetPlanner
from genba.plant import US, Decision, Plant, Proposal, VirtualClock, parse_time
from genba.testbed import load_testbed
from genba.testbed.in_process import drivers_of
from genba.testbed.simulation import PlantSimulation

START = parse_time("2026-01-05T06:00:00Z")
TICK_S = 5.0


class Led:
    """Wants what the plain planner wants, and has a fleet planner send the vehicles."""

    name = "led"
    kinds = frozenset({"transport"})

    def __init__(self, plant: Plant) -> None:
        self._wants = EarliestDueDate(plant)
        self._wants._fleet = FleetPlanner(plant, self.name)

    def propose(self, situation: Situation) -> list[Proposal]:
        return [p for p in self._wants.propose(situation) if p.kind == "transport"]


class Floor:
    """A core before a simulated plant, and everything that was proposed to it for vehicles."""

    def __init__(self, folder: Path) -> None:
        plant, physics = load_testbed()
        plant = plant.model_copy(update={"tick_s": TICK_S})
        self.clock = VirtualClock(START)
        self.simulation = PlantSimulation(plant, physics, seed=1, start=START, conventional=False)
        drivers = drivers_of(self.simulation, plant, self.clock)
        state = StateFolder(folder / "state")
        self.core = Core(plant, state, self.clock, drivers=drivers, planners=(Led(plant),))
        self.told: dict[str, tuple[Proposal, Decision]] = {}

    async def live(self, minutes: float) -> None:
        end = self.clock.now() + round(60 * minutes * US)
        while self.clock.now() < end:
            self.clock.set(self.clock.now() + round(TICK_S * US))
            self.simulation.advance(self.clock.now())
            self.simulation.deliver()
            await self.core.step(self.clock.now())
            for proposal, verdict in self.core.loop.proposals():
                if proposal.kind == "transport":
                    self.told[proposal.id] = proposal, verdict.decision

    @property
    def orders(self) -> list[dict[str, object]]:
        """What was sent to vehicles, in order; cancellations have no orderId."""
        return [json.loads(str(p.writes[0].value)) for p, _ in self.told.values()]


async def test_the_fleet_is_led_by_updates_through_the_guard(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    await floor.core.start()
    await floor.live(20)
    await floor.core.stop()
    assert {decision for _, decision in floor.told.values()} == {Decision.ALLOWED}
    assert {proposal.source for proposal, _ in floor.told.values()} == {"led"}
    horizons = sum(not node["released"] for o in floor.orders for node in o["nodes"])
    updates = sum(order["orderUpdateId"] > 0 for order in floor.orders)
    assert horizons > 50
    assert updates > 20
    assert floor.simulation.ledger()["moves"] > 8
    assert floor.simulation.books.rejected_orders == 0
    assert floor.simulation.books.failed_moves == 0
    assert "collision" not in floor.simulation.monitor.counts()


async def test_a_repaired_vehicle_is_told_first_that_its_old_order_is_over(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    await floor.core.start()
    await floor.live(0.5)
    first = next(p for p, _ in floor.told.values() if p.context.get("task") == "move")
    vehicle = floor.simulation.vehicles[first.equipment]
    vehicle.break_down(repair_s=120.0)
    await floor.live(8)
    await floor.core.stop()
    mine = [(p, decision) for p, decision in floor.told.values() if p.equipment == vehicle.id]
    (cancel,) = [p for p, decision in mine if p.context["task"] == "cancel"]
    assert cancel.context["vehicle_order"] == first.context["vehicle_order"]
    assert {decision for _, decision in mine} == {Decision.ALLOWED}
    assert vehicle.order_id != first.context["vehicle_order"]
    # Another one, or the same under a new order, has brought its lot; a lot that is taken twice
    # would have failed once.
    assert floor.simulation._floor.lots[str(first.context["lot"])].place != "store"
    assert floor.core._tracker.fleet.failed == 0
    assert "collision" not in floor.simulation.monitor.counts()
