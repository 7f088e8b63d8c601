"""Pictures that a recipe can learn from, or judge; others are refused."""

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Bytes, Floats
from genba.learn.data.dataset import Dataset, Images

MOST_PIXELS = 160_000
"""Pixels of a picture that recipes which look at every place put up with."""


def images_of(data: Dataset) -> Images:
    """Return the pictures of a data set.

    Raises
    ------
    LearnError
        If it has none.
    """
    if data.images is None:
        raise LearnError(
            f"data set '{data.name}' has no pictures; give it images, one a row, all of one size"
        )
    return data.images


def labels_of(data: Dataset) -> Booleans:
    """Return which pictures show a defect: by the target, or by a mask that is not empty.

    Raises
    ------
    LearnError
        If nobody says which do, a label is unknown, or the target is no class of two.
    """
    images = images_of(data)
    if data.target is None:
        if images.masks is None:
            raise LearnError(
                f"data set '{data.name}' does not say which pictures show a defect; "
                "name the column that does with --target, or give masks"
            )
        return np.asarray(images.masks.any(axis=(1, 2)), np.bool_)
    values = data.target.values
    if not np.isin(values, (0.0, 1.0)).all():
        raise LearnError(
            f"target '{data.target.name}' must say good (0) or defective (1) of every picture; "
            "leave pictures without a label out, and put kinds of defects together"
        )
    return np.asarray(values == 1, np.bool_)


def checked(inputs: Floats, height: int, width: int) -> Floats:
    """Return pictures to be judged, (n, height, width) of gray values 0 to 255.

    Raises
    ------
    LearnError
        If they have another size than the model was taught with.
    """
    if inputs.ndim != 3 or inputs.shape[1:] != (height, width):
        found = "x".join(str(one) for one in inputs.shape[1:])
        raise LearnError(
            f"the model judges pictures of {height}x{width} pixels (height x width), not {found}; "
            "crop or scale them as those it was taught with"
        )
    return np.asarray(inputs, np.float64)


def known(inputs: Floats) -> Booleans:
    """Which pictures have all their pixels, as finite numbers."""
    return np.asarray(np.isfinite(inputs).all(axis=(1, 2)))


def not_too_large(pixels: Bytes, name: str) -> None:
    """Refuse pictures that a recipe would take hours for."""
    height, width = pixels.shape[1:]
    if height * width > MOST_PIXELS:
        share = (MOST_PIXELS / (height * width)) ** 0.5
        smaller = f"{int(share * width) // 16 * 16}x{int(share * height) // 16 * 16}"
        raise LearnError(
            f"'{name}' would take hours for pictures of {width}x{height} pixels; crop them to "
            f"where defects are, or scale them (--size {smaller})"
        )


def same_size(train: Bytes, held: Bytes, what: str) -> None:
    """Refuse held-out pictures of another size than those that are learned from."""
    if train.shape[1:] != held.shape[1:]:
        raise LearnError(
            f"{what} pictures have {held.shape[1]}x{held.shape[2]} pixels, those to learn from "
            f"{train.shape[1]}x{train.shape[2]}; bring them to one size"
        )
