"""What a candidate keeps to be watched by: sketches of its rows and answers, and its figures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.edge.bundle import REFERENCE
from genba.learn.features.windows import seen_of
from genba.learn.quality.head import Head
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model, Task
from genba.learn.registry.store import Registered, read_arrays
from genba.learn.split.parts import Part, Split
from genba.learn.watch.figures import Figure, Quality, quality_of
from genba.learn.watch.reference import FEWEST, Sketch, sketch_of

FILE = REFERENCE
"""Under the same name it lies in the registry and in a release."""
ANSWER = "answer"
_MOST = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """``columns`` of the rows it learned from and was tested on, ``answers`` to rows held out.

    ``quality`` is that of the test part. Each is None where there was not enough to say. ``limits``
    (classes,) are those of conformal sets, None where the model makes none.
    """

    columns: Sketch | None
    answers: Sketch | None
    quality: Quality | None
    limits: Floats | None = None

    def arrays(self) -> dict[str, AnyArray]:
        """Return it as arrays."""
        told: dict[str, AnyArray] = {}
        for prefix, sketch in (("columns_", self.columns), ("answers_", self.answers)):
            told |= {} if sketch is None else sketch.arrays(prefix)
        if self.quality is not None:
            kept = [
                (
                    one.value,
                    one.low,
                    one.high,
                    one.labels,
                    np.nan if one.chance is None else one.chance,
                )
                for one in self.quality.figures
            ]
            told["figures"] = np.array(kept, np.float64).reshape(-1, 5)
            told["figure_names"] = np.array([one.name for one in self.quality.figures], np.str_)
        if self.limits is not None:
            told["limits"] = self.limits
        return told

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> "Reference":
        """Make it again."""
        sketches = [
            Sketch.from_arrays(arrays, prefix) if f"{prefix}names" in arrays else None
            for prefix in ("columns_", "answers_")
        ]
        quality = None
        if "figures" in arrays:
            told = zip(arrays["figure_names"], arrays["figures"], strict=True)
            quality = Quality(tuple(_figure(str(name), row) for name, row in told))
        limits = np.asarray(arrays["limits"], np.float64) if "limits" in arrays else None
        return cls(sketches[0], sketches[1], quality, limits)


def reference_of(data: Dataset, split: Split, task: Task, model: Model, window: int) -> Reference:
    """Sketch what a model learned from and said.

    Columns are those of all rows in order of time: of training and of test, since the card's
    figures speak of both. Where faults are labelled, only normal rows. Answers are those to the
    parts that it was not fitted on.
    """
    if data.images is not None:
        return Reference(None, None, None)
    normal = _normal(data, task)
    columns = sketch_of(normal.names, normal.values[-_MOST:]) if normal.rows >= FEWEST else None
    answers, quality, limits = [], None, limits_of(model)
    parts: tuple[Part, ...] = ("choose", "test")
    for part in parts:
        taken = split.take(data, part)
        seen = seen_of(taken, window)
        said = model.predict(seen.values)
        calm = np.ones(len(seen.rows), bool)
        if task is Task.ANOMALY and taken.target is not None:
            calm = taken.target.values[seen.rows] == 0
        answers.append(answer_of(said)[calm])
        if part == "test" and taken.target is not None and judged(task):
            quality = quality_of(taken.target, seen.rows, said, limits=limits)
    said_all = np.concatenate(answers)[-_MOST:]
    kept = sketch_of((ANSWER,), said_all[:, None]) if len(said_all) >= FEWEST else None
    return Reference(columns, kept, quality, limits)


def limits_of(model: Model) -> Floats | None:
    """Limits (classes,) of the conformal sets of a model; None where it makes none."""
    head = getattr(model, "head", None)
    return head.limits if isinstance(head, Head) and head.kind != "number" else None


def _figure(name: str, row: Floats) -> Figure:
    value, low, high, labels, chance = (float(number) for number in row)
    return Figure(name, value, low, high, labels, None if np.isnan(chance) else chance)


def judged(task: Task) -> bool:
    """Whether the answers of a task are held against the target; of a horizon its first step."""
    return task not in (Task.ANOMALY, Task.INSPECT)


def answer_of(said: Prediction) -> Floats:
    """The one number of each answer; of a horizon its first step."""
    return said.value if said.value.ndim == 1 else said.value[:, 0]


def reference_in(model: Registered) -> Reference | None:
    """Return what a registered model is watched by; None where it keeps nothing of the kind."""
    path = model.folder / FILE
    if not path.exists():
        return None
    return Reference.from_arrays(read_arrays(path.read_bytes()))


def _normal(data: Dataset, task: Task) -> Dataset:
    if task is not Task.ANOMALY or data.target is None:
        return data
    return data.take(data.target.values == 0, "normal")
