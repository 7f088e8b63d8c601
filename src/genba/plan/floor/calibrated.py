"""How long work really takes on a calibrated line, as factors on the plant file's times."""

from genba.plan.demand.ways import Factors
from genba.twin.line import Line, Stoppage


def factors_of(line: Line) -> Factors:
    """Return the time factor of each (machine, operation).

    Planned run time, times the mean of what was measured over it, with the overhead of a job
    spread over a full lot's parts, and with the time that stoppages add to an hour of running: a
    schedule of mean times, in which the breakdowns that will come are spread evenly.
    """
    stops = {machine.id: _stopped(machine.stoppages) for machine in line.machines}
    sums: dict[tuple[str, str], list[float]] = {}
    for product in line.products:
        for step in product.steps:
            for way in step.ways:
                cycles = 1 if step.batch_parts is not None else product.lot_size
                factor = way.factor.mean + way.overhead_s.mean / (way.cycle_s * cycles)
                longer = factor * (1.0 + stops[way.machine])
                sums.setdefault((way.machine, step.operation), []).append(longer)
    return {key: sum(found) / len(found) for key, found in sums.items()}


def _stopped(stoppages: tuple[Stoppage, ...]) -> float:
    """Return the stopped time for each unit of running time."""
    return sum(s.duration_s.mean / s.every_s.mean for s in stoppages if s.every_s.mean > 0)
