"""A model of pictures is run in shadow over some that it never saw: what passes, what does not."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learn.edge.photographed import Photographed
from tests.learn.inspect.folders import SIDE, part, save
from tests.operate.test_edge import plant

from genba.errors import LearnError
from genba.learn import What
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.pack import release_of
from genba.learn.edge.past import Past
from genba.learn.releasing import sealed
from genba.learn.verify.counted import Share
from genba.learn.verify.pictures import verify_pictures
from genba.learn.verify.shown import shown_in
from genba.learn.verify.verified import Terms, Verdict, note

TERMS = Terms(budget_us=1_000_000.0, found=0.5)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Photographed:
    return Photographed(tmp_path_factory.mktemp("shot"))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Pictures of the same process that nobody trained on: 40 good ones, 20 with a spot."""
    source = np.random.default_rng(77)
    for index in range(40):
        save(tmp_path / "new" / "good" / f"{index}.png", part(source, bad=False)[0])
    for index in range(20):
        save(tmp_path / "new" / "spot" / f"{index}.png", part(source, bad=True)[0])
    return tmp_path / "new"


def verdict_on(shot: Photographed, folder: Path, terms: Terms = TERMS, **more: object) -> Verdict:
    shown = shown_in(folder)
    return verify_pictures(shot.registry, shot.model, plant(), shown, terms, **more)  # type: ignore[arg-type]


def test_labelled_pictures_pass_with_their_figures_and_may_be_released(
    shot: Photographed, new: Path
) -> None:
    verdict = verdict_on(shot, new)
    assert verdict.passed, verdict.why
    told = verdict.pictures
    assert told is not None
    assert told.false is not None
    assert told.found is not None
    assert (told.judged, told.false.of, told.found.of) == (60, 40, 20)
    assert told.found.count >= 15
    assert told.auc is not None
    assert told.auc > 0.9
    assert verdict.shadow.p99_us is not None
    assert verdict.inputs is not None
    assert not verdict.inputs.drifted
    event = note(shot.registry, shot.model, verdict, "2026-02-01T06:00:00Z", "ada")
    assert event.what is What.VERIFIED
    assert event.data["pictures"]["defects_found"]["of"] == 20
    assert sealed(shot.registry, shot.model.digest).address == verdict.address


def test_pictures_that_it_learned_from_prove_nothing(shot: Photographed, new: Path) -> None:
    learned = shot.folder / "parts"
    with pytest.raises(LearnError, match="140 more were learned from"):
        verdict_on(shot, learned)
    for path in sorted((learned / "good").iterdir())[:10]:
        shutil.copy(path, new / "good" / f"again-{path.name}")
    verdict = verdict_on(shot, new)
    assert verdict.pictures is not None
    assert (verdict.pictures.judged, verdict.pictures.learned) == (60, 10)
    assert any("10 pictures were left out" in told for told in verdict.warnings)


def test_good_ones_that_it_tells_falsely_refuse_it(shot: Photographed, new: Path) -> None:
    source = np.random.default_rng(3)
    for index in range(20):
        save(new / "good" / f"marked-{index}.png", part(source, bad=True)[0])
    verdict = verdict_on(shot, new)
    assert not verdict.passed
    assert "good pictures falsely, and 5.0% are allowed" in verdict.why[0]
    assert verdict.pictures is not None
    assert {name.partition("-")[0] for name in verdict.pictures.wrongly[-10:]} == {"good/marked"}
    assert verdict_on(shot, new, replace(TERMS, false_alarms=0.5)).passed


def test_defects_that_it_misses_refuse_it(shot: Photographed, new: Path) -> None:
    source = np.random.default_rng(3)
    for index in range(40):
        save(new / "faint" / f"{index}.png", part(source, bad=False)[0])
    verdict = verdict_on(shot, new)
    assert not verdict.passed
    assert "and 50% are asked for (--found); least of 'faint'" in verdict.why[0]
    assert verdict.pictures is not None
    assert len([name for name in verdict.pictures.missed if name.startswith("faint/")]) >= 30


def test_pictures_of_another_size_refuse_it_with_the_mend(shot: Photographed, new: Path) -> None:
    for path in sorted(new.rglob("*.png"))[:50]:
        save(path, np.random.default_rng(1).integers(0, 255, (SIDE, 2 * SIDE), np.uint8))
    verdict = verdict_on(shot, new)
    assert not verdict.passed
    assert "it cannot judge 50 of 60 pictures" in verdict.why[0]
    assert "has 64x32 pixels, and the model learned from 32x32" in verdict.why[0]


def test_a_few_that_are_unreadable_or_black_are_named_and_do_not_count(
    shot: Photographed, new: Path
) -> None:
    (new / "good" / "broken.png").write_bytes(b"no picture")
    save(new / "good" / "black.png", np.zeros((SIDE, SIDE), np.uint8))
    verdict = verdict_on(shot, new)
    assert verdict.passed, verdict.why
    assert verdict.pictures is not None
    assert sorted(verdict.pictures.unfit) == ["good/black.png", "good/broken.png"]
    assert "is no picture" in verdict.pictures.unfit["good/broken.png"]
    assert verdict.run is not None
    assert verdict.run.unknown == pytest.approx(2 / 62)


def test_without_labels_it_says_that_little_is_proven(shot: Photographed, new: Path) -> None:
    camera = new.parent / "camera"
    for index, path in enumerate(sorted(new.rglob("*.png"))):
        place = camera / ("judged" if index % 2 else "") / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    verdict = verdict_on(shot, camera)
    assert verdict.passed, verdict.why
    assert verdict.pictures is not None
    assert (verdict.pictures.false, verdict.pictures.auc) == (None, None)
    assert 10 <= len(verdict.pictures.told) <= 25
    assert "nobody says what these pictures show" in verdict.warnings[0]


def test_light_that_changed_is_told(shot: Photographed, new: Path) -> None:
    source = np.random.default_rng(5)
    for index in range(120):
        pixels = part(source, bad=False)[0]
        save(new / "good" / f"dim-{index}.png", (pixels * 0.6).astype(np.uint8))
    verdict = verdict_on(shot, new)
    assert verdict.inputs is not None
    assert "brightness" in [column.name for column in verdict.inputs.drifted]
    assert any("what it reads has moved" in told for told in verdict.warnings)


def test_it_is_compared_with_what_is_in_force(shot: Photographed, new: Path) -> None:
    in_force = release_of(shot.model, ReleaseKey.at(shot.registry.key), budget_us=1e6)
    verdict = verdict_on(shot, new, in_force=in_force)
    assert verdict.beside is not None
    assert verdict.pictures is not None
    assert (verdict.beside.apart.windows, verdict.beside.apart.flips) == (60, 0.0)
    assert verdict.beside.findings == len(verdict.pictures.told)


def test_a_folder_that_says_nothing_is_refused_with_the_mend(new: Path) -> None:
    with pytest.raises(LearnError, match="there is no folder"):
        shown_in(new / "none")
    (new / "empty").mkdir()
    with pytest.raises(LearnError, match="holds no pictures"):
        shown_in(new / "empty")
    with pytest.raises(LearnError, match=r"no picture of .* is labelled 'fine'"):
        shown_in(new, good="fine")
    shutil.copy(new / "good" / "1.png", new / "loose.png")
    with pytest.raises(LearnError, match=r"nobody says what they show: loose\.png"):
        shown_in(new)
    table = new / "labels.csv"
    table.write_text("picture,label\ngood/1.png,good\nspot/1.png,spot\nspot/99.png,spot\n")
    with pytest.raises(LearnError, match=r"does not hold: spot/99\.png"):
        shown_in(new, labels=table)


def test_a_table_says_what_pictures_show(new: Path) -> None:
    table = new / "labels.csv"
    table.write_text("picture,label\ngood/1.png,good\nspot/1.png,spot\n")
    assert {one.kind for one in shown_in(new, labels=table)} == {"good", "spot"}


def test_too_few_pictures_are_no_verdict(shot: Photographed, new: Path) -> None:
    shutil.rmtree(new / "spot")
    for path in sorted((new / "good").iterdir())[:20]:
        path.unlink()
    with pytest.raises(LearnError, match="30 are needed to say anything"):
        verdict_on(shot, new)


def test_bounds_of_a_share_are_exact() -> None:
    share = Share(3, 40)
    assert share.low == pytest.approx(0.0208, abs=5e-4)  # qbeta(.05, 3, 38)
    assert share.high == pytest.approx(0.1823, abs=5e-4)  # qbeta(.95, 4, 37)
    assert (Share(0, 10).low, Share(10, 10).high) == (0.0, 1.0)


def test_a_release_is_tried_out_on_what_the_camera_delivered_lately(
    shot: Photographed, new: Path
) -> None:
    judged = new.parent / "pictures" / "press" / "judged"
    judged.mkdir(parents=True)
    for index, path in enumerate(sorted(new.rglob("*.png"))):
        shutil.copy(path, judged / f"{index}.png")
        os.utime(judged / f"{index}.png", (index, index))
    (judged / "broken.png").write_bytes(b"no picture")

    def nothing() -> None:
        raise AssertionError("pictures are in no historian")

    past = Past(plant(), nothing, lambda: 0, new.parent / "pictures")  # type: ignore[arg-type]
    windows = past.windows(shot.bundle.contract)
    assert windows is not None
    assert windows.shape == (59, SIDE, SIDE)
    elsewhere = Past(plant(), nothing, lambda: 0, new.parent / "other")  # type: ignore[arg-type]
    assert elsewhere.windows(shot.bundle.contract) is None
