"""Difference from a golden picture: for boards and parts that look alike; no defect is needed.

Good pictures are grouped by what they show; each group gives one golden picture with its lowest and
highest gray value at each place, widened by what neighbors show, so that edges may move a little. A
picture that is judged finds its golden one, is laid on it, and tells how far its pixels lie outside
those bounds, averaged over a small patch. Pictures must be lit alike.

No PyTorch is needed.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Bytes, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.inspect.pictures import checked, images_of, known, labels_of, same_size
from genba.learn.inspect.registration import moved, shift_between
from genba.learn.inspect.template_graph import template_graph
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

SIDE = 16
"""Cells along each axis by which a picture finds its golden one."""
FEWEST = 5
"""Held-out pictures that are needed to set the limit."""
_CEILING = 1e6
_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class TemplateRecipe:
    """Settings, in pixels and gray values.

    ``reach``: the farthest that a picture may be shifted. ``slack``: neighbors on each side whose
    values count as allowed. ``patch``: side of the patch that is averaged, odd. ``alike``: from
    which correlation on two good pictures show the same product. ``floor``: gray values that no
    camera holds steady. ``false_alarms``: share of good pictures that may be told.
    """

    reach: int = 3
    slack: int = 1
    patch: int = 5
    alike: float = 0.9
    floor: float = 8.0
    false_alarms: float = 0.01
    name: str = "template"
    task: ClassVar[Task] = Task.INSPECT
    weight: ClassVar[Weight] = Weight.LIGHT
    window: ClassVar[int] = 1

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "TemplateModel":
        """Take golden pictures from the good ones of ``train``, the limit from ``held``.

        The limit lies at the largest difference that all but ``false_alarms`` of the held-out
        pictures show outside their marked defects; defective ones without a mask do not count.
        """
        pixels = images_of(train).pixels
        if min(pixels.shape[1:]) < 2 * SIDE:
            raise LearnError(
                f"pictures of {pixels.shape[1:]} pixels are too small; give 32 or more"
            )
        good = _good(train)
        if not good.any():
            raise LearnError("all pictures to learn from show a defect; give at least one good one")
        same_size(pixels, images_of(held).pixels, "held-out")
        low, high, middle = _golden(pixels[good], self)
        options = np.array([self.reach, self.patch, self.floor, 1.0])
        model = TemplateModel(low, high, middle, options)
        limit = _limit(model, held, self)
        return TemplateModel(low, high, middle, np.array([*options[:3], limit]))

    def restore(self, parts: Parts) -> "TemplateModel":
        """Make the model again."""
        try:
            return TemplateModel(parts["low"], parts["high"], parts["middle"], parts["options"])
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class TemplateModel:
    """Golden pictures: ``low``, ``high`` and ``middle`` (kinds, height, width) uint8.

    ``options`` holds reach, patch, floor and the limit.
    """

    low: Bytes
    high: Bytes
    middle: Bytes
    options: Floats
    threshold: ClassVar[float] = 0.5

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.low.shape[1], self.low.shape[2]

    def predict(self, inputs: Floats) -> Prediction:
        """Return 1 - 2^(-d) for the largest difference d, as a part of its limit; heat is d.

        At the limit this is 0.5. It grows with the difference but is no calibrated probability.
        """
        pictures = checked(inputs, *self.size)
        heat, worst = np.full(pictures.shape, np.nan), np.full(len(pictures), np.nan)
        for index in np.flatnonzero(known(pictures)):
            heat[index], worst[index] = self._difference(pictures[index])
        return Prediction(1.0 - 2.0 ** (-worst), heat=heat)

    def _difference(self, picture: Floats) -> tuple[Floats, float]:
        """How far each place lies outside the bounds, averaged over patches, and the farthest."""
        reach, patch = int(self.options[0]), int(self.options[1])
        kind = int(np.argmax(signature(self.middle) @ signature(picture[None])[0]))
        down, right = shift_between(picture, self.middle[kind], reach)
        seen = moved(picture, down, right, reach)
        beyond = np.maximum(self.low[kind] - seen, seen - self.high[kind]) - self.options[2]
        over = ndimage.uniform_filter(np.maximum(beyond, 0.0), patch, mode="constant")
        scaled = np.minimum(over / self.options[3], _CEILING)
        return moved(scaled, -down, -right, reach), float(scaled.max())

    def explain(self, inputs: Floats) -> Floats:
        """Return the heat, (n, height, width): how far each place lies outside its bounds."""
        heat = self.predict(inputs).heat
        return np.zeros(inputs.shape) if heat is None else np.nan_to_num(heat)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {
            "low": self.low,
            "high": self.high,
            "middle": self.middle,
            "options": self.options,
        }

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        checked(np.empty((0, *shape)), *self.size)
        golden = (self.low, self.high, self.middle)
        return template_graph(golden, signature(self.middle), self.options, _CEILING)


def signature(pictures: AnyArray) -> Floats:
    """Return what a picture is known by: mean gray of 16x16 cells, mean 0, length 1, (n, 256).

    Rows and columns that do not fill a cell are left out.
    """
    count, height, width = pictures.shape
    tall, wide = height // SIDE, width // SIDE
    cut = np.asarray(pictures[:, : SIDE * tall, : SIDE * wide], np.float64)
    cells = cut.reshape(count, SIDE, tall, SIDE, wide).mean(axis=(2, 4)).reshape(count, -1)
    centered = cells - cells.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(centered / np.maximum(length, 1e-9))


def _good(data: Dataset) -> Booleans:
    """Which pictures are good; without labels and masks all are taken to be."""
    images = images_of(data)
    if data.target is None and images.masks is None:
        return np.ones(len(images.pixels), np.bool_)
    return ~labels_of(data)


def _golden(pixels: Bytes, recipe: TemplateRecipe) -> tuple[Bytes, Bytes, Bytes]:
    """Group pictures with the first one that they fit when laid on it; find each group's bounds."""
    marks = signature(pixels)
    first: list[int] = []
    groups: list[list[Bytes]] = []
    for index, mark in enumerate(marks):
        nearest = np.argsort(-(marks[first] @ mark), kind="stable")[:_CANDIDATES] if first else ()
        for number in nearest:
            golden = pixels[first[number]]
            laid = moved(
                pixels[index], *shift_between(pixels[index], golden, recipe.reach), recipe.reach
            )
            if np.corrcoef(laid.ravel(), golden.ravel())[0, 1] >= recipe.alike:
                groups[number].append(laid)
                break
        else:
            first.append(index)
            groups.append([pixels[index]])
    side = 2 * recipe.slack + 1
    low, high, middle = [], [], []
    for group in groups:
        stack = np.stack(group)
        middle.append(np.median(stack, axis=0).astype(np.uint8))
        low.append(ndimage.minimum_filter(stack.min(axis=0), side))
        high.append(ndimage.maximum_filter(stack.max(axis=0), side))
    return np.stack(low), np.stack(high), np.stack(middle)


def _limit(model: TemplateModel, held: Dataset, recipe: TemplateRecipe) -> float:
    """Find the difference that good places of held-out pictures stay under."""
    images = images_of(held)
    good = _good(held)
    marked = images.masks
    told = []
    for index, picture in enumerate(images.pixels):
        if not good[index] and (marked is None or not marked[index].any()):
            continue
        heat = model.predict(picture[None].astype(np.float64)).heat
        if heat is None:
            continue
        clean = heat[0]
        if not good[index] and marked is not None:
            around = ndimage.maximum_filter(marked[index], recipe.patch + 2 * recipe.reach)
            clean = np.where(around, 0.0, clean)
        told.append(float(clean.max()))
    if len(told) < FEWEST:
        raise LearnError(
            f"{len(told)} held-out pictures are good or have their defects marked; "
            f"give at least {FEWEST}, to set the limit on"
        )
    return max(float(np.quantile(told, 1 - recipe.false_alarms, method="higher")), 1.0)
