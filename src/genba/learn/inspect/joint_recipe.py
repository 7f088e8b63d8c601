"""Network and textures together: the sum of what both say, in log odds.

The network knows shapes and what is around; trees over textures know small marks better, from few
examples. They err differently, so that their sum errs less: over parts that neither had seen, one
was far ahead now and the other then. Held-out pictures show too few parts to tell how to weigh
them, so both count alike. Masks and PyTorch are needed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.graph import Graph
from genba.learn.inspect.limits import platt, sigmoid, threshold
from genba.learn.inspect.network_graph import Drawing
from genba.learn.inspect.network_recipe import NetworkModel, NetworkRecipe
from genba.learn.inspect.pictures import checked, images_of, known, labels_of
from genba.learn.inspect.texture_graph import add_chances, add_large, add_texture
from genba.learn.inspect.texture_recipe import WORST as WORST_CELLS
from genba.learn.inspect.texture_recipe import TextureModel, TextureRecipe
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight

_NETWORK, _TEXTURE = "network_", "texture_"


@dataclass(frozen=True, slots=True)
class JointRecipe:
    """Settings: the network's passes over the pictures, and whether parts may lie turned."""

    epochs: int = 20
    turned: bool = False
    batch: int = 32
    width: int = 16
    trees: int = 300
    name: str = "joint"
    task: ClassVar[Task] = Task.INSPECT
    weight: ClassVar[Weight] = Weight.HEAVY
    window: ClassVar[int] = 1

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "JointModel":
        """Teach both on ``train``; set chances, and the threshold, on ``held``."""
        texture = TextureRecipe(self.trees).fit(train, held, seed)
        teaching = NetworkRecipe(
            epochs=self.epochs, batch=self.batch, width=self.width, turned=self.turned
        )
        network = teaching.fit(train, held, seed)
        pixels, truth = images_of(held).pixels.astype(np.float64), labels_of(held)
        plain = JointModel(network, texture, np.array([1.0, 0.0, 0.5]))
        said = plain.logits(pixels)[2]
        slope, offset = platt(said, truth)
        limit = threshold(sigmoid(slope * said + offset), truth)
        return JointModel(network, texture, np.array([slope, offset, limit]))

    def restore(self, parts: Parts) -> "JointModel":
        """Make the model again."""
        if "options" not in parts:
            raise LearnError(f"these are no parts of a '{self.name}' model: no 'options'")
        return JointModel(
            NetworkRecipe().restore(_below(parts, _NETWORK)),
            TextureRecipe().restore(_below(parts, _TEXTURE)),
            np.asarray(parts["options"], np.float64),
        )


def _below(parts: Parts, prefix: str) -> dict[str, AnyArray]:
    return {n.removeprefix(prefix): array for n, array in parts.items() if n.startswith(prefix)}


@dataclass(frozen=True, slots=True, eq=False)
class JointModel:
    """Both models, and ``options``: slope and offset that make chances, and the threshold."""

    network: NetworkModel
    texture: TextureModel
    options: Floats

    @property
    def threshold(self) -> float:
        """From which chance on a picture is told: where F1 was best on held-out pictures."""
        return float(self.options[2])

    def logits(self, pictures: Floats) -> tuple[Floats, Floats, Floats]:
        """Return places and cells, (n, height/4, width/4) each, and the sum of both, (n,)."""
        places, said = self.network.logits(pictures)
        cells = self.texture.cells(pictures)
        return (
            places,
            cells.reshape(places.shape),
            said @ self.network.heard + self.texture.worst(cells),
        )

    def predict(self, inputs: Floats) -> Prediction:
        """Return the probability of a defect; heat is the mean of both."""
        pictures = checked(inputs, *self.network.size)
        whole = known(pictures)
        value, heat = np.full(len(pictures), np.nan), np.full(pictures.shape, np.nan)
        if whole.any():
            places, cells, said = self.logits(pictures[whole])
            value[whole] = sigmoid(self.options[0] * said + self.options[1])
            slope, offset = self.texture.options[:2]
            small = (sigmoid(places) + sigmoid(slope * cells + offset)) / 2
            heat[whole] = small.repeat(4, axis=1).repeat(4, axis=2)
        return Prediction(value, heat=heat)

    def explain(self, inputs: Floats) -> Floats:
        """Return the heat, (n, height, width): which places speak for a defect."""
        heat = self.predict(inputs).heat
        return np.zeros(inputs.shape) if heat is None else np.nan_to_num(heat)

    def parts(self) -> Mapping[str, AnyArray]:
        """Return the arrays of both."""
        network = {f"{_NETWORK}{name}": array for name, array in self.network.parts().items()}
        texture = {f"{_TEXTURE}{name}": array for name, array in self.texture.parts().items()}
        return {"options": self.options, **network, **texture}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Write the graph."""
        checked(np.empty((0, *shape)), *self.network.size)
        graph = Graph("joint", shape)
        places, of_network = Drawing(graph, self.network.weights).judged(shape)
        cells, of_texture = add_texture(graph, self.texture.trees, WORST_CELLS, shape)
        heard = graph.constant(self.network.heard[:, None].astype(np.float32))
        both = graph.add("Add", graph.add("MatMul", of_network, heard), of_texture)
        said = graph.add("Reshape", both, graph.constant(_FLAT))
        made = float(self.options[0]), float(self.options[1])
        graph.output("value", add_chances(graph, said, made))
        slope, offset = (float(one) for one in self.texture.options[:2])
        small = graph.add(
            "Mean", graph.add("Sigmoid", places), add_chances(graph, cells, (slope, offset))
        )
        graph.output("heat", add_large(graph, small, shape), shape)
        return graph.to_bytes()


_FLAT = np.array([-1], np.int64)
