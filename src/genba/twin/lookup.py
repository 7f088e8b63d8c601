"""Tables with more than one key, inside the kernel."""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

from genba.jit import compiled
from genba.twin.reach import World, fastest_at, leg_at, setup_at, whole_at


@compiled
def setup_s(w: World, m: int, before: int, after: int) -> float:
    """Planned seconds to change a machine over; ``before`` -1: it is set up for nothing known."""
    families = whole_at(w, 0).families
    row = before if before >= 0 else families
    return setup_at(w, (m * (families + 1) + row) * (families + 1) + after).seconds


@compiled
def changeover(w: World, m: int, before: int, after: int) -> float:
    """Planned seconds from one family (or -1) to another; 0 within one, and into none."""
    if after < 0 or before == after:
        return 0.0
    return setup_s(w, m, before, after)


@compiled
def travel_s(w: World, v: int, origin: int, destination: int) -> float:
    """Driving seconds of a vehicle on free ways; negative where it cannot go."""
    places = whole_at(w, 0).places
    return leg_at(w, (v * places + origin) * places + destination).seconds


@compiled
def fastest_s(w: World, origin: int, destination: int) -> float:
    """Driving seconds of the fastest vehicle; negative where none can go."""
    return fastest_at(w, origin * whole_at(w, 0).places + destination).seconds
