"""Boards with golden pictures through the command line: no network, no masks needed."""

import json
from pathlib import Path

import numpy as np
from tests.cli.command import genba
from tests.learn.inspect.folders import save

from genba.operate.state import StateFolder

SIDE = 64


def board(kind: int, source: np.random.Generator, *, bad: bool = False) -> np.ndarray:
    tracks = np.random.default_rng(kind).random((8, 8)) > 0.5
    picture = 40 + 160.0 * tracks.repeat(8, axis=0).repeat(8, axis=1)
    if bad:
        top, left = source.integers(8, 48, 2)
        picture[top : top + 6, left : left + 6] = 120
    return np.clip(picture + source.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def test_golden_pictures_are_always_learned_from(tmp_path: Path) -> None:
    source = np.random.default_rng(3)
    folder = tmp_path / "boards"
    for kind in range(3):
        save(folder / "golden" / f"type{kind}.png", board(kind, source))
        for index in range(24):
            save(folder / "good" / f"{kind}-{index}.png", board(kind, source))
            save(folder / "bent" / f"{kind}-{index}.png", board(kind, source, bad=True))
    StateFolder(tmp_path / "state")
    given = ("train", "inspect", folder, "--state", tmp_path / "state", "--split", "rows")
    told = genba(*given, "--json")
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert card["tested"]["auc"] > 0.95
    assert "It knows the products of its golden pictures, and no others." in card["limits"]
    texture = next(row for row in card["rungs"] if row["recipe"] == "texture")
    assert "--masks" in texture["failed"]
