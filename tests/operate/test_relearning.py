"""A model that is contradicted for long is learned anew by itself, and taken if it is better."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.control import oven
from tests.operate.ovens import BEGUN, Works, copied, learn_into, plant_in, text_of

from genba.learn.registry.history import History, What
from genba.operate.driven import Driven, Driver
from genba.operate.set_point_relearning import due
from genba.operate.state import PROCESSES
from genba.plant import US

CONTROLLED = "    control: true\n"


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    learn_into(folder)
    return folder


@pytest.fixture
async def works(tmp_path: Path, learned: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Works] = []

    async def make(rule: str) -> Works:
        state = copied(learned, tmp_path)
        text = text_of(relearn=(CONTROLLED, f"{CONTROLLED}    relearn: {rule}\n"))
        one = Works(state, plant_in(tmp_path, text))
        made.append(one)
        await one.core.start()
        return one

    yield make
    for one in made:
        await one.core.stop()


def history(subject: Works) -> list[Any]:
    return list(History(subject.state.root / PROCESSES / "history.jsonl").events())


async def test_a_process_that_drifted_is_learned_anew_by_itself_and_driven_again(
    works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = await works("{after_h: 0.75, every_h: 1}")
    await subject.run(12)
    before = subject.driven.model
    monkeypatch.setattr(oven, "LOSS", 3 * oven.LOSS)
    monkeypatch.setattr(oven, "BASE", 5 * oven.BASE)
    monkeypatch.setattr("tests.operate.ovens.BASE", oven.BASE)
    subject.oven.loss = oven.LOSS
    for _ in range(40):
        await subject.run(5)
        if subject.driven.relearned_at:
            break
    await subject.run(20)
    assert "less error" in subject.driven.relearned
    assert subject.driven.model != before
    assert subject.driven.driver is Driver.CONTROL
    assert subject.oven.heat == pytest.approx(200.0, abs=1.5)
    texts = [row["text"] for row in await subject.rows("events", ["control.relearn"])]
    assert "contradicted for" in texts[0]
    assert "put to use" in texts[-1]
    told = history(subject)
    assert [one.what for one in told] == [What.STARTED, What.TRIGGERED, What.STARTED]
    assert told[0].model == told[1].model != told[2].model
    (former,) = (subject.state.root / PROCESSES / "former").glob("oven-heat-*.json")
    assert json.loads(former.read_text())["content"]["process"] == "oven-heat"


async def test_what_its_physics_cannot_explain_is_not_taken_and_not_tried_again_at_once(
    works: Any,
) -> None:
    subject = await works("{after_h: 0.7, every_h: 4}")
    await subject.run(12)
    before = subject.driven.model
    subject.oven.loss *= 2.0  # and its own controller does not know it
    await subject.run(135)
    assert "not taken" in subject.driven.relearned
    assert "does not explain what changed" in subject.driven.relearned
    assert subject.driven.model == before
    assert subject.driven.driver is Driver.PLAIN
    assert [one.what for one in history(subject)] == [
        What.STARTED, What.TRIGGERED, What.NOT_PROPOSED,
    ]  # fmt: skip
    kept = json.loads((subject.state.root / "control.json").read_text())["oven-heat"]
    assert kept["relearned_at"] == subject.driven.relearned_at


async def test_where_the_plant_file_says_never_people_are_told_to(works: Any) -> None:
    subject = await works("false")
    await subject.run(12)
    subject.oven.loss *= 2.0
    await subject.run(50)
    assert subject.driven.relearned == ""
    (found,) = [f for f in subject.core.loop.findings() if f.kind == "control_doubted"]
    assert "if it lasts, run `genba twin learn oven-heat`" in found.text


def test_expectations_that_do_not_come_have_it_learned_anew_though_it_is_trusted(
    tmp_path: Path,
) -> None:
    plant = plant_in(tmp_path, text_of())
    one = Driven(plant.processes[0], heard=1)
    for count in range(30):
        one.expectations.append((BEGUN + count * 60 * US, count % 2 == 0))
    why, since = due(one, BEGUN + 3600 * US)
    assert why == "10 of its last 20 expectations came within their 95% interval"
    assert since == BEGUN - 3600 * US
    one.relearned_at = BEGUN
    assert due(one, BEGUN + 3600 * US) == ("", 0)
