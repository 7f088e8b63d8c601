"""What was learned of a process by run: out of the historian, and kept, signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genba.control.bound import Bound
from genba.control.kept import BY_HAND, damaged, file_of, read, write
from genba.control.runs import Run, RunRows
from genba.control.runs_learned import ProductBelief
from genba.historian import Historian
from genba.plant import US, Plant, Sample
from genba.twin.process import Belief
from genba.twin.process.findings import Finding

_ORDERS_US = 60 * 86_400 * US
"""How long before a period its orders may have come."""
_JOB_US = 16 * 3600 * US
"""How long before a period the job may have begun that went on in it."""


@dataclass(frozen=True, slots=True, eq=False)
class RunsKept:
    """Beliefs by product, and a short digest of them."""

    beliefs: tuple[ProductBelief, ...]
    model: str


def samples_of(historian: Historian, rows: RunRows, start: int, end: int) -> list[Sample]:
    """Read what rows are made of, in the order of source times."""
    desks = rows.desks
    found = _read(historian, [n for n in rows.signals if n not in desks], start, end)
    if desks:
        found += _read(historian, desks, max(0, start - _ORDERS_US), end)
    return sorted(found, key=lambda one: (one.source_time, one.sequence))


def runs_of(historian: Historian, plant: Plant, bound: Bound, start: int, end: int) -> list[Run]:
    """Make rows of what was recorded in ``[start, end)`` (microseconds UTC).

    A job that had begun before is read from its begin on: it says which product it is, and what its
    machine wrote for it.
    """
    rows = RunRows(plant, bound)
    samples = samples_of(historian, rows, max(0, start - _JOB_US), end)
    made = (rows.take(sample) for sample in samples)
    return [run for run in made if run is not None and run.time >= start]


def _read(historian: Historian, signals: Sequence[str], start: int, end: int) -> list[Sample]:
    table = historian.samples(list(signals), start, end)
    columns = [table[name].to_pylist() for name in ("signal", "value", "text", "quality")]
    times = [table[name].cast("int64").to_pylist() for name in ("source_time", "receive_time")]
    numbers = table["sequence"].to_pylist()
    return [
        Sample(signal, seen, received, value if text is None else text, quality, number)
        for signal, value, text, quality, seen, received, number in zip(
            *columns, *times, numbers, strict=True
        )
    ]


def keep_runs(
    bound: Bound,
    beliefs: Sequence[ProductBelief],
    period: tuple[int, int],
    folder: Path,
    key: Path,
    *,
    by: str = BY_HAND,
    findings: Sequence[Finding] = (),
) -> Path:
    """Write what was learned, signed with the plant's model key; ``by`` had it learned, and
    ``findings`` say what is odd about the recording.

    Raises
    ------
    LearnError
        If the key cannot be used.
    TwinError
        If the file cannot be written.
    """
    content = {
        "process": bound.process.id,
        "physics": bound.physics.name,
        "parameters": [one.name for one in bound.physics.parameters],
        "period": list(period),
        "products": [_plain(one) for one in beliefs],
        "findings": [one.as_plain() for one in findings],
    }
    return write(content, folder, key, by=by)


def kept_runs(bound: Bound, folder: Path, key: Path) -> RunsKept:
    """Read what was learned.

    Raises
    ------
    ControlError
        If nothing was learned, the file was changed, or the physics is not the one it is of.
    """
    content, digest = read(bound, folder, key)
    try:
        beliefs = tuple(_belief(bound, one) for one in content["products"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(file_of(bound.process.id, folder), error) from None
    return RunsKept(beliefs, digest[:12])


def _plain(one: ProductBelief) -> dict[str, Any]:
    belief = one.belief
    return {
        "product": one.product,
        "mean": belief.mean.tolist(),
        "covariance": belief.covariance.tolist(),
        "noise": belief.noise.tolist(),
        "rows": belief.rows,
        "wander": belief.wander,
        "seen": one.seen.tolist(),
        "recipe": one.recipe.tolist(),
    }


def _belief(bound: Bound, told: dict[str, Any]) -> ProductBelief:
    belief = Belief(
        bound.physics,
        np.array(told["mean"], float),
        np.array(told["covariance"], float),
        np.array(told["noise"], float),
        int(told["rows"]),
        float(told["wander"]),
    )
    seen, recipe = np.array(told["seen"], float), np.array(told["recipe"], float)
    return ProductBelief(str(told["product"]), belief, seen, recipe)
