"""Golden pictures: what is told, what is not, and what is refused."""

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Dataset, Images, Lineage, Target, check_recipe, parity_of
from genba.learn.inspect.registration import moved, shift_between
from genba.learn.inspect.template import TemplateModel, TemplateRecipe

SIDE = 64


def board(kind: int) -> np.ndarray:
    """A picture of tracks and pads; each kind has its own."""
    source = np.random.default_rng(100 + kind)
    picture = np.full((SIDE, SIDE), 40.0)
    for at in source.integers(4, SIDE - 6, 6):
        picture[at : at + 3, :] = 200
        picture[:, (at * 7) % (SIDE - 6) : (at * 7) % (SIDE - 6) + 2] = 200
    return picture


def photographed(kind: int, source: np.random.Generator) -> np.ndarray:
    """The same board, a little shifted and noisy."""
    down, right = source.integers(-1, 2, 2)
    picture = moved(board(kind), int(down), int(right), 2)
    return np.clip(picture + source.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def pictures(count: int, seed: int, defects: bool = False) -> Dataset:
    source = np.random.default_rng(seed)
    pixels = np.stack([photographed(index % 2, source) for index in range(count)])
    masks = np.zeros(pixels.shape, np.bool_)
    if defects:
        for index in range(0, count, 2):
            top, left = source.integers(8, SIDE - 16, 2)
            masks[index, top : top + 6, left : left + 6] = True
        pixels[masks] = 120
    return Dataset(
        "boards",
        (),
        np.empty((count, 0)),
        np.arange(count),
        Lineage("made"),
        target=Target("defect", masks.any(axis=(1, 2)).astype(float), classes=("good", "bad")),
        images=Images(pixels, masks),
        timed=False,
    )


@pytest.fixture(scope="module")
def model() -> TemplateModel:
    return TemplateRecipe().fit(pictures(20, 1), pictures(20, 2), 0)


def test_it_finds_the_two_kinds_of_board_by_itself(model: TemplateModel) -> None:
    assert len(model.middle) == 2


def test_a_defect_is_told_and_shown_where_it_is_and_good_boards_are_not(
    model: TemplateModel,
) -> None:
    data = pictures(40, 3, defects=True)
    assert data.images is not None
    assert data.images.masks is not None
    said = model.predict(data.images.pixels.astype(float))
    truth = data.labels() == 1
    assert said.heat is not None
    assert (said.value[truth] >= model.threshold).all()
    assert (said.value[~truth] >= model.threshold).mean() <= 0.1
    for heat, mask in zip(said.heat[truth], data.images.masks[truth], strict=True):
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert mask[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4].any()


def test_the_graph_says_the_same_for_shifted_and_defective_boards(model: TemplateModel) -> None:
    data = pictures(30, 4, defects=True)
    assert data.images is not None
    parity = parity_of(model, model.to_onnx((SIDE, SIDE)), data.images.pixels.astype(float), 1e-5)
    assert parity.holds, parity


@pytest.mark.parametrize("by", [(0, 0), (2, -3), (-3, 1)])
def test_a_shift_is_found_again_and_undone(by: tuple[int, int]) -> None:
    golden = board(0) + np.random.default_rng(0).normal(0, 5, (SIDE, SIDE))
    picture = moved(golden, -by[0], -by[1], 3)
    assert shift_between(picture, golden, 3) == by
    inside = (slice(6, -6), slice(6, -6))
    assert np.array_equal(moved(picture, *by, 3)[inside], golden[inside])


def test_limits_hold_for_defective_held_out_pictures_through_their_masks() -> None:
    marked = TemplateRecipe().fit(pictures(20, 1), pictures(20, 2, defects=True), 0)
    clean = TemplateRecipe().fit(pictures(20, 1), pictures(20, 2), 0)
    assert marked.options[3] < 3 * clean.options[3]


def test_the_recipe_keeps_its_promises() -> None:
    assert check_recipe(TemplateRecipe(reach=1)) == ()


def test_a_picture_of_another_size_is_refused_with_the_mend(model: TemplateModel) -> None:
    with pytest.raises(LearnError, match=r"64x64 pixels.*not 40x64.*crop or scale"):
        model.predict(np.zeros((1, 40, 64)))


def test_a_picture_with_an_unknown_pixel_is_answered_with_nan(model: TemplateModel) -> None:
    two = np.stack([board(0), board(1)])
    two[0, 5, 5] = np.nan
    value = model.predict(two).value
    assert np.isnan(value[0])
    assert np.isfinite(value[1])


def test_pictures_that_all_show_defects_are_refused() -> None:
    data = pictures(10, 5, defects=True)
    with pytest.raises(LearnError, match="at least one good one"):
        TemplateRecipe().fit(data.take(np.arange(0, 10, 2)), pictures(10, 6), 0)


def test_held_out_pictures_of_another_size_are_refused() -> None:
    held = pictures(10, 6)
    assert held.images is not None
    smaller = Dataset(
        "small",
        (),
        held.values,
        held.time,
        held.lineage,
        images=Images(np.ascontiguousarray(held.images.pixels[:, :40])),
    )
    with pytest.raises(LearnError, match="40x64"):
        TemplateRecipe().fit(pictures(10, 1), smaller, 0)
