"""What a plant keeps of backbones is checked, and a training that was cut off goes on."""

from pathlib import Path

import numpy as np
import pytest
from tests.learn.backbone.made_process import process

from genba.errors import LearnError
from genba.learn.backbone import teach
from genba.learn.backbone.backbone import Backbone, pretrain, untaught
from genba.learn.backbone.kept import BackboneShelf
from genba.learn.backbone.shape import Shape

pytest.importorskip("torch")

SMALL = Shape(16, 1)
NOW = "2026-03-01T06:00:00Z"


@pytest.fixture
def shelf(tmp_path: Path) -> BackboneShelf:
    return BackboneShelf(tmp_path / "backbones", tmp_path / "secrets" / "model-signing.key")


def test_a_kept_backbone_comes_back_the_same_by_the_beginning_of_its_name(
    shelf: BackboneShelf,
) -> None:
    kept = shelf.keep(untaught(SMALL), {"seed": 0}, NOW)
    again = shelf.get(kept.name[:8])
    assert again.facts == {"seed": 0}
    assert np.array_equal(again.backbone.weights["experts"], untaught(SMALL).weights["experts"])
    assert shelf.keep(untaught(SMALL), {"seed": 0}, "2027-01-01T00:00:00Z").name == kept.name
    assert shelf.names() == (kept.name,)


def test_altered_weights_altered_facts_and_another_signer_are_refused(
    shelf: BackboneShelf, tmp_path: Path
) -> None:
    kept = shelf.keep(untaught(SMALL), {"seed": 0}, NOW)
    other = BackboneShelf(shelf.root, tmp_path / "elsewhere" / "model-signing.key")
    with pytest.raises(LearnError, match="not signed with the key"):
        other.get(kept.name)
    told = shelf.root / f"{kept.name}.json"
    whole = told.read_text()
    told.write_text(whole.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(LearnError, match="was altered"):
        shelf.get(kept.name)
    told.write_text(whole)
    weights = shelf.root / f"{kept.name}.npz"
    content = bytearray(weights.read_bytes())
    content[-300] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(LearnError, match="was altered"):
        shelf.get(kept.name)


def test_a_name_that_is_not_there_is_refused_with_those_that_are(shelf: BackboneShelf) -> None:
    with pytest.raises(LearnError, match=r"0 backbones are called 'abc'; kept in .*: none"):
        shelf.get("abc")


def trained(memory: Path | None, steps: int = 8) -> Backbone:
    return pretrain([process(1)], shape=SMALL, steps=steps, seed=5, memory=memory)


def test_a_training_that_was_cut_off_ends_like_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "cut-off.npz"
    monkeypatch.setattr(teach, "_REMEMBERED_S", 0.0)

    def cut(progress: float) -> None:
        if progress >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain([process(1)], shape=SMALL, steps=8, seed=5, memory=memory, told=cut)
    assert memory.exists()
    heard: list[float] = []
    again = pretrain([process(1)], shape=SMALL, steps=8, seed=5, memory=memory, told=heard.append)
    whole = trained(None)
    assert len(heard) == 4
    assert all(np.array_equal(again.weights[n], a) for n, a in whole.weights.items())
    assert not memory.exists()


def test_the_memory_of_another_training_and_a_damaged_one_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "cut-off.npz"
    monkeypatch.setattr(teach, "_REMEMBERED_S", 0.0)
    monkeypatch.setattr("genba.learn.backbone.memory.Memory.forget", lambda self: None)
    trained(memory, steps=2)
    with pytest.raises(LearnError, match="of another training"):
        trained(memory, steps=3)
    memory.write_bytes(b"nothing")
    with pytest.raises(LearnError, match="cannot be read"):
        trained(memory, steps=2)
