"""The fastest itinerary of one vehicle among the bookings of the others.

Safe-interval path planning (Phillips and Likhachev, ICRA 2011): a state is a node with one of its
free intervals, since of all ways to be there in that interval the earliest is the best. Here a
third part says how many of the stops are done, so that a whole sequence of stops is planned at
once, with the place to rest afterwards.
"""

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from genba.plan.fleet.bookings import Bookings, Interval
from genba.plan.fleet.itinerary import Itinerary, Stop, Visit
from genba.plan.fleet.network import Network, Way
from genba.plant import Vehicle

_Key = tuple[str, Interval, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """How a state was reached: before it, set out when, over which way; None: by doing a stop."""

    before: "_Key | None"
    set_out_s: float
    way: Way | None


def find_itinerary(
    network: Network,
    bookings: Bookings,
    vehicle: Vehicle,
    node: str,
    start_s: float,
    stops: Sequence[Stop],
) -> Itinerary | None:
    """Find the itinerary that is over first; in the end the vehicle can stay where it is for ever.

    Parameters
    ----------
    network : Network
        The ways.
    bookings : Bookings
        What the other vehicles hold.
    vehicle : Vehicle
        Its kind and speed.
    node, start_s : str, float
        Where it stands, and from when it can move.
    stops : sequence of Stop
        In the order in which they must be done.

    Returns
    -------
    Itinerary or None
        None where there is no way at all.
    """
    return _Search(network, bookings, vehicle, stops).run(node, start_s)


class _Search:
    def __init__(
        self, network: Network, bookings: Bookings, vehicle: Vehicle, stops: Sequence[Stop]
    ) -> None:
        self._network = network
        self._bookings = bookings
        self._vehicle = vehicle
        self._stops = stops
        self._reached_s: dict[_Key, float] = {}
        self._steps: dict[_Key, _Step] = {}
        self._queue: list[tuple[float, int, float, _Key]] = []
        self._number = itertools.count()
        self._times = [network.times_to(vehicle, stop.nodes) for stop in stops]
        self._after_s = self._remaining()

    def run(self, node: str, start_s: float) -> Itinerary | None:
        interval = next(((a, b) for a, b in self._bookings.free(node) if a <= start_s < b), None)
        if interval is None:
            return None
        self._push((node, interval, 0), start_s, _Step(None, start_s, None))
        done: set[_Key] = set()
        while self._queue:
            _, _, time_s, key = heapq.heappop(self._queue)
            if key in done:
                continue
            done.add(key)
            if key[2] == len(self._stops):
                if key[1][1] == math.inf:
                    return self._itinerary(key, start_s)
            else:
                self._do_stop(key, time_s)
            for way in self._network.exits(self._vehicle.kind, key[0]):
                self._drive(key, time_s, way)
        return None

    def _do_stop(self, key: _Key, time_s: float) -> None:
        node, interval, stage = key
        stop = self._stops[stage]
        if node in stop.nodes:
            end_s = max(time_s, stop.earliest_s) + stop.duration_s
            if end_s <= interval[1]:
                self._push((node, interval, stage + 1), end_s, _Step(key, time_s, None))

    def _drive(self, key: _Key, time_s: float, way: Way) -> None:
        """Set out as early as possible for each free interval of the next node."""
        drive_s = self._network.drive_s(self._vehicle, way)
        latest_s = key[1][1] - drive_s
        for interval in self._bookings.free(way.end):
            earliest_s = max(time_s, interval[0])
            if interval[1] <= time_s:
                continue
            if earliest_s > latest_s:
                break
            set_out_s = self._past_crossings(way, earliest_s, drive_s)
            if set_out_s is None or set_out_s > latest_s or set_out_s + drive_s > interval[1]:
                continue
            step = _Step(key, set_out_s, way)
            self._push((way.end, interval, key[2]), set_out_s + drive_s, step)

    def _past_crossings(self, way: Way, set_out_s: float, drive_s: float) -> float | None:
        """Return the earliest time from ``set_out_s`` at which all crossings stay free."""
        changed = True
        while changed:
            changed = False
            for crossing in way.crossings:
                fits = next(
                    (
                        max(a, set_out_s)
                        for a, b in self._bookings.free(crossing)
                        if max(a, set_out_s) + drive_s <= b
                    ),
                    None,
                )
                if fits is None:
                    return None
                if fits > set_out_s:
                    set_out_s, changed = fits, True
        return set_out_s

    def _push(self, key: _Key, time_s: float, step: _Step) -> None:
        if time_s >= self._reached_s.get(key, math.inf):
            return
        rest_s = self._rest_s(key)
        if rest_s is None:
            return
        self._reached_s[key] = time_s
        self._steps[key] = step
        heapq.heappush(self._queue, (time_s + rest_s, next(self._number), time_s, key))

    def _rest_s(self, key: _Key) -> float | None:
        """Return the least time that is still needed (admissible), None without a way."""
        node, _, stage = key
        if stage == len(self._stops):
            return 0.0
        rest_s = self._times[stage].get(node, math.inf) + self._after_s[stage]
        return None if rest_s == math.inf else rest_s

    def _remaining(self) -> list[float]:
        """For each stop: its own time, and the least time from it through all later stops."""
        after = [0.0] * len(self._stops)
        for stage in range(len(self._stops) - 1, -1, -1):
            stop, later = self._stops[stage], 0.0
            if stage + 1 < len(self._stops):
                times = self._times[stage + 1]
                drive_s = min((times.get(node, math.inf) for node in stop.nodes), default=math.inf)
                later = drive_s + after[stage + 1]
            after[stage] = stop.duration_s + later
        return after

    def _itinerary(self, key: _Key, start_s: float) -> Itinerary:
        """Walk back from the end, and tell it forwards."""
        chain: list[_Key] = [key]
        while (before := self._steps[chain[-1]].before) is not None:
            chain.append(before)
        chain.reverse()
        visits: list[Visit] = []
        node, way, arrive_s = chain[0][0], None, start_s
        stops: list[Stop] = []
        for state in chain[1:]:
            step = self._steps[state]
            if step.way is None:
                stops.append(self._stops[state[2] - 1])
                continue
            visits.append(Visit(node, way, arrive_s, step.set_out_s, tuple(stops)))
            node, way, arrive_s, stops = state[0], step.way, self._reached_s[state], []
        visits.append(Visit(node, way, arrive_s, math.inf, tuple(stops)))
        return Itinerary(self._vehicle.id, tuple(visits))
