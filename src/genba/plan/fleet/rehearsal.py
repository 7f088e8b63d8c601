"""Vehicles in memory that drive VDA 5050 orders, late and with breakdowns, and a look at them all.

They trust their orders: they look out for nobody, drive what is released as soon as it is, and stop
where it ends. So every fault of the orders shows: two vehicles on one node or crossing, an order
that does not begin where the vehicle is, an update that is not stitched on where the base ends.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genba.plan.fleet.course import Report
from genba.plan.fleet.network import Network, Way
from genba.plan.fleet.tasks import TransportTask
from genba.plant import Vehicle


@dataclass(frozen=True, slots=True)
class Trouble:
    """How things go wrong; all at random, by seed."""

    slowest: float = 0.5
    """Each way is driven at a part of the planned speed between this and 1."""
    pause_per_way: float = 0.1
    """Probability of a pause of up to ``pause_s`` on a way."""
    pause_s: float = 20.0
    breakdowns_per_h: float = 0.0
    """Per vehicle; a repair takes up to ``repair_s``."""
    repair_s: float = 300.0


@dataclass(slots=True)
class _Driver:
    """One vehicle. ``nodes`` and ``edges`` are what is ahead of it, as the order says."""

    vehicle: Vehicle
    node: str
    sequence: int = 0
    order_id: str = ""
    update: int = 0
    nodes: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    """Those still to do at the node where it is."""
    finished: set[str] = field(default_factory=set)
    way: Way | None = None
    left_s: float = 0.0
    """Until it arrives, or has done its action."""
    down_s: float = 0.0
    loads: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return not self.nodes and not self.actions and self.way is None


class Rehearsal:
    """A fleet that drives. :meth:`tick`, :meth:`take`, and read ``faults``.

    Parameters
    ----------
    network : Network
        The ways.
    vehicles : sequence of (Vehicle, str)
        With the nodes where they stand.
    lots : dict of str to str
        Where lots are: stations or vehicles.
    trouble : Trouble
        What goes wrong.
    seed : int
        Of chance.
    """

    def __init__(
        self,
        network: Network,
        vehicles: Sequence[tuple[Vehicle, str]],
        lots: dict[str, str],
        trouble: Trouble,
        seed: int,
    ) -> None:
        self._network = network
        self._drivers = {vehicle.id: _Driver(vehicle, node) for vehicle, node in vehicles}
        self._trouble = trouble
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self.lots = dict(lots)
        self.faults: list[str] = []
        self.now_s = 0.0
        self.driven_s = 0.0
        self.breakdowns = 0

    def reports(self) -> list[Report]:
        """Return what all vehicles say now."""
        return [
            Report(
                name, d.node, d.sequence, d.order_id, d.update, frozenset(d.finished), d.over,
                d.down_s <= 0.0, tuple(d.loads),
            )
            for name, d in self._drivers.items()
        ]  # fmt: skip

    def open_tasks(self, tasks: Iterable[TransportTask]) -> list[TransportTask]:
        """Return the tasks that are not done, from where their lots are now."""
        left = []
        for task in tasks:
            station = self.lots[task.lot]
            if station != task.destination:
                left.append(
                    TransportTask(
                        task.id, task.lot, station, task.destination, task.ready_s, task.due_s,
                        task.weight,
                    )
                )  # fmt: skip
        return left

    # -- orders -------------------------------------------------------------------------------

    def take(self, vehicle: str, text: str | None) -> None:
        """Give a vehicle an order or an update, or cancel what it has (None)."""
        driver = self._drivers[vehicle]
        if text is None:
            driver.nodes = driver.nodes[:1] if driver.way is not None else []
            for node in driver.nodes:
                node["actions"] = []
            driver.actions = []
            return
        order = json.loads(text)
        first = order["nodes"][0]
        if order["orderId"] == driver.order_id:
            self._extend(driver, order, first)
        elif not driver.over:
            self._fault(f"{vehicle} gets order {order['orderId']} and has not done its own")
        elif first["nodeId"] != driver.node:
            self._fault(f"{vehicle} stands at {driver.node}, its order begins at {first['nodeId']}")
        else:
            driver.order_id, driver.update = order["orderId"], order["orderUpdateId"]
            driver.sequence, driver.finished = first["sequenceId"], set()
            driver.nodes = order["nodes"][1:]
            driver.actions = list(first["actions"])

    def _extend(self, driver: _Driver, order: dict[str, Any], first: dict[str, Any]) -> None:
        base = [node for node in driver.nodes if node["released"]]
        joint = (
            (base[-1]["nodeId"], base[-1]["sequenceId"]) if base else (driver.node, driver.sequence)
        )
        if order["orderUpdateId"] <= driver.update:
            self._fault(f"{driver.vehicle.id}: update {order['orderUpdateId']} is not new")
        elif joint != (first["nodeId"], first["sequenceId"]):
            self._fault(
                f"{driver.vehicle.id}: the update begins at {first}, its base ends at {joint}"
            )
        else:
            driver.nodes = base + order["nodes"][1:]
            driver.update = order["orderUpdateId"]

    # -- time ---------------------------------------------------------------------------------

    def tick(self, step_s: float = 1.0) -> None:
        """Let some time pass, and look who is where."""
        self.now_s += step_s
        for driver in self._drivers.values():
            self._tick(driver, step_s)
        self._look()

    def _tick(self, driver: _Driver, step_s: float) -> None:
        if driver.down_s > 0.0:
            driver.down_s -= step_s
            return
        if self._random.random() < self._trouble.breakdowns_per_h * step_s / 3600.0:
            driver.down_s = self._random.uniform(0.0, self._trouble.repair_s)
            self.breakdowns += 1
            return
        if driver.way is not None:
            driver.left_s -= step_s
            self.driven_s += step_s
            if driver.left_s <= 0.0:
                self._arrive(driver)
        elif driver.actions:
            driver.left_s -= step_s
            if driver.left_s <= 0.0:
                self._act(driver, driver.actions.pop(0))
                driver.left_s = driver.vehicle.handling_s
        elif driver.nodes and driver.nodes[0]["released"]:
            self._set_out(driver)

    def _set_out(self, driver: _Driver) -> None:
        goal = driver.nodes[0]["nodeId"]
        exits = self._network.exits(driver.vehicle.kind, driver.node)
        way = next((way for way in exits if way.end == goal), None)
        if way is None:
            self._fault(f"{driver.vehicle.id}: no way leads from {driver.node} to {goal}")
            driver.nodes = []
            return
        driver.way = way
        driver.left_s = self._network.drive_s(driver.vehicle, way)
        driver.left_s /= self._random.uniform(self._trouble.slowest, 1.0)
        if self._random.random() < self._trouble.pause_per_way:
            driver.left_s += self._random.uniform(0.0, self._trouble.pause_s)

    def _arrive(self, driver: _Driver) -> None:
        node = driver.nodes.pop(0)
        driver.way, driver.node, driver.sequence = None, node["nodeId"], node["sequenceId"]
        driver.actions, driver.left_s = list(node["actions"]), driver.vehicle.handling_s

    def _act(self, driver: _Driver, action: dict[str, Any]) -> None:
        driver.finished.add(action["actionId"])
        if action["actionType"] not in ("pick", "drop"):
            return
        lot = next(p["value"] for p in action["actionParameters"] if p["key"] == "loadId")
        here = self._network.nodes[driver.node].station or driver.node
        source = here if action["actionType"] == "pick" else driver.vehicle.id
        if self.lots.get(lot) != source:
            self._fault(f"{driver.vehicle.id}: {action['actionType']} of {lot}, which is elsewhere")
        elif action["actionType"] == "pick":
            driver.loads.append(lot)
            self.lots[lot] = driver.vehicle.id
        else:
            driver.loads.remove(lot)
            self.lots[lot] = here
        if len(driver.loads) > driver.vehicle.capacity_lots:
            self._fault(f"{driver.vehicle.id} carries {len(driver.loads)} lots")

    def _look(self) -> None:
        """Find two vehicles in one place: on a node, on the way to or from it, or on a crossing."""
        holder: dict[str, str] = {}
        for name, driver in self._drivers.items():
            places = [driver.node]
            if driver.way is not None:
                places += [driver.way.end, *driver.way.crossings]
            for place in places:
                other = holder.setdefault(place, name)
                if other != name:
                    self._fault(f"{other} and {name} collide at {place}")

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self.now_s:.0f} s: {text}")
