"""Models lie under their content, signed; whatever is altered is found when it is opened."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import (
    Candidate,
    Dataset,
    OnnxModel,
    Registry,
    Task,
    What,
    anomaly_ladder,
    by_time,
    sample_for,
    train,
)
from genba.learn.recipe.catalog import recipe_of
from genba.learn.registry.signature import public_text, signing_key
from genba.learn.registry.store import read_arrays, write_arrays

NOW = "2026-01-05T06:00:00Z"


@pytest.fixture(scope="module")
def candidate() -> Candidate:
    data = sample_for(Task.ANOMALY, 0, 3000)
    return trained(data)


def trained(data: Dataset, seed: int = 0) -> Candidate:
    split = by_time(data)
    return train(data, split, anomaly_ladder(split.take(data, "train")), seed=seed)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", tmp_path / "secrets" / "model-signing.key")


def test_what_was_kept_is_found_by_the_beginning_of_its_digest(
    candidate: Candidate, registry: Registry
) -> None:
    kept = candidate.keep(registry, NOW, by="me")
    found = registry.get(kept.digest[:8])
    assert found.digest == kept.digest
    assert found.card == candidate.card
    assert registry.list() == (kept.digest,)
    (event,) = registry.history.events()
    assert (event.what, event.model, event.by) == (What.REGISTERED, kept.digest, "me")


def test_the_kept_model_says_what_the_trained_one_said(
    candidate: Candidate, registry: Registry
) -> None:
    kept = candidate.keep(registry, NOW)
    rows = kept.rows()
    restored = recipe_of(kept.card).restore(kept.parts()).predict(rows["inputs"].astype(np.float64))
    assert np.array_equal(restored.value, rows["value"])
    edge = OnnxModel(kept.onnx()).predict(rows["inputs"])
    assert np.allclose(edge.value, rows["value"], rtol=1e-5)


def test_a_card_never_loads_what_was_not_installed_on_purpose(candidate: Candidate) -> None:
    with pytest.raises(LearnError, match="which no installed package brings"):
        recipe_of(replace(candidate.card, made_by="os:system"))
    with pytest.raises(LearnError, match="cannot be made again"):
        recipe_of(replace(candidate.card, made_by="genba.learn.anomaly.pca:Nothing"))


def test_the_same_data_and_seed_are_the_same_model_and_others_are_not(
    candidate: Candidate, registry: Registry
) -> None:
    one = candidate.keep(registry, NOW)
    again = trained(sample_for(Task.ANOMALY, 0, 3000)).keep(registry, "2026-01-06T06:00:00Z")
    other = trained(sample_for(Task.ANOMALY, 1, 3000)).keep(registry, NOW)
    assert again.digest == one.digest
    assert other.digest != one.digest
    assert len(registry.history.events(one.digest)) == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("name", ["model.onnx", "card.json", "parts.npz", "rows.npz"])
@pytest.mark.parametrize("harm", [_cut, _gone])
def test_an_altered_file_is_found_and_named(
    candidate: Candidate, registry: Registry, name: str, harm: Callable[[Path], None]
) -> None:
    kept = candidate.keep(registry, NOW)
    harm(kept.folder / name)
    with pytest.raises(LearnError, match=f"{name}.* of model {kept.digest[:12]} was altered"):
        registry.get(kept.digest)


def test_a_manifest_that_was_made_to_fit_is_found_by_the_digest(
    candidate: Candidate, registry: Registry
) -> None:
    kept = candidate.keep(registry, NOW)
    _cut(kept.folder / "rows.npz")
    path = kept.folder / "manifest.json"
    told = json.loads(path.read_text())
    content = (kept.folder / "rows.npz").read_bytes()
    told["files"]["rows.npz"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(told))
    with pytest.raises(LearnError, match="was altered or damaged"):
        registry.get(kept.digest)


def test_a_signature_of_somebody_else_does_not_hold(
    candidate: Candidate, registry: Registry, tmp_path: Path
) -> None:
    kept = candidate.keep(registry, NOW)
    stranger = public_text(signing_key(tmp_path / "other.key"))
    with pytest.raises(LearnError, match="is not signed with the key"):
        registry.get(kept.digest, trusted=stranger)


def test_the_key_is_for_its_owner_alone(candidate: Candidate, registry: Registry) -> None:
    candidate.keep(registry, NOW)
    key = registry.root.parent / "secrets" / "model-signing.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_an_unknown_model_is_told(registry: Registry) -> None:
    with pytest.raises(LearnError, match="there is no model 'abc'"):
        registry.get("abc")


def test_arrays_come_back_and_objects_never_go_in() -> None:
    arrays = {"a": np.arange(3.0), "t": np.array(["x", "yy"])}
    content = write_arrays(arrays)
    assert content == write_arrays(dict(reversed(arrays.items())))
    assert all(np.array_equal(read_arrays(content)[name], arrays[name]) for name in arrays)
    with pytest.raises(LearnError, match="holds Python objects"):
        write_arrays({"o": np.array([object()])})
    with pytest.raises(LearnError, match="cannot be read"):
        read_arrays(b"PK no")
