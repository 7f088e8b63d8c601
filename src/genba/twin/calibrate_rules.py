"""Tells from recorded choices how far a plant lets a lot that needs no set-up go first.

Machines of most plants take the earliest due date, and prefer what needs no set-up among lots that
are about equally urgent. Each time that one did so although something else was due earlier, the
window was at least as long as the two due dates lie apart; each time that it took the earliest
although something that needed no set-up waited there too, it was shorter. The window that
contradicts the fewest of these choices is the estimate.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from genba.plant import US, Role
from genba.twin.line import Line, Way
from genba.twin.parameter import Basis, Findings, Parameter, kept
from genba.twin.recording import Booked, Job, Recording

_LEAST_CHOICES = 8
"""Fewer say nothing."""
_MOST_WRONG = 0.25
"""Part of the choices that may contradict a window; with more, the plant chooses by other rules."""


@dataclass(frozen=True, slots=True)
class _Choice:
    gap_s: float
    """How much later the lot without a set-up was due than the most urgent one."""
    saved: bool
    """Whether it went first."""


def family_window_s(line: Line, recording: Recording, found: Findings) -> float:
    """Estimate the window within which what needs no set-up goes first; seconds."""
    planned, name = line.family_window_s, "window for lots without a set-up"
    choices = list(_choices(line, recording))
    if len(choices) < _LEAST_CHOICES:
        found.add(kept("floor", name, "s", planned, f"only {len(choices)} choices recorded"))
        return planned
    window_s, wrong = _window(choices, planned)
    if wrong > _MOST_WRONG * len(choices):
        why = f"{wrong} of {len(choices)} choices contradict any window; other rules hold there"
        found.add(kept("floor", name, "s", planned, why))
        return planned
    note = f"contradicted by {wrong} of {len(choices)} choices"
    found.add(Parameter("floor", name, "s", Basis.OWN, planned, window_s, len(choices), note=note))
    return window_s


def _window(choices: Sequence[_Choice], planned: float) -> tuple[float, int]:
    """Return the window that contradicts the fewest choices, near the planned one if it is free."""

    def wrong(window_s: float) -> int:
        return sum((c.gap_s <= window_s) is not c.saved for c in choices)

    gaps = sorted({c.gap_s for c in choices})
    between = [(a + b) / 2 for a, b in pairwise(gaps)]
    candidates = [planned, 0.0, *between, gaps[-1]]
    best = min(candidates, key=lambda w: (wrong(w), abs(w - planned)))
    return best, wrong(best)


def _choices(line: Line, recording: Recording) -> Iterator[_Choice]:
    lots = {lot: a for a in recording.arrivals for lot, _, _ in a.lots}
    booked: dict[str, list[Booked]] = defaultdict(list)
    for row in recording.booked:
        booked[row.lot].append(row)

    def way_of(lot: str, machine: str, when: int) -> Way | None:
        """How a lot's next step is done there; None where it is not."""
        arrival = lots.get(lot)
        if arrival is None or arrival.product not in line.products_by_id:
            return None
        steps = line.products_by_id[arrival.product].steps
        done = {b.operation for b in booked[lot] if b.end <= when}
        following = next((s for s in steps if s.operation not in done), None)
        if following is None or following.batch_parts is not None:
            return None
        return next((w for w in following.ways if w.machine == machine), None)

    for job, before in _successive(recording):
        station = recording.plant.roles.get((job.machine, Role.STATION))
        trace = None if station is None else recording.traces.get(station.id)
        mounted = line.ways.get((before.product, before.operation, job.machine))
        if trace is None or mounted is None or mounted.family is None or job.batch:
            continue
        index = bisect_right(trace.times, job.start - 1) - 1
        names = str(trace.texts[index] or "").split(",") if index >= 0 else []
        here = {n: w for n in names if (w := way_of(n, job.machine, job.start - 1)) is not None}
        if job.lots[0] not in here:
            continue
        first = min(here, key=lambda n: (lots[n].due, -lots[n].weight, n))
        saving = [n for n, w in here.items() if w.family == mounted.family]
        if first in saving or not saving or job.lots[0] not in (first, *saving):
            continue
        soonest = min(lots[n].due for n in saving)
        yield _Choice((soonest - lots[first].due) / US, saved=job.lots[0] in saving)


def _successive(recording: Recording) -> Iterator[tuple[Job, Job]]:
    """Each job with the one before it on its machine."""
    last: dict[str, Job] = {}
    for job in sorted(recording.jobs, key=lambda j: j.start):
        if job.machine in last:
            yield job, last[job.machine]
        last[job.machine] = job
