"""The vehicles of the reference plant, which are not ours, take base, horizon and updates."""

import json

import pytest

from genba.plan.fleet.control import FleetControl
from genba.plan.fleet.course import Report
from genba.plan.fleet.network import Network
from genba.plan.fleet.tasks import TransportTask
from genba.plant import US
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.vehicles import Transporter

GOALS = ("press-1", "press-2", "mill-1", "mill-2", "grinder", "cell-1", "eol", "pack")
LONG_S = 1500


def report(vehicle: Transporter) -> Report:
    """Say of a vehicle what its VDA 5050 state says."""
    actions = vehicle.actions
    return Report(
        vehicle=vehicle.id,
        node=vehicle.node,
        sequence=vehicle.sequence,
        order_id=vehicle.order_id,
        update=vehicle.order_update,
        finished=frozenset(action.id for action in actions if action.status == "FINISHED"),
        over=not vehicle.ahead and all(action.over for action in actions),
        able=vehicle.operating_mode == "AUTOMATIC",
        loads=tuple(lot.id for lot in vehicle.loads),
    )


def test_the_fleet_of_the_reference_plant_is_led_by_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PlantSimulation, "_command", lambda self: None)  # nobody else commands
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=1)
    for vehicle in simulation.vehicles.values():
        vehicle.parks_itself = False
    simulation.advance(simulation.now + 600 * US)
    lots = simulation._floor.lots
    tasks = [TransportTask(lot, lot, "store", goal) for lot, goal in zip(lots, GOALS, strict=False)]
    control = FleetControl(Network(plant.layout, plant.vehicles), plant.vehicles)
    updates, end = 0, simulation.now + LONG_S * US
    left = tasks
    while left and simulation.now < end:
        reports = [report(vehicle) for vehicle in simulation.vehicles.values()]
        for message in control.tick(simulation.now / US, reports, left):
            updates += json.loads(str(message.text))["orderUpdateId"] > 0
            simulation.vehicles[message.vehicle].order(message.text)
        simulation.advance(simulation.now + US)
        places = {task: lots[task.lot].place for task in tasks}
        left = [
            TransportTask(task.id, task.lot, place, task.destination)
            for task, place in places.items()
            if place != task.destination
        ]
    assert left == []
    assert updates > 20
    assert simulation.books.rejected_orders == 0
    assert simulation.books.failed_moves == 0
    assert "collision" not in simulation.monitor.counts()
