"""Defects learned from few labels: pictures that are good or bad, and masks where there are some.

A small network is trained from scratch (:mod:`genba.learn.inspect.network`); its answer is turned
into a probability, and its threshold set, on held-out pictures. PyTorch is needed to fit and to
predict; the ONNX graph needs none.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.inspect.limits import enough, platt, sigmoid, threshold
from genba.learn.inspect.network_graph import network_graph
from genba.learn.inspect.pictures import (
    checked,
    images_of,
    known,
    labels_of,
    not_too_large,
    same_size,
)
from genba.learn.inspect.worst import worst_of
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

FEWEST = 8
"""Good and defective pictures that are needed, of each."""
_COARSEST = 16


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """Settings: passes over the pictures, pictures a step, step size, channels at 1/4 size.

    ``turned``: whether parts may lie turned by quarters. Half turns and mirror images are always
    shown.
    """

    epochs: int = 26
    batch: int = 32
    rate: float = 3e-3
    width: int = 16
    turned: bool = False
    name: str = "network"
    task: ClassVar[Task] = Task.INSPECT
    weight: ClassVar[Weight] = Weight.HEAVY
    window: ClassVar[int] = 1

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "NetworkModel":
        """Teach on ``train``; set probabilities and the threshold on ``held``."""
        images, others = images_of(train), images_of(held)
        bad, truth = labels_of(train), labels_of(held)
        same_size(images.pixels, others.pixels, "held-out")
        not_too_large(images.pixels, self.name)
        enough(bad, "to learn from", FEWEST)
        enough(truth, "held out", 2)
        size = images.pixels.shape[1:]
        if size[0] % _COARSEST or size[1] % _COARSEST:
            raise LearnError(
                f"pictures of {size[0]}x{size[1]} pixels do not fit the network; crop or scale "
                f"them to sides that are multiples of {_COARSEST}"
            )
        try:
            from genba.learn.inspect.teach import Lesson, teach
        except ImportError:
            raise LearnError(
                "the network needs PyTorch, which is not installed; run `make setup-deep`"
            ) from None

        lesson = Lesson(self.epochs, self.batch, self.rate, self.width, self.turned)
        weights = teach(images.pixels, bad, images.masks, lesson, seed)
        plain = np.array([0.0, 1.0, 0.0, 0.5, *size])
        logits = NetworkModel(weights, plain).logits(others.pixels.astype(np.float64))[1]
        slopes, offset = _joined(logits, truth)
        chances = sigmoid(logits @ slopes + offset)
        limit = threshold(chances, truth)
        return NetworkModel(weights, np.array([*slopes, offset, limit, *size]))

    def restore(self, parts: Parts) -> "NetworkModel":
        """Make the model again."""
        try:
            options = parts["options"]
            weights = {n: parts[f"net_{n}"] for n in ("stem.weight", "place.bias", "picture.bias")}
        except KeyError as error:
            raise LearnError(f"these are no parts of a '{self.name}' model: no {error}") from None
        weights |= {n.removeprefix("net_"): a for n, a in parts.items() if n.startswith("net_")}
        return NetworkModel(weights, np.asarray(options, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkModel:
    """``weights`` of the network by name; ``options``: slopes of the worst places and of the
    picture's own head and the offset, which make probabilities, threshold, height, width.
    """

    weights: dict[str, AnyArray]
    options: Floats

    @property
    def threshold(self) -> float:
        """From which probability on a picture is told: where F1 was best on held-out pictures."""
        return float(self.options[3])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.options[4]), int(self.options[5])

    def logits(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Return what the network says of places, (n, height/4, width/4), and pictures, (n, 2).

        Of pictures: the mean of the worst places, and the picture's own head.
        """
        from genba.learn.inspect.teach import say

        places, said = say(self.weights, inputs)
        return places, np.column_stack([worst_of(places), said])

    @property
    def heard(self) -> Floats:
        """Which of both speaks for a picture, (2,): 1 for it, else 0."""
        return np.asarray(self.options[:2] != 0, np.float64)

    def predict(self, inputs: Floats) -> Prediction:
        """Return the probability of a defect; heat is what the network thinks of each place."""
        pictures = checked(inputs, *self.size)
        whole = known(pictures)
        value, heat = np.full(len(pictures), np.nan), np.full(pictures.shape, np.nan)
        if whole.any():
            places, said = self.logits(pictures[whole])
            value[whole] = sigmoid(said @ self.options[:2] + self.options[2])
            heat[whole] = sigmoid(places).repeat(4, axis=1).repeat(4, axis=2)
        return Prediction(value, heat=heat)

    def explain(self, inputs: Floats) -> Floats:
        """Return the heat, (n, height, width): what of the picture speaks for a defect."""
        heat = self.predict(inputs).heat
        return np.zeros(inputs.shape) if heat is None else np.nan_to_num(heat)

    def parts(self) -> dict[str, AnyArray]:
        """Return the arrays."""
        return {"options": self.options} | {f"net_{n}": a for n, a in self.weights.items()}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        checked(np.empty((0, *shape)), *self.size)
        return network_graph(self.weights, self.options[:3], shape)


def _joined(logits: Floats, truth: Booleans) -> tuple[Floats, float]:
    """Listen to the picture's own head: it hears the worst places, and what is around them."""
    slope, offset = platt(logits[:, 1], truth)
    return np.array([0.0, slope]), offset
