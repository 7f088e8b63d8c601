"""Learn a process from the historian only where nothing spoils the recording, and say what is odd.

The findings are those of :mod:`genba.twin.process.findings`; here they get the signals' names,
units and ranges out of the plant file, and the times of samples out of the historian.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from genba.control.bound import Bound, Wire
from genba.control.learned import Learned, learn
from genba.errors import ControlError
from genba.historian import Historian
from genba.plant import US
from genba.twin.process import Episode
from genba.twin.process.findings import (
    Finding,
    Source,
    Told,
    clock_of,
    mistaken,
    seen_after,
    seen_in,
    spoilt,
)
from genba.twin.process.residual import Lesson


def learned_soundly(
    historian: Historian,
    bound: Bound,
    episodes: Sequence[Episode],
    period: tuple[int, int],
    lesson: Lesson | None = None,
) -> Learned:
    """Learn a process, and put what is odd about the recording into what was learned.

    ``lesson`` is as in :func:`genba.control.learned.learn`.

    Raises
    ------
    ControlError
        If something spoils the recording: a line for each finding. Nothing is learned then.
    TwinError
        If nothing explains what was recorded.
    """
    told, found = examined(historian, bound, episodes, period)
    wrong = spoilt(found)
    if wrong:
        lines = "\n".join(f"- {one}" for one in wrong)
        raise ControlError(
            f"nothing was learned of '{bound.process.id}', since its recording is spoilt:\n{lines}"
        )
    learned = learn(bound, episodes, period, lesson=lesson)
    asked = f"{played(bound)} has the running core move it so, by half a step"
    found += seen_after(told, learned.belief, bound.bounds(), asked)
    return replace(learned, findings=tuple(found))


def examined(
    historian: Historian, bound: Bound, episodes: Sequence[Episode], period: tuple[int, int]
) -> tuple[Told, list[Finding]]:
    """Find what is wrong with a recording of a process in ``period`` (microseconds UTC)."""
    samples = historian.samples(bound.signals, *period)
    steps, clocks = times_of(bound, samples)
    told = Told(bound.symbolic, episodes, sources_of(bound), steps)
    found = [*clocks, *seen_in(told)]
    if not any(one.rule in ("rows", "missing", "frozen") for one in spoilt(found)):
        found += mistaken(told)
    return told, found


def played(bound: Bound, steps: int | None = None) -> str:
    """Give the command by which an experiment is played, and what the plant file lacks for it."""
    process = bound.process
    wanted = {"control: true": process.control, "experiments: true": process.experiments}
    lacks = " and ".join(f"'{line}'" for line, there in wanted.items() if not there)
    options = "" if steps is None else f" --steps {steps}"
    command = f"`genba control experiment {process.id}{options}`"
    return f"{command}, once the plant file says {lacks}," if lacks else command


def sources_of(bound: Bound) -> dict[str, Source]:
    """Say where the values of variables come from, as the plant file has it."""
    found = {}
    for wire in (*bound.inputs, *bound.context, *bound.outputs):
        if wire.signal is None:
            continue
        if wire.field:
            # A value in an announcement is taken to come in the variable's own unit.
            found[wire.variable.name] = Source(f"{wire.signal.id}#{wire.field}", wire.variable.unit)
        else:
            low, high = _range(wire)
            found[wire.variable.name] = Source(wire.signal.id, wire.signal.unit, low, high)
    return found


def _range(wire: Wire) -> tuple[float, float]:
    """Give the range of a signal in its variable's unit."""
    limits = None if wire.signal is None else wire.signal.range
    if limits is None:
        return -np.inf, np.inf
    low = -np.inf if limits.low is None else wire.scale * limits.low + wire.shift
    high = np.inf if limits.high is None else wire.scale * limits.high + wire.shift
    return (low, high) if wire.scale > 0 else (high, low)


def times_of(bound: Bound, samples: pa.Table) -> tuple[int, list[Finding]]:
    """Count the steps from where all signals had begun to the last sample; look at clocks."""
    found: list[Finding] = []
    names = np.asarray(samples["signal"].to_pylist(), dtype=object)
    source, received = (
        np.asarray(samples[name].cast(pa.int64()).to_numpy(), np.int64)
        for name in ("source_time", "receive_time")
    )
    begun = last = 0
    for name in bound.signals:
        own = names == name
        if own.any():
            begun, last = max(begun, int(source[own].min())), max(last, int(source[own].max()))
            found += clock_of(name, source[own], received[own], bound.process.step_s)
    return max(0, round((last - begun) / (bound.process.step_s * US))), found
