"""Learn a process by run only where nothing spoils what was recorded, and say what is odd.

The findings are those of processes in time (:mod:`genba.control.examined`), with the same words
and the same refusals: over all parts in the order of time for sensors and ranges, over those of one
product for what was mistaken for something else.
"""

from collections.abc import Sequence

import numpy as np

from genba.control.bound import Bound
from genba.control.examined import played, sources_of, times_of
from genba.control.runs import MAINTAINED, SECONDS, Run, RunRows, episodes_by_program, usable
from genba.control.runs_kept import runs_of
from genba.control.runs_learned import ProductBelief, learned_by_product
from genba.errors import ControlError
from genba.historian import Historian
from genba.plant import Plant, SignalKind
from genba.twin.process import Episode
from genba.twin.process.findings import (
    Finding,
    Told,
    against,
    mistaken,
    seen_in_runs,
    spoilt,
    strange,
)
from genba.twin.process.findings.finding import warning

_ROWS = 30
"""Parts of a product in which a mistake can be seen."""
_PARTS = 40
"""Of each product, for an experiment that is proposed."""


def learned_soundly_by_run(
    historian: Historian, plant: Plant, bound: Bound, period: tuple[int, int]
) -> tuple[list[ProductBelief], list[str], list[Finding]]:
    """Learn each product that was made in a period (microseconds UTC).

    Returns
    -------
    beliefs, left_out
        As :func:`~genba.control.runs_learned.learned_by_product`.
    findings : list of Finding
        What is odd about the recording, and about what was learned.

    Raises
    ------
    ControlError
        If something spoils the recording: a line for each finding. Nothing is learned then. Or if
        there is nothing to learn from.
    """
    runs = runs_of(historian, plant, bound, *period)
    found = examined_runs(bound, runs)
    wrong = spoilt(found)
    if wrong:
        lines = "\n".join(f"- {one}" for one in wrong)
        raise ControlError(
            f"nothing was learned of '{bound.process.id}', since its recording is spoilt:\n{lines}"
        )
    beliefs, left_out = learned_by_product(bound, runs, judged=True)
    samples = historian.samples(RunRows(plant, bound).signals, *period)
    found = [*times_of(bound, samples)[1], *found, *seen_after_runs(bound, beliefs)]
    return beliefs, left_out, found


def examined_runs(bound: Bound, runs: Sequence[Run]) -> list[Finding]:
    """Find what is wrong with parts as they were recorded, in the order of time."""
    known = [run for run in runs if usable(run)]
    if not known:
        return []
    whole = Episode(
        np.array([run.inputs for run in known]),
        np.array([run.context for run in known]).reshape(len(known), -1),
        np.array([run.shown for run in known]),
    )
    sources = sources_of(bound)
    equal = [
        wire.variable.name
        for wire in (*bound.context, *bound.outputs)
        if wire.field in (MAINTAINED, SECONDS)
        or (wire.signal is not None and wire.signal.kind is SignalKind.COUNTER)
    ]
    low, high = bound.bounds()
    found = seen_in_runs(Told(bound.symbolic, [whole], sources), high - low, equal)
    if any(one.rule == "frozen" for one in spoilt(found)):
        return found
    programs = episodes_by_program(runs, high - low)
    large = [one for one in programs if sum(e.rows for e in one[2]) >= _ROWS]
    if large:
        # A signal is what it is whatever is made; the product whose set-points moved most shows it.
        _, _, episodes = max(large, key=lambda one: _moved(bound, one[2]))
        found += mistaken(Told(bound.symbolic, episodes, sources))
    if not spoilt(found):
        found += against([Told(bound.symbolic, episodes, sources) for *_, episodes in large])
    return found


def seen_after_runs(bound: Bound, beliefs: Sequence[ProductBelief]) -> list[Finding]:
    """Say what is wrong with what was learned: set-points nobody moved, odd parameters."""
    found = []
    low, high = bound.bounds()
    for place, wire in enumerate(bound.inputs):
        still = [one.product for one in beliefs if not one.moved(high - low)[place]]
        if still:
            name = wire.variable.name
            found.append(
                warning(
                    "unmoved",
                    (name,),
                    f"nobody moved '{name}' while making {', '.join(still)}: nothing is known of "
                    "what it does",
                    _experiment(bound, place),
                )
            )
    for one in beliefs:
        told = Told(bound.symbolic, ())
        found += [
            warning(odd.rule, odd.about, f"{one.product}: {odd.text}", odd.mend)
            for odd in strange(told, one.belief)
        ]
    return found


def _experiment(bound: Bound, place: int) -> str:
    """Say which experiment would tell; it is never run from here."""
    step, unit = float(bound.steps()[place]), bound.inputs[place].variable.unit
    return (
        f"moving it by up to {step:.3g} {unit} around each recipe, for {_PARTS} parts of each "
        f"product, would tell: {played(bound, _PARTS)}".rstrip(",")
    )


def _moved(bound: Bound, episodes: Sequence[Episode]) -> float:
    """By how much set-points moved in all, in shares of what may be chosen."""
    low, high = bound.bounds()
    return float(sum((np.abs(np.diff(e.inputs, axis=0)) / (high - low)).sum() for e in episodes))
