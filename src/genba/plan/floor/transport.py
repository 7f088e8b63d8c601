"""Which vehicle moves which lot: the nearest free one that can drive there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genba.plan.demand.situation import Situation, VehicleState
from genba.plan.floor.roadmap import Roadmap, Route
from genba.plan.floor.vehicle_order import cancel_text, charge_action, load_action, order_text
from genba.plant import US, Plant, Proposal, Role, Scalar, Signal, Write
from genba.twin.rules import REST_AFTER_S

LOW_PCT = 25.0
"""Below this charge a vehicle is sent to a charger."""
ENOUGH_PCT = 45.0
"""Up to this charge a vehicle stays at its charger."""


@dataclass(frozen=True, slots=True)
class Move:
    """A lot that should be taken somewhere. ``origin`` is a station, or the vehicle it is on."""

    lot: str
    order: str
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class _Trip:
    vehicle: VehicleState
    legs: tuple[tuple[Route, str], ...]
    """Route and the load action at its end (``pick`` or ``drop``)."""
    duration_s: float


class VehicleOrders:
    """Writes the proposals that send vehicles, each in the version that the vehicle speaks."""

    def __init__(self, plant: Plant, source: str) -> None:
        self._source = source
        self._signals = {
            vehicle.id: plant.roles[vehicle.id, Role.VEHICLE_ORDER]
            for vehicle in plant.vehicles
            if (vehicle.id, Role.VEHICLE_ORDER) in plant.roles
        }
        self._actions = {
            vehicle.id: plant.roles[vehicle.id, Role.VEHICLE_INSTANT_ACTIONS]
            for vehicle in plant.vehicles
            if (vehicle.id, Role.VEHICLE_INSTANT_ACTIONS) in plant.roles
        }
        connections = {connection.id: connection for connection in plant.connections}
        self._major = {
            name: int(str(connections[s.connection].options.get("version", "2")).split(".")[0])
            for name, s in self._signals.items()
            if s.connection in connections
        }

    def major(self, vehicle: str) -> int:
        """Return the major version of VDA 5050 that a vehicle speaks."""
        return self._major.get(vehicle, 2)

    def reach(self, vehicle: str) -> bool:
        """Whether a vehicle has a signal that takes orders."""
        return vehicle in self._signals

    def proposal(
        self,
        situation: Situation,
        vehicle: VehicleState,
        order_id: str,
        legs: Sequence[tuple[Route, Sequence[Mapping[str, Any]]]],
        reason: str,
        context: dict[str, Scalar],
    ) -> Proposal:
        """Propose an order, released as a whole; only for vehicles that it can :meth:`reach`."""
        text = order_text(order_id, legs, self.major(vehicle.id))
        return self.sending(situation, vehicle, text, reason, context)

    def sending(
        self,
        situation: Situation,
        vehicle: VehicleState,
        text: str,
        reason: str,
        context: dict[str, Scalar],
    ) -> Proposal:
        """Propose a VDA 5050 order, or an update of one."""
        signal = self._signals[vehicle.id]
        return self._proposal(situation, vehicle, signal, text, reason, context)

    def canceling(
        self, situation: Situation, vehicle: VehicleState, reason: str, context: dict[str, Scalar]
    ) -> Proposal:
        """Propose to take the order of a vehicle back; it must be able to take instant actions."""
        signal = self._actions[vehicle.id]
        text = cancel_text(f"{self._source}-cancel-{vehicle.id}-{situation.time // 1000}")
        return self._proposal(situation, vehicle, signal, text, reason, context)

    def _proposal(
        self,
        situation: Situation,
        vehicle: VehicleState,
        signal: Signal,
        text: str,
        reason: str,
        context: dict[str, Scalar],
    ) -> Proposal:
        return Proposal(
            id=f"{self._source}-transport-{vehicle.id}-{situation.time // 1000}",
            time=situation.time,
            kind="transport",
            equipment=vehicle.id,
            writes=(Write(signal.id, text, signal.unit),),
            reason=reason,
            source=self._source,
            evidence=vehicle.evidence,
            context=context,
        )


class NearestVehicle:
    """Assigns moves, in the order given, to the vehicle that would be done first."""

    def __init__(self, plant: Plant, source: str = "plain") -> None:
        self._plant = plant
        self.roadmap = Roadmap(plant.layout)
        self._orders = VehicleOrders(plant, source)

    def propose(self, situation: Situation, moves: Iterable[Move]) -> list[Proposal]:
        """Propose an order for each move that a vehicle is free for; then send others to charge."""
        free = {v.id: v for v in situation.vehicles if self._would_take(v)}
        proposals = []
        for move in moves:
            if not free:
                break
            trip = self._best_trip(move, free.values())
            if trip is not None:
                del free[trip.vehicle.id]
                proposals.append(self._transport(situation, move, trip))
        for vehicle in situation.vehicles:
            if vehicle.free and vehicle.id not in {p.equipment for p in proposals}:
                proposals += self._to_rest(situation, vehicle)
        return proposals

    def travel_s(self, origin: str, destination: str) -> float | None:
        """Estimate the transport time between two stations: the fastest vehicle of any kind."""
        best: float | None = None
        for vehicle in self._plant.vehicles:
            for start in self.roadmap.nodes_of(origin):
                route = self.roadmap.to_station(vehicle, start, destination)
                if route is not None and (best is None or route.duration_s < best):
                    best = route.duration_s
        return best

    def _would_take(self, vehicle: VehicleState) -> bool:
        if not vehicle.free or vehicle.node is None or not self._orders.reach(vehicle.id):
            return False
        if vehicle.battery_pct is None:
            return True
        at_charger = vehicle.node in self.roadmap.chargers
        return vehicle.battery_pct >= (ENOUGH_PCT if at_charger else LOW_PCT)

    def _best_trip(self, move: Move, vehicles: Iterable[VehicleState]) -> _Trip | None:
        trips = [self._trip(move, vehicle) for vehicle in vehicles]
        return min(
            (trip for trip in trips if trip is not None),
            key=lambda trip: (trip.duration_s, trip.vehicle.id),
            default=None,
        )

    def _trip(self, move: Move, state: VehicleState) -> _Trip | None:
        vehicle = self._plant.vehicles_by_id[state.id]
        assert state.node is not None  # noqa: S101 - _would_take saw to it
        if move.origin == state.id:
            there = self.roadmap.to_station(vehicle, state.node, move.destination)
            return _Trip(state, ((there, "drop"),), there.duration_s) if there else None
        if len(state.loads) >= vehicle.capacity_lots:
            return None
        best: _Trip | None = None
        for pick_node in self.roadmap.nodes_of(move.origin):
            to_pick = self.roadmap.route(vehicle, state.node, pick_node)
            to_drop = self.roadmap.to_station(vehicle, pick_node, move.destination)
            if to_pick is None or to_drop is None:
                continue
            duration_s = to_pick.duration_s + to_drop.duration_s
            if best is None or duration_s < best.duration_s:
                best = _Trip(state, ((to_pick, "pick"), (to_drop, "drop")), duration_s)
        return best

    def _transport(self, situation: Situation, move: Move, trip: _Trip) -> Proposal:
        vehicle = trip.vehicle
        order_id = f"T-{vehicle.id}-{situation.time // 1000}"
        legs = [(route, (load_action(order_id, kind, move.lot),)) for route, kind in trip.legs]
        context: dict[str, Scalar] = {
            "task": "move",
            "vehicle": vehicle.id,
            "lot": move.lot,
            "order": move.order,
            "origin": move.origin,
            "destination": move.destination,
            "vehicle_order": order_id,
        }
        reason = (
            f"{vehicle.id} is nearest to take {move.lot} from {move.origin} to "
            f"{move.destination}, {trip.duration_s:.0f} s"
        )
        return self._orders.proposal(situation, vehicle, order_id, legs, reason, context)

    def _to_rest(self, situation: Situation, state: VehicleState) -> list[Proposal]:
        """Send a vehicle to a charger when it is low, home when it stands idle for long."""
        if state.node is None or state.loads or not self._orders.reach(state.id):
            return []
        vehicle = self._plant.vehicles_by_id[state.id]
        low = state.battery_pct is not None and state.battery_pct < LOW_PCT
        rested_s = (situation.time - (state.idle_since or situation.time)) / US
        goals: Sequence[str]
        if low and state.node not in self.roadmap.chargers:
            taken = {other.node for other in situation.vehicles}
            goals = [node for node in self.roadmap.chargers if node not in taken]
            if vehicle.home in self.roadmap.chargers:
                goals = [vehicle.home]
            why = f"battery at {state.battery_pct:.0f} %"
        elif vehicle.home and state.node != vehicle.home and rested_s >= REST_AFTER_S:
            goals, why = (vehicle.home,), f"idle for {rested_s:.0f} s"
        else:
            return []
        routes = [self.roadmap.route(vehicle, state.node, goal) for goal in goals]
        found = min(
            (route for route in routes if route is not None and route.edges),
            key=lambda route: (route.duration_s, route.nodes),
            default=None,
        )
        if found is None:
            return []
        goal = found.nodes[-1]
        order_id = f"T-{state.id}-{situation.time // 1000}"
        actions = (charge_action(order_id),) if goal in self.roadmap.chargers else ()
        context: dict[str, Scalar] = {
            "task": "rest",
            "vehicle": state.id,
            "destination": goal,
            "vehicle_order": order_id,
        }
        reason = f"{state.id} drives to {goal}: {why}"
        return [
            self._orders.proposal(situation, state, order_id, [(found, actions)], reason, context)
        ]
