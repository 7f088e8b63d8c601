"""Textures: what cells are told by, what is learned of them, exported, and refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn import Dataset, Images, check_recipe, parity_of, sample_for
from genba.learn.inspect.texture import features_of
from genba.learn.inspect.texture_recipe import TextureModel, TextureRecipe
from genba.learn.recipe.protocol import Task

SMALL = TextureRecipe(trees=60)


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Dataset, Dataset]:
    data = sample_for(Task.INSPECT, 5)
    rows = np.arange(data.rows)
    return data.take(rows[:160]), data.take(rows[160:220]), data.take(rows[220:])


@pytest.fixture(scope="module")
def model(parts: tuple[Dataset, Dataset, Dataset]) -> TextureModel:
    return SMALL.fit(parts[0], parts[1], 3)


def pixels_of(data: Dataset) -> np.ndarray:
    assert data.images is not None
    return data.images.pixels.astype(np.float64)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.5, 1.5), st.floats(-20, 20), st.integers(0, 99))
def test_features_hardly_change_with_exposure(gain: float, offset: float, seed: int) -> None:
    picture = np.random.default_rng(seed).normal(120, 25, (1, 32, 40))
    plain, other = features_of(picture), features_of(gain * picture + offset)
    assert plain.shape == (1, 80, 69)
    assert np.allclose(plain, other, rtol=0.1, atol=0.1)


def test_a_mirrored_picture_has_mirrored_extremes() -> None:
    picture = np.random.default_rng(1).normal(120, 25, (1, 32, 40))
    plain = features_of(picture)[0, :, 0].reshape(8, 10)
    mirrored = features_of(picture[:, :, ::-1])[0, :, 0].reshape(8, 10)
    assert np.allclose(plain[:, ::-1], mirrored, atol=1e-5)


def test_it_tells_dark_spots_and_shows_where_they_are(
    model: TextureModel, parts: tuple[Dataset, Dataset, Dataset]
) -> None:
    test = parts[2]
    assert test.images is not None
    assert test.images.masks is not None
    said = model.predict(pixels_of(test))
    truth = test.labels() == 1
    assert np.mean((said.value >= model.threshold) == truth) > 0.9
    assert said.heat is not None
    assert said.heat[test.images.masks].mean() > 3 * said.heat[~test.images.masks].mean()


def test_the_graph_says_the_same_as_the_model(
    model: TextureModel, parts: tuple[Dataset, Dataset, Dataset]
) -> None:
    parity = parity_of(model, model.to_onnx((32, 32)), pixels_of(parts[2]), 1e-5)
    assert parity.holds, parity
    assert set(parity.differences) == {"value", "heat"}


def test_the_recipe_keeps_its_promises() -> None:
    assert check_recipe(SMALL) == ()


def test_without_masks_it_refuses_and_says_how_many_it_takes(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    train = parts[0]
    assert train.images is not None
    bare = Dataset(
        "bare",
        (),
        train.values,
        train.time,
        train.lineage,
        target=train.target,
        images=Images(train.images.pixels),
    )
    with pytest.raises(LearnError, match=r"learns from marked defects, and 0 pictures.*--masks"):
        SMALL.fit(bare, parts[1], 0)


def test_sides_that_cells_do_not_fill_are_refused(parts: tuple[Dataset, Dataset, Dataset]) -> None:
    def cut(data: Dataset) -> Dataset:
        assert data.images is not None
        assert data.images.masks is not None
        images = Images(data.images.pixels[:, :30], data.images.masks[:, :30])
        return Dataset(
            "cut", (), data.values, data.time, data.lineage, target=data.target, images=images
        )

    with pytest.raises(LearnError, match=r"32x30 pixels do not fit 'texture'.*multiples of 4"):
        SMALL.fit(cut(parts[0]), cut(parts[1]), 0)


def test_a_picture_with_an_unknown_pixel_is_answered_with_nan(model: TextureModel) -> None:
    two = np.full((2, 32, 32), 150.0)
    two[:, ::2] = 140
    two[1, 0, 0] = np.nan
    said = model.predict(two)
    assert np.isfinite(said.value[0])
    assert np.isnan(said.value[1])


def test_pictures_that_would_take_hours_are_refused_with_a_size_that_would_not(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    def large(data: Dataset) -> Dataset:
        assert data.images is not None
        pixels = np.zeros((data.rows, 640, 800), np.uint8)
        return Dataset(
            "large",
            (),
            data.values,
            data.time,
            data.lineage,
            target=data.target,
            images=Images(pixels),
        )

    with pytest.raises(LearnError, match=r"800x640 pixels; crop.*--size 432x352"):
        SMALL.fit(large(parts[0].take(np.arange(20))), large(parts[1].take(np.arange(20))), 0)
