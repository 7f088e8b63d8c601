"""Whether a recipe keeps its promises: ``check_recipe`` for anyone's own, in seconds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.data.dataset import UNIT, Dataset
from genba.learn.export.parity import NET_TOLERANCE, TOLERANCE, parity_of
from genba.learn.features.windows import windows_of
from genba.learn.forecast.ahead import ahead
from genba.learn.recipe.protocol import Model, Recipe, Task, Weight
from genba.learn.recipe.samples import sample_for
from genba.learn.split.parts import by_group, by_time

_SEED = 11


@dataclass(frozen=True, slots=True)
class Complaint:
    """A promise that is not kept, and the mend."""

    promise: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}"


def check_recipe(recipe: Recipe, data: Dataset | None = None) -> tuple[Complaint, ...]:
    """Fit a recipe on a small made-up data set of its task (or a given one) and look closely.

    Returns
    -------
    tuple of Complaint
        Empty where all is well.
    """
    given = _sample(recipe.task) if data is None else data
    whole_units = recipe.task is Task.LIFE and UNIT in given.groups
    split = by_group(given, UNIT, seed=_SEED) if whole_units else by_time(given)
    train, held, test = (split.take(given, part) for part in ("train", "held", "test"))
    before = given.digest()
    try:
        model = recipe.fit(train, held, _SEED)
    except LearnError as error:
        return (Complaint("fits plain data", f"it refuses them: {error}"),)
    if test.images is None:
        inputs = windows_of(test, recipe.window).values[:200]
    else:
        inputs = test.images.pixels[:50].astype(np.float64)
    found: list[Complaint] = []
    if given.digest() != before:
        found.append(Complaint("leaves data alone", "the data set changed while fitting"))
    for check in (_answers, _each_alone, _explains, _comes_back, _exports):
        found += check(recipe, model, inputs)
    again = recipe.fit(train, held, _SEED).predict(inputs).value
    if not np.array_equal(again, model.predict(inputs).value, equal_nan=True):
        found.append(
            Complaint("same seed, same model", "two fits differ; seed all that is random, 1 thread")
        )
    found += _refuses_scraps(recipe, train, held)
    return tuple(found)


def _sample(task: Task) -> Dataset:
    """Make data as recipes get them: of forecasts, with what is known of the next rows."""
    made = sample_for(task, _SEED)
    return ahead(made) if task is Task.FORECAST else made


def _answers(recipe: Recipe, model: Model, inputs: Floats) -> Iterator[Complaint]:
    told = inputs.copy()
    said = model.predict(told)
    if not np.array_equal(told, inputs, equal_nan=True):
        yield Complaint("leaves inputs alone", "predict() wrote into them; copy first")
    if said.value.shape[:1] != (len(inputs),):
        yield Complaint(
            "one answer a window", f"value has shape {said.value.shape} for {len(inputs)} windows"
        )
    elif not np.isfinite(said.value).all():
        yield Complaint("answers are numbers", "value is not finite for plain inputs")
    if said.low is not None and said.high is not None and np.any(said.low > said.high):
        yield Complaint("intervals are intervals", "low is above high somewhere")
    if said.classes is not None and not np.allclose(said.classes.sum(axis=1), 1, atol=1e-6):
        yield Complaint("chances are chances", "classes do not add up to 1")


def _each_alone(recipe: Recipe, model: Model, inputs: Floats) -> Iterator[Complaint]:
    """An answer must not hang on the other windows of the batch: at the edge there are none."""
    whole = model.predict(inputs).value
    some = np.array([0, len(inputs) // 2, len(inputs) - 1])
    alone = np.concatenate([model.predict(inputs[[row]]).value for row in some])
    if not np.allclose(alone, whole[some], rtol=1e-6, atol=1e-6, equal_nan=True):
        yield Complaint("each window alone", "an answer changes with the other windows beside it")


def _explains(recipe: Recipe, model: Model, inputs: Floats) -> Iterator[Complaint]:
    few = inputs[:20]
    shares = model.explain(few)
    wanted = (len(few), few.shape[2]) if recipe.task != "inspect" else few.shape
    if shares.shape != wanted:
        yield Complaint("explains by column", f"explain() gives {shares.shape}, not {wanted}")
    elif not np.isfinite(shares).all():
        yield Complaint("explains by column", "explain() gives values that are no numbers")


def _comes_back(recipe: Recipe, model: Model, inputs: Floats) -> Iterator[Complaint]:
    parts = model.parts()
    objects = [name for name, array in parts.items() if np.asarray(array).dtype.hasobject]
    if objects:
        yield Complaint("parts are plain", f"part '{objects[0]}' holds Python objects")
        return
    again = recipe.restore({name: np.array(array) for name, array in parts.items()})
    if not np.array_equal(again.predict(inputs).value, model.predict(inputs).value, equal_nan=True):
        yield Complaint("comes back the same", "restore(parts()) gives other answers")
    if _raised(lambda: recipe.restore({})) is None:
        yield Complaint("comes back the same", "restore({}) is taken; raise LearnError instead")


def _exports(recipe: Recipe, model: Model, inputs: Floats) -> Iterator[Complaint]:
    tolerance = NET_TOLERANCE if recipe.weight is not Weight.LIGHT else TOLERANCE
    content = model.to_onnx((int(inputs.shape[1]), int(inputs.shape[2])))
    parity = parity_of(model, content, inputs, tolerance)
    if not parity.holds:
        told = ", ".join(f"{name} {gap:.1e}" for name, gap in parity.differences.items())
        yield Complaint("ONNX says the same", f"it differs by {told}; at most {tolerance:g} may be")


def _refuses_scraps(recipe: Recipe, train: Dataset, held: Dataset) -> Iterator[Complaint]:
    """Two rows are no data: that must be said, with a mend, and not fitted."""
    scraps = train.take(np.arange(2))
    error = _raised(lambda: recipe.fit(scraps, held.take(np.arange(2)), _SEED))
    if not isinstance(error, LearnError):
        told = "takes them" if error is None else f"raises {type(error).__name__}"
        yield Complaint("refuses scraps", f"given two rows it {told}; raise LearnError")


def _raised(action: Callable[[], object]) -> Exception | None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return error
    return None
