"""Network and textures together: promises, graph, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import Dataset, Images, check_recipe, parity_of, sample_for
from genba.learn.inspect.joint_recipe import JointRecipe
from genba.learn.recipe.protocol import Task

pytest.importorskip("torch")

SMALL = JointRecipe(epochs=8, batch=16, width=8, trees=40)


def test_it_tells_dark_spots_and_the_graph_says_the_same() -> None:
    data = sample_for(Task.INSPECT, 5)
    rows = np.arange(data.rows)
    model = SMALL.fit(data.take(rows[:160]), data.take(rows[160:220]), 3)
    test = data.take(rows[220:])
    assert test.images is not None
    assert test.images.masks is not None
    pixels = test.images.pixels.astype(np.float64)
    said = model.predict(pixels)
    assert np.mean((said.value >= model.threshold) == (test.labels() == 1)) > 0.9
    assert said.heat is not None
    assert said.heat[test.images.masks].mean() > 2 * said.heat[~test.images.masks].mean()
    parity = parity_of(model, model.to_onnx((32, 32)), pixels, 1e-4)
    assert parity.holds, parity


def test_the_recipe_keeps_its_promises() -> None:
    assert check_recipe(JointRecipe(epochs=1, batch=16, width=8, trees=20)) == ()


def test_without_masks_it_is_refused() -> None:
    data = sample_for(Task.INSPECT, 5)
    assert data.images is not None
    bare = Dataset(
        "bare",
        (),
        data.values,
        data.time,
        data.lineage,
        target=data.target,
        images=Images(data.images.pixels),
    )
    with pytest.raises(LearnError, match="learns from marked defects"):
        SMALL.fit(bare.take(np.arange(160)), bare.take(np.arange(160, 220)), 0)


def test_a_model_in_which_the_worst_places_speak_still_says_what_it_said() -> None:
    data = sample_for(Task.INSPECT, 5)
    rows = np.arange(data.rows)
    model = JointRecipe(epochs=1, batch=16, width=8, trees=20).fit(
        data.take(rows[:160]), data.take(rows[160:220]), 3
    )
    assert model.network.heard.tolist() == [0, 1]
    options = model.network.options.copy()
    options[:2] = 1.0, 0.0
    before = replace(model, network=replace(model.network, options=options))
    assert data.images is not None
    pixels = data.images.pixels[220:].astype(np.float64)
    worst = before.network.logits(pixels)[1][:, 0]
    texture = before.texture.worst(before.texture.cells(pixels))
    assert np.allclose(before.logits(pixels)[2], worst + texture)
    assert parity_of(before, before.to_onnx((32, 32)), pixels, 1e-4).holds
