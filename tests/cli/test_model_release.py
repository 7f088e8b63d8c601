"""``genba model verify``, ``release``, ``rollback``: what a user does with a candidate."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import genba
from tests.connect.brokers import Mosquitto, running
from tests.learn.worked import Worked

from genba.learn import sealed
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.mailbox import CORE
from genba.learn.edge.node import Node

FROM, TO = "2026-01-05T12:00:00Z", "2026-01-05T16:00:00Z"
FAULTY = "2026-01-05T20:00:00Z"
"""Until then from ``TO`` on."""


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return Worked(tmp_path_factory.mktemp("works"))


def on(works: Worked, *words: str | Path) -> tuple[str | Path, ...]:
    return (*words, "--state", works.state.root)


def test_from_a_candidate_to_an_order_for_the_core(works: Worked) -> None:
    plant, name = works.folder / "plant.yaml", works.model.digest[:8]
    told = genba(*on(works, "model", "release", name, "--by", "ada"))
    assert told.exit_code == 1
    assert "was not verified" in told.stderr
    told = genba(*on(works, "model", "verify", name, plant, "--from", TO, "--to", FAULTY))
    assert told.exit_code == 1
    assert "the budget is 2" in told.stderr
    told = genba(*on(works, "model", "release", name, "--by", "ada"))
    assert "was refused when it was verified" in told.stderr
    told = genba(*on(works, "model", "verify", name, plant, "--from", FROM, "--to", TO))
    assert told.exit_code == 0, told.stderr
    assert "It passed" in told.stdout
    told = genba(*on(works, "model", "release", name, "--by", "ada"))
    assert told.exit_code == 0, told.stderr
    assert "the next one" in told.stdout, "no core runs"
    events = json.loads(genba(*on(works, "model", "history", name, "--json")).stdout)
    assert [event["what"] for event in events] == [
        "registered", "refused", "verified", "released",
    ]  # fmt: skip


def test_figures_come_as_json(works: Worked) -> None:
    words = ("model", "verify", works.model.digest[:8], works.folder / "plant.yaml")
    told = genba(*on(works, *words, "--from", FROM, "--to", TO, "--json"))
    figures = json.loads(told.stdout)
    assert figures["passed"] is True
    assert figures["findings_week_95"][0] <= figures["findings_week"]
    assert figures["from"] == FROM


def test_a_model_is_compared_with_what_is_in_force(works: Worked) -> None:
    found = sealed(works.registry, works.model.digest, unverified="a drill")
    trust = Trust((ReleaseKey.at(works.registry.key).public,))
    node = Node(works.registry.root, CORE, trust, lambda: 1)
    assert node.receive(found.content).passed
    node.activate(found.address)
    node.confirm(found.name)
    words = ("model", "verify", works.model.digest[:8], works.folder / "plant.yaml")
    told = genba(*on(works, *words, "--from", FROM, "--to", TO))
    assert told.exit_code == 0, told.stderr
    assert "agrees with what is in force" in " ".join(told.stdout.split())
    assert "100.0% of" in told.stdout
    node.roll_back(found.name, "the drill is over")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "{}", "{plant}", "--from", "2026-01-05T07:00:00Z"), "proves nothing"),
        (("verify", "{}", "{plant}", "--hours", "1", "--from", FROM), "give one of them"),
        (("verify", "abc", "{plant}"), "there is no model 'abc'"),
        (("release", "{}", "--by", "ada", "--to", "g.yaml", "--unverified", "x"), "--hub"),
        (("rollback", "zzz", "--by", "ada", "--why", "x"), "does not run at the core"),
    ],
)
def test_what_makes_no_sense_is_told(works: Worked, words: tuple[str, ...], said: str) -> None:
    name, plant = works.model.digest[:8], str(works.folder / "plant.yaml")
    filled = [word.format(name, plant=plant) for word in words]
    told = genba(*on(works, "model", *filled))
    assert told.exit_code == 1
    assert said in " ".join(told.stderr.split())


def test_a_file_that_was_altered_is_refused(tmp_path: Path) -> None:
    works = Worked(tmp_path)
    path = works.model.folder / "card.json"
    path.write_text(path.read_text().replace("press-1", "press-2"))
    for words in (("verify", tmp_path / "plant.yaml"), ("release", "--by", "ada")):
        told = genba(*on(works, "model", words[0], works.model.digest[:8], *words[1:]))
        assert told.exit_code == 1
        assert "was altered" in told.stderr


@pytest.mark.peer("mosquitto")
async def test_a_model_goes_to_machines_from_the_registry_and_comes_back(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    works = Worked(tmp_path / "works")
    cell = tmp_path / "cell"
    cell.mkdir()
    shutil.copy(works.folder / "plant.yaml", cell / "plant.yaml")
    rows = [f"2026-01-05T{h:02}:{m:02}:{s}0Z,6,,x,500,{230 + s / 10},{300 + s}\n"
            for h in range(6, 12) for m in range(60) for s in range(6)]  # fmt: skip
    (cell / "recorded.csv").write_text("time,state,part,note,hold,melt,cavity\n" + "".join(rows))
    text = (cell / "plant.yaml").read_text().replace("kind: setpoint, unit: bar", "unit: bar")
    (cell / "plant.yaml").write_text(text)
    (cell / "trusted").write_text((works.registry.root / "signer.pub").read_text())
    (tmp_path / "groups.yaml").write_text("- {name: canary, nodes: [cell]}\n")
    broker = Mosquitto(free_port(), tmp_path)
    hub = ("--hub", f"mqtt://127.0.0.1:{broker.port}")
    name = works.model.digest[:8]

    def told(*words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "genba", "model", *map(str, on(works, *words))],
            cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip

    async with running(broker):
        machine = subprocess.Popen(  # noqa: ASYNC220 - the test waits for it all along
            [sys.executable, "-m", "genba", "edge", "run", "plant.yaml", "--name", "cell",
             "--trust", "trusted", *hub, "--trial-answers", "3",
             "--clock", f"2026-01-05T06:00:00Z*60@{time.time()}"],
            cwd=cell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            assert machine.stdout is not None
            assert machine.stdout.readline().startswith("cell: ")
            words = ("--by", "ada", "--to", "groups.yaml", *hub, "--unverified", "a drill")
            done = told("release", name, *words)
            assert done.returncode == 0, done.stderr + done.stdout
            back = told("rollback", name, "--by", "ada", "--why", "enough", "--node", "cell", *hub)
            assert back.returncode == 0, back.stderr
        finally:
            machine.terminate()
            machine.communicate(timeout=60)
    events = works.registry.history.events(works.model.digest)
    assert [(event.what.value, event.where) for event in events] == [
        ("registered", ""), ("released", "canary"), ("sent", "cell"), ("started", "cell"),
        ("rolled_back", "cell"),
    ]  # fmt: skip
    assert events[1].data["why"] == "unverified: a drill"
    there = genba("edge", "history", cell / "edge-state/models/history.jsonl", "--json")
    assert [event["what"] for event in json.loads(there.stdout)] == [
        "received", "trial", "started", "rolled_back",
    ]  # fmt: skip
    assert {event["model"] for event in json.loads(there.stdout)} == {works.model.digest}
