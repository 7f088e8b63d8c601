"""Whether an ONNX graph says what the model says, on real rows."""

from dataclasses import dataclass, replace

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.export.graph import INPUT
from genba.learn.recipe.prediction import Prediction
from genba.learn.recipe.protocol import Model
from genba.learn.threads import threads

TOLERANCE = 1e-5
"""Greatest difference, in parts of 1 + |answer|; networks may ask for ``NET_TOLERANCE``."""
NET_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Parity:
    """How far ONNX and Python are apart: greatest relative difference of each output."""

    rows: int
    differences: dict[str, float]
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether every output is within the tolerance."""
        return max(self.differences.values(), default=np.inf) <= self.tolerance


class OnnxModel:
    """An ONNX graph, run by ONNX Runtime with one thread.

    Raises
    ------
    LearnError
        If the bytes are no graph that it can run.
    """

    def __init__(self, content: bytes) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads()
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - the runtime has errors of many types
            raise LearnError(
                f"the ONNX graph cannot be run: {str(error).splitlines()[0][:160]}; export it again"
            ) from None
        self.names = tuple(one.name for one in self._session.get_outputs())
        self.shape = tuple(self._session.get_inputs()[0].shape)

    def predict(self, inputs: Floats) -> Prediction:
        """Answer for each window; inputs go in as float32.

        Raises
        ------
        LearnError
            If the inputs have another shape than the graph was made for.
        """
        wanted = self.shape[1:]
        if tuple(inputs.shape[1:]) != wanted:
            raise LearnError(
                f"the model takes windows of shape {wanted}, not {inputs.shape[1:]}; "
                "give it the columns and the window of its card"
            )
        told = self._session.run(None, {INPUT: np.asarray(inputs, np.float32)})
        outputs: dict[str, AnyArray] = dict(zip(self.names, told, strict=True))
        doubled = {name: np.asarray(array, np.float64) for name, array in outputs.items()}
        return replace(Prediction(doubled.pop("value")), **doubled)


def parity_of(model: Model, content: bytes, inputs: Floats, tolerance: float = TOLERANCE) -> Parity:
    """Ask model and graph the same, in float32 numbers, and compare."""
    rounded = np.asarray(np.asarray(inputs, np.float32), np.float64)
    ours = model.predict(rounded).outputs()
    theirs = OnnxModel(content).predict(rounded).outputs()
    differences = {}
    for name, wanted in ours.items():
        found = theirs.get(name)
        if found is None or found.shape != wanted.shape:
            differences[name] = float("inf")
            continue
        apart = np.abs(found - wanted) / (1 + np.abs(wanted))
        both = np.isnan(found) & np.isnan(wanted)
        differences[name] = float(np.nanmax(np.where(both, 0.0, np.nan_to_num(apart, nan=np.inf))))
    return Parity(len(inputs), differences, tolerance)
