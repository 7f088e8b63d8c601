"""Eight-bit weights, where this device runs them faster and the answers hardly suffer.

Whether a processor multiplies bytes faster than floats depends on what it is, so that it is
measured, here, each time.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract
from genba.learn.edge.sandbox import Answers, Sandbox

MOST_LOSS = 0.002
"""Area under the ROC curve that may be lost."""
LEAST_GAIN = 1.05
"""Times as fast as before, by the median of CPU time; less is not worth a second model."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Quantised:
    """What came of it. ``content`` is the model to use: the smaller one only where it may be."""

    content: bytes
    taken: bool
    why: str
    speedup: float
    """Median CPU time before, over after."""
    loss: float
    """AUROC before, less after."""
    bytes_before: int
    bytes_after: int


def quantise(
    content: bytes, contract: Contract, rows: NDArray[np.float32], labels: NDArray[np.bool_]
) -> Quantised:
    """Make weights of products eight bits, and keep that only where it is measured to be right.

    Dynamic quantisation (activations are scaled as they come); trees and sums stay as they are.

    Parameters
    ----------
    content : bytes
        ONNX graph.
    contract : Contract
        Its card.
    rows : (n, window, columns) float32
        Real windows that the model was not trained on.
    labels : (n,) bool
        Whether there is a finding in truth; both kinds must be there.

    Raises
    ------
    LearnError
        If the rows do not show both kinds, or the model cannot be run.
    """
    if len(rows) != len(labels) or labels.all() or not labels.any():
        raise LearnError(
            "quantisation is judged on windows with and without a finding; give both kinds"
        )
    smaller = eight_bits(content)
    if smaller is None:
        return Quantised(content, False, "it has no products to quantise", 1.0, 0.0,
                         len(content), len(content))  # fmt: skip
    before, after = _measured(content, smaller, contract, rows)
    speedup = float(np.median(before.cpu_us) / np.median(after.cpu_us))
    loss = auroc(before.values, labels) - auroc(after.values, labels)
    return _judged(content, smaller, speedup, loss)


def _judged(content: bytes, smaller: bytes, speedup: float, loss: float) -> Quantised:
    """Take the smaller model only if it is faster here and as good."""
    reasons = []
    if not speedup >= LEAST_GAIN:
        reasons.append(f"{speedup:.2f} times as fast here, {LEAST_GAIN:g} are asked for")
    if not loss < MOST_LOSS:
        reasons.append(f"AUROC falls by {loss:.4f}, less than {MOST_LOSS:g} is asked for")
    why = "; ".join(reasons) or f"{speedup:.2f} times as fast here, AUROC falls by {loss:.4f}"
    taken = not reasons
    chosen = smaller if taken else content
    return Quantised(chosen, taken, why, speedup, loss, len(content), len(smaller))


def auroc(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a row with a finding has the higher value.

    Ties count half (Mann and Whitney 1947); NaN counts as the lowest value of all.
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.nan_to_num(values, nan=-np.inf))
    there = int(labels.sum())
    total = float(ranks[labels].sum()) - there * (there + 1) / 2
    return total / (there * (len(labels) - there))


def _measured(
    content: bytes, smaller: bytes, contract: Contract, rows: NDArray[np.float32]
) -> tuple[Answers, Answers]:
    """Ask both, in turns, so that what else the machine does hits both alike."""
    told: tuple[list[Answers], list[Answers]] = ([], [])
    with Sandbox(content, contract) as first, Sandbox(smaller, contract) as second:
        for _ in range(_ROUNDS):
            for sandbox, answers in zip((first, second), told, strict=True):
                answers.append(sandbox.answer(rows, 120.0))
    return _joined(told[0]), _joined(told[1])


def _joined(parts: list[Answers]) -> Answers:
    wall = np.concatenate([one.wall_us for one in parts])
    cpu = np.concatenate([one.cpu_us for one in parts])
    return replace(parts[0], wall_us=wall, cpu_us=cpu)


def eight_bits(content: bytes) -> bytes | None:
    """Return a model with eight-bit weights in its products, None where it has no products.

    Whether it is any better is for :func:`quantise` to find out.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load_from_string(content)
    constants = {one.name for one in model.graph.initializer}
    products = [n for n in model.graph.node if n.op_type in ("MatMul", "Gemm")]
    if not any(name in constants for node in products for name in node.input):
        return None
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        before.write_bytes(content)
        quantize_dynamic(before, after, weight_type=QuantType.QInt8)
        return after.read_bytes()
