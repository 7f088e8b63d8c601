"""How long one answer takes at a machine, against plain ONNX Runtime in the same run.

``python -m benchmarks.edge_latency [--answers 5000] [--runs 7] [--tokens 8 16 32]``

Models: 200 trees of 31 leaves that LightGBM grew on synthetic data (one row of 20 columns), and
transformers of 1.8 million random parameters (4 blocks, width 192) on windows of 4 rows a token,
also with eight-bit weights (random ones say nothing about what that costs in accuracy).
Genba and plain ONNX Runtime (``InferenceSession.run``, one thread, same windows) answer in turns,
in one process; Genba with the graph as it is packed for machines (:mod:`genba.learn.edge.fuse`),
plain ONNX Runtime with the graph as it was exported. Each run gives a p99; the table shows the
median of the runs, by the wall clock and by the thread's CPU time: on a machine that others use,
the first says how busy it was, and the second how often caches were cold, for which the p50 stands
beside it. The ratio is the median of the runs' ratios of p99, by CPU time.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genba.learn.edge.contract import Contract
from genba.learn.edge.fuse import fused
from genba.learn.edge.quantise import eight_bits
from genba.learn.edge.session import EdgeModel
from genba.learn.export.graph import Graph
from genba.learn.export.trees import from_lightgbm

BARS_US = {"trees": 100.0, "transformer": 1000.0, "smaller": 1000.0}
BAR_RATIO = 1.2
WIDTH, BLOCKS, HEADS, COLUMNS, PATCH = 192, 4, 6, 20, 4


def trees() -> tuple[bytes, tuple[int, int]]:
    """Grow trees with LightGBM on made-up data, and write them as ONNX."""
    import lightgbm

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4000, COLUMNS))
    target = rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2]) + 0.1 * rng.normal(size=4000)
    settings = {"objective": "regression", "num_leaves": 31, "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, target), 200)
    graph = Graph("trees", (1, COLUMNS))
    sums = from_lightgbm(booster).add_to(graph, graph.add("Flatten", "inputs", axis=1))
    graph.output("value", graph.add("Flatten", sums, axis=1), (1,))
    return graph.to_bytes(), (1, COLUMNS)


class Transformer:
    """A plain pre-norm encoder (Vaswani et al. 2017; Xiong et al. 2020) of random weights."""

    def __init__(self, tokens: int) -> None:
        self.shape = (tokens * PATCH, COLUMNS)
        self.parameters = 0
        self._tokens = tokens
        self._rng = np.random.default_rng(tokens)
        self._graph = Graph("transformer", self.shape)

    def to_bytes(self) -> bytes:
        """Build the graph."""
        graph, tokens = self._graph, self._tokens
        patches = self._reshaped("inputs", [-1, tokens, PATCH * COLUMNS])
        state = self._linear(patches, PATCH * COLUMNS, WIDTH)
        state = graph.add("Add", state, self._weights(tokens, WIDTH))
        for _ in range(BLOCKS):
            state = graph.add("Add", state, self._attention(self._norm(state)))
            state = graph.add("Add", state, self._feed_forward(self._norm(state)))
        mean = graph.add("ReduceMean", self._norm(state), self._whole([1]), keepdims=0)
        graph.output("value", self._linear(mean, WIDTH, 1), (1,))
        return graph.to_bytes()

    def _weights(self, *shape: int) -> str:
        self.parameters += int(np.prod(shape))
        scale = 1 / np.sqrt(shape[0])
        return self._graph.constant((self._rng.normal(size=shape) * scale).astype(np.float32))

    def _whole(self, numbers: list[int]) -> str:
        return self._graph.constant(np.array(numbers, np.int64))

    def _reshaped(self, tensor: str, shape: list[int]) -> str:
        return self._graph.add("Reshape", tensor, self._whole(shape))

    def _linear(self, tensor: str, inward: int, outward: int) -> str:
        product = self._graph.add("MatMul", tensor, self._weights(inward, outward))
        return self._graph.add("Add", product, self._weights(outward))

    def _norm(self, tensor: str) -> str:
        return self._graph.add(
            "LayerNormalization", tensor, self._weights(WIDTH), self._weights(WIDTH), axis=-1
        )

    def _attention(self, tensor: str) -> str:
        graph, size = self._graph, WIDTH // HEADS
        parts = []
        for turned in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
            heads = self._reshaped(self._linear(tensor, WIDTH, WIDTH), [0, 0, HEADS, size])
            parts.append(graph.add("Transpose", heads, perm=turned))
        query, key, value = parts
        scores = graph.add("MatMul", query, key)
        scaled = graph.add("Mul", scores, graph.constant(np.float32(size**-0.5)))
        mixed = graph.add("MatMul", graph.add("Softmax", scaled, axis=-1), value)
        joined = self._reshaped(graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), [0, 0, WIDTH])
        return self._linear(joined, WIDTH, WIDTH)

    def _feed_forward(self, tensor: str) -> str:
        graph = self._graph
        inner = self._linear(tensor, WIDTH, 4 * WIDTH)
        erf = graph.add("Erf", graph.add("Mul", inner, graph.constant(np.float32(0.5**0.5))))
        half = graph.add("Mul", inner, graph.constant(np.float32(0.5)))
        one = graph.add("Add", erf, graph.constant(np.float32(1.0)))
        return self._linear(graph.add("Mul", half, one), 4 * WIDTH, WIDTH)


def contract_of(shape: tuple[int, int]) -> Contract:
    """Return a card of that shape."""
    columns = tuple(f"s{number}" for number in range(shape[1]))
    return Contract("bench", "1", "anomaly", "press", columns, shape[0], 1.0)


def timed(answer: Callable[[int], object], count: int) -> tuple[float, float, float]:
    """Return microseconds of one answer: p99 by the wall clock, p99 and p50 of the thread's CPU."""
    wall, cpu = np.empty(count), np.empty(count)
    for number in range(count):
        begun, began = time.perf_counter_ns(), time.thread_time_ns()
        answer(number)
        cpu[number] = time.thread_time_ns() - began
        wall[number] = time.perf_counter_ns() - begun
    p50, p99 = np.percentile(cpu, [50, 99]) / 1e3
    return float(np.percentile(wall, 99)) / 1e3, float(p99), float(p50)


def compare(content: bytes, shape: tuple[int, int], answers: int, runs: int) -> list[float]:
    """Return medians over the runs: wall p99, CPU p99 and p50, the same of plain, ratio of p99."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    plain = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    windows: NDArray[np.float32] = (
        np.random.default_rng(1).normal(size=(64, 1, *shape)).astype(np.float32)
    )
    model = EdgeModel(fused(content, windows[:, 0]), contract_of(shape))

    def ours(number: int) -> float:
        np.copyto(model.window, windows[number % 64])
        return model.answer()

    def theirs(number: int) -> float:
        return float(plain.run(None, {"inputs": windows[number % 64]})[0].reshape(-1)[0])

    worst = max(abs(ours(n) - theirs(n)) for n in range(64))
    if worst > 1e-4:
        raise SystemExit(f"the two say something else, {worst:g} apart")
    rows = []
    for _ in range(runs):
        a, b = timed(ours, answers), timed(theirs, answers)
        rows.append((*a, *b, a[1] / b[1]))
    return [float(value) for value in np.median(rows, axis=0)]


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--tokens", type=int, nargs="+", default=[8, 16, 32])
    told = parser.parse_args()
    models = [("LightGBM, 200 trees", "trees", *trees())]
    for tokens in told.tokens:
        made = Transformer(tokens)
        content = made.to_bytes()
        name = f"transformer, {made.parameters / 1e6:.2f} M, {tokens} tokens"
        models.append((name, "transformer", content, made.shape))
        if (smaller := eight_bits(content)) is not None:
            models.append(
                (f"the same, eight bits, {tokens} tokens", "smaller", smaller, made.shape)
            )
    print(f"load average {os.getloadavg()[0]:.1f}; p99 in us, median of {told.runs} runs of "
          f"{told.answers:,} answers")  # fmt: skip
    heads = ("wall", "CPU", "CPU p50", "plain wall", "plain CPU", "plain p50")
    print(f"{'model':34}" + "".join(f"{one:>11}" for one in heads) + f"{'ratio':>7}")
    good, first = True, True
    for name, kind, content, shape in models:
        answers = told.answers if kind == "trees" else max(200, told.answers // 5)
        found = compare(content, shape, answers, told.runs)
        print(f"{name:34}" + "".join(f"{one:11.1f}" for one in found[:-1]) + f"{found[-1]:7.2f}")
        cpu, ratio = found[1], found[-1]
        good &= ratio <= BAR_RATIO and (cpu <= BARS_US[kind] or not first)
        first = kind == "trees"  # the bar is for the shortest window; longer ones show the trend
    print(f"bars: trees {BARS_US['trees']:g} us, transformer {BARS_US['transformer']:g} us, "
          f"{BAR_RATIO:g} times plain ONNX Runtime")  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
