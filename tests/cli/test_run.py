"""``genba run``: what keeps a plant from running is one clear line, and costs nothing.

What it does when all is well is a journey: tests/journeys/test_five_minutes.py.
"""

import json
import os
import socket
from pathlib import Path

import pytest
from tests.cli.command import PLANT, genba, interrupt, line_with, one_line, started, write_plant

from genba.operate.identity import Identities
from genba.operate.state import StateFolder

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def works(tmp_path: Path) -> Path:
    return write_plant(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("connections:", "connections: [", 5, "this is not valid YAML"),
        ("unit: kW", "unit: kw", 11, "write 'kW'"),
        ("unit: kW", "unit: furlongs", 11, "furlongs"),
        ("connection: saw", "connection: swa", 8, "swa"),
        ("role: state", "role: stat", 10, "write 'state'"),
        ("driver: replay", "drivre: replay", 5, "did you mean 'driver'?"),
    ],
)
def test_a_plant_file_that_is_wrong(
    works: Path, before: str, after: str, line: int, said: str
) -> None:
    text = works.read_text("utf-8")
    works.write_text(text.replace(before, after), encoding="utf-8")
    told = genba("run", works)
    assert told.exit_code == 1
    assert told.stdout == ""
    assert told.stderr.startswith(f"genba: {works}:{line}")
    assert said in told.stderr
    assert not (works.parent / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--clock", "sometimes"), "clock 'sometimes' is neither 'system' nor START*SPEED@ANCHOR"),
        (
            ("--clock", "2026-01-05T06:00:00Z*0@1"),
            "has speed 0 and starts at 1; give a finite speed",
        ),
        (("--clock", "2026-01-05T06:00:00*2@1"), "has no time zone; add Z for UTC"),
        (("--clock", "2026-01-05T06:00:00Z*1.2.3@1"), "is neither 'system' nor START*SPEED@ANCHOR"),
        (("--clock", "2026-01-05T06:00:00Z*inf@1"), "give a finite speed above 0"),
        (("--clock", "2026-01-05T06:00:00Z*2@nan"), "give a finite speed above 0"),
        (("--until", "tomorrow"), "'tomorrow' is not a time; write it like"),
        (("--host", "192.0.2.1"), "give one of this computer's addresses with --host"),
    ],
)
def test_an_option_that_makes_no_sense(works: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in one_line(genba("run", works, *arguments))
    assert not list((works.parent).glob("state/historian/*"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    line = one_line(genba("run", tmp_path / "plant.yaml"))
    assert line == (
        f"genba: {tmp_path / 'plant.yaml'}: cannot be read: No such file or directory; "
        "give the path of a plant file, or make one with: genba init DIR"
    )


def test_a_port_that_is_taken(works: Path) -> None:
    """Nothing is begun and no token is shown to nobody: the next run still shows it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = one_line(genba("run", works, "--port", str(port)))
    assert line == (
        f"genba: the API cannot listen on 127.0.0.1:{port}: Address already in use; "
        "stop what uses that port or choose another with --port"
    )
    state = StateFolder(works.parent / "state")
    assert len(Identities(state.secrets)) == 0
    assert list(state.historian.iterdir()) == []
    state.hold().release()


def test_a_state_folder_in_use(works: Path) -> None:
    with StateFolder(works.parent / "state"):
        before = contents(works.parent / "state")
        line = one_line(genba("run", works, "--port", "0"))
        assert line == (
            f"genba: state folder {works.parent / 'state'} is in use by process {os.getpid()}; "
            "stop that one or choose another folder with --state"
        )
        assert contents(works.parent / "state") == before


def test_a_state_folder_of_a_newer_version(works: Path) -> None:
    state = StateFolder(works.parent / "state")
    (state.root / "version.json").write_text(json.dumps({"format": 7, "genba": "3.1.4"}))
    (state.historian / "precious").write_text("kept")
    before = contents(state.root)
    line = one_line(genba("run", works, "--port", "0"))
    assert "was written by Genba 3.1.4 (format 7)" in line
    assert line.endswith("; upgrade Genba or choose another folder with --state")
    assert contents(state.root) == before


def test_a_historian_of_a_newer_version(works: Path) -> None:
    """Found out after the port was taken: all is let go again."""
    state = StateFolder(works.parent / "state")
    genba("run", works, "--port", "0", "--until", "2026-01-01T00:00:00Z")
    (marker,) = [p for p in state.historian.glob("*.json") if "format" in p.read_text()]
    marker.write_text(marker.read_text().replace('"format": 1', '"format": 99'))
    before = contents(state.historian)
    line = one_line(genba("run", works, "--port", "0"))
    assert str(state.historian) in line
    assert "newer" in line or "99" in line
    assert contents(state.historian) == before
    state.hold().release()


def test_a_folder_that_is_something_else(works: Path) -> None:
    (works.parent / "photos").mkdir()
    (works.parent / "photos" / "one.jpg").write_text("x")
    line = one_line(genba("run", works, "--state", works.parent / "photos"))
    assert "holds files but is no state folder of Genba; choose another with --state" in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("driver: replay|driver: profinet", "no driver 'profinet'"),
        ("url:|credentials: nowhere, url:", "GENBA_CREDENTIALS_NOWHERE=user:password"),
        ("times: shifted|tmies: shifted", "tmies"),
    ],
)
def test_a_connection_that_cannot_be_built(works: Path, change: str, said: str) -> None:
    before, _, after = change.partition("|")
    works.write_text(works.read_text("utf-8").replace(before, after), encoding="utf-8")
    line = one_line(genba("run", works, "--port", "0"))
    assert said in line
    StateFolder(works.parent / "state").hold().release()


def test_a_device_that_is_not_there_keeps_nobody_waiting(works: Path) -> None:
    """The rest of the plant runs; what is missing is told, and taken in when it comes."""
    (works.parent / "recorded.csv").unlink()
    errors = works.parent / "errors"
    with started("run", works, "--port", "0", errors=errors) as core:
        line, before = line_with(core, "Ctrl-C stops.")
        assert line.startswith("Works: 2 signals, API at http://127.0.0.1:")
        assert before[1].startswith("  export GENBA_TOKEN=genba_")
        code, rest = interrupt(core)
    assert (code, rest) == (0, rest)
    assert rest.startswith("Stopped. ")
    assert "recorded.csv" in errors.read_text()
    assert "Traceback" not in errors.read_text()


def test_the_status_of_a_running_plant_fits_a_terminal_and_says_all_once(works: Path) -> None:
    with started("run", works, "--port", "0", errors=works.parent / "errors") as core:
        line, before = line_with(core, "Ctrl-C stops.")
        url = line.partition("API at ")[2].partition("/api/")[0]
        token = before[1].partition("GENBA_TOKEN=")[2]
        told = genba("status", "--url", url, GENBA_TOKEN=token, COLUMNS="80")
        assert interrupt(core)[0] == 0
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Works: ")
    for title in ("Connections", "Figures that are not zero"):
        assert [line.strip() for line in lines].count(title) == 1
    for part in ("disk", "loop", "guard", "historian", "audit", "production"):
        assert sum(line.startswith(f"│ {part} ") for line in lines) == 1
    assert "GiB free" in told.stdout


def test_whoever_opens_it_to_the_network_is_warned(works: Path) -> None:
    errors = works.parent / "errors"
    arguments = ("run", works, "--port", "0", "--host", "0.0.0.0", "--insecure")
    with started(*arguments, errors=errors) as core:
        line_with(core, "Ctrl-C stops.")
        assert interrupt(core)[0] == 0
    assert "answers the network at 0.0.0.0, unencrypted" in errors.read_text()


def test_it_ends_by_itself_when_it_was_told_to(works: Path) -> None:
    told = genba("run", works, "--port", "0", "--until", "2026-01-01T00:00:00Z")
    assert told.exit_code == 0
    assert "Stopped. " in told.stdout


def test_the_small_plant_is_a_plant(tmp_path: Path) -> None:
    assert "driver: replay" in PLANT
    assert genba("check", write_plant(tmp_path)).exit_code == 0
