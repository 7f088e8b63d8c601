"""The ONNX graph of a template model: find the golden picture, lay upon, compare."""

import numpy as np

from genba.learn.arrays import AnyArray, Floats
from genba.learn.export.graph import INPUT, Graph
from genba.learn.inspect.registration import GRID, shifts_of


def template_graph(
    golden: tuple[AnyArray, AnyArray, AnyArray], marks: Floats, options: Floats, ceiling: float
) -> bytes:
    """Write it: ``golden`` is low, high and middle, ``marks`` the signatures of the kinds."""
    low, high, middle = golden
    _, height, width = low.shape
    reach, patch = int(options[0]), int(options[1])
    graph = Graph("template", (height, width))
    picture = graph.doubles(INPUT)
    kind = _kind(graph, picture, marks, (height, width))
    wanted = graph.doubles(graph.add("Gather", graph.constant(middle), kind, axis=0))
    shift = _shift(graph, picture, wanted, reach, (height, width))
    seen = _moved(graph, picture, shift, (height, width))
    bounds = [
        graph.doubles(graph.add("Gather", graph.constant(bound), kind, axis=0))
        for bound in (low, high)
    ]
    under, above = graph.add("Sub", bounds[0], seen), graph.add("Sub", seen, bounds[1])
    beyond = graph.add("Sub", graph.add("Max", under, above), graph.constant(np.array(options[2])))
    over = graph.floats(graph.add("Relu", beyond))
    one = graph.constant(np.array([1], np.int64))
    edge = patch // 2
    mean = graph.add(
        "AveragePool",
        graph.add("Unsqueeze", over, one),
        kernel_shape=[patch, patch],
        pads=[edge, edge, edge, edge],
        count_include_pad=1,
    )
    scaled = graph.add(
        "Div", graph.add("Squeeze", mean, one), graph.constant(np.array(options[3], np.float32))
    )
    heat = graph.add("Min", scaled, graph.constant(np.array(ceiling, np.float32)))
    axes = graph.constant(np.array([1, 2], np.int64))
    worst = graph.add("ReduceMax", heat, axes, keepdims=0)
    share = graph.add("Pow", graph.constant(np.array(0.5, np.float32)), worst)
    graph.output("value", graph.add("Sub", graph.constant(np.array(1.0, np.float32)), share))
    back = (graph.add("Neg", shift[0]), graph.add("Neg", shift[1]))
    graph.output("heat", _moved(graph, heat, back, (height, width)), (height, width))
    return graph.to_bytes()


def _kind(graph: Graph, picture: str, marks: Floats, size: tuple[int, int]) -> str:
    """Return the index of the golden picture of each picture, (n,).

    The mean and the length of the picture's own signature do not change which one is nearest.
    """
    side = round(marks.shape[1] ** 0.5)
    down, across = (_averaging(side, length) for length in size)
    left = graph.add("MatMul", graph.constant(down), picture)
    cells = graph.add("MatMul", left, graph.constant(np.ascontiguousarray(across.T)))
    flat = graph.add("Reshape", cells, graph.constant(np.array([-1, side * side], np.int64)))
    close = graph.add("MatMul", flat, graph.constant(np.ascontiguousarray(marks.T)))
    return graph.add("ArgMax", close, axis=1, keepdims=0)


def _averaging(side: int, length: int) -> Floats:
    """Return a matrix that averages the pixels of each cell along an axis, (side, length)."""
    each = length // side
    matrix = np.zeros((side, length))
    for cell in range(side):
        matrix[cell, cell * each : (cell + 1) * each] = 1.0 / each
    return matrix


def _shift(
    graph: Graph, picture: str, wanted: str, reach: int, size: tuple[int, int]
) -> tuple[str, str]:
    """Return (down, right), (n, 1, 1) each: where the picture differs least from the golden one."""
    height, width = size
    axes = graph.constant(np.array([1, 2], np.int64))
    grid = graph.constant(np.array([GRID, GRID], np.int64))

    def cut(tensor: str, down: int, right: int) -> str:
        start = graph.constant(np.array([reach + down, reach + right], np.int64))
        stop = graph.constant(np.array([height - reach + down, width - reach + right], np.int64))
        return graph.add("Slice", tensor, start, stop, axes, grid)

    frame = cut(wanted, 0, 0)
    shifts = shifts_of(reach)
    sums = []
    for down, right in shifts:
        apart = graph.add("Sub", cut(picture, int(down), int(right)), frame)
        square = graph.add("Mul", apart, apart)
        total = graph.add("ReduceSum", square, axes, keepdims=0)
        sums.append(graph.add("Unsqueeze", total, graph.constant(np.array([1], np.int64))))
    best = graph.add("ArgMin", graph.add("Concat", *sums, axis=1), axis=1, keepdims=0)
    shape = graph.constant(np.array([-1, 1, 1], np.int64))

    def along(axis: int) -> str:
        each = graph.constant(np.ascontiguousarray(shifts[:, axis]))
        return graph.add("Reshape", graph.add("Gather", each, best, axis=0), shape)

    return along(0), along(1)


def _moved(graph: Graph, picture: str, by: tuple[str, str], size: tuple[int, int]) -> str:
    """Move down and right; an index beyond the edge repeats the edge."""
    for axis, (shift, length) in enumerate(zip(by, size, strict=True), start=1):
        place = np.arange(length).reshape((1, length, 1) if axis == 1 else (1, 1, length))
        index = graph.add("Add", graph.constant(place), shift)
        ends = (np.array(0, np.int64), np.array(length - 1, np.int64))
        inside = graph.add("Clip", index, *(graph.constant(end) for end in ends))
        whole = graph.add("Expand", inside, graph.add("Shape", picture))
        picture = graph.add("GatherElements", picture, whole, axis=axis)
    return picture
