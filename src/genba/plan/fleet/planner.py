"""The planner of the fleet: it remembers what it sent, and plans the rest around that."""

import math
from collections.abc import Iterable, Mapping, Sequence

from genba.plan.demand.situation import Situation, VehicleState
from genba.plan.fleet.commitment import LOST_S, Commitment
from genba.plan.fleet.fleet_plan import FleetPlan, plan_fleet
from genba.plan.fleet.itinerary import Itinerary, Stop
from genba.plan.fleet.network import Network
from genba.plan.fleet.orders import legs_of, until_stop
from genba.plan.fleet.tasks import Carrier, TransportTask
from genba.plan.floor.transport import ENOUGH_PCT, LOW_PCT, Move, VehicleOrders
from genba.plant import US, Plant, Proposal, Scalar
from genba.twin.rules import REST_AFTER_S

MOVING_S = 60.0
"""How long a vehicle whose order is not known counts as moving after it was seen to."""
MAKE_WAY_S = 60.0
"""How long a vehicle waits in the plan for another one that stands in its way and must leave."""
SOON_S = 15.0
"""When such a vehicle will have left the node where it was seen."""


class FleetPlanner:
    """Assigns moves to vehicles, all at once, and routes the whole fleet without conflict.

    Proposes as :class:`~genba.plan.floor.transport.NearestVehicle` does: wholly released
    orders, to vehicles that have none. What it proposed before it keeps in mind as the vehicle's
    commitment, and shifts it when the vehicle is late.

    Parameters
    ----------
    plant : Plant
        Vehicles, layout, and the signals that take orders.
    source : str
        What proposals name as their source.
    acceleration_m_s2 : mapping of str to float
        By vehicle, where known.
    jointly : bool
        Whether to look for a plan of all vehicles at once where one after the other finds none.
        That compiles functions when it is needed for the first time, which takes seconds.
    """

    def __init__(
        self,
        plant: Plant,
        source: str = "fleet",
        acceleration_m_s2: Mapping[str, float] | None = None,
        jointly: bool = False,
    ) -> None:
        self._jointly = jointly
        self._plant = plant
        self.network = Network(plant.layout, plant.vehicles, acceleration_m_s2)
        self._orders = VehicleOrders(plant, source)
        self._sent: dict[str, Commitment] = {}
        self._seen: dict[str, tuple[str, float]] = {}
        """Where vehicles with unknown orders were seen, and since when."""

    def plan(
        self,
        carriers: Sequence[Carrier],
        tasks: Sequence[TransportTask],
        errands: Mapping[str, tuple[Stop, ...]] | None = None,
    ) -> FleetPlan:
        """Plan tasks onto vehicles and route them all; see :func:`plan_fleet`."""
        return plan_fleet(self.network, carriers, tasks, errands, self._jointly)

    def travel_s(self, origin: str, destination: str) -> float | None:
        """Estimate the driving time between two stations: the fastest vehicle of any kind."""
        times = [
            self.network.times_to(vehicle, self.network.serving(vehicle.kind, destination)).get(n)
            for vehicle in self._plant.vehicles
            for n in self.network.serving(vehicle.kind, origin)
        ]
        return min((time_s for time_s in times if time_s is not None), default=None)

    def propose(self, situation: Situation, moves: Iterable[Move]) -> list[Proposal]:
        """Propose an order for each move that a free vehicle should do, then others to rest.

        A move that a busy vehicle will do sooner than any free one waits for it.
        """
        now_s = situation.time / US
        states = {state.id: state for state in situation.vehicles if state.node is not None}
        stands = {state.node for state in states.values() if state.free}
        carriers = [self._carrier(state, now_s, stands) for state in states.values()]
        taken = frozenset(carrier.node for carrier in carriers)
        wanted = {move.lot: move for move in moves}
        errands = {
            c.vehicle.id: errand
            for c in carriers
            if (errand := self._errand(c, states[c.vehicle.id], taken, situation.time))
        }
        plan = self.plan(carriers, [_task(situation, m) for m in wanted.values()], errands)
        proposals = []
        for state in states.values():
            if not state.free or not self._orders.reach(state.id):
                continue
            itinerary = plan.itineraries[state.id]
            first = until_stop(itinerary, "drop")
            if first is not None:
                lot = next(s.lot for s in first.visits[-1].stops if s.kind == "drop")
                proposals.append(self._transport(situation, state, first, wanted[lot]))
            elif not plan.stops.get(state.id) and len(itinerary.visits) > 1:
                proposals.append(self._rest(situation, state, itinerary))
        return proposals

    # -- the picture --------------------------------------------------------------------------

    def _carrier(self, state: VehicleState, now_s: float, stands: set[str | None]) -> Carrier:
        vehicle = self._plant.vehicles_by_id[state.id]
        # One lot at a time is added: an order is followed for one lot.
        capacity = min(vehicle.capacity_lots, len(state.loads) + 1)
        vehicle = vehicle.model_copy(update={"capacity_lots": capacity})
        node, charged = str(state.node), self._charged(state)
        if state.free:
            self._sent.pop(state.id, None)
            self._seen.pop(state.id, None)
            takes = charged and self._orders.reach(state.id)
            return Carrier(vehicle, node, now_s, state.loads, takes)
        sent = self._sent.get(state.id)
        sent = sent and sent.follow(node, now_s)
        if sent is None:
            # Somebody else's order, a person, or a breakdown: whoever moves will go on moving.
            self._sent.pop(state.id, None)
            seen, since_s = self._seen.get(state.id, ("", now_s))
            if seen != node:
                self._seen[state.id] = (node, now_s)
            moves = bool(seen) and (seen != node or now_s - since_s < MOVING_S)
            return Carrier(vehicle, node, now_s + SOON_S, state.loads, False, moves)
        self._sent[state.id] = sent
        # Who stands where it wants to go has to leave first, and is given the time to.
        wait_s = MAKE_WAY_S if sent.next_node in stands - {None} else 0.0
        if sent.overdue_s(now_s) > LOST_S and not wait_s:
            where = sent.standing(now_s)
            node = where.visits[-1].node
            return Carrier(vehicle, node, now_s, state.loads, False, False, where)
        committed, end_s = sent.ahead(now_s, wait_s)
        node = committed.visits[-1].node
        return Carrier(vehicle, node, end_s, (), takes_tasks=charged, committed=committed)

    def _charged(self, state: VehicleState) -> bool:
        """Whether a vehicle has enough charge for a task; one at a charger waits for more."""
        if state.battery_pct is None:
            return True
        at_charger = state.node in self.network.chargers(state.kind)
        return state.battery_pct >= (ENOUGH_PCT if at_charger else LOW_PCT)

    def _errand(
        self, carrier: Carrier, state: VehicleState, taken: frozenset[str], now: int
    ) -> tuple[Stop, ...]:
        """Return what a vehicle without a task should do: charge when low, rest when idle."""
        if not state.free or state.loads:
            return ()
        chargers = self.network.chargers(state.kind)
        low = state.battery_pct is not None and state.battery_pct < LOW_PCT
        if low and state.node not in chargers:
            return (Stop("charge", chargers - taken or chargers),)
        idle_s = (now - (state.idle_since or now)) / US
        rests = self.network.rests(state.kind)
        if idle_s >= REST_AFTER_S and state.node not in rests and rests:
            return (Stop("rest", rests - taken or rests),)
        return ()

    # -- proposals ----------------------------------------------------------------------------

    def _transport(
        self, situation: Situation, state: VehicleState, itinerary: Itinerary, move: Move
    ) -> Proposal:
        order_id = f"T-{state.id}-{situation.time // 1000}"
        end_s = max(itinerary.stop_ends_s().values())
        self._sent[state.id] = Commitment(itinerary, end_s)
        context: dict[str, Scalar] = {
            "task": "move",
            "vehicle": state.id,
            "lot": move.lot,
            "order": move.order,
            "origin": move.origin,
            "destination": move.destination,
            "vehicle_order": order_id,
        }
        reason = (
            f"{state.id} takes {move.lot} from {move.origin} to {move.destination} "
            f"in {end_s - situation.time / US:.0f} s, as best shared among the vehicles"
        )
        legs = legs_of(itinerary, order_id, charger=False)
        return self._orders.proposal(situation, state, order_id, legs, reason, context)

    def _rest(self, situation: Situation, state: VehicleState, itinerary: Itinerary) -> Proposal:
        order_id = f"T-{state.id}-{situation.time // 1000}"
        goal = itinerary.visits[-1].node
        self._sent[state.id] = Commitment(itinerary, itinerary.visits[-1].arrive_s)
        context: dict[str, Scalar] = {
            "task": "rest",
            "vehicle": state.id,
            "destination": goal,
            "vehicle_order": order_id,
        }
        charge = goal in self.network.chargers(state.kind)
        idle_s = (situation.time - (state.idle_since or situation.time)) / US
        if state.battery_pct is not None and state.battery_pct < LOW_PCT:
            why = f"battery at {state.battery_pct:.0f} %"
        elif idle_s >= REST_AFTER_S:
            why = f"idle for {idle_s:.0f} s"
        else:
            why = "another vehicle needs the place"
        legs = legs_of(itinerary, order_id, charge)
        reason = f"{state.id} drives to {goal}: {why}"
        return self._orders.proposal(situation, state, order_id, legs, reason, context)


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
