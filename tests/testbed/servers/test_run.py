"""``genba testbed``: the reference plant runs from the command line and says what happened."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genba.cli.testbed import app
from genba.plant import load_plant
from genba.testbed.servers.relocate import free_ports

runner = CliRunner()


@pytest.fixture
def plant_files(tmp_path: Path) -> Path:
    """The reference plant's two files on ports that are free."""
    folder = tmp_path / "plant"
    assert runner.invoke(app, ["files", str(folder)]).exit_code == 0
    file = folder / "plant.yaml"
    text = file.read_text(encoding="utf-8")
    for port, free in free_ports(load_plant(file)).items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def testbed(plant_files: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """``genba testbed run`` in a process of its own."""
    arguments = (
        *("run", "--plant", str(plant_files), "--runtime", str(tmp_path / "runtime")),
        *("--speed", "50", "--control", "conventional", "--seed", "3"),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "from genba.cli.testbed import app; app()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def wait_for(path: Path, process: subprocess.Popen[str], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not path.exists():
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline, f"{path} did not appear within {within_s:g} s"
        time.sleep(0.05)


def test_it_says_when_it_is_ready_and_writes_the_ledger_when_it_is_told_to_end(
    testbed: subprocess.Popen[str], tmp_path: Path
) -> None:
    runtime = tmp_path / "runtime"
    wait_for(runtime / "ready.json", testbed)
    ready = json.loads((runtime / "ready.json").read_text(encoding="utf-8"))
    assert {e["driver"] for e in ready["endpoints"]} == {"opcua", "modbus", "vda5050", "sparkplug"}
    devices = {e["connection"] for e in ready["endpoints"] if e["driver"] == "opcua"}
    assert {p.name.removesuffix(".cert.der") for p in (runtime / "certs").iterdir()} == devices
    assert all(p.stat().st_mode & 0o077 == 0 for p in (runtime / "keys").iterdir())
    testbed.send_signal(signal.SIGTERM)
    output, _ = testbed.communicate(timeout=30)
    assert testbed.returncode == 0, output
    assert "Stopped at" in output
    ledger = json.loads((runtime / "ledger.json").read_text(encoding="utf-8"))
    assert ledger["seed"] == 3
    assert ledger["end"] > ledger["start"]
    assert not (runtime / "ready.json").exists()


def test_a_taken_port_is_one_clear_line(plant_files: Path, tmp_path: Path) -> None:
    url = load_plant(plant_files).connections[3].url
    port = int(url.split(":")[2].split("/")[0])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        runtime = str(tmp_path / "runtime")
        result = runner.invoke(app, ["run", "--plant", str(plant_files), "--runtime", runtime])
    assert result.exit_code == 1
    assert f"port {port} on 127.0.0.1 (connection mill-2) cannot be served" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_same_seed_gives_the_same_shift_and_another_gives_another() -> None:
    result = runner.invoke(app, ["shift", "--seeds", "1,1,2", "--hours", "0.5", "--json"])
    first, again, other = json.loads(result.stdout)
    for ledger in (first, again, other):
        del ledger["times_real_time"]
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["shift", "--seeds", "one"], "'one' is no list of seeds"),
        (["run", "--duration", "8"], "'8' is no duration"),
        (["run", "--clock", "system", "--speed", "2"], "leave --speed and --start"),
        (["run", "--trust", __file__], "is no X.509 certificate"),
        (["run", "--plant", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_bad_input_gets_one_clear_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_files_are_never_overwritten(plant_files: Path) -> None:
    result = runner.invoke(app, ["files", str(plant_files.parent)])
    assert result.exit_code == 1
    assert "would be overwritten" in result.stderr
