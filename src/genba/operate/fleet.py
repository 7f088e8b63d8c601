"""What vehicles do: their orders from when they are sent until they are done or have failed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genba.operate.production import Production, Tell
from genba.operate.runs import names_in
from genba.operate.sense import LiveValues
from genba.plan import LotPhase, OrderState, VehicleState
from genba.plant import Evidence, Plant, Proposal, Role, Scalar

_EVIDENCE = (
    *(Role.VEHICLE_NODE, Role.VEHICLE_NODES_LEFT, Role.VEHICLE_LOADS),
    *(Role.VEHICLE_ORDER_ID, Role.VEHICLE_ORDER_UPDATE),
)

Failed = Callable[[str, str | None, int], None]
"""Told of a failed task: vehicle, lot, time."""


@dataclass(frozen=True, slots=True)
class Task:
    """One transport order."""

    order_id: str
    vehicle: str
    lot: str | None
    destination: str | None


class Fleet:
    """Follows vehicles by their VDA 5050 state."""

    def __init__(
        self, plant: Plant, live: LiveValues, production: Production, tell: Tell, failed: Failed
    ) -> None:
        self._plant = plant
        self._live = live
        self._production = production
        self._tell = tell
        self._failed = failed
        self._tasks: dict[str, Task] = {}
        self._taken: set[str] = set()
        self._canceled: set[str] = set()
        """Orders that were taken back: their ends are no failures."""
        self._idle_since: dict[str, int] = {}
        self.earlier: dict[str, Mapping[str, Scalar]] = {}
        """Context of orders that an earlier core sent, by order id."""
        self.done = 0
        self.failed = 0

    def sent(self, proposal: Proposal) -> None:
        """Note an order that is on its way to a vehicle, so that nobody plans its lot again.

        An update may give a vehicle that only makes way something to do; a cancellation takes its
        order back.
        """
        if proposal.context.get("task") == "cancel":
            self._canceled.add(str(proposal.context["vehicle_order"]))
        else:
            self._open(proposal.context)

    def not_taken(self, proposal: Proposal) -> None:
        """Note that a vehicle did not take an order. It still has one whose update it missed."""
        if proposal.context.get("task") == "cancel":
            self._canceled.discard(str(proposal.context["vehicle_order"]))
            return
        task = self._tasks.get(proposal.equipment)
        order_id = proposal.context.get("vehicle_order")
        if task is not None and task.order_id == order_id and order_id not in self._taken:
            self._close(task)

    def follow(self, now: int) -> None:
        """Look at every vehicle once: which tasks are over?"""
        for vehicle in self._plant.vehicles:
            order_id = self._value(vehicle.id, Role.VEHICLE_ORDER_ID)
            if self.earlier and order_id is not None:
                self._forget(vehicle.id, str(order_id))
            task = self._tasks.get(vehicle.id)
            if task is None and order_id in self.earlier and not self._is_over(vehicle.id):
                self._open(self.earlier[str(order_id)])
            if task is None:
                self._idle_since.setdefault(vehicle.id, now)
            elif task.order_id == order_id:
                self._taken.add(task.order_id)
                if self._is_over(vehicle.id):
                    self._end(task, now)
            elif task.order_id in self._taken:
                # Somebody else gave the vehicle another order; where the lot went, scanners tell.
                self._close(task)

    def _forget(self, vehicle: str, but: str) -> None:
        """Let go of an earlier core's orders that a vehicle does not have any more."""
        self.earlier = {
            order_id: context
            for order_id, context in self.earlier.items()
            if context["vehicle"] != vehicle or order_id == but
        }

    def view(self, busy: frozenset[str]) -> tuple[VehicleState, ...]:
        """Return all vehicles as planning sees them."""
        return tuple(self._state(vehicle.id, busy) for vehicle in self._plant.vehicles)

    def _state(self, vehicle: str, busy: frozenset[str]) -> VehicleState:
        node = self._value(vehicle, Role.VEHICLE_NODE)
        battery = self._value(vehicle, Role.VEHICLE_BATTERY)
        evidence = (
            self._live.evidence(self._plant.roles[vehicle, role].id)
            for role in _EVIDENCE
            if (vehicle, role) in self._plant.roles
        )
        able = bool(node) and self._value(vehicle, Role.VEHICLE_MODE) in (None, "AUTOMATIC")
        over = self._is_over(vehicle)
        return VehicleState(
            id=vehicle,
            kind=self._plant.vehicles_by_id[vehicle].kind,
            node=str(node) if node else None,
            free=vehicle not in busy and vehicle not in self._tasks and able and over,
            loads=tuple(names_in(self._value(vehicle, Role.VEHICLE_LOADS))),
            battery_pct=float(battery) if isinstance(battery, int | float) else None,
            idle_since=self._idle_since.get(vehicle),
            evidence=tuple(piece for piece in evidence if isinstance(piece, Evidence)),
            order=self._order(vehicle, over, able, listens=able and vehicle not in busy),
        )

    def _order(self, vehicle: str, over: bool, able: bool, listens: bool) -> OrderState | None:
        """Return how far a vehicle is with its order; None where it does not tell all of that."""
        name = self._value(vehicle, Role.VEHICLE_ORDER_ID)
        update = self._value(vehicle, Role.VEHICLE_ORDER_UPDATE)
        sequence = self._value(vehicle, Role.VEHICLE_SEQUENCE)
        if name is None or not isinstance(update, int) or not isinstance(sequence, int):
            return None
        finished = frozenset(
            str(action.get("actionId"))
            for action in self._actions(vehicle)
            if action.get("actionStatus") == "FINISHED"
        )
        return OrderState(str(name), update, sequence, finished, over, able, listens)

    def _is_over(self, vehicle: str) -> bool:
        """Whether no node is left to reach and no action to do."""
        left = self._value(vehicle, Role.VEHICLE_NODES_LEFT)
        return left == 0 and all(
            action.get("actionStatus") in ("FINISHED", "FAILED")
            for action in self._actions(vehicle)
        )

    def _actions(self, vehicle: str) -> list[dict[str, Any]]:
        text = self._value(vehicle, Role.VEHICLE_ACTIONS)
        try:
            actions = json.loads(str(text)) if text else []
        except (ValueError, RecursionError):
            return []
        listed = actions if isinstance(actions, list) else []
        return [action for action in listed if isinstance(action, dict)]

    def _value(self, vehicle: str, role: Role) -> Scalar:
        signal = self._plant.roles.get((vehicle, role))
        return self._live.value(signal.id) if signal else None

    # -- tasks --------------------------------------------------------------------------------

    def _open(self, context: Mapping[str, Scalar]) -> None:
        vehicle, lot = str(context["vehicle"]), context.get("lot")
        destination = context.get("destination") if lot else None
        task = Task(
            str(context["vehicle_order"]),
            vehicle,
            str(lot) if lot else None,
            str(destination) if destination else None,
        )
        self._tasks[vehicle] = task
        self._idle_since.pop(vehicle, None)
        tracked = self._production.lots.get(task.lot or "")
        if tracked is not None:
            tracked.heading = task.destination

    def _end(self, task: Task, now: int) -> None:
        """Book a task that is over: the lot has arrived, or something went wrong on the way."""
        # A vehicle of version 2 lists instant actions among the order's: they are not the task's.
        bad = [
            a
            for a in self._actions(task.vehicle)
            if a.get("actionStatus") == "FAILED"
            and str(a.get("actionId", task.order_id)).startswith(task.order_id)
        ]
        self._idle_since[task.vehicle] = now
        self._close(task)
        if task.order_id in self._canceled:
            self._canceled.discard(task.order_id)
            return
        if bad:
            self.failed += 1
            why = bad[0].get("resultDescription") or bad[0].get("actionResult") or "no reason given"
            text = f"{task.vehicle} failed: {bad[0].get('actionType', 'action')}: {why}"
            self._event(task, now, "transport_failed", "warning", text)
            self._failed(task.vehicle, task.lot, now)
            return
        if task.lot in names_in(self._value(task.vehicle, Role.VEHICLE_LOADS)):
            return  # The order led only a part of the way: another one goes on.
        self.done += 1
        lot = self._production.lots.get(task.lot or "")
        if lot is None or task.destination is None:
            return
        text = f"{task.vehicle} took {lot.id} to {task.destination}"
        self._event(task, now, "transport", "info", text)
        if lot.phase is not LotPhase.DONE and lot.place == task.vehicle:
            self._production.standing_at(lot, task.destination, now)

    def _close(self, task: Task) -> None:
        self._tasks.pop(task.vehicle, None)
        self._taken.discard(task.order_id)
        lot = self._production.lots.get(task.lot or "")
        # Of a vehicle that is down the lot may have been given to another one.
        if lot is not None and all(other.lot != task.lot for other in self._tasks.values()):
            lot.heading = None

    def _event(self, task: Task, now: int, kind: str, severity: str, text: str) -> None:
        data = {"order": task.order_id, "lot": task.lot, "destination": task.destination}
        self._tell(
            "events",
            {
                "id": f"E-{task.order_id}",
                "time": now,
                "equipment": task.vehicle,
                "kind": kind,
                "severity": severity,
                "text": text,
                "data": json.dumps(data),
            },
        )
