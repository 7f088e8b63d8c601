"""What the camera might have seen instead: the same part mirrored, shifted and lit otherwise."""

import numpy as np

from genba.learn.arrays import AnyArray, Booleans, Floats

_SHIFT = 8
_EXPOSURE = 0.25
"""Spread of the logarithm of gamma."""
_LIGHT = 0.12
"""Spread of each term of the light, in parts of its strength."""
_NOISE = 3.0
"""Greatest spread of the camera's noise, in gray values."""


def seen_otherwise(
    pixels: Floats, masks: Booleans | None, source: np.random.Generator, *, turned: bool
) -> tuple[AnyArray, AnyArray | None]:
    """Change pictures at random; their masks move with them.

    They are mirrored, turned by half (where ``turned``, by quarters), shifted by up to 8 pixels,
    lit by a light that changes over the picture (a polynomial of second degree), exposed otherwise
    (gamma), and get noise. Light matters most: without it the network took the shading of the tiles
    that it knew for a sign.

    Returns
    -------
    pictures, masks : (n, height, width) float32
    """
    by_quarter = turned and pixels.shape[1] == pixels.shape[2]
    terms = _terms(pixels.shape[1], pixels.shape[2])
    seen, marked = [], []
    for index, picture in enumerate(pixels):
        turns = int(source.integers(4)) if by_quarter else 2 * int(source.integers(2))
        mirrored = bool(source.integers(2))
        by = tuple(int(one) for one in source.integers(-_SHIFT, _SHIFT + 1, 2))
        light = np.exp(np.tensordot(source.normal(0, _LIGHT, 5).astype(np.float32), terms, 1))
        lit = np.clip(picture.astype(np.float32) * light, 0, 255)
        gamma = np.float32(np.exp(source.normal(0, _EXPOSURE)))
        noise = source.standard_normal(picture.shape, np.float32)
        noise *= np.float32(source.uniform(0, _NOISE))
        seen.append(_moved(255 * (lit / 255) ** gamma + noise, turns, by, mirrored=mirrored))
        if masks is not None:
            marked.append(_moved(masks[index].astype(np.float32), turns, by, mirrored=mirrored))
    return np.stack(seen), np.stack(marked) if marked else None


def _terms(height: int, width: int) -> AnyArray:
    """Return what the light is a sum of, (5, height, width): slopes, curvatures and a twist."""
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    whole = np.ones((height, width), np.float32)
    curved = (across**2 - 1 / 3, down**2 - 1 / 3)
    return np.stack([whole * one for one in (across, down, *curved, across * down)])


def _moved(picture: AnyArray, turns: int, by: tuple[int, ...], *, mirrored: bool) -> AnyArray:
    moved = np.rot90(picture, turns)
    if mirrored:
        moved = moved[:, ::-1]
    (down, right), (height, width) = by, moved.shape
    reach = max(abs(down), abs(right))
    wide = np.pad(moved, reach, mode="reflect")
    return wide[reach + down : reach + down + height, reach + right : reach + right + width].copy()
