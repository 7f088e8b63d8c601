"""How the network of :mod:`genba.learn.inspect.network` is taught. Imports PyTorch."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from genba.learn.arrays import AnyArray, Booleans, Bytes, Floats
from genba.learn.inspect.camera import seen_otherwise
from genba.learn.inspect.defects import Defects
from genba.learn.inspect.network import (
    STRIDE,
    Tensor,
    Weights,
    forward,
    is_taught,
    mirrored_forward,
    new_weights,
)
from genba.learn.threads import threads

_SETTLED = 256
"""Pictures on which the means and variances are measured."""
_PLACES = 1.0
"""Weight of the loss over places beside that over pictures."""
_BLENDED = 0.1
"""Share of all steps over which the weights are averaged (Polyak averaging)."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Settings of training: passes over the pictures, pictures a step, step size, channels, and
    whether parts may lie turned by quarters.
    """

    epochs: int
    batch: int
    rate: float
    width: int
    turned: bool = False


def teach(
    pixels: Bytes, bad: Booleans, masks: Booleans | None, lesson: Lesson, seed: int
) -> dict[str, AnyArray]:
    """Train from scratch and return the weights as arrays.

    Pictures are changed at random as light and camera would change them
    (:mod:`genba.learn.inspect.camera`); each step draws bad and good ones in equal numbers. Where
    there are masks, small defects are pasted onto some of the good ones, and every place is
    supervised too; a bad picture with an empty mask teaches as a whole only.

    Parameters
    ----------
    pixels : (n, height, width) uint8
    bad : (n,) bool
    masks : (n, height, width) bool, optional
    """
    torch.set_num_threads(threads())
    source = np.random.default_rng(seed)
    weights = {name: _last(tensor) for name, tensor in new_weights(lesson.width, seed).items()}
    taught = [tensor.requires_grad_() for name, tensor in weights.items() if is_taught(name)]
    optimizer = torch.optim.AdamW(taught, lr=lesson.rate, weight_decay=1e-3)
    per_epoch = max(1, len(pixels) // lesson.batch)
    steps = lesson.epochs * per_epoch
    defects = None if masks is None else Defects(pixels[bad], masks[bad])
    blended = {name: tensor.detach().clone() for name, tensor in weights.items()}
    for step in range(steps):
        rows = _picked(bad, lesson.batch, source)
        shown, truth = pixels[rows].astype(np.float64), bad[rows]
        where = None if masks is None else masks[rows]
        if defects is not None and where is not None:
            shown, where, truth = defects.pasted(shown, where, truth, source)
        changed, moved = seen_otherwise(shown, where, source, turned=lesson.turned)
        seen = torch.from_numpy(changed)
        marked = None if moved is None else torch.from_numpy(moved)
        for group in optimizer.param_groups:
            group["lr"] = lesson.rate * _pace(step, steps)
        places, pictures = forward(weights, seen, training=True)
        loss = _loss(places, pictures, torch.from_numpy(truth), marked)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(taught, 5.0)
        optimizer.step()
        _blend(blended, weights, 1 - 1 / max(1.0, _BLENDED * steps))
    _settle(blended, pixels, source)
    arrays = {name: tensor.contiguous().numpy() for name, tensor in blended.items()}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def _last(tensor: Tensor) -> Tensor:
    """Lay kernels out with channels last: on one thread a step took 30% less than otherwise."""
    return tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _picked(bad: Booleans, batch: int, source: np.random.Generator) -> AnyArray:
    """Draw half a batch of each class."""
    half = batch // 2
    rows = [source.choice(np.flatnonzero(bad == wanted), half) for wanted in (True, False)]
    return np.concatenate(rows)


def _pace(step: int, steps: int) -> float:
    """Warm up over a twentieth, then follow a cosine to nothing."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _loss(places: Tensor, pictures: Tensor, bad: Tensor, marked: Tensor | None) -> Tensor:
    """Cross-entropy of pictures and places; by the overlap small defects count like large ones."""
    whole = functional.binary_cross_entropy_with_logits(pictures, bad.float())
    if marked is None:
        return whole
    wanted = functional.max_pool2d(marked.unsqueeze(1), STRIDE).squeeze(1)
    told = (wanted.amax(dim=(1, 2)) > 0) | ~bad
    if not bool(told.any()):
        return whole
    said, wanted = places[told], wanted[told]
    each = functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
    weight = 1 + 4 * wanted
    chance = torch.sigmoid(said)
    overlap = (chance * wanted).sum(dim=(1, 2))
    dice = 1 - (2 * overlap + 1) / (chance.sum(dim=(1, 2)) + wanted.sum(dim=(1, 2)) + 1)
    return whole + _PLACES * ((each * weight).sum() / weight.sum() + 0.5 * dice.mean())


def _blend(blended: Weights, weights: Weights, share: float) -> None:
    with torch.no_grad():
        for name, tensor in weights.items():
            blended[name].mul_(share).add_(tensor, alpha=1 - share)


def _settle(weights: Weights, pixels: Bytes, source: np.random.Generator) -> None:
    """Measure means and variances anew, for the averaged weights, on pictures as they are.

    Those that training left belong to the last weights and to changed pictures (Wu and Johnson,
    *Rethinking "Batch" in BatchNorm*, 2021).
    """
    rows = source.permutation(len(pixels))[:_SETTLED]
    with torch.no_grad():
        for number, start in enumerate(range(0, len(rows), 32)):
            part = torch.from_numpy(pixels[rows[start : start + 32]].astype(np.float32))
            forward(weights, part, training=True, momentum=1 / (number + 1))


def say(weights: dict[str, AnyArray], pictures: Floats) -> tuple[Floats, Floats]:
    """Return logits of places and pictures, from all four mirror images, 32 pictures at a time."""
    torch.set_num_threads(threads())
    tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in weights.items()}
    places, whole = [], []
    with torch.inference_mode():
        for start in range(0, len(pictures), 32):
            part = torch.from_numpy(np.asarray(pictures[start : start + 32], np.float32))
            of_places, of_pictures = mirrored_forward(tensors, part)
            places.append(of_places.numpy())
            whole.append(of_pictures.numpy())
    return (
        np.concatenate(places).astype(np.float64),
        np.concatenate(whole).astype(np.float64),
    )
