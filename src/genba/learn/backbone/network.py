"""The network: linear forecasts that are weighed, and what a mixer of patches adds to them.

The linear skip path holds a few linear maps from the window to what comes; the network says how
much each counts here (a mixture of linear experts, Jacobs et al., 1991). Before training the maps
are persistence, moving means, a line, and small random ones, so that training starts from what a
plain engineer would say. Mixer blocks (Tolstikhin et al., NeurIPS 2021; Ekambaram et al.,
*TSMixer*, KDD 2023) see patches with a flag for each value that is not known, and give the weights,
a correction, the hidden patches and a summary of the window.

A network is a dict of tensors by name and functions over it. This module imports PyTorch; import
it where it is used.
"""

from typing import Any, TypeAlias

import torch
from torch.nn import functional

from genba.learn.backbone.context import context_of
from genba.learn.backbone.shape import EPSILON, EXPERTS, LINEAR, PERIODS, TOKENS, TOLD, Shape
from genba.learn.backbone.window import HORIZON, LENGTH, PATCH

Tensor: TypeAlias = Any
Weights: TypeAlias = dict[str, Tensor]


def new_weights(shape: Shape, seed: int) -> Weights:
    """Draw an untaught network."""
    source = torch.Generator().manual_seed(seed)
    width = shape.width

    def drawn(*size: int, gain: float = 1.0) -> Tensor:
        return torch.randn(size, generator=source) * (gain / size[0] ** 0.5)

    weights: Weights = {
        "embed.weight": drawn(2 * PATCH, width),
        "embed.told": drawn(TOLD, width),
        "embed.place": torch.randn((TOKENS, width), generator=source) * 0.1,
    }
    for number in range(shape.blocks):
        name = f"block{number}"
        for part, size, inner in (("time", TOKENS, 2 * TOKENS), ("width", width, 2 * width)):
            weights[f"{name}.{part}.gain"] = torch.ones(width)
            weights[f"{name}.{part}.shift"] = torch.zeros(width)
            weights[f"{name}.{part}.into"] = drawn(size, inner)
            weights[f"{name}.{part}.into_bias"] = torch.zeros(inner)
            weights[f"{name}.{part}.out"] = drawn(inner, size, gain=0.5)
            weights[f"{name}.{part}.out_bias"] = torch.zeros(size)
    weights["last.gain"], weights["last.shift"] = torch.ones(width), torch.zeros(width)
    weights["gate.weight"] = drawn(2 * width, EXPERTS * HORIZON, gain=0.1)
    weights["gate.bias"] = torch.zeros(EXPERTS * HORIZON)
    weights["period.weight"] = drawn(2 * width, len(PERIODS), gain=0.1)
    weights["period.bias"] = torch.zeros(len(PERIODS))
    weights["period.day"] = torch.full((1,), 4.0)
    weights["period.alike"] = torch.full((len(PERIODS),), 8.0)
    weights["experts"] = _experts(source)
    weights["ahead.weight"] = drawn(2 * width, HORIZON, gain=0.05)
    weights["ahead.bias"] = torch.zeros(HORIZON)
    weights["hidden.weight"] = drawn(width, PATCH, gain=0.3)
    weights["hidden.bias"] = torch.zeros(PATCH)
    return weights


def _experts(source: Any) -> Tensor:
    """Persistence (nothing but the anchor), means of 4, 12, 32 and all rows, a line, two random."""
    maps = torch.randn((LINEAR, LENGTH, HORIZON), generator=source) * 0.01
    maps[0] = 0.0
    for number, rows in enumerate((4, 12, 32, LENGTH), start=1):
        maps[number] = 0.0
        maps[number, -rows:] = 1.0 / rows
    rows = 24
    times = torch.arange(rows) - (rows - 1) / 2
    slope = times / (times * times).sum()
    maps[5] = 0.0
    maps[5, -rows:] = 1.0 / rows + slope[:, None] * ((rows - 1) / 2 + torch.arange(1, HORIZON + 1))
    return maps


def forward(
    weights: Weights, values: Tensor, known: Tensor, day: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what comes (n, horizon), the patches (n, length), and the summary (n, 2 * width).

    ``values`` (n, length) is anchored and scaled, ``known`` (n, length) is 1 where a value is,
    ``day`` (n,) the rows of a day, 0 where nobody knows.
    """
    count = len(values)
    context = context_of(values, known, day)
    patches = values.reshape(count, TOKENS, PATCH)
    flags = 1 - known.reshape(count, TOKENS, PATCH)
    x = torch.cat([patches, flags], dim=2) @ weights["embed.weight"] + weights["embed.place"]
    x = x + (context.told @ weights["embed.told"])[:, None]
    number = 0
    while f"block{number}.time.into" in weights:
        inner = _mixed(
            weights, f"block{number}.time", _normal(weights, f"block{number}.time", x), 1
        )
        x = x + inner
        inner = _mixed(
            weights, f"block{number}.width", _normal(weights, f"block{number}.width", x), 2
        )
        x = x + inner
        number += 1
    x = _normal(weights, "last", x)
    summary = torch.cat([x.mean(dim=1), x[:, -1]], dim=1)
    logits = summary @ weights["period.weight"] + weights["period.bias"]
    logits = logits + context.alike * weights["period.alike"]
    period = torch.softmax(logits + context.daily * weights["period.day"], dim=1)
    copied = torch.einsum("np,nph->nh", period, context.copied)[:, None]
    linear = torch.einsum("nl,elh->neh", values, weights["experts"])
    each = torch.cat([linear, context.ahead, copied], dim=1)
    gate = (summary @ weights["gate.weight"] + weights["gate.bias"]).reshape(each.shape)
    ahead = (torch.softmax(gate, dim=1) * each).sum(dim=1)
    ahead = ahead + summary @ weights["ahead.weight"] + weights["ahead.bias"]
    hidden = (x @ weights["hidden.weight"] + weights["hidden.bias"]).reshape(count, LENGTH)
    return ahead, hidden, summary


def _normal(weights: Weights, name: str, x: Tensor) -> Tensor:
    width = (x.shape[-1],)
    return functional.layer_norm(
        x, width, weights[f"{name}.gain"], weights[f"{name}.shift"], EPSILON
    )


def _mixed(weights: Weights, name: str, x: Tensor, along: int) -> Tensor:
    """Mix along patches (1) or along the width (2)."""
    if along == 1:
        x = x.transpose(1, 2)
    x = functional.silu(x @ weights[f"{name}.into"] + weights[f"{name}.into_bias"])
    x = x @ weights[f"{name}.out"] + weights[f"{name}.out_bias"]
    return x.transpose(1, 2) if along == 1 else x
