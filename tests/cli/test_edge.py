"""``genba edge`` as people use it: a key, a size, a machine with its releases, a history."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import genba
from tests.connect.brokers import Mosquitto, running
from tests.learn.edge import models
from tests.learn.edge.models import graph, release

from genba.learn.edge.keys import ReleaseKey

PLANT = """\
genba: 1
id: cell
connections:
  - {id: press, driver: replay, url: "press.csv", options: {times: shifted}}
equipment:
  - id: press
    connection: press
    signals:
      - {id: force, unit: kN, address: force, fresh_s: 60}
      - {id: heat, unit: Cel, address: heat, fresh_s: 60}
"""


@pytest.fixture
def key(tmp_path: Path) -> ReleaseKey:
    """A key, and the file of trusted ones."""
    told = genba("edge", "key", tmp_path / "release.key")
    (tmp_path / "trusted").write_text(told.stdout)
    return ReleaseKey.at(tmp_path / "release.key")


def test_a_key_is_made_once(tmp_path: Path, key: ReleaseKey) -> None:
    assert genba("edge", "key", tmp_path / "release.key").stdout.strip() == key.public


def test_a_device_is_told_to_fit_or_why_not(tmp_path: Path, key: ReleaseKey) -> None:
    (tmp_path / "a.bundle").write_bytes(release(key))
    command = ("edge", "size", tmp_path / "a.bundle", "--trust", tmp_path / "trusted")
    told = genba(*command, "--answers", "100")
    assert told.exit_code == 0
    assert "It fits." in told.stdout
    told = genba(*command, "--answers", "100", "--device", "box", "--memory-mb", "1")
    assert told.exit_code == 1
    assert "It does not fit" in told.stdout
    told = genba(*command, "--answers", "100", "--json")
    assert json.loads(told.stdout)["measured"]["answers"] == 100


def test_a_release_of_a_stranger_is_refused_in_one_line(tmp_path: Path, key: ReleaseKey) -> None:
    (tmp_path / "a.bundle").write_bytes(release(ReleaseKey.generate()))
    told = genba("edge", "size", tmp_path / "a.bundle", "--trust", tmp_path / "trusted")
    assert told.exit_code == 1
    assert "not signed by a trusted key" in told.stderr


def test_a_machine_does_not_run_without_keys_to_trust(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    told = genba("edge", "run", tmp_path / "plant.yaml", "--state", tmp_path / "state")
    assert told.exit_code == 1
    assert "--trust" in told.stderr


def test_a_history_that_was_altered_is_told(tmp_path: Path) -> None:
    from genba.learn import History, What

    history = History(tmp_path / "history.jsonl")
    for _ in range(3):
        history.add(What.TRIAL, "", "2026-01-05T06:00:00Z", where="c", data={"address": "a" * 64})
    assert genba("edge", "history", history.path).stdout.count("aaaaaaaaaaaa") == 3
    history.path.write_text(history.path.read_text().replace("trial", "trail", 1))
    told = genba("edge", "history", history.path)
    assert told.exit_code == 1
    assert "altered" in told.stderr


@pytest.mark.peer("mosquitto")
async def test_a_release_is_rolled_out_to_a_running_machine_and_a_bad_one_is_stopped(
    tmp_path: Path, key: ReleaseKey, free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    (tmp_path / "plant.yaml").write_text(PLANT)
    rows = "".join(f"2026-01-05T06:{n // 60:02}:{n % 60:02}Z,0.5,0.5\n" for n in range(3600))
    (tmp_path / "press.csv").write_text("time,force,heat\n" + rows)
    (tmp_path / "good.bundle").write_bytes(release(key))
    (tmp_path / "bad.bundle").write_bytes(release(key, graph(twist=models.nan)))
    (tmp_path / "groups.yaml").write_text("- {name: canary, nodes: [cell]}\n")
    broker = Mosquitto(free_port(), tmp_path)
    hub = f"mqtt://127.0.0.1:{broker.port}"
    async with running(broker):
        machine = subprocess.Popen(  # noqa: ASYNC220 - the test waits for it all along
            [sys.executable, "-m", "genba", "edge", "run", "plant.yaml", "--name", "cell",
             "--trust", "trusted", "--hub", hub, "--trial-answers", "3"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            assert machine.stdout is not None
            assert re.match(r"cell: 3 signals, 0 models", machine.stdout.readline())

            def roll(name: str) -> "subprocess.CompletedProcess[str]":
                return subprocess.run(
                    [sys.executable, "-m", "genba", "edge", "rollout", name, "groups.yaml",
                     "--hub", hub, "--key", "release.key", "--by", "ada", "--json"],
                    cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
                )  # fmt: skip

            told = roll("good.bundle")
            assert json.loads(told.stdout)["state"] == "done", told.stderr
            told = roll("bad.bundle")
            assert told.returncode == 1
            assert "make no sense" in told.stderr
        finally:
            machine.terminate()
            said = machine.communicate(timeout=60)[0]
    assert "Stopped." in said
    told_history = genba("edge", "history", tmp_path / "edge-state/models/history.jsonl")
    assert told_history.stdout.count("started") == 1
    assert "refused" in told_history.stdout
