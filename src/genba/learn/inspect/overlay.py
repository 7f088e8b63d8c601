"""Heat laid over pictures, so that a person sees why: PNG files, with Pillow."""

import io
from dataclasses import dataclass

import numpy as np

from genba.learn.arrays import AnyArray, Booleans, Bytes, Floats

_OUTLINE = (0, 220, 255)
_FEWEST_ROWS = 96
"""Pictures lower than this are enlarged on a sheet."""
_MOST_ROWS = 320
"""Pictures higher than this are thinned out."""
_TEXT = 14
_GAP = 4


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture on a sheet: gray values, its heat, marked defects where known, and a caption."""

    pixels: Bytes
    heat: Floats
    caption: str
    mask: Booleans | None = None


def overlay(pixels: Bytes, heat: Floats, mask: Booleans | None = None) -> Bytes:
    """Lay heat over a picture: red where it is greatest, unchanged where it is 0.

    Heat up to 1 counts as it is; where it goes beyond (a golden picture's is in parts of its
    limit), the hottest place is full red. Marked defects are outlined.

    Returns
    -------
    (height, width, 3) uint8
    """
    known = np.nan_to_num(heat)
    share = np.clip(known / max(1.0, float(known.max(initial=0.0))), 0.0, 1.0)[..., None]
    color = np.concatenate([np.full_like(share, 255.0), 230.0 * (1 - share), 0 * share], axis=2)
    strength = 0.75 * np.sqrt(share)
    gray = np.repeat(pixels[..., None].astype(np.float64), 3, axis=2)
    laid = np.rint((1 - strength) * gray + strength * color).astype(np.uint8)
    if mask is not None and mask.any():
        laid[_edge(mask)] = _OUTLINE
    return np.asarray(laid, np.uint8)


def _edge(mask: Booleans) -> Booleans:
    """Places just outside of a mark."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(mask) & ~mask, np.bool_)


def png_of(picture: AnyArray) -> bytes:
    """Write gray (height, width) or colored (height, width, 3) uint8 as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def sheet(shown: list[Shown], across: int = 4) -> bytes:
    """Write a contact sheet as PNG: each picture beside its overlay, the caption below."""
    from PIL import Image, ImageDraw

    tiles = []
    for one in shown:
        times = -(-_FEWEST_ROWS // one.pixels.shape[0])
        step = -(-one.pixels.shape[0] // _MOST_ROWS)
        plain = np.repeat(one.pixels[..., None], 3, axis=2)
        both = np.concatenate([plain, overlay(one.pixels, one.heat, one.mask)], axis=1)
        both = both[::step, ::step]
        tiles.append(both.repeat(times, axis=0).repeat(times, axis=1))
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    down = -(-len(tiles) // across)
    each = (height + _TEXT + _GAP, width + _GAP)
    page = Image.new("RGB", (min(across, len(tiles)) * each[1], down * each[0]), "white")
    pen = ImageDraw.Draw(page)
    for number, (tile, one) in enumerate(zip(tiles, shown, strict=True)):
        left, top = (number % across) * each[1], (number // across) * each[0]
        page.paste(Image.fromarray(tile), (left, top))
        pen.text((left + 2, top + height), _fitting(one.caption, width), fill="black")
    file = io.BytesIO()
    page.save(file, "PNG", optimize=True)
    return file.getvalue()


def _fitting(caption: str, width: int) -> str:
    """Shorten a caption to what fits below its picture; the built-in font is 6 pixels wide."""
    most = max(8, width // 6)
    return caption if len(caption) <= most else f"...{caption[3 - most :]}"
