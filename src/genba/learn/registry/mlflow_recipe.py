"""What stands for the recipe of a model that was not made here: it cannot fit, only come back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.data.dataset import Dataset
from genba.learn.export.parity import OnnxModel
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class ImportedRecipe:
    """Settings: the task, and the rows that the model sees."""

    task: Task
    window: int = 1
    name: str = "imported"
    weight: ClassVar[Weight] = Weight.MID

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> "ImportedModel":
        """Refuse: how it was made is not known here."""
        raise LearnError(
            "an imported model cannot be fitted anew here; train it where it came from, and import "
            "it again, or train one of Genba's recipes"
        )

    def restore(self, parts: Parts) -> "ImportedModel":
        """Make the model again."""
        try:
            content = np.asarray(parts["onnx"], np.uint8).tobytes()
            threshold = float(parts["threshold"][0])
            return ImportedModel(content, threshold, np.asarray(parts["typical"], np.float64))
        except (KeyError, IndexError) as error:
            raise LearnError(f"these are no parts of an imported model: no {error}") from None


class ImportedModel:
    """A graph; explained by what its answer owes to each column.

    Parameters
    ----------
    content : bytes
        The ONNX graph: windows in, ``value`` out.
    limit : float
        From which answer on it is a finding; NaN where the answer is a number.
    typical : (window, columns) float64
        What stands in a column when its share is looked for.
    """

    def __init__(self, content: bytes, limit: float, typical: Floats) -> None:
        self._content = content
        self._limit = limit
        self._typical = typical
        self._graph = OnnxModel(content)

    @property
    def threshold(self) -> float | None:
        """From which ``value`` on the answer is a finding."""
        return None if np.isnan(self._limit) else self._limit

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window."""
        return self._graph.predict(inputs)

    def explain(self, inputs: Floats) -> Floats:
        """Return by how much the answer (its mean over steps) falls with a typical column."""
        shares = np.zeros((len(inputs), inputs.shape[2]))
        whole = _mean(self.predict(inputs))
        for column in range(inputs.shape[2]):
            other = np.array(inputs, np.float64)
            other[:, :, column] = self._typical[:, column]
            shares[:, column] = whole - _mean(self.predict(other))
        return np.nan_to_num(shares, nan=0.0)

    def parts(self) -> Mapping[str, AnyArray]:
        """Return the graph as bytes, the threshold, and what is typical."""
        graph = np.frombuffer(self._content, np.uint8)
        return {"onnx": graph, "threshold": np.array([self._limit]), "typical": self._typical}

    def to_onnx(self, shape: tuple[int, int]) -> bytes:
        """Return the graph as it came."""
        return self._content


def _mean(said: Prediction) -> Floats:
    return np.asarray(said.value.reshape(len(said.value), -1).mean(axis=1))
