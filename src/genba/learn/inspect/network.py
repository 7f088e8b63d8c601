"""A small convolutional network: where in a picture a defect is, and whether there is one.

Three scales (1/4, 1/8, 1/16 of the picture) with residual blocks (He et al., CVPR 2016), joined
again at 1/4 as in U-Net (Ronneberger, Fischer and Brox, MICCAI 2015). One head says each place,
another the picture, from the mean and the maximum of the coarsest scale and from the worst places
(:mod:`genba.learn.inspect.worst`).

A network is a dict of tensors by name and functions over it: the same arrays are trained here, kept
in a model's parts and written to ONNX. This module imports PyTorch; import it where it is used.
"""

from typing import Any, TypeAlias

import torch
from torch.nn import functional

from genba.learn.inspect.network_graph import AROUND, EPSILON, FAINT, MIRRORS
from genba.learn.inspect.worst import weights_of_worst

Tensor: TypeAlias = Any
Weights: TypeAlias = dict[str, Tensor]

INPUTS = 2
"""The picture, and its contrast with what is around."""
STRIDE = 4
"""Pixels per place along each axis."""

LAYERS: tuple[tuple[str, int, int, int, int], ...] = (
    ("stem", 0, -1, 5, 2),
    ("quarter", 1, 0, 3, 2),
    ("quarter_a", 1, 1, 3, 1),
    ("quarter_b", 1, 1, 3, 1),
    ("eighth", 2, 1, 3, 2),
    ("eighth_a", 2, 2, 3, 1),
    ("eighth_b", 2, 2, 3, 1),
    ("sixteenth", 3, 2, 3, 2),
    ("sixteenth_a", 3, 3, 3, 1),
    ("sixteenth_b", 3, 3, 3, 1),
    ("back_eighth", 2, 3, 1, 1),
    ("back_quarter", 1, 2, 1, 1),
    ("joined", 1, 1, 3, 1),
)
"""Name, index of the channels out and in (:func:`channels_of`; -1: input), kernel, stride."""


def channels_of(width: int) -> tuple[int, int, int, int]:
    """Return channels at half, quarter, eighth and sixteenth of the size."""
    return width // 2, width, 2 * width, 3 * width


def new_weights(width: int, seed: int) -> Weights:
    """Draw the weights of an untaught network (He et al., ICCV 2015)."""
    source = torch.Generator().manual_seed(seed)
    channels = channels_of(width)
    weights: Weights = {}
    for name, out, into, kernel, _ in LAYERS:
        fan = INPUTS if into < 0 else channels[into]
        shape = (channels[out], fan, kernel, kernel)
        spread = (2.0 / (fan * kernel * kernel)) ** 0.5
        weights[f"{name}.weight"] = torch.randn(shape, generator=source) * spread
        weights[f"{name}.gain"] = torch.ones(channels[out])
        weights[f"{name}.shift"] = torch.zeros(channels[out])
        weights[f"{name}.mean"] = torch.zeros(channels[out])
        weights[f"{name}.variance"] = torch.ones(channels[out])
    weights["place.weight"] = torch.randn((1, width, 1, 1), generator=source) * 0.05
    weights["place.bias"] = torch.full((1,), -3.0)
    deep = 2 * channels[3] + 1
    weights["picture.weight"] = torch.randn((1, deep), generator=source) * 0.02
    weights["picture.weight"][0, -1] = 0.5
    weights["picture.bias"] = torch.zeros(1)
    return weights


def is_taught(name: str) -> bool:
    """Whether a tensor is learned by gradient; the others are running means and variances."""
    return not name.endswith((".mean", ".variance"))


def _layer(
    weights: Weights, name: str, x: Tensor, stride: int, momentum: float | None, *, active: bool
) -> Tensor:
    """Convolve and normalize, by the batch where there is a momentum, else by what is known."""
    kernel = weights[f"{name}.weight"]
    x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
    x = functional.batch_norm(
        x,
        weights[f"{name}.mean"],
        weights[f"{name}.variance"],
        weights[f"{name}.gain"],
        weights[f"{name}.shift"],
        training=momentum is not None,
        momentum=momentum or 0.0,
        eps=EPSILON,
    )
    return functional.relu(x) if active else x


def forward(
    weights: Weights, pictures: Tensor, *, training: bool, momentum: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Return logits of places (n, height/4, width/4) and of pictures (n,).

    ``pictures`` is (n, height, width) of gray values 0 to 255; each is brought to mean 0 and spread
    1 first, so that exposure does not count, and each place a second time within what is around, so
    that uneven light does not (local contrast normalization, Jarrett et al., ICCV 2009).
    """

    def layer(name: str, x: Tensor, stride: int = 1, *, active: bool = True) -> Tensor:
        return _layer(weights, name, x, stride, momentum if training else None, active=active)

    def block(name: str, x: Tensor) -> Tensor:
        inner = layer(f"{name}_b", layer(f"{name}_a", x), active=False)
        return functional.relu(x + inner)

    middle = pictures.mean(dim=(1, 2), keepdim=True)
    apart = pictures - middle
    spread = (apart * apart).mean(dim=(1, 2), keepdim=True).sqrt()
    plain = (apart / (spread + 1.0)).unsqueeze(1)
    contrast = plain - _around(plain)
    x = torch.cat([plain, contrast / (_around(contrast * contrast).sqrt() + FAINT)], dim=1)
    quarter = block("quarter", layer("quarter", layer("stem", x, 2), 2))
    eighth = block("eighth", layer("eighth", quarter, 2))
    sixteenth = block("sixteenth", layer("sixteenth", eighth, 2))
    eighth = functional.relu(eighth + _twice(layer("back_eighth", sixteenth, active=False)))
    quarter = functional.relu(quarter + _twice(layer("back_quarter", eighth, active=False)))
    joined = layer("joined", quarter)
    places = functional.conv2d(joined, weights["place.weight"], weights["place.bias"]).squeeze(1)
    flat = places.flatten(1)
    counted = torch.from_numpy(weights_of_worst(flat.shape[1]))[:, None]
    worst = flat.topk(len(counted), dim=1).values @ counted
    whole = torch.cat([sixteenth.mean(dim=(2, 3)), sixteenth.amax(dim=(2, 3)), worst], dim=1)
    said = functional.linear(whole, weights["picture.weight"], weights["picture.bias"])
    return places, said.squeeze(1)


def mirrored_forward(weights: Weights, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return what :func:`forward` says on average of a picture and its mirror images.

    A defect looks like one from all four; what only looks like one seldom does.
    """
    places, said = [], []
    for axes in MIRRORS:
        of_places, of_pictures = forward(weights, torch.flip(pictures, axes), training=False)
        places.append(torch.flip(of_places, axes))
        said.append(of_pictures)
    return torch.stack(places).mean(dim=0), torch.stack(said).mean(dim=0)


def _around(x: Tensor) -> Tensor:
    """Return the mean of the square around each place, first along one axis, then the other.

    Products with a band of ones: on one thread four times as fast as pooling.
    """
    return _band(x.shape[-2]) @ x @ _band(x.shape[-1]).T


def _band(length: int) -> Tensor:
    """Means over the places near each, (length, length); at an edge, over those that there are."""
    at = torch.arange(length)
    near = ((at[:, None] - at[None]).abs() <= AROUND // 2).float()
    return near / near.sum(dim=1, keepdim=True)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
