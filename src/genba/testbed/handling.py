"""Picking up and setting down lots, as actions of a VDA 5050 order."""

from genba.plant import Vehicle
from genba.testbed.floor import Floor
from genba.testbed.ledger import Ledger
from genba.testbed.lots import Lot
from genba.testbed.physics_file import VehiclePhysics
from genba.testbed.stations import Station
from genba.testbed.transport_order import Action


class LoadHandler:
    """The load handling device of one vehicle, and what lies on it."""

    def __init__(
        self, floor: Floor, vehicle: Vehicle, physics: VehiclePhysics, ledger: Ledger
    ) -> None:
        self.loads: list[Lot] = []
        self._floor = floor
        self._vehicle = vehicle
        self._physics = physics
        self._ledger = ledger

    def begin(self, action: Action, station: Station | None) -> bool:
        """Start once the load, or a free place for it, is there; True when something changed."""
        action.waited_s += 1.0
        if action.type == "pick":
            problem, patience_s = self._against_pick(action, station)
        else:
            problem, patience_s = self._against_drop(action, station)
        if not problem:
            action.status = "RUNNING"
            action.remaining_s = self._vehicle.handling_s
            return True
        if action.waited_s <= patience_s:
            return False
        action.status, action.result = "FAILED", problem
        return True

    def complete(self, action: Action, station: Station) -> None:
        """The handling time is over: the lot changes hands, unless it or its place is gone."""
        now = self._floor.around.now
        if action.type == "pick":
            lot = station.standing(action.load)
            if lot is None:
                action.status = "FAILED"
                action.result = f"load {action.load} went into work"
                return
            station.take(lot)
            lot.place, lot.since = self._vehicle.id, now
            self.loads.append(lot)
        elif station.free < 1:
            action.status = "WAITING"
            return
        else:
            lot = next(lot for lot in self.loads if lot.id == action.load)
            self.loads.remove(lot)
            station.put(lot, now)
            self._ledger.moves += 1
        action.status = "FINISHED"

    def _against_pick(self, action: Action, station: Station | None) -> tuple[str, float]:
        """What stands against a pick (empty: nothing), and how long that is waited for."""
        if station is None:
            return "there is no station here", 0.0
        if len(self.loads) >= self._vehicle.capacity_lots:
            return "the vehicle is full", 0.0
        if station.standing(action.load) is None:
            problem = f"load {action.load} is not at {station.equipment}"
            return problem, self._physics.pick_patience_s
        return "", 0.0

    def _against_drop(self, action: Action, station: Station | None) -> tuple[str, float]:
        if all(lot.id != action.load for lot in self.loads):
            return f"load {action.load} is not on the vehicle", 0.0
        if station is None:
            return "there is no station here", 0.0
        if station.free < 1:
            return f"there is no free place at {station.equipment}", self._physics.drop_patience_s
        return "", 0.0
