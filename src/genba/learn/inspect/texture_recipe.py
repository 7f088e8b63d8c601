"""Defects on a surface, learned from marked ones in seconds: features of cells, and boosted trees.

Every cell of 4x4 pixels is told from its features (:mod:`genba.learn.inspect.texture`) by trees
that were grown on marked cells (as in ilastik, Berg et al., Nature Methods 16, 2019); the worst
cells speak for the picture. A large defect is seen at its rim, so that its middle does not count.
Without masks there is nothing to learn cells from. No PyTorch is needed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Floats, Integers
from genba.learn.data.dataset import Dataset
from genba.learn.export.trees import Trees, from_lightgbm
from genba.learn.inspect.limits import enough, platt, sigmoid, threshold
from genba.learn.inspect.pictures import (
    checked,
    images_of,
    known,
    labels_of,
    not_too_large,
    same_size,
)
from genba.learn.inspect.texture import CELL, features_of
from genba.learn.inspect.texture_graph import texture_graph
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight
from genba.learn.threads import threads

FEWEST = 5
"""Defective pictures with masks, and good ones, that are needed."""
WORST = 3
"""Cells whose mean speaks for the picture."""
_MARKED = 0.2
"""Share of a cell that is marked, from which on it is defective."""
_LARGE = 0.05
"""Share of the picture from which on a defect is known by its rim."""
_RIM = 3
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class TextureRecipe:
    """Settings: trees, leaves of each, and cells of each sort that a picture teaches with."""

    trees: int = 300
    leaves: int = 31
    cells: int = 60
    name: str = "texture"
    task: ClassVar[Task] = Task.INSPECT
    weight: ClassVar[Weight] = Weight.MID
    window: ClassVar[int] = 1

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "TextureModel":
        """Grow trees on the cells of ``train``; set chances and the threshold on ``held``."""
        images, others = images_of(train), images_of(held)
        bad, truth = labels_of(train), labels_of(held)
        same_size(images.pixels, others.pixels, "held-out")
        not_too_large(images.pixels, self.name)
        size = (int(images.pixels.shape[1]), int(images.pixels.shape[2]))
        if size[0] % CELL or size[1] % CELL:
            raise LearnError(
                f"pictures of {size[1]}x{size[0]} pixels do not fit '{self.name}'; crop or scale "
                f"them to sides that are multiples of {CELL}"
            )
        marked = np.zeros(len(bad), np.bool_)
        if images.masks is not None:
            marked = bad & images.masks.any(axis=(1, 2))
        if images.masks is None or marked.sum() < FEWEST or (~bad).sum() < FEWEST:
            raise LearnError(
                f"'{self.name}' learns from marked defects, and {int(marked.sum())} pictures have "
                f"a mask beside {int((~bad).sum())} good ones; mark the defects of at least "
                f"{FEWEST} (--masks)"
            )
        enough(truth, "held out", 2)
        rows = np.flatnonzero(marked | ~bad)
        booster = self._grown(images.pixels[rows], images.masks[rows], seed)
        trees = from_lightgbm(booster)
        text = np.frombuffer(booster.model_to_string().encode(), np.uint8)
        plain = TextureModel(trees, text, np.array([1.0, 0.0, 0.5, *size]))
        said = plain.worst(plain.cells(others.pixels))
        slope, offset = platt(said, truth)
        limit = threshold(sigmoid(slope * said + offset), truth)
        return TextureModel(trees, text, np.array([slope, offset, limit, *size]))

    def _grown(self, pixels: AnyArray, masks: Booleans, seed: int) -> Any:
        """Draw cells of each picture, as many defective ones as good ones, and grow the trees."""
        import lightgbm

        source = np.random.default_rng(seed)
        rows, answers, weights = [], [], []
        for start in range(0, len(pixels), _AT_ONCE):
            features = features_of(pixels[start : start + _AT_ONCE])
            for cells, mask in zip(features, masks[start : start + _AT_ONCE], strict=True):
                for places, answer in zip(_cells(mask), (1.0, 0.0), strict=True):
                    few = min(self.cells, len(places))
                    if few == 0:
                        continue
                    rows.append(cells[source.choice(places, few, replace=False)])
                    answers.append(np.full(few, answer))
                    weights.append(np.full(few, 30.0 / few))
        data = lightgbm.Dataset(
            np.concatenate(rows), np.concatenate(answers), weight=np.concatenate(weights)
        )
        options = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": 0.06,
            "min_data_in_leaf": 60,
            "feature_fraction": 0.4,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "extra_trees": True,
            "seed": seed,
            "deterministic": True,
            "num_threads": threads(),
            "verbose": -1,
        }
        return lightgbm.train(options, data, self.trees)

    def restore(self, parts: Parts) -> "TextureModel":
        """Make the model again."""
        try:
            trees = Trees.from_parts(parts, "trees_")
            return TextureModel(trees, parts["text"], np.asarray(parts["options"], np.float64))
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None


def _cells(mask: Booleans) -> tuple[Integers, Integers]:
    """Return cells that are surely defective, and those that surely are not."""
    from scipy import ndimage

    tall, wide = mask.shape[0] // CELL, mask.shape[1] // CELL
    share = mask.reshape(tall, CELL, wide, CELL).mean(axis=(1, 3))
    marked = share > _MARKED
    if mask.any() and not marked.any():
        marked = share == share.max()
    square = np.ones((3, 3), np.bool_)
    near = ndimage.binary_dilation(share > 0, square, iterations=2)
    if marked.mean() > _LARGE:
        marked &= ~ndimage.binary_erosion(marked, square, iterations=_RIM, border_value=1)
    return np.flatnonzero(marked.ravel()), np.flatnonzero(~near.ravel())


@dataclass(frozen=True, slots=True, eq=False)
class TextureModel:
    """``trees``, the same as LightGBM's own ``text`` (uint8), and ``options``: slope and offset
    that make chances, threshold, height, width.
    """

    trees: Trees
    text: AnyArray
    options: Floats

    @property
    def threshold(self) -> float:
        """From which chance on a picture is told: where F1 was best on held-out pictures."""
        return float(self.options[2])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.options[3]), int(self.options[4])

    def cells(self, pictures: AnyArray) -> Floats:
        """Return what the trees say of each cell, (n, cells), in logits."""
        import lightgbm

        booster = lightgbm.Booster(model_str=bytes(self.text).decode())
        said = []
        for start in range(0, len(pictures), _AT_ONCE):
            features = features_of(pictures[start : start + _AT_ONCE])
            flat = features.reshape(-1, features.shape[2])
            told = booster.predict(flat, raw_score=True, num_threads=threads())
            said.append(np.asarray(told, np.float64).reshape(len(features), -1))
        return np.concatenate(said)

    @staticmethod
    def worst(cells: Floats) -> Floats:
        """Return the mean of the worst cells of each picture."""
        return np.asarray(np.sort(cells, axis=1)[:, -WORST:].mean(axis=1))

    def predict(self, inputs: Floats) -> Prediction:
        """Return the probability of a defect; heat is what a cell alone would make of it."""
        pictures = checked(inputs, *self.size)
        whole = known(pictures)
        value, heat = np.full(len(pictures), np.nan), np.full(pictures.shape, np.nan)
        if whole.any():
            cells = self.cells(pictures[whole])
            slope, offset = self.options[:2]
            value[whole] = sigmoid(slope * self.worst(cells) + offset)
            shape = (-1, self.size[0] // CELL, self.size[1] // CELL)
            small = sigmoid(slope * cells + offset).reshape(shape)
            heat[whole] = small.repeat(CELL, axis=1).repeat(CELL, axis=2)
        return Prediction(value, heat=heat)

    def explain(self, inputs: Floats) -> Floats:
        """Return the heat, (n, height, width): which cells speak for a defect."""
        heat = self.predict(inputs).heat
        return np.zeros(inputs.shape) if heat is None else np.nan_to_num(heat)

    def parts(self) -> Mapping[str, AnyArray]:
        """Return the arrays."""
        return {"options": self.options, "text": self.text, **self.trees.parts("trees_")}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        checked(np.empty((0, *shape)), *self.size)
        slope, offset = (float(one) for one in self.options[:2])
        return texture_graph(self.trees, (slope, offset), WORST, shape)
