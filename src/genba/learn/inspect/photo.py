"""One picture from a file: gray values, or a clear reason why it is none that can be judged."""

from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Bytes

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_DARK = 8
"""Gray value that no place of a picture exceeds whose camera was covered, off or unlit."""
_FLAT = 1.0
"""Spread in gray values below which a picture shows nothing."""
_COLOR = 12
"""Greatest difference of red, green and blue that compression alone makes of a gray picture."""
_MOST_PIXELS = 50_000_000


def read_photo(path: Path, *, gray: bool = False, size: tuple[int, int] | None = None) -> Bytes:
    """Read a picture as (height, width) gray values 0 to 255.

    Parameters
    ----------
    gray : bool
        Whether colors may be turned into gray (ITU-R BT.601 luma).
    size : tuple of int, optional
        Height and width to scale it to, by the mean over the area.

    Raises
    ------
    LearnError
        If it is unreadable, in color, or holds more than 8 bits a pixel.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise LearnError(
                    f"{path} has {opened.width}x{opened.height} pixels; crop or scale it to "
                    f"{_MOST_PIXELS // 1_000_000} million or less"
                )
            opened.load()
            pixels = _gray_of(opened, path, gray=gray)
    except UnidentifiedImageError:
        raise LearnError(f"{path} is no picture; give PNG, JPEG, BMP or TIFF") from None
    except FileNotFoundError:
        raise LearnError(f"there is no picture {path}; check the path") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LearnError(f"{path} cannot be read: {error}; take it out, or save it again") from None
    return pixels if size is None else scaled(pixels, size)


def _gray_of(image: "object", path: Path, *, gray: bool) -> Bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)  # noqa: S101 - Pillow is imported where it is used
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"), np.uint8)
    if image.mode.startswith(("I", "F")):
        raise LearnError(
            f"{path} holds more than 8 bits a pixel (mode {image.mode}); save it with gray values "
            "0 to 255"
        )
    colors = np.asarray(image.convert("RGB"), np.int16)
    apart = int((colors.max(axis=2) - colors.min(axis=2)).max(initial=0))
    if apart > _COLOR and not gray:
        raise LearnError(
            f"{path} is in color (channels differ by up to {apart}), and models see gray; save it "
            "gray, or train with --gray to have colors turned into gray"
        )
    return np.asarray(image.convert("L"), np.uint8)


def scaled(pixels: Bytes, size: tuple[int, int]) -> Bytes:
    """Scale a picture to height and width, by the mean over the area."""
    from PIL import Image

    if pixels.shape == size:
        return pixels
    wanted = (size[1], size[0])
    return np.asarray(Image.fromarray(pixels).resize(wanted, Image.Resampling.BOX), np.uint8)


def read_mask(path: Path, shape: tuple[int, int], size: tuple[int, int] | None = None) -> Booleans:
    """Read where the defects of a picture of ``shape`` (height, width) are, as booleans.

    Raises
    ------
    LearnError
        If it is unreadable, of another size than its picture, or not black and white.
    """
    mask = read_photo(path, gray=True)
    if mask.shape != shape:
        raise LearnError(
            f"mask {path} has {told_size(mask.shape)} pixels, its picture {told_size(shape)}; "
            "give a mask of the size of its picture"
        )
    between = float(np.mean((mask > 63) & (mask < 192)))
    if len(np.unique(mask)) > 2 and between > 0.01:
        raise LearnError(
            f"mask {path} is no mask: {between:.0%} of it is neither black nor white; give a PNG "
            "that is white where the defect is and black elsewhere"
        )
    marked = np.asarray(mask > (0 if mask.max(initial=0) < 128 else 127), np.uint8) * np.uint8(255)
    return np.asarray((marked if size is None else scaled(marked, size)) > 0)


def shows_nothing(pixels: Bytes) -> str:
    """Tell why a picture shows nothing: a dead or covered camera; empty where it shows something.

    Parameters
    ----------
    pixels : (height, width) uint8
    """
    if int(pixels.max(initial=0)) <= _DARK:
        return "is all black: the camera was off, covered or without light"
    if float(pixels.std()) < _FLAT:
        return f"is one flat gray of {pixels.mean():.0f}: the camera sees nothing"
    return ""


def told_size(shape: tuple[int, ...]) -> str:
    """Write a size for people: width x height, as cameras do."""
    return f"{shape[1]}x{shape[0]}"
