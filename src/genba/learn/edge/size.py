"""Whether a device is large enough for a model: measured here, carried over, and said as such."""

import time
from dataclasses import dataclass

import numpy as np

from genba.learn.edge.bundle import Bundle
from genba.learn.edge.sandbox import Sandbox

_PROBE = 256
PROBE_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Device:
    """What a device offers for models.

    ``speed`` is that of one of its cores against one core of this machine, 1 for this machine
    itself. ``cpu_share`` is how much of one core models may take.
    """

    name: str
    speed: float = 1.0
    memory_mb: float = 512.0
    cpu_share: float = 0.5
    budget_us: float | None = None
    """Longest p99 of one answer; None for what the card says."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model takes on this machine: microseconds of CPU for one answer, and memory."""

    answers: int
    p50_us: float
    p99_us: float
    wall_p99_us: float
    base_mb: float
    """Of a process with Python and ONNX Runtime, before any model is loaded."""
    memory_mb: float
    """What this model adds to that."""
    operations: float
    """Multiplications and additions for one answer, counted in its graph; NaN where unknown."""

    @property
    def answers_s(self) -> float:
        """Answers that one core gives in a second."""
        return 1e6 / self.p50_us

    @property
    def operations_s(self) -> float:
        """Operations in a second while it answers."""
        return self.operations * self.answers_s


@dataclass(frozen=True, slots=True)
class Sized:
    """What a model takes on a device. Figures of another device are estimates by its ``speed``."""

    device: Device
    p99_us: float
    memory_mb: float
    share: float
    """Of one core, at one answer per step of the card."""
    fits: bool
    problems: tuple[str, ...]
    scale: float
    """How many times as heavy as this one a model may be; below 1, it has to be lighter."""
    tightest: str
    """What bounds that: ``latency``, ``memory`` or ``cpu``."""


def measure(bundle: Bundle, answers: int = 2000) -> Measured:
    """Run a model in a process of its own and see what it takes.

    Raises
    ------
    LearnError
        If it cannot be run.
    """
    rows = bundle.rows
    batches = [rows[: min(len(rows), answers - n)] for n in range(0, answers, len(rows))]
    with Sandbox(bundle.model, bundle.contract) as sandbox:
        sandbox.answer(rows[: min(len(rows), 20)], 60.0)
        told = [sandbox.answer(batch, 60.0) for batch in batches]
        base, peak = sandbox.base_mb, sandbox.peak_mb()
    cpu = np.concatenate([one.cpu_us for one in told])
    wall = np.concatenate([one.wall_us for one in told])
    p50, p99 = np.percentile(cpu, [50, 99])
    return Measured(
        len(cpu),
        float(p50),
        float(p99),
        float(np.percentile(wall, 99)),
        base,
        max(0.0, peak - base),
        operations_of(bundle),
    )


def size_up(bundle: Bundle, found: Measured, device: Device) -> Sized:
    """Compare what a model takes with what a device offers."""
    budget = bundle.contract.budget_us if device.budget_us is None else device.budget_us
    p99 = found.p99_us / device.speed
    share = found.p50_us / device.speed / (bundle.contract.step_s * 1e6)
    memory = found.base_mb + found.memory_mb
    problems = []
    if p99 > budget:
        problems.append(f"p99 of {p99:.0f} us, budget {budget:.0f} us")
    if memory > device.memory_mb:
        problems.append(f"{memory:.0f} MB of memory, {device.memory_mb:.0f} MB are there")
    if share > device.cpu_share:
        problems.append(f"{share:.0%} of a core, {device.cpu_share:.0%} are for models")
    room = {
        "latency": budget / p99,
        "memory": max(0.0, device.memory_mb - found.base_mb) / max(found.memory_mb, 0.5),
        "cpu": device.cpu_share / share,
    }
    tightest = min(room, key=lambda name: room[name])
    return Sized(
        device, p99, memory, share, not problems, tuple(problems), room[tightest], tightest
    )


def speed_of_this_core() -> float:
    """Billions of float32 operations per second of one core here, in one matrix product.

    Run it on two machines: the ratio is the ``speed`` of a device.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(_PROBE, _PROBE)).astype(np.float32) for _ in range(2))
    best = np.inf
    for _ in range(PROBE_ROUNDS):
        begun = time.thread_time_ns()
        left @ right
        best = min(best, max(1, time.thread_time_ns() - begun))
    return 2.0 * _PROBE**3 / best


def operations_of(bundle: Bundle) -> float:
    """Count operations for one answer: of products by their shapes, of trees by their depth.

    NaN where the graph does not tell the shapes.
    """
    import onnx
    from onnx import shape_inference

    model = onnx.load_from_string(bundle.model)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(model).graph
    shapes = {one.name: list(one.dims) for one in graph.initializer}
    for info in (*graph.input, *graph.value_info, *graph.output):
        dims = info.type.tensor_type.shape.dim
        shapes[info.name] = [d.dim_value if d.HasField("dim_value") else 1 for d in dims]
    total = 0.0
    for node in graph.node:
        total += _operations(node, shapes)
    return total


def _operations(node: object, shapes: dict[str, list[int]]) -> float:
    kind, inputs, outputs = node.op_type, node.input, node.output  # type: ignore[attr-defined]
    if kind in ("MatMul", "Gemm"):
        first, out = shapes.get(inputs[0]), shapes.get(outputs[0])
        return 2.0 * float(np.prod(out)) * first[-1] if first and out else np.nan
    if kind.startswith("TreeEnsemble"):
        return _steps_of_trees(node)
    out = shapes.get(outputs[0])
    if kind == "Conv":
        kernel = shapes.get(inputs[1])
        return 2.0 * float(np.prod(out)) * float(np.prod(kernel[1:])) if kernel and out else np.nan
    if kind == "AveragePool" and out:
        held = {a.name: list(a.ints) for a in node.attribute}  # type: ignore[attr-defined]
        return float(np.prod(out)) * float(np.prod(held["kernel_shape"]))
    return float(np.prod(out)) if out else 0.0


def _steps_of_trees(node: object) -> float:
    """Comparisons along the deepest way through each tree, added up."""
    held = {a.name: list(a.ints) for a in node.attribute}  # type: ignore[attr-defined]
    children: dict[tuple[int, int], tuple[int, int]] = {}
    keys = ("nodes_treeids", "nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids")
    for tree, number, yes, no in zip(*(held[key] for key in keys), strict=True):
        children[tree, number] = (yes, no)
    deepest: dict[int, int] = {}
    for tree in dict.fromkeys(held["nodes_treeids"]):
        level, depth = [0], 0
        while level:
            level = [c for n in level for c in children[tree, n] if c > n]
            depth += 1
        deepest[tree] = depth
    return float(sum(deepest.values()))
