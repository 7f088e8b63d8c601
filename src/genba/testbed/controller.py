"""The conventional controller: runs the plant as such plants are run today.

Earliest due date first, with a look at set-ups among lots that are about equally urgent; fuller
batches for the furnace within a bounded wait; the nearest free vehicle. It commands only what is
left to it: machines whose heartbeat is stale, and, when the order desk's heartbeat is stale, the
vehicles.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable

from genba.plant import US, Alternative, VehicleKind
from genba.testbed.floor import Floor
from genba.testbed.job import Refusal
from genba.testbed.lots import Lot
from genba.testbed.machine import Machine
from genba.testbed.traffic import Roads, Way
from genba.testbed.vehicles import Transporter

PERIOD_S = 5
_MIN_BATTERY = 0.3
_PARK_AFTER_S = 900.0
"""Wait of a finished lot after which it is brought to the store, to free its place."""


class ConventionalController:
    """Called every few seconds; looks at the floor as a foreman with a terminal would."""

    def __init__(
        self,
        floor: Floor,
        machines: dict[str, Machine],
        vehicles: list[Transporter],
        roads: Roads,
        store: str | None,
        dock: str | None,
    ) -> None:
        self._floor = floor
        self._machines = machines
        self._vehicles = vehicles
        self._roads = roads
        self._store = store
        self._dock = dock
        self._target: dict[str, str] = {}
        """Where each lot that is fetched or carried goes to."""
        self._inbound: Counter[str] = Counter()
        self._orders = 0

    def dispatch(self, commands: Callable[[Machine], bool]) -> None:
        """Give a job to each idle machine that it commands."""
        for machine in self._machines.values():
            if machine.idle and commands(machine):
                self._start(machine)

    def transport(self) -> None:
        """Send vehicles for lots that can go on."""
        self._forget_arrived()
        self._inbound = Counter(self._target.values())
        free = [v for v in self._vehicles if v.available and v.charge > _MIN_BATTERY]
        for vehicle in [v for v in free if v.loads]:
            self._bring(vehicle, vehicle.loads[0])
            free.remove(vehicle)
        for lot in self._waiting():
            if not free:
                return
            target = self._destination(lot)
            sent = None if target is None else self._fetch(lot, target, free)
            if sent is not None:
                free.remove(sent)

    # Jobs ----------------------------------------------------------------------------------

    def _start(self, machine: Machine) -> None:
        now = self._floor.around.now
        lots = [
            (lot, alternative)
            for lot in machine.station.lots.values()
            if not lot.in_work
            and lot.id not in self._target
            and (alternative := _alternative(lot, machine.id)) is not None
            and self._floor.tools.missing(alternative.tools) is None
        ]
        if not lots:
            return
        lots.sort(key=lambda pair: _urgency(pair[0]))
        window = self._floor.physics.family_window_h * 3600 * US
        limit = lots[0][0].order.due + window
        first, alternative = next(
            (
                pair
                for pair in lots
                if pair[0].order.due <= limit and pair[1].setup_family == machine.mounted
            ),
            lots[0],
        )
        operation = first.product.routing[first.step]
        chosen = [first]
        if operation.batch_parts:
            room = operation.batch_parts - len(first.parts)
            for lot, other in lots:
                if lot is first or other.setup_family != alternative.setup_family:
                    continue
                if len(lot.parts) <= room:
                    chosen.append(lot)
                    room -= len(lot.parts)
            oldest = min(lot.since for lot, _ in lots)
            wait = machine.physics.batch_wait_min * 60 * US
            if room > 0.3 * operation.batch_parts and now - oldest < wait:
                return
        quantity = sum(len(lot.parts) for lot in chosen)
        try:
            machine.accept(
                [lot.id for lot in chosen],
                f"{first.product.id}/{operation.id}",
                quantity,
                remote=False,
            )
        except Refusal:
            return

    # Moves ---------------------------------------------------------------------------------

    def _waiting(self) -> list[Lot]:
        """Lots that stand somewhere and are not yet to be fetched, most urgent first."""
        carried = {lot.id for v in self._vehicles for lot in v.loads}
        lots = [
            lot
            for station in self._floor.stations.values()
            if station.equipment != self._dock
            for lot in station.lots.values()
            if not lot.in_work and lot.id not in self._target and lot.id not in carried
        ]
        # What is on the floor goes before what would come onto it.
        return sorted(lots, key=lambda x: (x.place == self._store and x.step == 0, *_urgency(x)))

    def _destination(self, lot: Lot) -> str | None:
        """Where a lot goes now; None where it stays."""
        operation = lot.next_operation
        if operation is None:
            return self._dock
        if any(a.equipment == lot.place for a in operation.alternatives):
            return None
        choices = [
            (self._backlog_s(a.equipment), a.equipment)
            for a in operation.alternatives
            if self._room(a.equipment) > 0 and self._welcome(lot, a)
        ]
        if choices:
            return min(choices)[1]
        waited_s = (self._floor.around.now - lot.since) / US
        station = self._floor.stations.get(lot.place)
        if lot.place != self._store and waited_s > _PARK_AFTER_S and station and station.free < 1:
            return self._store
        return None

    def _welcome(self, lot: Lot, alternative: Alternative) -> bool:
        """Whether a machine should get a lot that only enters the floor: not over two in wait."""
        if lot.step > 0:
            return True
        station = self._floor.stations[alternative.equipment]
        inbound = self._inbound[alternative.equipment]
        queue = sum(
            _alternative(x, alternative.equipment) is not None for x in station.lots.values()
        )
        return queue + inbound < 2

    def _room(self, equipment: str) -> int:
        """Free places that nobody is on the way to; one is kept for the way out."""
        return self._floor.stations[equipment].free - self._inbound[equipment]

    def _backlog_s(self, equipment: str) -> float:
        """Planned work that a machine has before it."""
        machine = self._machines[equipment]
        total = 0.0
        if machine.task is not None:
            total += len(machine.task.todo) * machine.task.alternative.cycle_s
        for lot in machine.station.lots.values():
            alternative = None if lot.in_work else _alternative(lot, equipment)
            if alternative is not None:
                total += len(lot.parts) * alternative.cycle_s
        for lot_id, target in self._target.items():
            lot = self._floor.lots[lot_id]
            alternative = _alternative(lot, equipment)
            if target == equipment and alternative is not None:
                total += len(lot.parts) * alternative.cycle_s
        return total

    def _fetch(self, lot: Lot, target: str, free: Iterable[Transporter]) -> Transporter | None:
        """Send the nearest vehicle that can serve both ends."""
        best: tuple[float, Transporter, list[Way], list[Way]] | None = None
        for vehicle in free:
            for pick in self._roads.serving(vehicle.kind, lot.place):
                to_pick = self._roads.route(vehicle.kind, vehicle.node, pick)
                if to_pick is None:
                    continue
                onward = self._shortest(vehicle.kind, pick, target)
                if onward is None:
                    continue
                seconds = sum(w.length_m for w in to_pick) / vehicle.vehicle.speed_m_s
                seconds += sum(w.length_m for w in onward) / vehicle.vehicle.speed_m_s
                if best is None or seconds < best[0]:
                    best = (seconds, vehicle, to_pick, onward)
        if best is None:
            return None
        _, vehicle, to_pick, onward = best
        vehicle.order(self._document(vehicle, to_pick, onward, lot))
        if vehicle.busy:
            self._head(lot, target)
        return vehicle

    def _bring(self, vehicle: Transporter, lot: Lot) -> None:
        """Find a new place for what a failed move left on a vehicle."""
        self._target.pop(lot.id, None)
        target = self._destination(lot) or self._store
        if target is None:
            return
        onward = self._shortest(vehicle.kind, vehicle.node, target)
        if onward is not None:
            vehicle.order(self._document(vehicle, [], onward, lot, pick=False))
            if vehicle.busy:
                self._head(lot, target)

    def _head(self, lot: Lot, target: str) -> None:
        self._target[lot.id] = target
        self._inbound[target] += 1

    def _shortest(self, kind: VehicleKind, start: str, station: str) -> list[Way] | None:
        routes = [
            route
            for node in self._roads.serving(kind, station)
            if (route := self._roads.route(kind, start, node)) is not None
        ]
        return min(routes, key=lambda r: sum(w.length_m for w in r), default=None)

    def _document(
        self,
        vehicle: Transporter,
        to_pick: list[Way],
        onward: list[Way],
        lot: Lot,
        *,
        pick: bool = True,
    ) -> str:
        """A VDA 5050 order: to the lot, pick, on to its target, drop."""
        self._orders += 1
        order_id = f"local-{self._orders}"

        def node(name: str, sequence: int, action: str = "") -> dict[str, object]:
            actions = [
                {
                    "actionId": f"{order_id}-{action}",
                    "actionType": action,
                    "blockingType": "HARD",
                    "actionParameters": [{"key": "loadId", "value": lot.id}],
                }
            ]
            return {
                "nodeId": name,
                "sequenceId": sequence,
                "released": True,
                "actions": actions if action else [],
            }

        ways = to_pick + onward
        nodes = [node(vehicle.node, 0, "pick" if pick and not to_pick else "")]
        edges: list[dict[str, object]] = []
        for number, way in enumerate(ways, start=1):
            last = number == len(ways)
            action = "drop" if last else "pick" if pick and number == len(to_pick) else ""
            edges.append(
                {
                    "edgeId": way.edge.id,
                    "sequenceId": 2 * number - 1,
                    "released": True,
                    "actions": [],
                }
            )
            nodes.append(node(way.end, 2 * number, action))
        if not ways:
            nodes[0] = node(vehicle.node, 0, "drop")
        return json.dumps({"orderId": order_id, "orderUpdateId": 0, "nodes": nodes, "edges": edges})

    def _forget_arrived(self) -> None:
        """Drop the targets of lots that have arrived, or whose vehicle gave up."""
        underway = {
            action.load for v in self._vehicles if v.busy for action in v.actions if not action.over
        }
        for lot_id in [lot_id for lot_id in self._target if lot_id not in underway]:
            del self._target[lot_id]


def _alternative(lot: Lot, equipment: str) -> Alternative | None:
    operation = lot.next_operation
    if operation is None:
        return None
    return next((a for a in operation.alternatives if a.equipment == equipment), None)


def _urgency(lot: Lot) -> tuple[float, float, str]:
    return (lot.order.due, -lot.order.weight, lot.id)
