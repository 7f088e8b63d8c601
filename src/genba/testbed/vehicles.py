"""Vehicles: they drive VDA 5050 orders over the layout, pick up and set down lots, and charge."""

import json
import math
from collections.abc import Mapping
from typing import Any

from genba.plant import Vehicle, VehicleKind
from genba.testbed.battery import Battery
from genba.testbed.board import Board
from genba.testbed.floor import Floor
from genba.testbed.handling import LoadHandler
from genba.testbed.ledger import Ledger
from genba.testbed.lots import Lot
from genba.testbed.order_joining import extend, join
from genba.testbed.physics_file import VehiclePhysics
from genba.testbed.traffic import Reservations, Roads, Way
from genba.testbed.transport_order import (
    Action,
    Rejected,
    Stop,
    TransportOrder,
    read_instant_actions,
    read_order,
    references,
)
from genba.testbed.upkeep import WearOut, Work

LOW_BATTERY = 0.15
"""State of charge below which a vehicle takes no new transport order."""
_MOST_ERRORS = 9
_MOST_ACTIONS = 10
_APPROACH_M = 4.0
"""Distance to a node at which the next one is asked for."""


class Transporter:
    """One vehicle. ``tick`` once a second."""

    def __init__(
        self,
        floor: Floor,
        vehicle: Vehicle,
        physics: VehiclePhysics,
        roads: Roads,
        reservations: Reservations,
        board: Board,
        ledger: Ledger,
    ) -> None:
        self.id = vehicle.id
        self.kind: VehicleKind = vehicle.kind
        self.vehicle = vehicle
        self.physics = physics
        self.board = board
        self._floor = floor
        self._roads = roads
        self.reservations = reservations
        self._ledger = ledger
        chance = floor.chance
        self._wear = (
            WearOut(physics.breakdowns, chance.stream(f"{self.id}.breakdown"))
            if physics.breakdowns
            else None
        )
        self._repair: Work | None = None
        self.order_id = ""
        self.order_update = 0
        self.node = vehicle.home or next(iter(roads.nodes))
        self.sequence = 0
        self.ahead: list[Stop] = []
        """Nodes of the order that are still to be reached (VDA 5050 ``nodeStates``)."""
        self.actions: list[Action] = []
        self.instant: list[Action] = []
        """The last instant actions (3.0 shows them until they are cleared)."""
        self.instant_since_order: list[Action] = []
        """Those since the order was taken (2.1 shows them among the order's)."""
        self._here: list[Action] = []
        """Actions at the node where it stands, still to be done."""
        self._handler = LoadHandler(floor, vehicle, physics, ledger)
        self.errors: list[dict[str, Any]] = []
        self.paused = False
        self._way: Way | None = None
        self._along_m = 0.0
        self.speed_m_s = 0.0
        self.theta = 0.0
        self.battery = Battery(vehicle.battery_kwh, physics)
        self.distance_m = 0.0
        self.driving_s = 0
        self._idle_s = 0.0
        self._going_home = False
        self.parks_itself = True
        """Whether it drives home when idle (today's fleet does so); it makes way in any case."""
        self.revision = 0
        """Counts up whenever a state message is due: on every event, and every 30 s."""
        self._changed = True
        self._since_message_s = 0
        reservations.claim(self.node, self.id)
        self.publish()

    # Orders --------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an order is still going on."""
        if not self.order_id:
            return False
        under_way = bool(self.ahead) and not self._going_home
        return under_way or any(not action.over for action in self.actions)

    @property
    def available(self) -> bool:
        """Whether a new order would be taken."""
        return not self.busy and self._repair is None and self.charge > LOW_BATTERY

    @property
    def position(self) -> tuple[float, float]:
        """Where it is, in meters."""
        here = self._roads.nodes[self.node]
        if self._way is None:
            return here.x_m, here.y_m
        there = self._roads.nodes[self._way.end]
        part = self._along_m / self._way.length_m
        return here.x_m + part * (there.x_m - here.x_m), here.y_m + part * (there.y_m - here.y_m)

    @property
    def spot(self) -> str:
        """The node or the way that it occupies, from the truth of its position."""
        return self.node if self._way is None else self._way.edge.id

    def order(self, document: Any) -> None:
        """Take an order, or reject it with an error in the state."""
        try:
            self._take(read_order(document, self._roads, self.kind))
        except Rejected as rejected:
            self._ledger.rejected_orders += 1
            self._complain(rejected, "order", document)
        self._changed = True

    def _complain(self, rejected: Rejected, topic: str, document: Any) -> None:
        """Show in the state what was not taken, and why; the last few are enough."""
        error = {
            "errorType": rejected.kind,
            "errorReferences": references(topic, document),
            "errorDescription": str(rejected),
            "errorLevel": "WARNING",
        }
        self.errors = [*self.errors[-_MOST_ERRORS:], error]

    def _take(self, order: TransportOrder) -> None:
        if order.id == self.order_id:
            self._update(order)
            return
        if self.busy:
            raise Rejected("orderError", f"order {self.order_id} is still going on")
        if self._repair is not None:
            raise Rejected("orderError", "the vehicle has broken down")
        if self.charge <= LOW_BATTERY:
            raise Rejected("orderError", "the battery is low")
        stops = join(order.stops, self.node, self._way, self._roads, self.kind)
        self.errors.clear()
        self.instant_since_order = []
        self._give_back_ahead()
        self.order_id, self.order_update = order.id, order.update
        self.actions = [a for stop in order.stops for a in stop.actions]
        self.ahead = stops
        self._going_home = False
        self._idle_s = 0.0
        self.battery.charging = False
        if self._way is None:
            self._reach(self.ahead.pop(0))

    def _update(self, order: TransportOrder) -> None:
        if order.update <= self.order_update:
            raise Rejected(
                "orderUpdateError", f"update {order.update} is not above {self.order_update}"
            )
        planned = {a.id for stop in self.ahead if not stop.released for a in stop.actions}
        self.ahead = extend(self.ahead, order.stops, self.node)
        self.actions = [action for action in self.actions if action.id not in planned]
        known = {action.id for action in self.actions}
        self.actions += [a for s in order.stops[1:] for a in s.actions if a.id not in known]
        self.order_update = order.update

    def instant_actions(self, document: Any) -> None:
        """Take instant actions: cancelOrder, startPause, stopPause; others fail."""
        self._changed = True
        try:
            actions = read_instant_actions(document)
        except Rejected as rejected:
            self._complain(rejected, "instantActions", document)
            return
        for action in actions:
            action.status = "FINISHED"
            if action.type == "cancelOrder" and self.busy:
                self._cancel()
            elif action.type == "cancelOrder":
                action.status, action.result = "FAILED", "there is no order to cancel"
                refused = {"actions": [{"actionId": action.id}]}
                none = Rejected("noOrderToCancel", action.result)
                self._complain(none, "instantActions", refused)
            elif action.type in {"startPause", "stopPause"}:
                self.paused = action.type == "startPause"
            elif action.type not in {"stateRequest", "factsheetRequest"}:
                action.status, action.result = "FAILED", "unknown instant action"
            self.instant.append(action)
            self.instant_since_order.append(action)
        self.instant = self.instant[-_MOST_ACTIONS:]
        self.instant_since_order = self.instant_since_order[-_MOST_ACTIONS:]

    def _cancel(self) -> None:
        for action in self.actions:
            if not action.over:
                action.status, action.result = "FAILED", "canceled"
        self._give_back_ahead()
        self._here = []
        self.ahead = self.ahead[:1] if self._way is not None else []
        for stop in self.ahead:
            stop.actions = []

    def _give_back_ahead(self) -> None:
        """Give back the node beyond the next one: the new way may not lead there."""
        if self._way is not None and len(self.ahead) > 1:
            self.reservations.release(self.ahead[1].node, self.id)

    # One second ----------------------------------------------------------------------------

    def tick(self) -> None:
        """Let one second pass."""
        power_kw = self.physics.idle_kw
        if self._repair is not None:
            self.speed_m_s = 0.0
            if self._repair.tick(self._floor.crew, self.id, self._floor.around.now):
                self._repair = None
                self.errors = [e for e in self.errors if e["errorLevel"] != "FATAL"]
                if self._wear is not None:
                    self._wear.repaired()
                self._changed = True
        elif self.paused:
            self.speed_m_s = 0.0
        elif self._here and self._way is None:
            power_kw = self.physics.handling_kw
            self._act(self._here[0])
        elif self._way is not None or (self.ahead and self.ahead[0].released):
            power_kw = self._drive()
        elif self.busy:
            self.speed_m_s = 0.0  # at the end of the base: an update releases more
        else:
            self._rest()
        self._changed |= self.battery.tick(power_kw)
        self._since_message_s += 1
        driving = self.speed_m_s > 0.0 and self._since_message_s >= 5
        if self._changed or driving or self._since_message_s >= 30:
            self.publish()

    def break_down(self, repair_s: float | None = None) -> None:
        """Stop where it is until somebody comes."""
        if self._repair is None:
            if repair_s is None:
                repair_s = self._wear.repair_s() if self._wear else 480.0
            self._repair = Work("repair", repair_s, "maintenance")
            self.errors.append(
                {
                    "errorType": "driveFault",
                    "errorDescription": "the drive has stopped; a technician must come",
                    "errorLevel": "FATAL",
                }
            )
            self._changed = True

    def _drive(self) -> float:
        """Move by one second; returns the power drawn."""
        stop = self.ahead[0]
        if self._way is None:
            if not self.reservations.claim(stop.node, self.id):
                self.speed_m_s = 0.0
                return self.physics.idle_kw
            self._enter(stop, 0.0)
            self._changed = True
        way = self._way
        if way is None:
            return self.physics.idle_kw
        self.battery.charging = False
        left_m = way.length_m - self._along_m
        limit = self.vehicle.speed_m_s
        for cap in (way.edge.max_speed_m_s, stop.speed_m_s):
            if cap is not None:
                limit = min(limit, cap)
        acceleration = self.physics.acceleration_m_s2
        passes = left_m < _APPROACH_M and self._may_pass(stop)
        if not passes:
            # Brake so as to stand on the node: v^2 = 2 a s.
            limit = min(limit, math.sqrt(2.0 * acceleration * max(left_m, 0.0)) + 0.05)
        self.speed_m_s = min(limit, self.speed_m_s + acceleration)
        self._along_m += self.speed_m_s
        self.distance_m += self.speed_m_s
        self.driving_s += 1
        if self._along_m >= way.length_m - 0.05:
            over_m = self._along_m - way.length_m
            self.reservations.release(self.node, self.id)
            self._way, self._along_m = None, 0.0
            self._reach(self.ahead.pop(0))
            if passes and self.ahead and not self._here:
                self._enter(self.ahead[0], max(0.0, over_m))
            else:
                self.speed_m_s = 0.0
        if self._wear is not None and self._floor.random and self._wear.run(1.0, 1.0):
            self.break_down()
        return self.physics.drive_kw * (0.4 + 0.6 * self.speed_m_s / self.vehicle.speed_m_s)

    def _may_pass(self, stop: Stop) -> bool:
        """Whether it can go through a node without a stop: nothing to do, and the next is free."""
        if stop.actions or len(self.ahead) < 2 or not self.ahead[1].released:
            return False
        return self.reservations.claim(self.ahead[1].node, self.id)

    def _enter(self, stop: Stop, along_m: float) -> None:
        """Set out on the way to a node."""
        self._way, self._along_m = stop.way, along_m
        if stop.way is not None:
            a, b = self._roads.nodes[stop.way.start], self._roads.nodes[stop.way.end]
            self.theta = math.atan2(b.y_m - a.y_m, b.x_m - a.x_m)

    def _reach(self, stop: Stop) -> None:
        self.node = stop.node
        if not self._going_home:
            self.sequence = stop.sequence
        self._here = [a for a in stop.actions if not a.over]
        self._changed = True

    def _rest(self) -> None:
        """Nothing to do: charge at a charger, make way, or go home after a while."""
        self.speed_m_s = 0.0
        self._idle_s += 1.0
        self._going_home = False
        if self._roads.nodes[self.node].charger and not self.charging and self.charge < 0.98:
            self.battery.charging = self._changed = True
        home = self.vehicle.home
        wanted = self.node in self.reservations.wanted
        if home is None or self.node == home:
            return
        parks = self.parks_itself and self._idle_s > self.physics.park_after_s
        if wanted or parks:
            ways = self._roads.route(self.kind, self.node, home)
            if ways:
                self.ahead = [Stop(way.end, 0, True, way, 0, None) for way in ways]
                self._going_home = True
                self._idle_s = 0.0

    # Actions -------------------------------------------------------------------------------

    def _act(self, action: Action) -> None:
        """Advance the action that is next at this node by one second."""
        self.speed_m_s = 0.0
        station = self._floor.stations.get(self._roads.nodes[self.node].station or "")
        if action.type in {"startCharging", "stopCharging"}:
            self._switch_charging(action)
        elif action.status == "WAITING":
            self._changed |= self._handler.begin(action, station)
        else:
            action.remaining_s -= 1.0
            if action.remaining_s <= 0 and station is not None:
                self._handler.complete(action, station)
        if action.over:
            self._end(action)

    def _switch_charging(self, action: Action) -> None:
        start = action.type == "startCharging"
        if start and not self._roads.nodes[self.node].charger:
            action.status, action.result = "FAILED", f"there is no charger at {self.node}"
        else:
            self.battery.charging = start
            action.status = "FINISHED"

    def _end(self, action: Action) -> None:
        if action in self._here:
            self._here.remove(action)
        if action.status == "FAILED":
            self._ledger.failed_moves += 1
            # VDA 5050, 6.10: a failed action ends the order; the rest is not done.
            for other in self.actions:
                if not other.over:
                    other.status, other.result = "FAILED", "an earlier action failed"
            self.ahead, self._here = [], []
        self._changed = True

    # State ---------------------------------------------------------------------------------

    @property
    def loads(self) -> list[Lot]:
        """Lots that it carries."""
        return self._handler.loads

    @property
    def charge(self) -> float:
        """State of charge, 0 to 1."""
        return self.battery.charge

    @property
    def charging(self) -> bool:
        """Whether a charger feeds it."""
        return self.battery.charging

    @property
    def power_kw(self) -> float:
        """What it draws from the mains."""
        return self.battery.mains_kw

    def publish(self) -> None:
        """Show the state, and count a message."""
        self._changed = False
        self._since_message_s = 0
        self.revision += 1
        board, (x, y) = self.board, self.position
        board.show("node", self.node)
        board.show("order_id", self.order_id)
        board.show("order_update", self.order_update)
        board.show("sequence", self.sequence)
        board.show("nodes_left", 0 if self._going_home else len(self.ahead))
        board.show("actions", json.dumps(self.action_states(), separators=(",", ":")))
        board.show("loads", ",".join(lot.id for lot in self.loads))
        board.show("operating_mode", self.operating_mode)
        board.show("errors", len(self.errors))
        board.show("battery", round(100.0 * self.charge, 1))
        board.show("x", round(x, 2))
        board.show("y", round(y, 2))
        board.show("connection_state", "ONLINE")

    @property
    def operating_mode(self) -> str:
        """VDA 5050 operating mode: SERVICE while a technician works on it."""
        return "AUTOMATIC" if self._repair is None else "SERVICE"

    def action_states(self) -> list[Mapping[str, str]]:
        """VDA 5050 ``actionStates`` of the order."""
        return [action_state(action) for action in self.actions]

    @property
    def going_home(self) -> bool:
        """Whether it drives to its parking place without an order."""
        return self._going_home


def action_state(action: Action) -> Mapping[str, str]:
    """One entry of VDA 5050 ``actionStates``, in the words of 2.1."""
    state = {
        "actionId": action.id,
        "actionType": action.type,
        "actionStatus": action.status,
    }
    if action.result:
        state["resultDescription"] = action.result
    return state
