"""Heat over pictures: what a person sees."""

import io

import numpy as np
from PIL import Image

from genba.learn.inspect.overlay import Shown, overlay, sheet

PIXELS = np.full((24, 32), 100, np.uint8)


def test_where_there_is_no_heat_the_picture_is_unchanged_and_the_hottest_place_is_red() -> None:
    heat = np.zeros(PIXELS.shape)
    heat[5, 7] = 0.9
    laid = overlay(PIXELS, heat)
    assert laid.shape == (24, 32, 3)
    assert (laid[heat == 0] == 100).all()
    red, green, blue = laid[5, 7]
    assert red > 180
    assert green < 60
    assert blue < 60


def test_a_faint_picture_is_not_blown_up_to_red_and_heat_beyond_one_is_scaled() -> None:
    faint = overlay(PIXELS, np.full(PIXELS.shape, 0.02))
    assert abs(faint.astype(int) - 100).max() < 30
    hot = np.full(PIXELS.shape, 1.0)
    hot[0, 0] = 10.0
    assert overlay(PIXELS, hot)[0, 0, 1] < overlay(PIXELS, hot)[5, 5, 1]


def test_marked_defects_are_outlined_just_outside() -> None:
    mask = np.zeros(PIXELS.shape, np.bool_)
    mask[8:12, 8:12] = True
    laid = overlay(PIXELS, np.zeros(PIXELS.shape), mask)
    assert (laid[9, 9] == 100).all()
    assert tuple(laid[7, 9]) == (0, 220, 255)


def test_unknown_heat_leaves_the_picture() -> None:
    assert (overlay(PIXELS, np.full(PIXELS.shape, np.nan)) == 100).all()


def test_a_sheet_holds_every_picture_beside_its_heat() -> None:
    shown = [Shown(PIXELS, np.zeros(PIXELS.shape), f"0.{n} missed a/very/long/name/{n}.png")
             for n in range(6)]  # fmt: skip
    page = np.asarray(Image.open(io.BytesIO(sheet(shown))))
    assert page.shape[2] == 3
    grays = (page == 100).all(axis=2).sum()
    assert grays == 6 * 2 * PIXELS.size * 16  # four times as wide and high
    assert sheet(shown) == sheet(shown)
