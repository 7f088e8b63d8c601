"""``genba model verify`` of a model of pictures: a folder, labels, and what does not fit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import genba, one_line
from tests.cli.test_edge import PLANT
from tests.learn.edge.photographed import Photographed
from tests.learn.inspect.folders import part, save


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Photographed:
    made = Photographed(tmp_path_factory.mktemp("shot"))
    (made.folder / "plant.yaml").write_text(PLANT)
    source = np.random.default_rng(77)
    for index in range(40):
        save(made.folder / "new" / "good" / f"{index}.png", part(source, bad=False)[0])
    for index in range(20):
        save(made.folder / "new" / "spot" / f"{index}.png", part(source, bad=True)[0])
    return made


def on(shot: Photographed, *words: str | Path) -> tuple[str | Path, ...]:
    first = ("model", "verify", shot.model.digest[:8], shot.folder / "plant.yaml")
    return (*first, "--state", shot.folder / "state", *words)


def test_a_folder_with_labels_gives_figures_and_a_verdict(shot: Photographed) -> None:
    told = genba(*on(shot, "--pictures", shot.folder / "new"))
    assert told.exit_code == 0, told.output
    assert "good ones told falsely" in told.stdout
    assert "It passed" in told.stdout
    told = genba(*on(shot, "--pictures", shot.folder / "new", "--json"))
    figures = json.loads(told.stdout)
    assert figures["pictures"]["defects_found"]["of"] == 20
    assert (figures["budget_us"], figures["false_alarms"], figures["found"]) == (1e6, 0.05, 0.5)


def test_by_default_it_is_what_the_camera_delivered(shot: Photographed) -> None:
    told = genba(*on(shot))
    assert "no camera has put pictures into" in told.stderr
    judged = shot.folder / "state" / "pictures" / "press" / "judged"
    judged.mkdir(parents=True)
    for index, path in enumerate(sorted((shot.folder / "new").rglob("*.png"))):
        shutil.copy(path, judged / f"{index}.png")
    told = genba(*on(shot))
    assert told.exit_code == 0, told.output
    assert "nobody says what these pictures show" in told.stdout
    told = genba(*on(shot, "--found", "0.9"))
    assert "have no labels" in one_line(told)


def test_what_does_not_go_with_pictures_is_refused(shot: Photographed) -> None:
    told = genba(*on(shot, "--pictures", shot.folder / "new", "--budget", "3"))
    assert "leave --budget out" in one_line(told)
