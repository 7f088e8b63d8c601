"""Pictures that show the same twice are found; parts that only look alike are no copies."""

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Dataset, Images, LeakKind, Lineage, Target, by_rows, leaks, refuse_leaks
from genba.learn.split.alike import alike_groups, alike_pairs

SIDE = 48


def scene(source: np.random.Generator) -> np.ndarray:
    coarse = source.normal(0, 30, (8, 8))
    return 120 + coarse.repeat(6, axis=0).repeat(6, axis=1)


def shot(picture: np.ndarray, source: np.random.Generator, noise: float = 3.0) -> np.ndarray:
    return np.clip(picture + source.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


def test_exposures_of_one_part_are_alike_and_of_others_are_not() -> None:
    source = np.random.default_rng(1)
    scenes = [scene(source) for _ in range(20)]
    pixels = np.stack([shot(s * f, source) for s in scenes for f in (0.6, 1.0, 1.4)])
    groups = alike_groups(pixels)
    assert len(np.unique(groups)) == 20
    assert all(len(np.unique(groups[3 * i : 3 * i + 3])) == 1 for i in range(20))


def test_parts_of_one_product_before_a_fixed_camera_are_no_copies() -> None:
    source = np.random.default_rng(2)
    product = scene(source)
    pixels = np.stack([shot(product, source) for _ in range(40)])
    assert len(alike_pairs(pixels)) == 0
    pixels[7] = np.clip(pixels[30].astype(int) + source.integers(-1, 2, (SIDE, SIDE)), 0, 255)
    assert alike_pairs(pixels).tolist() == [[7, 30]]


def test_two_pictures_are_too_few_to_tell() -> None:
    assert alike_pairs(np.zeros((2, SIDE, SIDE), np.uint8)).shape == (0, 2)


@pytest.fixture
def exposed() -> Dataset:
    source = np.random.default_rng(3)
    scenes = [scene(source) for _ in range(30)]
    pixels = np.stack([shot(s * f, source) for s in scenes for f in (0.7, 1.2)])
    bad = (np.arange(60) // 2 % 3 == 0).astype(float)
    return Dataset(
        "parts",
        (),
        np.empty((60, 0)),
        np.arange(60),
        Lineage("made"),
        {"part": (np.arange(60) // 2).astype(np.str_)},
        Target("defect", bad, classes=("good", "defective")),
        Images(pixels),
        timed=False,
    )


def test_a_split_that_puts_copies_on_both_sides_is_refused(exposed: Dataset) -> None:
    with pytest.raises(LearnError, match=r"test pictures show nearly the same.*--split alike"):
        refuse_leaks(exposed, by_rows(exposed), ("part",))


def test_who_vouches_for_copies_may_go_on(exposed: Dataset) -> None:
    found = leaks(exposed, by_rows(exposed), vouched=("part", "duplicates"))
    assert LeakKind.DUPLICATE not in [one.kind for one in found]
