"""What windows of many signals are known by: plain figures of each signal, and the backbone's."""

from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.backbone.backbone import Backbone
from genba.learn.backbone.pool import WHOLE
from genba.learn.backbone.window import LENGTH

_KEPT = 6
"""Directions of the backbone's summary that are kept, for each signal alike."""
_FARTHEST = 8.0
_SHRUNK = 0.1
"""Share of the mean variance within kinds that is added to each direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Where each signal stands and how far it spreads in the windows to learn from, (signals,)."""

    middle: Floats
    spread: Floats

    @classmethod
    def of(cls, windows: Floats) -> "Reference":
        """Take it from windows, (n, length, signals); a constant signal gets a spread of 1."""
        middle, spread = np.nanmean(windows, axis=(0, 1)), np.nanstd(windows, axis=(0, 1))
        return cls(middle, np.where(spread > 1e-9, spread, 1.0))


def plain(windows: Floats, reference: Reference) -> Floats:
    """Classical figures of each signal, (n, signals * 6).

    Mean, mean of the last eighth, slope, logarithm of spread and of roughness, and range, in parts
    of the reference. Unknown values are left out; what cannot be told is 0.
    """
    standard = (windows - reference.middle) / reference.spread
    last = standard[:, -LENGTH // 8 :]
    known = np.isfinite(standard)
    times = np.linspace(-1, 1, standard.shape[1])[None, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nanmean(standard, axis=1, keepdims=True)
        leaned = np.where(known, times, np.nan)
        leaned = leaned - np.nanmean(leaned, axis=1, keepdims=True)
        slope = np.nansum(leaned * (standard - mean), axis=1) / np.nansum(leaned**2, axis=1)
        spread = np.nanstd(standard, axis=1)
        rough = np.sqrt(np.nanmean(np.diff(standard, axis=1) ** 2, axis=1))
        reach = np.nanmax(standard, axis=1) - np.nanmin(standard, axis=1)
        figures = [
            mean[:, 0],
            np.nanmean(last, axis=1),
            slope,
            np.log(spread + 0.02),
            np.log(rough + 0.02),
            reach,
        ]
    return np.asarray(
        np.nan_to_num(np.concatenate([np.clip(f, -_FARTHEST, _FARTHEST) for f in figures], 1))
    )


class Describer:
    """A backbone's figures of each signal, (n, signals * 9).

    The level that it expects soon and later and the change it foresees, in parts of the reference:
    a forecast is the level with the noise taken out. And the summary of the course, in the few
    directions in which windows of different ``kinds`` differ most beside windows of one kind, all
    signals together (Fisher, 1936); without kinds, those in which all windows differ most.
    """

    def __init__(self, backbone: Backbone, windows: Floats, kinds: Floats | None = None) -> None:
        self._backbone = backbone
        self.reference = Reference.of(windows)
        flat = _single(windows)
        summary = _known(backbone.summary(flat))
        self._middle, self._spread = summary.mean(axis=0), summary.std(axis=0) + 1e-6
        standard = (summary - self._middle) / self._spread
        if kinds is None:
            _, vectors = np.linalg.eigh(standard.T @ standard)
            self._plane = vectors[:, ::-1][:, :_KEPT]
        else:
            shape = (windows.shape[0], windows.shape[2], -1)
            self._plane = _telling(standard.reshape(shape), kinds)

    def figures(self, windows: Floats) -> Floats:
        """Describe windows, (n, length, signals)."""
        count, _, signals = windows.shape
        ahead, summary = self._backbone.both(_single(windows))
        summary = (_known(summary) - self._middle) / self._spread
        course = (summary @ self._plane) / self._middle.size**0.5
        ahead = ahead.reshape(count, signals, WHOLE - LENGTH)
        level = (ahead - self.reference.middle[None, :, None]) / self.reference.spread[:, None]
        soon, later = level[:, :, :4].mean(axis=2), level[:, :, -8:].mean(axis=2)
        told = [soon, later, later - soon, course.reshape(count, -1)]
        return np.asarray(
            np.nan_to_num(np.concatenate([np.clip(f, -_FARTHEST, _FARTHEST) for f in told], 1))
        )


def _telling(summary: Floats, kinds: Floats) -> Floats:
    """Directions that tell kinds apart, (features, kept), of summaries (n, signals, features)."""
    between = []
    apart = summary - summary.mean(axis=0)
    inside = np.empty_like(apart)
    for kind in np.unique(kinds):
        own = kinds == kind
        middle = apart[own].mean(axis=0)
        inside[own] = apart[own] - middle
        between.append(middle * np.sqrt(own.sum()))
    width = summary.shape[2]
    within = np.einsum("nsf,nsg->fg", inside, inside)
    among = np.stack(between).reshape(-1, width)
    within += _SHRUNK * np.trace(within) / width * np.eye(width)
    root = np.linalg.inv(np.linalg.cholesky(within))
    _, vectors = np.linalg.eigh(root @ (among.T @ among) @ root.T)
    directions = root.T @ vectors[:, ::-1][:, :_KEPT]
    return np.asarray(directions * np.sqrt(width / np.trace(directions.T @ within @ directions)))


def _single(windows: Floats) -> Floats:
    return np.asarray(windows.transpose(0, 2, 1).reshape(-1, windows.shape[1]))


def _known(summary: Floats) -> Floats:
    return np.nan_to_num(summary)
