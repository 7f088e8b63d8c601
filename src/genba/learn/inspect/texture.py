"""What a place of a picture looks like, in numbers: contrast, spread and steps at several scales.

A picture is brought to mean 0 and spread 1, so that exposure does not count. Differences of blurred
pictures (Burt and Adelson, 1983) show spots from one pixel to thirty wide, each also in parts of
the spread around it (local contrast normalization, Jarrett et al., ICCV 2009); what is left of long
means along either axis shows scratches across a grain; differences of neighboring boxes show steps
of gray and of roughness. Cells of 4x4 pixels keep the mean and the extremes.

Every blur is a product with a matrix on each side. So one description (:func:`maps_of`) runs in
numpy and is written to ONNX, in float64 in both, and both say the same to many digits.
"""

from typing import Any, Protocol, TypeAlias

import numpy as np

from genba.learn.arrays import AnyArray, Floats

CELL = 4
"""Pixels per cell along each axis."""
SCALES = (3, 7, 15, 31, 61)
"""Sides of the boxes, in pixels; each blur is two of them."""
STEPS = ((2, 7), (4, 15), (8, 31), (16, 31), (32, 61))
"""Depth of the boxes on both sides of a step, and how far along it they reach."""
_FAINT = 0.003
_WIDE = 31

Map: TypeAlias = Any
"""Pictures, as arrays in numpy or as names of tensors in a graph."""


class Pictures(Protocol):
    """Computes with pictures, (n, height, width), all at once."""

    size: tuple[int, int]

    def start(self) -> Map:
        """Return the pictures themselves."""
        ...

    def spread(self, x: Map, down: Floats | None, across: Floats | None) -> Map:
        """Multiply by ``down`` from the left, and by the transpose of ``across`` from the right."""
        ...

    def add(self, x: Map, number: float) -> Map:
        """Add a number."""
        ...

    def subtract(self, x: Map, y: Map) -> Map:
        """Subtract place by place."""
        ...

    def multiply(self, x: Map, y: Map) -> Map:
        """Multiply place by place."""
        ...

    def divide(self, x: Map, y: Map) -> Map:
        """Divide place by place."""
        ...

    def negative(self, x: Map) -> Map:
        """Change signs."""
        ...

    def root(self, x: Map) -> Map:
        """Take square roots; what rounding left below 0 is 0."""
        ...

    def absolute(self, x: Map) -> Map:
        """Leave signs out."""
        ...

    def mean(self, x: Map) -> Map:
        """Take the mean of each picture, (n, 1, 1)."""
        ...

    def highest(self, x: Map) -> Map:
        """Take the maximum of each cell, (n, height/4, width/4)."""
        ...


class _Blurs:
    """The matrices for one size of picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size

    def box(self, side: int, axis: int, times: int = 2) -> Floats:
        return np.asarray(np.linalg.matrix_power(_box(self._size[axis], side), times))

    def step(self, depth: int, axis: int) -> Floats:
        return _step(self._size[axis], depth)

    def cells(self, axis: int) -> Floats:
        return np.kron(np.eye(self._size[axis] // CELL), np.full((1, CELL), 1 / CELL))


def _box(length: int, side: int) -> Floats:
    """Mean over ``side`` places around each; edges are repeated."""
    matrix = np.zeros((length, length))
    for by in range(-(side // 2), side // 2 + 1):
        np.add.at(matrix, (np.arange(length), _inside(length, by)), 1 / side)
    return matrix


def _step(length: int, depth: int) -> Floats:
    """Mean of the ``depth`` places behind each less that of those before it."""
    matrix = np.zeros((length, length))
    for by in range(1, depth + 1):
        np.add.at(matrix, (np.arange(length), _inside(length, by)), 1 / depth)
        np.add.at(matrix, (np.arange(length), _inside(length, -by)), -1 / depth)
    return matrix


def _inside(length: int, by: int) -> AnyArray:
    return np.clip(np.arange(length) + by, 0, length - 1)


def maps_of(on: Pictures) -> list[Map]:
    """Return the features of cells, each (n, height/4, width/4)."""
    blurs = _Blurs(on.size)

    def blurred(x: Map, side: int) -> Map:
        return on.spread(x, blurs.box(side, 0), blurs.box(side, 1))

    def mean(x: Map) -> Map:
        return on.spread(x, blurs.cells(0), blurs.cells(1))

    def ends(x: Map) -> list[Map]:
        return [on.highest(x), on.highest(on.negative(x))]

    plain = on.start()
    plain = on.subtract(plain, on.mean(plain))
    plain = on.divide(plain, on.add(on.root(on.mean(on.multiply(plain, plain))), 1.0))
    levels = [plain, *(blurred(plain, side) for side in SCALES)]
    maps: list[Map] = []
    for side, fine, coarse in zip(SCALES, levels, levels[1:], strict=False):
        band = on.subtract(fine, coarse)
        power = on.multiply(band, band)
        near = blurred(power, _WIDE)
        relative = on.divide(band, on.root(on.add(near, _FAINT)))
        maps += [*ends(band), mean(relative), *ends(relative)]
        maps += [mean(on.root(blurred(power, side))), mean(on.root(near))]
    for axis in (0, 1):
        long = blurs.box(SCALES[-1], axis)
        grain = on.spread(plain, long if axis == 0 else None, long if axis == 1 else None)
        left = blurred(on.subtract(plain, grain), 3)
        near = on.root(on.add(blurred(on.multiply(left, left), _WIDE), _FAINT))
        maps += [mean(left), *ends(on.divide(left, near))]
    rough = on.absolute(on.subtract(plain, levels[1]))
    for depth, along in STEPS:
        for what in (plain, rough):
            down = on.spread(what, blurs.step(depth, 0), blurs.box(along, 1, 1))
            right = on.spread(what, blurs.box(along, 0, 1), blurs.step(depth, 1))
            maps += [mean(down), mean(right)]
    for slope in (
        on.spread(plain, blurs.step(2, 0), None),
        on.spread(plain, None, blurs.step(2, 1)),
    ):
        maps += [mean(blurred(on.absolute(slope), side)) for side in (7, _WIDE)]
    return [*maps, mean(levels[3]), mean(levels[5])]


def edges_of(size: tuple[int, int]) -> Floats:
    """Return how many cells each cell is away from the nearest edge, (2, height/4, width/4)."""
    tall, wide = size[0] // CELL, size[1] // CELL
    down = np.minimum(np.arange(tall), np.arange(tall)[::-1])
    across = np.minimum(np.arange(wide), np.arange(wide)[::-1])
    return np.stack(np.broadcast_arrays(down[:, None], across[None])).astype(np.float64)


class ArrayPictures:
    """Pictures in numpy; see :class:`Pictures`."""

    def __init__(self, pixels: AnyArray) -> None:
        self.size = (int(pixels.shape[1]), int(pixels.shape[2]))
        self._pixels = np.asarray(pixels, np.float64)

    def start(self) -> Map:
        """Return the pictures."""
        return self._pixels

    def spread(self, x: Map, down: Floats | None, across: Floats | None) -> Map:
        """Multiply from both sides."""
        if down is not None:
            x = np.matmul(down, x)
        return x if across is None else np.matmul(x, across.T)

    def add(self, x: Map, number: float) -> Map:
        """Add a number."""
        return x + number

    def subtract(self, x: Map, y: Map) -> Map:
        """Subtract."""
        return x - y

    def multiply(self, x: Map, y: Map) -> Map:
        """Multiply."""
        return x * y

    def divide(self, x: Map, y: Map) -> Map:
        """Divide."""
        return x / y

    def negative(self, x: Map) -> Map:
        """Change signs."""
        return -x

    def root(self, x: Map) -> Map:
        """Take square roots."""
        return np.sqrt(np.maximum(x, 0.0))

    def absolute(self, x: Map) -> Map:
        """Leave signs out."""
        return np.abs(x)

    def mean(self, x: Map) -> Map:
        """Take means."""
        return x.mean(axis=(1, 2), keepdims=True)

    def highest(self, x: Map) -> Map:
        """Take the maximum of each cell."""
        count, height, width = x.shape
        cells = x.reshape(count, height // CELL, CELL, width // CELL, CELL)
        return cells.max(axis=(2, 4))


def features_of(pixels: AnyArray) -> AnyArray:
    """Return the features of all cells, (n, cells, features) float32, 32 pictures at a time.

    Parameters
    ----------
    pixels : (n, height, width)
        Sides are multiples of 4.
    """
    parts = [_features(pixels[start : start + 32]) for start in range(0, len(pixels), 32)]
    return np.concatenate(parts)


def _features(pixels: AnyArray) -> AnyArray:
    on = ArrayPictures(pixels)
    maps = maps_of(on)
    edges = [np.broadcast_to(edge, maps[0].shape) for edge in edges_of(on.size)]
    stacked = np.stack([*maps, *edges], axis=-1)
    return stacked.reshape(len(pixels), -1, stacked.shape[-1]).astype(np.float32)
