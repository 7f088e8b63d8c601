"""Pasting defects: labels and masks follow, the light of the new picture stays."""

import numpy as np

from genba.learn.inspect.defects import Defects

SIDE = 64


def pictures() -> tuple[np.ndarray, np.ndarray]:
    pixels = np.full((4, SIDE, SIDE), 180, np.uint8)
    masks = np.zeros(pixels.shape, np.bool_)
    masks[:3, 20:26, 30:36] = True
    pixels[masks] = 60
    masks[3, :40] = True
    return pixels, masks


def test_a_pasted_defect_is_dark_where_the_mask_says_and_nothing_else_changes() -> None:
    good = np.full((40, SIDE, SIDE), 90.0)
    nothing = np.zeros(good.shape, np.bool_)
    shown, where, bad = Defects(*pictures()).pasted(
        good, nothing, np.zeros(40, np.bool_), np.random.default_rng(0)
    )
    assert 0 < bad.sum() < 40
    assert np.array_equal(where.any(axis=(1, 2)), bad)
    assert (shown[where] < 60).all()
    assert np.array_equal(shown[~bad], good[~bad])
    assert not nothing.any()
    assert (good == 90).all()


def test_bad_pictures_stay_as_they_are() -> None:
    pixels, masks = pictures()
    shown, where, bad = Defects(pixels, masks).pasted(
        pixels.astype(float), masks, np.ones(4, np.bool_), np.random.default_rng(0)
    )
    assert np.array_equal(shown, pixels)
    assert np.array_equal(where, masks)
    assert bad.all()


def test_defects_that_cover_much_of_the_picture_are_not_lifted() -> None:
    pixels, masks = pictures()
    good = np.full((20, SIDE, SIDE), 90.0)
    none = np.zeros(good.shape, np.bool_)
    _, where, bad = Defects(pixels[3:], masks[3:]).pasted(
        good, none, np.zeros(20, np.bool_), np.random.default_rng(0)
    )
    assert not bad.any()
    assert not where.any()
