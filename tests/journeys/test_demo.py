"""``genba demo`` from its first line to its last, with its processes and their ports."""

import asyncio
import json
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

import psutil
import pytest
from tests.cli.command import genba, one_line, started

from genba.historian import Historian
from genba.plant import US, SystemClock, load_plant, parse_time
from genba.testbed import reference_files

pytestmark = pytest.mark.timeout(400)

BOUND_S = 300.0
START = parse_time("2026-01-05T06:00:00Z")
END = START + 1800 * US
WAIT = Callable[..., Awaitable[None]]


def take_a_port() -> socket.socket | None:
    """Hold a port of the reference plant, unless somebody else does."""
    try:
        return socket.create_server(("127.0.0.1", 48401))
    except OSError:
        return None


def ports_of(folder: Path) -> set[str]:
    return {connection.url for connection in load_plant(folder / "plant.yaml").connections}


def says(log: Path, sign: str) -> bool:
    return log.exists() and sign in log.read_text("utf-8")


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


async def brokers_of(folder: Path, eventually: WAIT) -> list[str]:
    """Wait until the simulated plant answers; return the brokers that it has."""
    ready = folder / "testbed" / "ready.json"
    await eventually(ready.exists, BOUND_S, "the reference plant")
    told: dict[str, Any] = json.loads(ready.read_text("utf-8"))
    brokers: list[str] = told["brokers"]
    return brokers


async def test_two_demos_beside_each_other(tmp_path: Path, eventually: WAIT) -> None:
    """One with the broker that is there, one with the embedded one; both on free ports."""
    one, other = tmp_path / "one", tmp_path / "other"
    short = ("demo", "--hours", "0.5", "--speed", "60", "--against", "0")
    with ExitStack() as stack:
        held = take_a_port()
        if held is not None:
            stack.enter_context(closing(held))
        begin = time.monotonic()
        first = stack.enter_context(started(*short, "--dir", one, errors=tmp_path / "one.errors"))
        await brokers_of(one, eventually)
        second = stack.enter_context(
            started(
                *(*short, "--dir", other, "--embedded-broker"), errors=tmp_path / "other.errors"
            )
        )
        assert await brokers_of(other, eventually) == ["amqtt"]
        told = await asyncio.gather(
            asyncio.to_thread(first.communicate, timeout=BOUND_S),
            asyncio.to_thread(second.communicate, timeout=BOUND_S),
        )
        assert time.monotonic() - begin < BOUND_S
        assert (first.returncode, second.returncode) == (0, 0)
    reference = {c.url for c in load_plant(reference_files()[0]).connections}
    assert ports_of(one).isdisjoint(ports_of(other) | reference)
    for folder, (text, _) in zip((one, other), told, strict=True):
        assert (tmp_path / f"{folder.name}.errors").read_text() == ""
        check_report(folder, text)


def check_report(folder: Path, text: str) -> None:
    """What is printed in the end is what the plant and the historian say."""
    for title in ("KPIs by equipment", "Effectiveness", "What the guard did", "safety monitor"):
        assert title in text
    ledger = json.loads((folder / "testbed" / "ledger.json").read_text("utf-8"))
    assert ledger["safety"]["total"] == 0
    assert re.search(r"unsafe events\s*│\s*0\b", text)
    with Historian.open(folder / "state" / "historian", SystemClock(), read_only=True) as historian:
        stored = historian.stats()
        verdicts = historian.rows("decisions", START, END, stage="verdict").to_pylist()
    assert f"{stored['samples']:,} samples in" in text
    assert stored["samples"] > 2000
    counts = Counter((row["kind"], json.loads(row["data"])["decision"]) for row in verdicts)
    assert counts
    for (kind, decision), count in counts.items():
        assert re.search(rf"{kind}\s*│ {decision}\s*│\s*{count}\b", text)
    for log in ("genba.log", "testbed.log"):
        said = (folder / log).read_text("utf-8")
        assert "Traceback" not in said
    assert "Stopped. " in (folder / "genba.log").read_text("utf-8")


async def test_whoever_stops_a_demo_stops_all_of_it(tmp_path: Path, eventually: WAIT) -> None:
    with ExitStack() as stack:
        demos = {}
        for number in (SIGINT, SIGTERM):
            folder = tmp_path / number.name
            arguments = ("demo", "--dir", folder, "--embedded-broker")
            errors = tmp_path / f"{number.name}.errors"
            demos[number] = stack.enter_context(started(*arguments, errors=errors))
            # Two at once would look for free ports at the same time.
            await brokers_of(folder, eventually)
        beside: list[psutil.Process] = []
        for number, demo in demos.items():
            log = tmp_path / number.name / "genba.log"
            await eventually(lambda log=log: says(log, "API at "), BOUND_S, "the core")
            children = children_of(demo)
            assert len(children) >= 2
            beside += children
            demo.send_signal(number)
        codes = [await asyncio.to_thread(demo.wait, BOUND_S) for demo in demos.values()]
        assert codes[1] == 128 + SIGTERM
        assert codes[0] != 0
        await eventually(lambda: not any(child.is_running() for child in beside), BOUND_S)
    for number in demos:
        folder = tmp_path / number.name
        assert "Traceback" not in (tmp_path / f"{number.name}.errors").read_text()
        assert "Stopped. " in (folder / "genba.log").read_text()
        assert (folder / "testbed" / "ledger.json").exists()


def test_only_what_an_earlier_demo_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("three years")
    line = one_line(genba("demo", "--dir", tmp_path))
    assert line == (f"genba: {tmp_path} holds files that no demo made; choose another with --dir")
    assert (tmp_path / "thesis.odt").read_text() == "three years"
