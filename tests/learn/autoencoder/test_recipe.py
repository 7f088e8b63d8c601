"""An autoencoder learns relations that bend, names the signal, and says the same in ONNX."""

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.anomaly.test_usual import high_mix

from genba.learn import (
    Column,
    Dataset,
    Lineage,
    Task,
    anomaly_ladder,
    check_recipe,
    parity_of,
    sample_for,
    windows_of,
)

pytest.importorskip("torch")

from genba.learn.anomaly.distance import DistanceRecipe
from genba.learn.autoencoder.recipe import AutoencoderRecipe

QUICK = AutoencoderRecipe(window=5, width=32, narrow=3, epochs=25)


def test_it_keeps_the_promises_of_recipes() -> None:
    assert check_recipe(QUICK) == ()


def ring(seed: int, rows: int = 2500) -> Dataset:
    """Two signals on a circle, and a third that is their product: no line relates them."""
    random = np.random.default_rng(seed)
    angle = np.cumsum(random.normal(0, 0.15, rows))
    x, y = np.cos(angle), np.sin(angle)
    values = np.column_stack([x, y, x * y]) + random.normal(0, 0.03, (rows, 3))
    columns = tuple(Column(name) for name in ("x", "y", "xy"))
    return Dataset("ring", columns, values, np.arange(rows) * 60_000_000, Lineage("made"))


def test_a_relation_that_bends_is_learned_and_the_signal_that_broke_it_named() -> None:
    train, held, later = ring(0), ring(1), ring(2)
    values = later.values.copy()
    values[:, 2] += 0.4
    broken = replace(later, values=values)
    found = {}
    for recipe in (replace(QUICK, epochs=80, narrow=4), DistanceRecipe(window=5)):
        model = recipe.fit(train, held, 0)
        inputs = windows_of(broken, 5).values
        found[recipe.name] = float(np.mean(model.predict(inputs).value > 1))
        if recipe.name == "autoencoder":
            assert model.explain(inputs).sum(axis=0).argmax() == 2
    assert found["autoencoder"] > 10 * found["distance"]


def test_onnx_says_the_same_at_known_and_unseen_settings() -> None:
    model = QUICK.fit(high_mix(0, products=(0, 1)), high_mix(1, products=(0, 1)), 0)
    inputs = windows_of(high_mix(2, rows=400), 5).values
    assert parity_of(model, model.to_onnx((5, 4)), inputs, 1e-4).holds


def test_it_stands_on_the_ladder_where_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    train = sample_for(Task.ANOMALY, 0, 700)
    assert "autoencoder" in {one.name for one in anomaly_ladder(train).rungs}
    monkeypatch.setattr("genba.learn.anomaly.ladder.find_spec", lambda name: None)
    assert "autoencoder" not in {one.name for one in anomaly_ladder(train).rungs}
