"""The journey from a data set to a candidate: checked, climbed, exported, signed, and kept."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.data.fitness import refuse_misfits
from genba.learn.export.parity import NET_TOLERANCE, TOLERANCE, Parity, parity_of
from genba.learn.features.windows import seen_of
from genba.learn.recipe.card import Card, rungs_told, settings_told
from genba.learn.recipe.catalog import made_by
from genba.learn.recipe.ladder import Climb, Ladder, Rung, climb
from genba.learn.recipe.protocol import Model, Weight
from genba.learn.recipe.report import report_of
from genba.learn.recipe.sweep import sweep
from genba.learn.registry.store import Registered, Registry, files_of, write_arrays
from genba.learn.scale import Scale
from genba.learn.split.leakage import refuse_leaks
from genba.learn.split.parts import Split, refuse_one_sided
from genba.learn.watch.kept import FILE, reference_of

_PARITY_ROWS = 500
_KEPT_ROWS = 50
_KEPT_BYTES = 4 << 20
"""Of kept rows, so that a model of large pictures stays small; five rows are kept anyway."""
_NAMED, _SHARE = 5, 0.02
"""How many columns the report names, and from which share on."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model that could be verified and released, with all that is said of it."""

    card: Card
    report: str
    climb: Climb
    model: Model
    files: dict[str, bytes]

    def keep(self, registry: Registry, time: str, *, by: str = "") -> Registered:
        """Sign it and keep it; ``time`` is ISO 8601 text."""
        spent = {rung.recipe.name: round(rung.fit_s, 3) for rung in self.climb.rungs}
        return registry.add(self.files, time, by=by, data={"fit_cpu_s": spent})


def train(
    data: Dataset,
    split: Split,
    ladder: Ladder,
    *,
    equipment: str = "",
    vouched: Collection[str] = (),
    limits: tuple[str, ...] = (),
    seed: int = 0,
    told: Callable[[str], None] = lambda name: None,
    scale: Scale | None = None,
    variants: int = 0,
) -> Candidate:
    """Check the data, climb the ladder, and make a candidate of the rung that was chosen.

    Parameters
    ----------
    vouched : collection of str
        What the leakage check is to leave alone; the card says so.
    limits : tuple of str
        What the card shall say that the model is not good for.
    told : callable
        Hears the name of each recipe before it is fitted.
    scale : Scale, optional
        Where rungs are fitted; default as ``GENBA_SCALE`` says. The candidate is the same.
    variants : int
        Other settings of each recipe to try on the part for choosing, before the ladder is climbed.

    Raises
    ------
    LearnError
        If the data or the split cannot be learned from, no rung can be chosen, or ONNX says
        something else than the model.
    """
    refuse_misfits(data, ladder.fewest_rows)
    refuse_leaks(data, split, vouched)
    refuse_one_sided(data, split)
    swept: tuple[str, ...] = ()
    if variants:
        best = sweep(data, split, ladder, variants, seed=seed, told=told, scale=scale)
        ladder, swept = best.ladder, (best.told(),)
    found = climb(data, split, ladder, seed=seed, told=told, scale=scale)
    if found.chosen is None or found.chosen.model is None:
        raise LearnError(f"no recipe could be chosen: {_whys(found)}")
    inputs = seen_of(split.take(data, "test"), found.chosen.recipe.window).values
    content, parity = exported(found.chosen, inputs[:_PARITY_ROWS])
    told_by = hangs_on(found.chosen.model, data, inputs[:: max(1, len(inputs) // _KEPT_ROWS)])
    said = (*limits, *swept, *told_by, *_warnings(found, vouched))
    card = _card(data, split, found, found.chosen, parity, equipment, said, tuple(vouched), seed)
    report = report_of(card)
    model = found.chosen.model
    kept = min(_KEPT_ROWS, max(5, _KEPT_BYTES // (4 * inputs[0].size)))
    rows: dict[str, AnyArray] = {"inputs": inputs[:kept].astype(np.float32)}
    answers = model.predict(rows["inputs"].astype(np.float64)).outputs()
    files = files_of(card, report, content, model.parts(), {**rows, **answers})
    watched = reference_of(data, split, ladder.task, model, card.window).arrays()
    if watched:
        files[FILE] = write_arrays(watched)
    return Candidate(card, report, found, model, files)


def exported(rung: Rung, inputs: Floats) -> tuple[bytes, Parity]:
    """Turn a rung's model into ONNX, and prove on real rows that it says the same.

    Raises
    ------
    LearnError
        If it does not.
    """
    if rung.model is None:
        raise LearnError(f"recipe '{rung.recipe.name}' was not fitted: {rung.failed}")
    content = rung.model.to_onnx((int(inputs.shape[1]), int(inputs.shape[2])))
    light = rung.recipe.weight is Weight.LIGHT
    parity = parity_of(rung.model, content, inputs, TOLERANCE if light else NET_TOLERANCE)
    if not parity.holds:
        apart = ", ".join(f"{name} by {gap:.1e}" for name, gap in parity.differences.items())
        raise LearnError(
            f"ONNX says something else than '{rung.recipe.name}' on {parity.rows} real rows "
            f"({apart}; at most {parity.tolerance:g}): it is not exported; leave out columns with "
            "values that float32 cannot hold, or another rung"
        )
    return content, parity


def hangs_on(model: Model, data: Dataset, inputs: Floats) -> tuple[str, ...]:
    """Say which signals speak for a model's answers to these windows, columns where there are none.

    The share of a signal is that of its contributions' size, over all windows together.
    """
    if data.images is not None:
        return ()
    sizes: dict[str, float] = {}
    for column, size in zip(data.columns, np.abs(model.explain(inputs)).sum(axis=0), strict=True):
        sizes[column.shown] = sizes.get(column.shown, 0.0) + float(size)
    whole = sum(sizes.values())
    if not whole > 0:
        return ()
    first = sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
    named = [f"{n} ({sizes[n] / whole:.0%})" for n in first if sizes[n] >= _SHARE * whole]
    return (f"What speaks for its answers to {len(inputs)} rows of the test: {', '.join(named)}.",)


def _whys(found: Climb) -> str:
    """Tell why rungs fell, each reason once."""
    names: dict[str, list[str]] = {}
    for rung in found.rungs:
        if not rung.baseline:
            names.setdefault(rung.failed, []).append(rung.recipe.name)
    return "; ".join(f"{', '.join(those)}: {why}" for why, those in names.items())


def _warnings(found: Climb, vouched: Collection[str]) -> list[str]:
    told = []
    if not found.beats:
        told.append(
            "It is no better than the plain way beside it: there is no reason to release it."
        )
    if found.chosen is not None and (doubt := found.ladder.doubt(found.chosen.tested or {})):
        told.append(doubt)
    if found.chosen is not None and _lacks_interval(found.chosen):
        told.append(
            "It tells no interval: one of 90% takes 9 rows that nothing was fitted on, and where "
            "rows are of units that wear out, rows of 9 such units. Learn from more."
        )
    if vouched:
        told.append(f"The leakage check left alone, since somebody vouched: {', '.join(vouched)}.")
    model = None if found.chosen is None else found.chosen.model
    if notes := getattr(model, "notes", ()):
        told.append(f"What it was made with: {'; '.join(notes)}.")
    return told


def _lacks_interval(chosen: Rung) -> bool:
    tested = chosen.tested or {}
    return tested.get("rmse") is not None and tested.get("covered") is None


def _card(
    data: Dataset,
    split: Split,
    found: Climb,
    chosen: Rung,
    parity: Parity,
    equipment: str,
    limits: tuple[str, ...],
    vouched: tuple[str, ...],
    seed: int,
) -> Card:
    target = None
    if data.target is not None:
        target = {
            "name": data.target.name,
            "unit": data.target.unit,
            "classes": list(data.target.classes),
        }
    return Card(
        task=found.ladder.task,
        recipe=chosen.recipe.name,
        made_by=made_by(chosen.recipe),
        settings=settings_told(chosen.recipe),
        equipment=equipment,
        columns=data.columns,
        window=chosen.recipe.window,
        step_s=step_s_of(data),
        threshold=None if chosen.model is None else chosen.model.threshold,
        target=target,
        lineage=data.lineage.as_json(),
        data_digest=data.digest(),
        split=split.how,
        seed=seed,
        tested=dict(chosen.tested or {}),
        rungs=rungs_told(found),
        parity=parity.differences,
        limits=limits,
        vouched=vouched,
    )


def step_s_of(data: Dataset) -> float | None:
    """How far apart rows usually are in seconds."""
    if not data.timed or data.rows < 2:
        return None
    units = data.units
    steps = np.diff(data.time)[units[1:] == units[:-1]]
    return float(np.median(steps)) / 1e6 if len(steps) else None
