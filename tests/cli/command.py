"""The ``genba`` command as people and scripts start it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

from typer.testing import CliRunner, Result

from genba.cli.main import app

BOUND_S = 60.0

RECORDED = """\
time,state,power
2026-01-05T06:00:00Z,4,1.5
2026-01-05T06:00:01Z,6,7.5
2026-01-05T06:00:02Z,6,8.0
"""
PLANT = """\
genba: 1
id: works
name: Works
connections:
  - {id: saw, driver: replay, url: "recorded.csv", options: {times: shifted}}
equipment:
  - id: saw
    connection: saw
    signals:
      - {id: state, role: state, kind: state, type: int, address: state}
      - {id: power, unit: kW, address: power}
"""


def genba(*arguments: str | Path, **environment: str) -> Result:
    """Run a command in this process; nobody may ever see a stack trace of it."""
    typed = [str(argument) for argument in arguments]
    told = CliRunner(env=environment).invoke(app, typed, prog_name="genba")
    assert "Traceback" not in told.output
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    return told


def one_line(told: Result) -> str:
    """Return the one line that a failed command wrote."""
    assert told.exit_code == 1
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    assert line.startswith("genba: ")
    return line


def write_plant(folder: Path) -> Path:
    """Lay out a small plant that plays a recording."""
    (folder / "recorded.csv").write_text(RECORDED, encoding="utf-8")
    path = folder / "plant.yaml"
    recording = str(folder / "recorded.csv")
    path.write_text(PLANT.replace("recorded.csv", recording), encoding="utf-8")
    return path


@contextmanager
def started(
    *arguments: str | Path,
    errors: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own; in the end it is gone, one way or the other."""
    with errors.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "genba", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=cwd,
            env=environment,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_with(process: subprocess.Popen[str], sign: str) -> tuple[str, list[str]]:
    """Read what a process writes until a line holds ``sign``; the test's time limit bounds it."""
    before: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        if sign in line:
            return line.rstrip("\n"), before
        before.append(line.rstrip("\n"))
    raise AssertionError(f"it ended without saying '{sign}': {before}")


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; return the exit code and what was still said."""
    process.send_signal(SIGINT)
    rest, _ = process.communicate(timeout=BOUND_S)
    return process.returncode, rest
