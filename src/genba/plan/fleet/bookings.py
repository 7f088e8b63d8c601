"""Who holds which node or crossing when, and the safe intervals in between."""

import bisect
import math
from collections.abc import Iterable

from genba.plan.fleet.itinerary import Hold, Itinerary

Interval = tuple[float, float]
ALWAYS: tuple[Interval, ...] = ((-math.inf, math.inf),)


class Bookings:
    """Holds of all vehicles but the one that is being planned."""

    def __init__(self, itineraries: Iterable[Itinerary] = ()) -> None:
        self._held: dict[str, list[Interval]] = {}
        self._free: dict[str, tuple[Interval, ...]] = {}
        for itinerary in itineraries:
            self.add(itinerary.holds())

    def add(self, holds: Iterable[Hold]) -> None:
        """Book what one vehicle holds."""
        for place, start_s, end_s in holds:
            bisect.insort(self._held.setdefault(place, []), (start_s, end_s))
            self._free.pop(place, None)

    def remove(self, holds: Iterable[Hold]) -> None:
        """Take back what was booked."""
        for place, start_s, end_s in holds:
            self._held[place].remove((start_s, end_s))
            self._free.pop(place, None)

    def free(self, place: str) -> tuple[Interval, ...]:
        """Return the times at which nobody holds a place, sorted, without touching each other."""
        if place not in self._held:
            return ALWAYS
        if place not in self._free:
            self._free[place] = tuple(_gaps(self._held[place]))
        return self._free[place]

    def is_free(self, place: str, start_s: float, end_s: float) -> bool:
        """Whether nobody else holds a place in a time."""
        return any(a <= start_s and end_s <= b for a, b in self.free(place))


def _gaps(held: list[Interval]) -> Iterable[Interval]:
    free_s = -math.inf
    for start_s, end_s in held:
        if start_s > free_s:
            yield free_s, start_s
        free_s = max(free_s, end_s)
    if free_s < math.inf:
        yield free_s, math.inf
