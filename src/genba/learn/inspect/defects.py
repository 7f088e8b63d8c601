"""Marked defects, lifted from their pictures and pasted onto good ones: few labels, many pictures.

The idea of Ghiasi et al., *Simple copy-paste*, CVPR 2021, with real defects; only the contrast with
what is around is carried over, so that the new picture keeps its own light.
"""

import numpy as np
from scipy import ndimage

from genba.learn.arrays import Booleans, Bytes, Floats

_LARGEST = 0.05
"""Share of the picture that a defect may cover, to be pasted."""
_PASTED = 0.25
"""Share of the good pictures that get a defect."""
_AROUND = 31
_SOFT = 1.5


class Defects:
    """Those of ``pixels`` (n, height, width) that are marked in ``masks`` and small enough."""

    def __init__(self, pixels: Bytes, masks: Booleans) -> None:
        share = masks.mean(axis=(1, 2))
        kept = np.flatnonzero((share > 0) & (share <= _LARGEST))
        self._masks = masks[kept]
        self._lifted, self._weights = [], []
        for index in kept:
            picture = pixels[index].astype(np.float64)
            contrast = picture - ndimage.uniform_filter(picture, _AROUND)
            wide = ndimage.binary_dilation(masks[index], iterations=2).astype(np.float64)
            weight = np.maximum(ndimage.gaussian_filter(wide, _SOFT), masks[index])
            self._lifted.append((contrast * weight).astype(np.float32))
            self._weights.append(weight.astype(np.float32))

    def pasted(
        self, pixels: Floats, masks: Booleans, bad: Booleans, source: np.random.Generator
    ) -> tuple[Floats, Booleans, Booleans]:
        """Return pictures, masks and labels, with defects on some of the good ones."""
        shown, where, truth = pixels.copy(), masks.copy(), bad.copy()
        if not self._lifted:
            return shown, where, truth
        for index in np.flatnonzero(~bad & (source.random(len(bad)) < _PASTED)):
            number = int(source.integers(len(self._lifted)))
            by = tuple(int(source.integers(size)) for size in shown.shape[1:])
            lifted, weight, mask = (
                np.roll(one[number], by, axis=(0, 1))
                for one in (self._lifted, self._weights, self._masks)
            )
            ground = ndimage.uniform_filter(shown[index], _AROUND)
            strong = source.uniform(0.7, 1.3)
            calm = (1 - weight) * shown[index] + weight * ground
            shown[index] = np.clip(calm + strong * lifted, 0, 255)
            where[index] |= mask
            truth[index] = True
        return shown, where, truth
