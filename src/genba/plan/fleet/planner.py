"""The fleet in the execution loop: from what vehicles show to proposals of orders and updates."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from genba.plan.demand.situation import OrderState, Situation, VehicleState
from genba.plan.fleet.control import FleetControl, Message
from genba.plan.fleet.course import Report
from genba.plan.fleet.itinerary import Stop
from genba.plan.fleet.network import Network
from genba.plan.fleet.tasks import TransportTask
from genba.plan.floor.transport import ENOUGH_PCT, LOW_PCT, Move, VehicleOrders
from genba.plant import US, Plant, Proposal, Role, Scalar
from genba.twin.rules import REST_AFTER_S

_OF_ORDER = (Role.VEHICLE_ORDER_ID, Role.VEHICLE_ORDER_UPDATE)
"""What an update rests on: where the vehicle is moves on while it is decided."""


class FleetPlanner:
    """Assigns moves to vehicles, all at once, and leads the whole fleet without conflict.

    Stands where :class:`~genba.plan.floor.transport.NearestVehicle` does. Orders have a base and a
    horizon, and grow by updates, as :class:`~genba.plan.fleet.control.FleetControl` releases them.

    Parameters
    ----------
    plant : Plant
        Vehicles, layout, and the signals that take orders. A vehicle that does not show its order
        with its update and sequence is left alone.
    source : str
        What proposals name as their source.
    acceleration_m_s2 : mapping of str to float
        By vehicle, where known.
    jointly : bool
        See :class:`~genba.plan.fleet.control.FleetControl`.
    """

    def __init__(
        self,
        plant: Plant,
        source: str = "fleet",
        acceleration_m_s2: Mapping[str, float] | None = None,
        jointly: bool = False,
    ) -> None:
        self._plant = plant
        self.network = Network(plant.layout, plant.vehicles, acceleration_m_s2)
        self._orders = VehicleOrders(plant, source)
        # An order is followed for one lot, so no vehicle gets another one before that is done.
        single = [v.model_copy(update={"capacity_lots": 1}) for v in plant.vehicles]
        major = {vehicle.id: self._orders.major(vehicle.id) for vehicle in plant.vehicles}
        self.control = FleetControl(self.network, single, major, jointly)
        self._errands: dict[str, Stop] = {}
        self._moves: dict[str, Move] = {}
        """What vehicles were sent for, by lot."""

    def travel_s(self, origin: str, destination: str) -> float | None:
        """Estimate the driving time between two stations: the fastest vehicle of any kind."""
        times = [
            self.network.times_to(vehicle, self.network.serving(vehicle.kind, destination)).get(n)
            for vehicle in self._plant.vehicles
            for n in self.network.serving(vehicle.kind, origin)
        ]
        return min((time_s for time_s in times if time_s is not None), default=None)

    def propose(self, situation: Situation, moves: Iterable[Move]) -> list[Proposal]:
        """Propose orders for moves and for vehicles that should rest, and updates to drive on.

        A move that a busy vehicle will do sooner than any free one waits for it.
        """
        states = {
            state.id: state
            for state in situation.vehicles
            if state.node is not None and state.order is not None and self._orders.reach(state.id)
        }
        wanted = {move.lot: move for move in moves}
        wanted |= {m.lot: m for m in self._again(situation) if m.lot not in wanted}
        messages = self.control.tick(
            situation.time / US,
            [self._report(state, order) for state in states.values() if (order := state.order)],
            [_task(situation, move) for move in wanted.values()],
            self._errands_now(states, situation.time),
        )
        return [
            self._proposal(situation, states[message.vehicle], message, wanted)
            for message in messages
        ]

    # -- the picture --------------------------------------------------------------------------

    def _report(self, state: VehicleState, order: OrderState) -> Report:
        return Report(
            state.id, str(state.node), order.sequence, order.id, order.update, order.finished,
            order.over, order.able, state.loads, order.listens, self._charged(state),
        )  # fmt: skip

    def _again(self, situation: Situation) -> list[Move]:
        """Return moves whose vehicle does them no more, though its order still stands."""
        again = []
        begun = self.control.begun
        for lot, move in list(self._moves.items()):
            seen = situation.lots_by_id.get(lot)
            if lot in begun:
                continue
            if seen is None or seen.heading != move.destination:
                del self._moves[lot]
            elif seen.place != move.destination:
                again.append(replace(move, origin=seen.place))
        return again

    def _charged(self, state: VehicleState) -> bool:
        """Whether a vehicle has enough charge for a task; one at a charger waits for more."""
        if state.battery_pct is None:
            return True
        at_charger = state.node in self.network.chargers(state.kind)
        return state.battery_pct >= (ENOUGH_PCT if at_charger else LOW_PCT)

    def _errands_now(
        self, states: Mapping[str, VehicleState], now: int
    ) -> Mapping[str, tuple[Stop, ...]]:
        """Return what vehicles without a task should do: charge when low, rest when idle.

        What one has set out for stands until it is there, or has something better to do.
        """
        busy = set(self.control.begun.values())
        taken = frozenset(str(state.node) for state in states.values())
        errands: dict[str, Stop] = {}
        for state in states.values():
            kept = self._errands.get(state.id)
            if state.loads or state.id in busy or state.order is None or not state.order.able:
                continue
            if kept is not None and not (state.node in kept.nodes and state.free):
                errands[state.id] = kept
            elif kept is None and (new := self._errand(state, taken, now)) is not None:
                errands[state.id] = new
        self._errands = errands
        return {name: (stop,) for name, stop in errands.items()}

    def _errand(self, state: VehicleState, taken: frozenset[str], now: int) -> Stop | None:
        if not state.free:
            return None
        # Each goes to a place of its own, as long as there is one.
        taken = taken.union(*(stop.nodes for stop in self._errands.values()))
        chargers, rests = self.network.chargers(state.kind), self.network.rests(state.kind)
        low = state.battery_pct is not None and state.battery_pct < LOW_PCT
        if low and state.node not in chargers:
            return Stop("charge", chargers - taken or chargers)
        idle_s = (now - (state.idle_since or now)) / US
        if idle_s >= REST_AFTER_S and state.node not in rests and rests:
            return Stop("rest", rests - taken or rests)
        return None

    # -- proposals ----------------------------------------------------------------------------

    def _proposal(
        self,
        situation: Situation,
        state: VehicleState,
        message: Message,
        wanted: Mapping[str, Move],
    ) -> Proposal:
        begins = message.update == 0
        context: dict[str, Scalar] = {"vehicle": state.id, "vehicle_order": message.order_id}
        if message.text is None:
            reason = f"{state.id} cannot go on with {message.order_id} as it is"
            context |= {"task": "cancel"}
            return self._orders.canceling(situation, self._of_order(state), reason, context)
        if not begins:
            state = self._of_order(state)
        move = wanted.get(message.task) or self._moves.get(message.task)
        if move is None:
            context |= {"task": "rest", "destination": message.goal}
            why = self._why(state, situation.time) if begins else "the way is free"
            reason = f"{state.id} drives to {message.goal}: {why}"
        else:
            self._moves[move.lot] = move
            context |= {
                "task": "move",
                "lot": move.lot,
                "order": move.order,
                "origin": move.origin,
                "destination": move.destination,
            }
            why = "as best shared among the vehicles" if begins else "and may drive on"
            reason = f"{state.id} takes {move.lot} from {move.origin} to {move.destination}, {why}"
        return self._orders.sending(situation, state, message.text, reason, context)

    def _of_order(self, state: VehicleState) -> VehicleState:
        roles = self._plant.roles
        signals = {roles[state.id, role].id for role in _OF_ORDER if (state.id, role) in roles}
        return replace(state, evidence=tuple(e for e in state.evidence if e.signal in signals))

    def _why(self, state: VehicleState, now: int) -> str:
        if state.battery_pct is not None and state.battery_pct < LOW_PCT:
            return f"battery at {state.battery_pct:.0f} %"
        idle_s = (now - (state.idle_since or now)) / US
        return f"idle for {idle_s:.0f} s" if idle_s >= REST_AFTER_S else "another needs the place"


def _task(situation: Situation, move: Move) -> TransportTask:
    lot = situation.lots_by_id.get(move.lot)
    return TransportTask(
        id=move.lot,
        lot=move.lot,
        origin=move.origin,
        destination=move.destination,
        due_s=lot.due / US if lot else math.inf,
        weight=lot.weight if lot else 1.0,
    )
