"""Pictures that are put into a folder are judged at the machine, as `genba inspect` judges them."""

import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from tests.learn.edge.photographed import Photographed
from tests.learn.inspect.folders import SIDE, part, save
from tests.operate.devices import MemoryDriver, signal
from tests.operate.test_edge import START, plant

from genba.errors import LearnError
from genba.learn.edge.bundle import address_of
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.order import Act, Order
from genba.learn.edge.past import Past
from genba.learn.edge.pictures import PictureFolder, seen
from genba.learn.edge.shadow import try_out
from genba.learn.edge.size import Device, measure, size_up
from genba.learn.inspect.judge import Inspector
from genba.learn.inspect.place import hottest
from genba.learn.registry.signature import KEY
from genba.operate.edge import Edge
from genba.operate.edge_plant import signal_of
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, PackMLState, VirtualClock


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Photographed:
    return Photographed(tmp_path_factory.mktemp("shot"))


def put(folder: Path, name: str, pixels: np.ndarray) -> Path:
    """Put a picture where nobody has touched it for a while."""
    path = save(folder / name, pixels)
    os.utime(path, (1.0e9, 1.0e9))
    return path


def test_a_model_of_pictures_is_packed_tried_out_and_sized(shot: Photographed) -> None:
    contract = shot.bundle.contract
    assert contract.name == "press.inspect"
    assert contract.picture == contract.shape == (SIDE, SIDE)
    assert (contract.columns, contract.needs) == ((), frozenset())
    assert Contract.from_json(contract.to_json()) == contract
    report = try_out(shot.content, shot.trust, signals={"press.force"})
    assert report.passed, report.why
    elsewhere = try_out(shot.content, shot.trust, signals={"mill.force"})
    assert "there is no equipment 'press' here" in elsewhere.why
    found = measure(shot.bundle, 100)
    assert found.operations > 100 * SIDE * SIDE
    assert size_up(shot.bundle, found, Device("this")).fits


def test_the_place_of_the_worst_is_that_of_what_hangs_together() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        heat = ndimage.gaussian_filter(random.random((24, 31)), random.uniform(0.5, 3))
        labeled, _ = ndimage.label(heat >= heat.max() / 2)
        rows, columns = np.nonzero(labeled == labeled[np.unravel_index(heat.argmax(), heat.shape)])
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert hottest(heat) == box
    assert hottest(np.zeros((4, 4))) is None


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: save(path, np.full((20, 40), 99, np.uint8)), "40x20 pixels.*from 32x32"),
        (lambda path: save(path, np.zeros((SIDE, SIDE), np.uint8)), "all black"),
        (lambda path: save(path, np.full((SIDE, SIDE), 90, np.uint8)), "flat gray"),
        (lambda path: path.write_bytes(b"no picture"), "is no picture; give PNG"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "cannot be read|is no picture"),
        (
            lambda path: Image.fromarray(np.eye(SIDE, dtype=np.uint16) * 9999).save(path),
            "more than 8 bits",
        ),
        (
            lambda path: save(path, np.uint8(np.eye(SIDE)[..., None] * [255, 0, 9])),
            "is in color",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_mend(
    shot: Photographed, tmp_path: Path, spoil: Any, said: str
) -> None:
    path = save(tmp_path / "a.png", part(np.random.default_rng(1), bad=False)[0])
    spoil(path)
    with pytest.raises(LearnError, match=said):
        seen(shot.bundle.contract, path)


def test_a_picture_is_taken_once_when_nobody_writes_it_any_more(
    shot: Photographed, tmp_path: Path
) -> None:
    folder, contract = PictureFolder(tmp_path), shot.bundle.contract
    pixels = part(np.random.default_rng(1), bad=False)[0]
    assert folder.look([contract], 0) == ([], [])
    assert (tmp_path / "press").is_dir(), "where to put pictures is there to be seen"
    path = put(tmp_path / "press", "a.png", pixels)
    save(tmp_path / "press" / ".b.png", pixels)
    (tmp_path / "press" / "notes.txt").write_text("no picture")
    assert folder.look([contract], 0) == ([], []), "it may still be written"
    path.touch()
    assert folder.look([contract], 0) == ([], []), "it was"
    os.utime(path, (1.0e9, 1.0e9))
    assert folder.look([contract], 0) == ([], [])
    (picture,), refused = folder.look([contract], US)
    assert (picture.name, refused) == ("a.png", [])
    assert 0 < picture.time < US
    assert folder.judged([picture], ["a.png"]) == []
    assert (tmp_path / "press" / "judged" / "a.png").exists()
    assert folder.look([contract], 0) == ([], [])


def test_a_folder_that_cannot_be_written_to_costs_no_more_than_a_word(
    shot: Photographed, tmp_path: Path
) -> None:
    folder, contract = PictureFolder(tmp_path), shot.bundle.contract
    put(tmp_path / "press", "a.png", part(np.random.default_rng(1), bad=False)[0])
    (tmp_path / "press" / "judged").write_text("in the way")
    folder.look([contract], US)
    pictures, _ = folder.look([contract], US)
    assert folder.judged(pictures, ["a.png"]) == []
    assert "a.png cannot be put away" in folder.told()["press"]
    assert folder.look([contract], US) == ([], []), "it is not judged over and over"
    (tmp_path / "mill").write_text("no folder")
    assert folder.look([replace(contract, equipment="mill")], US) == ([], [])
    assert "mill cannot be read" in folder.told()["mill"]


class Cell:
    """A press with a camera, stepped by hand."""

    def __init__(self, folder: Path, trust: Any) -> None:
        self.clock = VirtualClock(START)
        self.press = MemoryDriver(self.clock)
        self.state = StateFolder(folder).hold()
        self.folder = self.state.root / "pictures" / "press"
        drivers = {"press": self.press}
        self.edge = Edge(
            plant(), self.state, self.clock, "cell", trust, drivers=drivers, trial_answers=3
        )

    async def tick(self, count: int) -> None:
        for _ in range(count):
            self.clock.set(self.clock.now() + US)
            await self.edge.tick()

    async def told(self) -> list[dict[str, Any]]:
        await self.edge._ingest.drained()
        said = self.edge.historian.samples([signal_of("press")], START, self.clock.now() + US)
        return [json.loads(text) for text in said["text"].to_pylist()]


@pytest.fixture
async def cell(shot: Photographed, tmp_path: Path) -> AsyncIterator[Cell]:
    made = Cell(tmp_path / "state", shot.trust)
    await made.edge.start()
    yield made
    await made.edge.stop()
    made.state.release()


async def test_pictures_are_judged_as_inspect_does_and_a_defect_is_a_finding_with_its_place(
    cell: Cell, shot: Photographed
) -> None:
    report = cell.edge.node.receive(shot.content)
    assert report.passed, report.why
    cell.edge.node.activate(report.address)
    await cell.tick(1)
    source, inspector = np.random.default_rng(8), Inspector(shot.model)
    paths = [
        put(cell.folder, f"{number}.png", part(source, bad=number == 5)[0]) for number in range(8)
    ]
    wanted = {path.name: inspector.judge(path) for path in paths}
    assert wanted["5.png"].verdict == "defective", "or the test shows nothing"
    await cell.tick(3)
    assert cell.edge.node.slot("press.inspect").force == report.address, "three were good answers"
    told = {one["about"]: one for one in await cell.told() if one["what"] == "answer"}
    (raised,) = [one for one in await cell.told() if one["what"] == "raised"]
    assert set(told) == set(wanted)
    for name, one in wanted.items():
        assert told[name]["value"] == pytest.approx(one.score, abs=1e-4)
        assert (None if one.box is None else list(one.box)) == told[name].get("box")
    assert "of picture 5.png; from" in raised["text"]
    assert "px from the left" in raised["text"]
    (alarm,) = cell.edge.alarms.standing()
    assert (alarm.equipment, alarm.kind) == ("press", "model_inspect")
    assert sorted(p.name for p in (cell.folder / "judged").iterdir()) == sorted(wanted)


async def test_a_picture_of_another_size_is_an_alarm_until_the_next_good_one(
    cell: Cell, shot: Photographed
) -> None:
    cell.edge.node.activate(cell.edge.node.receive(shot.content).address)
    await cell.tick(1)
    source = np.random.default_rng(8)
    put(cell.folder, "wide.png", np.hstack([part(source, bad=False)[0]] * 2))
    await cell.tick(4)
    (alarm,) = cell.edge.alarms.standing()
    assert alarm.kind == "unfit_picture"
    assert "wide.png has 64x32 pixels, and the model learned from 32x32" in alarm.text
    (told,) = await cell.told()
    assert (told["what"], told["about"]) == ("refused", "wide.png")
    assert (cell.folder / "refused" / "wide.png").exists()
    put(cell.folder, "good.png", part(source, bad=False)[0])
    await cell.tick(4)
    assert not alarm.active


def test_no_historian_can_verify_pictures(shot: Photographed) -> None:
    past = Past(plant(), lambda: pytest.fail("nothing is to be read"), lambda: 0)
    assert past.windows(shot.bundle.contract) is None
    with pytest.raises(LearnError, match=r"a folder of them with --pictures"):
        past.stretch(shot.bundle.contract, 0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"picture": [SIDE]},
        {"picture": [SIDE, 0]},
        {"picture": [SIDE, 1.5]},
        {"picture": SIDE},
        {"picture": None},
        {"columns": ["press.force"]},
        {"picture": [9000, 9000]},
    ],
)
def test_a_card_of_pictures_that_makes_no_sense_is_refused(
    shot: Photographed, change: dict[str, Any]
) -> None:
    with pytest.raises(LearnError, match="release"):
        Contract.from_plain(dict(shot.bundle.card) | change)


def test_a_release_of_pictures_by_a_stranger_is_refused(shot: Photographed) -> None:
    report = try_out(shot.content, type(shot.trust)((ReleaseKey.generate().public,)))
    assert "signature" in report.why


async def test_the_core_judges_pictures_by_the_same_way(shot: Photographed, tmp_path: Path) -> None:
    clock, state = VirtualClock(START), StateFolder(tmp_path / "state")
    shutil.copy(shot.registry.key, state.secrets / KEY)
    press = MemoryDriver(clock)
    press.values = {"press.state": int(PackMLState.EXECUTE)}
    shows = signal("state", owner="press", kind="state", type="int", role="state")
    core = Core(
        plant((shows,)), state, clock, drivers={"press": press}, judges=(), planners=(),
        trial_answers=1,
    )  # fmt: skip
    await core.start()
    box, address = Mailbox(state.root / "models"), address_of(shot.content)
    for number, act in enumerate((Act.RECEIVE, Act.ACTIVATE)):
        order = Order(CORE, number + 1, act, address, "press.inspect", "", "ada")
        box.post(order, shot.key, shot.content if act is Act.RECEIVE else b"")
        end = time.monotonic() + 60
        while box.reply(order.number) is None:
            assert time.monotonic() < end
            await core.step(clock.now() + US)
    folder, source = state.root / "pictures" / "press", np.random.default_rng(8)
    for number in range(6):
        put(folder, f"{number}.png", part(source, bad=number == 5)[0])
    put(folder, "wide.png", np.hstack([part(source, bad=False)[0]] * 2))
    for _ in range(6):
        await core.step(clock.now() + US)
    standing = {alarm.kind: alarm.text for alarm in core.alarms.standing()}
    figures = core.health()["models"]
    await core.stop()
    assert figures["answers"] == 6
    assert set(standing) == {"model_inspect", "unfit_picture"}
    assert "of picture 5.png" in standing["model_inspect"]
    assert "wide.png has 64x32 pixels" in standing["unfit_picture"]
