"""Help is there for every command, argument and option, and comes at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.cli.command import genba

from genba import __version__
from genba.cli.main import app


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_the_commands_that_are_promised_are_there() -> None:
    promised = "init,check,run,status,kpi,demo,historian query,historian export,testbed run"
    assert {tuple(name.split()) for name in promised.split(",")} <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "genba")
def test_help_reads(path: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        told = genba(*path, flag)
        assert told.exit_code == 0
        assert told.stdout.startswith(f"Usage: {' '.join(('genba', *path))} ")
    command = ALL[path]
    assert command.help
    assert command.help.rstrip().endswith(".")
    for parameter in command.params:
        help_text = getattr(parameter, "help", None)
        assert help_text, f"{' '.join(path)} says nothing of {parameter.name}"
        flag = next((name for name in parameter.opts if name.startswith("--")), None)
        assert flag is None or flag in told.stdout


@pytest.mark.parametrize(
    "path", [path for path, command in ALL.items() if hasattr(command, "commands")]
)
def test_a_noun_alone_shows_its_verbs(path: tuple[str, ...]) -> None:
    told = genba(*path)
    assert "Commands:" in told.output
    for name in ALL[path].commands:
        (line,) = [x for x in told.output.splitlines() if x.strip().split(" ")[:1] == [name]]
        assert line.rstrip().endswith(".")
        assert len(line) <= 100


def test_the_version() -> None:
    assert genba("--version").stdout == f"genba {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rum",), "No such command 'rum'"),
        (("run", "--prot", "1"), "No such option"),
        (("run", "--port", "99999"), "less than or equal to 65535"),
        (("status", "--port"), "No such option"),
    ],
)
def test_a_typing_error_is_told_with_the_way_to_help(arguments: tuple[str, ...], said: str) -> None:
    told = genba(*arguments)
    assert told.exit_code == 2
    assert said in told.stderr
    assert " -h' for help" in told.stderr


def test_help_comes_at_once() -> None:
    """Processor time, for the machine may be busy; the figure itself is in benchmarks/."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "genba", "--help"], check=True, capture_output=True)
    after = os.times()
    took = after.children_user - before.children_user
    assert 0 < took + after.children_system - before.children_system < 1.0


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'pyarrow', 'deltalake', 'duckdb', 'numpy', 'asyncua', 'fastapi', 'pydantic', 'httpx'}"
    program = f"import sys, genba.cli.main; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert told.stdout == "[]\n"
