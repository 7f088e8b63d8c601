"""Folders of small pictures, as a camera would leave them."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32


def part(source: np.random.Generator, *, bad: bool) -> tuple[np.ndarray, np.ndarray]:
    """A gray part with noise, and perhaps a dark spot; and where the spot is."""
    shade = source.normal(0, 6, (8, 8)).repeat(4, axis=0).repeat(4, axis=1)
    pixels = 150 + shade + source.normal(0, 8, (SIDE, SIDE))
    mask = np.zeros((SIDE, SIDE), np.bool_)
    if bad:
        top, left = source.integers(0, SIDE - 8, 2)
        mask[top : top + 8, left : left + 8] = True
        pixels[mask] -= 70
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def fill(folder: Path, good: int = 60, bad: int = 40, *, masks: bool = True) -> Path:
    """Good ones, and two kinds of defects with masks; each lot has four pictures."""
    source = np.random.default_rng(4)
    for index in range(good):
        save(folder / "good" / f"lot{index // 4}_{index}.png", part(source, bad=False)[0])
    for index in range(bad):
        kind = ("spot", "stain")[index % 2]
        pixels, mask = part(source, bad=True)
        name = f"lot{100 + index // 4}_{index}.png"
        save(folder / kind / name, pixels)
        if masks:
            save(folder / "masks" / kind / name, mask.astype(np.uint8) * 255)
    return folder
