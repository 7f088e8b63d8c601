"""The network: what it learns on tiny pictures, what it exports, and what it refuses."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Dataset, Images, Target, check_recipe, parity_of, sample_for
from genba.learn.inspect.network_recipe import NetworkModel, NetworkRecipe
from genba.learn.recipe.protocol import Task

pytest.importorskip("torch")

SMALL = NetworkRecipe(epochs=10, batch=16, width=8)


@pytest.fixture(scope="module")
def parts() -> tuple[Dataset, Dataset, Dataset]:
    data = sample_for(Task.INSPECT, 5)
    rows = np.arange(data.rows)
    return data.take(rows[:160]), data.take(rows[160:220]), data.take(rows[220:])


@pytest.fixture(scope="module")
def model(parts: tuple[Dataset, Dataset, Dataset]) -> NetworkModel:
    return SMALL.fit(parts[0], parts[1], 3)


def pixels_of(data: Dataset) -> np.ndarray:
    assert data.images is not None
    return data.images.pixels.astype(np.float64)


def test_it_tells_dark_spots_from_noise_and_shows_where_they_are(
    model: NetworkModel, parts: tuple[Dataset, Dataset, Dataset]
) -> None:
    test = parts[2]
    assert test.images is not None
    assert test.images.masks is not None
    said = model.predict(pixels_of(test))
    truth = test.labels() == 1
    assert np.mean((said.value >= model.threshold) == truth) > 0.9
    assert said.heat is not None
    assert said.heat[test.images.masks].mean() > 1.5 * said.heat[~test.images.masks].mean()


def test_the_graph_says_the_same_as_the_model(
    model: NetworkModel, parts: tuple[Dataset, Dataset, Dataset]
) -> None:
    parity = parity_of(model, model.to_onnx((32, 32)), pixels_of(parts[2]), 1e-4)
    assert parity.holds, parity
    assert set(parity.differences) == {"value", "heat"}


def test_the_recipe_keeps_its_promises() -> None:
    assert check_recipe(NetworkRecipe(epochs=1, batch=16, width=8)) == ()


def test_labels_alone_are_enough_and_exposure_does_not_count(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    train, held, test = (
        Dataset(
            one.name,
            (),
            one.values,
            one.time,
            one.lineage,
            target=one.target,
            images=Images(one.images.pixels) if one.images else None,
        )
        for one in parts
    )
    model = replace(SMALL, epochs=20).fit(train, held, 3)
    bright = model.predict(1.2 * pixels_of(test) + 10).value
    assert np.allclose(bright, model.predict(pixels_of(test)).value, atol=0.05)
    assert np.mean((bright >= model.threshold) == (test.labels() == 1)) > 0.85


def test_a_picture_of_another_size_is_refused_with_the_mend(model: NetworkModel) -> None:
    with pytest.raises(LearnError, match=r"32x32 pixels.*not 48x32.*crop or scale"):
        model.predict(np.zeros((2, 48, 32)))


def test_a_picture_with_an_unknown_pixel_is_answered_with_nan(model: NetworkModel) -> None:
    two = np.full((2, 32, 32), 150.0)
    two[1, 0, 0] = np.nan
    said = model.predict(two)
    assert np.isfinite(said.value[0])
    assert np.isnan(said.value[1])
    assert said.heat is not None
    assert np.isnan(said.heat[1]).all()


def test_pictures_of_one_class_are_refused_and_the_other_recipe_is_named(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    good = parts[0].take(np.flatnonzero(parts[0].labels() == 0))
    with pytest.raises(LearnError, match=r"0 show a defect.*'template'"):
        SMALL.fit(good, parts[1], 0)


def test_sides_that_the_network_cannot_halve_are_refused(
    parts: tuple[Dataset, Dataset, Dataset],
) -> None:
    def cut(data: Dataset) -> Dataset:
        assert data.images is not None
        images = Images(np.ascontiguousarray(data.images.pixels[:, :30]))
        return Dataset(
            "cut", (), data.values, data.time, data.lineage, target=data.target, images=images
        )

    with pytest.raises(LearnError, match="multiples of 16"):
        SMALL.fit(cut(parts[0]), cut(parts[1]), 0)


def test_a_label_that_nobody_knows_is_refused(parts: tuple[Dataset, Dataset, Dataset]) -> None:
    values = parts[0].labels().copy()
    values[3] = np.nan
    data = parts[0].with_target(Target("defect", values, classes=("good", "bad")))
    with pytest.raises(LearnError, match="without a label"):
        SMALL.fit(data, parts[1], 0)


def test_the_recipe_is_at_hand_without_loading_pytorch() -> None:
    code = (
        "import sys, genba.learn.inspect.network_recipe, genba.learn.inspect.template;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
