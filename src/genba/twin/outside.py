"""What came from outside in a recorded period, so that a twin need not foretell it.

A twin that is given it shows what is left to its own model: how long work, set-ups and transports
take, who waits for what, and what is decided. This is trace-driven simulation (Kleijnen,
"Verification and validation of simulation models", European Journal of Operational Research 82,
1995; Sargent, "Verification and validation of simulation models", 2013).
"""

from dataclasses import dataclass, replace

from genba.plant import US
from genba.twin.line import Line
from genba.twin.policy import Outage, Scrapped
from genba.twin.prediction import Case
from genba.twin.recording import Activity
from genba.twin.state import State

_STOPS = (Activity.DOWN, Activity.HELD, Activity.SERVICE)


@dataclass(frozen=True)
class Outside:
    """When machines and vehicles stood still, and what lots lost, as recorded."""

    outages: tuple[Outage, ...]
    scrapped: Scrapped

    def line(self, line: Line) -> Line:
        """Return a line on which nothing stops by chance."""
        return replace(
            line,
            machines=tuple(replace(machine, stoppages=()) for machine in line.machines),
            vehicles=tuple(replace(vehicle, stoppages=()) for vehicle in line.vehicles),
        )

    def state(self, state: State) -> State:
        """Return the state with what stands still at its moment for as long as recorded."""
        left = {
            outage.unit: (outage.end - state.time) / US
            for outage in self.outages
            if outage.start <= state.time < outage.end
        }
        return replace(
            state,
            machines=tuple(
                replace(m, down=m.id in left, down_left_s=left.get(m.id), ages_s=())
                for m in state.machines
            ),
            vehicles=tuple(
                replace(v, away=True, left_s=left[v.id]) if v.away and v.id in left else v
                for v in state.vehicles
            ),
        )


def outside_of(case: Case, line: Line) -> Outside:
    """Read what came from outside in a case, the arrivals of material and orders left out.

    Those are part of the state that a twin starts from. Of a stop that goes on at the end of the
    recording only what was recorded counts.
    """
    recording = case.recording
    outages = [
        Outage(machine.id, piece.start, piece.end)
        for machine in line.machines
        for piece in recording.pieces.get(machine.id, ())
        if piece.activity in _STOPS and piece.end > case.start and piece.start < case.end
    ]
    vehicles = {vehicle.id for vehicle in line.vehicles}
    outages += [
        Outage(stop.unit, stop.start, stop.end)
        for stop in recording.stops
        if stop.unit in vehicles and stop.end > case.start and stop.start < case.end
    ]
    return Outside(tuple(outages), _scrapped(case, line))


def _scrapped(case: Case, line: Line) -> Scrapped:
    """What lots lost in the operations that ended in the period."""
    products = {lot: a.product for a in case.recording.arrivals for lot, _, _ in a.lots}
    found: dict[tuple[str, int], int] = {}
    for booked in case.recording.booked:
        product = line.products_by_id.get(products.get(booked.lot, ""))
        if product is None or not case.start < booked.end <= case.end:
            continue
        for number, step in enumerate(product.steps):
            if step.operation == booked.operation:
                key = booked.lot, number
                found[key] = found.get(key, 0) + booked.scrap
    return found
