"""A small network in plain numpy: a line, and one hidden layer beside it. Without one: a line.

All parameters lie in one vector, so that they can be averaged: the line's weights and offset, then
the hidden layer's. The line lets the whole extrapolate, and is where training begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.federated.design import Tuning
from genba.learn.quality.calibration import sigmoid, softmax
from genba.learn.quality.head import Kind


@dataclass(frozen=True, slots=True)
class Shape:
    """Features, units of the hidden layer (0: a line), raw scores."""

    inputs: int
    hidden: int
    outputs: int

    @property
    def size(self) -> int:
        """How many parameters there are."""
        line = (self.inputs + 1) * self.outputs
        return line + self.hidden * (self.inputs + 1 + self.outputs)

    def parted(self, flat: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return the line (inputs, outputs), offset, and the hidden layer's in, offset and out."""
        shapes = (
            *((self.inputs, self.outputs), (self.outputs,)),
            *((self.inputs, self.hidden), (self.hidden,), (self.hidden, self.outputs)),
        )
        parts, at = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            parts.append(flat[at : at + size].reshape(shape))
            at += size
        return parts[0], parts[1], parts[2], parts[3], parts[4]

    def begun(self, line: Floats, seed: int) -> Floats:
        """Return parameters that say what a line (its parameters) says, ready to be trained."""
        random = np.random.default_rng(seed)
        hidden = random.normal(0, 1 / np.sqrt(self.inputs), self.inputs * self.hidden)
        rest = np.zeros(self.hidden * (1 + self.outputs))
        return np.concatenate([line, hidden, rest])


def raw_of(shape: Shape, flat: Floats, features: Floats) -> Floats:
    """Return the raw scores of standard features (n, inputs): (n, outputs)."""
    line, offset, into, bias, out = shape.parted(flat)
    raw = features @ line + offset
    if shape.hidden:
        raw = raw + np.tanh(features @ into + bias) @ out
    return np.asarray(raw)


def losses_of(raw: Floats, labels: Floats, kind: Kind) -> Floats:
    """Return the loss of each row: half the square error, or the log loss. (n,)."""
    if kind == "number":
        return np.asarray(0.5 * (raw[:, 0] - labels) ** 2)
    if kind == "two":
        return np.asarray(np.logaddexp(0.0, raw[:, 0]) - labels * raw[:, 0])
    top = raw.max(axis=1)
    total = top + np.log(np.exp(raw - top[:, None]).sum(axis=1))
    return np.asarray(total - raw[np.arange(len(raw)), labels.astype(np.int64)])


def pull_of(raw: Floats, labels: Floats, kind: Kind) -> Floats:
    """Return the slope of the loss by the raw scores, (n, outputs)."""
    if kind == "number":
        return raw - labels[:, None]
    if kind == "two":
        return sigmoid(raw) - labels[:, None]
    pull = softmax(raw)
    pull[np.arange(len(raw)), labels.astype(np.int64)] -= 1.0
    return pull


def slope_of(shape: Shape, flat: Floats, features: Floats, labels: Floats, kind: Kind) -> Floats:
    """Return the slope of the mean loss by all parameters, (size,)."""
    _, _, into, bias, out = shape.parted(flat)
    pull = pull_of(raw_of(shape, flat, features), labels, kind) / len(features)
    parts = [features.T @ pull, pull.sum(axis=0)]
    if shape.hidden:
        inner = np.tanh(features @ into + bias)
        back = (pull @ out.T) * (1.0 - inner**2)
        parts += [features.T @ back, back.sum(axis=0), inner.T @ pull]
    return np.concatenate([part.ravel() for part in parts])


def taught(
    shape: Shape,
    common: Floats,
    all_slope: Floats,
    features: Floats,
    labels: Floats,
    kind: Kind,
    tuning: Tuning,
    rate: float,
    random: np.random.Generator,
) -> Floats:
    """Return the parameters after some epochs over one site's rows, begun from the common ones.

    Each step is bent by how far the slope over all sites (``all_slope``, at the common parameters)
    is from the site's own, so that sites whose rows differ do not drift apart (Konecny et al.,
    *Federated optimization*, 2016, section 3; Mitra et al., *FedLin*, NeurIPS 2021). Steps are
    Adam's (Kingma and Ba, ICLR 2015), anew each time: its memory is not shared.
    """
    bent = all_slope - slope_of(shape, common, features, labels, kind)
    flat = common.copy()
    first, second = np.zeros_like(flat), np.zeros_like(flat)
    for step, rows in enumerate(_batches(len(features), tuning, random), 1):
        slope = slope_of(shape, flat, features[rows], labels[rows], kind)
        slope += bent + tuning.decay * flat + tuning.proximal * (flat - common)
        first += 0.1 * (slope - first)
        second += 0.001 * (slope**2 - second)
        lifted = first / (1 - 0.9**step), second / (1 - 0.999**step)
        flat -= rate * lifted[0] / (np.sqrt(lifted[1]) + 1e-8)
    return flat


def _batches(
    rows: int, tuning: Tuning, random: np.random.Generator
) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    for _ in range(tuning.epochs):
        order = random.permutation(rows)
        count = max(1, round(rows / tuning.batch))
        yield from np.array_split(order, count)
