"""``genba train inspect`` and ``genba inspect``: from a folder of pictures to a verdict."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import genba, one_line
from tests.learn.inspect.folders import SIDE, fill, part, save

from genba.operate.state import StateFolder

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("works")
    fill(folder / "parts", good=120, bad=80)
    StateFolder(folder / "state")
    return folder


@pytest.fixture(scope="module")
def model(works: Path) -> dict[str, object]:
    told = genba(
        *("train", "inspect", works / "parts", "--state", works / "state"),
        *("--group", r"lot=lot(\d+)_", "--json"),
    )
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert isinstance(card, dict)
    return card


def test_a_folder_of_pictures_becomes_a_signed_candidate(
    works: Path, model: dict[str, object]
) -> None:
    assert model["task"] == "inspect"
    assert "whole lots" in str(model["split"])
    tested = model["tested"]
    assert isinstance(tested, dict)
    assert tested["auc"] > 0.9
    shown = genba("model", "show", str(model["model"])[:8], "--state", works / "state")
    assert "Visual inspection for parts: '" in shown.stdout
    assert "A new kind may pass." in shown.stdout


def test_the_model_keeps_heat_and_counts_of_each_kind(model: dict[str, object]) -> None:
    folder = Path(str(model["folder"]))
    page = np.asarray(Image.open(io.BytesIO((folder / "heat.png").read_bytes())))
    assert page.shape[2] == 3
    report = (folder / "report.md").read_text()
    assert "- spot: " in report
    assert "- of good ones, falsely: " in report


def test_pictures_are_judged_in_words_and_with_heat(
    works: Path, model: dict[str, object], tmp_path: Path
) -> None:
    pixels, mask = part(np.random.default_rng(77), bad=True)
    bad = save(tmp_path / "bad.png", pixels)
    given = ("inspect", str(model["model"])[:8], "--state", works / "state")
    told = genba(*given, bad, "--heat", tmp_path / "heat")
    assert "defective: " in told.stdout
    assert "px from the left" in told.stdout
    (heat,) = (tmp_path / "heat").iterdir()
    assert Image.open(heat).size == (SIDE, SIDE)
    (plain,) = json.loads(genba(*given, bad, "--json").stdout)
    left, top, right, bottom = plain["box"]
    assert mask[top:bottom, left:right].any()
    good = save(tmp_path / "good.png", part(np.random.default_rng(78), bad=False)[0])
    assert "1 defective, 1 good" in genba(*given, good, bad).stdout


def test_a_black_picture_is_not_called_good(
    works: Path, model: dict[str, object], tmp_path: Path
) -> None:
    black = save(tmp_path / "black.png", np.zeros((SIDE, SIDE), np.uint8))
    told = genba("inspect", str(model["model"])[:8], black, "--state", works / "state")
    assert "cannot tell: the picture is all black" in told.stdout


def test_one_broken_picture_does_not_keep_the_others_from_being_judged(
    works: Path, model: dict[str, object], tmp_path: Path
) -> None:
    save(tmp_path / "a.png", part(np.random.default_rng(78), bad=False)[0])
    (tmp_path / "b.png").write_bytes(b"broken")
    given = ("inspect", str(model["model"])[:8], tmp_path, "--state", works / "state", "--json")
    first, second = json.loads(genba(*given).stdout)
    assert first["verdict"] == "good"
    assert second["verdict"] == "cannot tell"
    assert "is no picture" in second["words"]


def test_a_picture_of_another_size_is_refused(
    works: Path, model: dict[str, object], tmp_path: Path
) -> None:
    wide = save(tmp_path / "wide.png", np.eye(SIDE, 2 * SIDE, dtype=np.uint8) * np.uint8(99))
    told = genba("inspect", str(model["model"])[:8], wide, "--state", works / "state")
    assert "has 64x32 pixels, and the model learned from 32x32" in one_line(told)


def test_without_a_group_pictures_that_are_alike_stay_together(works: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "parts")
    for path in sorted((folder / "good").glob("*.png")):
        again = np.asarray(Image.open(path)).astype(int) + 1
        save(path.with_name(f"{path.stem}-again.png"), again.clip(0, 255).astype(np.uint8))
    given = ("train", "inspect", folder, "--state", works / "state")
    told = genba(*given, "--split", "rows")
    assert told.exit_code == 1
    assert "show nearly the same as one that was learned from" in told.stderr
    told = genba(*given, "--json")
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert "sets of alike pictures" in card["split"]
    assert "Nobody said which pictures show the same part" in " ".join(card["limits"])


def test_scaled_pictures_are_scaled_again_before_they_are_judged(
    works: Path, tmp_path: Path
) -> None:
    folder = fill(tmp_path / "parts")
    told = genba(
        "train", "inspect", folder, "--state", works / "state", "--size", "16x16", "--json"
    )
    assert told.exit_code == 0, told.output
    model = json.loads(told.stdout)["model"]
    (first, *_) = sorted((folder / "spot").iterdir())
    said = genba("inspect", model[:10], first, "--state", works / "state", "--json")
    (plain,) = json.loads(said.stdout)
    assert plain["verdict"] in ("good", "defective")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--split", "time"), "have no times"),
        (("--split", "tray"), "is no way to part"),
        (("--size", "big"), "is no size"),
        (("--group", "lot"), "names no group"),
        (("--masks", "nowhere"), "no folder of masks"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    works: Path, more: tuple[str, str], reason: str
) -> None:
    told = genba("train", "inspect", works / "parts", "--state", works / "state", *more)
    assert reason in one_line(told)
