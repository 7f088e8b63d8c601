"""README's path from a user's own OPC UA server to a first KPI, each command as it is typed.

The servers speak signed and encrypted OPC UA; every command is a process of its own.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import interrupt, line_with, started
from tests.connect.opcua_device import Device
from tests.connect.opcua_mill import Mill

from genba.connect import pki
from genba.historian import Historian
from genba.plant import SystemClock, parse_time

BOUND_S = 60.0
README = Path(__file__).parents[2] / "README.md"

pytestmark = pytest.mark.timeout(120)


class Person:
    """Somebody at a shell in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if key[:6] != "GENBA_"}

    def _type(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *line.split()],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )

    async def types(self, line: str, code: int = 0) -> str:
        """Type a command; return what it says, standard error where it fails."""
        done = await asyncio.to_thread(self._type, line)
        assert done.returncode == code, (line, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    async def asks(self, line: str) -> Any:
        """Type a command that answers in JSON."""
        return json.loads(await self.types(f"{line} --json"))

    @asynccontextmanager
    async def runs(self, line: str, said: str = "") -> AsyncIterator[subprocess.Popen[str]]:
        """Start a core and keep the token that it shows; ``said`` is all that it complains of."""
        errors = self.folder / "errors.log"
        arguments = line.split()[1:]
        with started(
            *arguments, errors=errors, cwd=self.folder, environment=self.environment
        ) as core:
            told, before = await asyncio.to_thread(line_with, core, "Ctrl-C stops.")
            shown = [text for text in before if "GENBA_TOKEN=" in text]
            for text in shown:
                self.environment["GENBA_TOKEN"] = text.partition("=")[2]
            found = re.search(r"API at (\S+)/api/v1", told)
            assert found, told
            self.environment["GENBA_URL"] = found[1]
            yield core
        assert re.fullmatch(said, errors.read_text())


class Counting:
    """A machine that makes parts: counts up, one part after the other, none left out."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.count = 0
        self.halted = asyncio.Event()

    async def work(self) -> None:
        await self._device.put("State", 6)
        while not self.halted.is_set():
            self.count += 1
            await self._device.put("Count", self.count)
            await self._device.put("Temperature", 200 + self.count % 40)
            await asyncio.sleep(0.01)  # the machine's own pace; nothing waits for it


@pytest.fixture
async def device(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Device]:
    served = await Device(tmp_path / "device", free_port()).start()
    yield served
    await served.stop()


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Change a proposed plant file as its comments say."""
    text = path.read_text("utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


DAYS = "mon, tue, wed, thu, fri, sat, sun"
CALENDAR = (
    ("# calendars:", "calendars:"),
    ("#   - id: day-shift", "  - id: day-shift"),
    (
        '#     shifts: [{id: day, days: [mon, tue, wed, thu, fri], start: "06:00", end: "22:00"}]',
        "    shifts:\n"
        f'      - {{id: am, days: [{DAYS}], start: "00:00", end: "12:00"}}\n'
        f'      - {{id: pm, days: [{DAYS}], start: "12:00", end: "00:00"}}',
    ),
    ('    connection: "server"\n', '    connection: "server"\n    calendar: day-shift\n'),
)


async def trusted_plant(person: Person, url: str) -> str:
    """The first three commands; returns what a proposed plant is told to do next."""
    browse = f"genba init my-plant --browse {url}"
    refused = await person.types(browse, code=1)
    found = re.search(r"is not trusted; .*run: (genba trust add [0-9a-f]+ --state \S+)", refused)
    assert found, refused
    assert len(refused.splitlines()) == 1
    assert not (person.folder / "my-plant/plant.yaml").exists()
    listed = await person.asks("genba trust list --state my-plant/state")
    assert [entry["status"] for entry in listed] == ["rejected"]
    assert "trusted: " in await person.types(found[1])
    return await person.types(browse)


async def test_from_a_server_to_a_first_kpi(
    tmp_path: Path, device: Device, eventually: Callable[..., Awaitable[None]]
) -> None:
    person = Person(tmp_path)
    own = json.loads(await person.types("genba trust show --state my-plant/state --json"))
    # What the server's owner does: accept Genba's certificate.
    pki.trust(device.folder, tmp_path / own["file"])
    assert "genba check my-plant/plant.yaml" in await trusted_plant(person, device.url)
    plant = tmp_path / "my-plant/plant.yaml"
    edit(
        plant,
        ('id: "state", kind: state', 'id: "state", role: state, kind: state'),
        ('id: "count", kind: counter', 'id: "count", role: good_count, kind: counter'),
        *CALENDAR,
    )
    checked = await person.types("genba check my-plant/plant.yaml --live")
    assert "7 of 7 signals answered rightly" in checked

    machine = Counting(device)
    working = asyncio.create_task(machine.work())
    async with person.runs("genba run my-plant/plant.yaml --port 0") as core:
        begun = time.monotonic()
        assert re.fullmatch(r"genba_[0-9a-f]{8}_\S{43}", person.environment["GENBA_TOKEN"])
        await eventually(lambda: machine.count > 300 and time.monotonic() > begun + 2, BOUND_S)
        health = await person.asks("genba status")
        assert (health["status"], health["connections"]["server"]["link"]) == ("ok", "up")
        assert health["historian"]["acknowledged"] > 300
        live = await person.asks("genba historian query press.count --state my-plant/state")
        assert len(live) > 150
        code, rest = await asyncio.to_thread(interrupt, core)
    machine.halted.set()
    await working
    assert code == 0, rest
    stored = int(re.fullmatch(r"Stopped. ([0-9,]+) samples .* stored.\n", rest)[1].replace(",", ""))  # type: ignore[index]

    rows = await person.asks("genba historian query press.count --from -1h --state my-plant/state")
    values = [row["value"] for row in rows]
    assert values == [float(n) for n in range(int(values[0]), int(values[-1]) + 1)]
    assert len(values) >= len(live)
    with Historian.open(
        tmp_path / "my-plant/state/historian", SystemClock(), read_only=True
    ) as historian:
        stats = historian.stats()
    assert stats["samples"] + sum(stats["records"].values()) == stored
    assert stats["spooled"] == 0

    kpi = await person.asks("genba kpi my-plant/plant.yaml --from -2s")
    (row,) = kpi["rows"]
    assert row["elements"]["planned_busy_s"] == pytest.approx(2.0, abs=0.1)
    assert row["kpis"]["availability"] == pytest.approx(1.0, abs=0.1)
    start, end = parse_time(kpi["from"]), parse_time(kpi["to"])
    made = [r["value"] for r in rows if start <= parse_time(r["source_time"]) < end]
    assert row["elements"]["good"] == pytest.approx(made[-1] - made[0], abs=1)
    assert row["kpis"]["oee"] is None
    table = await person.types("genba kpi my-plant/plant.yaml --from -1h")
    assert "Availability" in table

    # A second run shows no token, and the first one's still holds.
    async with person.runs("genba run my-plant/plant.yaml --port 0") as core:
        assert (await person.asks("genba status"))["plant"] == "my-plant"
        code, rest = await asyncio.to_thread(interrupt, core)
        assert code == 0, rest


async def test_a_device_is_trusted_while_genba_runs(tmp_path: Path, device: Device) -> None:
    person = Person(tmp_path)
    own = json.loads(await person.types("genba trust show --json"))
    pki.trust(device.folder, tmp_path / own["file"])
    (tmp_path / "plant.yaml").write_text(
        f"""
id: works
connections: [{{id: server, driver: opcua, url: "{device.url}"}}]
equipment:
  - id: press
    connection: server
    signals: [{{id: count, kind: counter, type: int, address: "ns={device.namespace};s=Count"}}]
""",
        encoding="utf-8",
    )
    said = r"genba: server: .* is not trusted; compare .* run: genba trust add \S+ --state \S+\n"
    async with person.runs("genba run --port 0", said) as core:
        health = await person.asks("genba status")
        assert health["status"] == "degraded"
        (command,) = re.findall("genba trust add .*", health["connections"]["server"]["error"])
        await person.types(command)
        deadline = time.monotonic() + BOUND_S
        while health["status"] == "degraded":
            assert time.monotonic() < deadline
            health = await person.asks("genba status")
        assert health["connections"]["server"]["received"] > 0
        code, rest = await asyncio.to_thread(interrupt, core)
        assert code == 0, rest


@pytest.mark.peer("node-opcua")
async def test_from_a_foreign_server_to_its_record(
    tmp_path: Path, free_port: Callable[[], int], eventually: Callable[..., Awaitable[None]]
) -> None:
    person = Person(tmp_path)
    own = json.loads(await person.types("genba trust show --state my-plant/state --json"))
    mill = Mill(tmp_path / "mill", tmp_path / own["file"], free_port())
    await asyncio.to_thread(mill.start)
    try:
        await trusted_plant(person, mill.url)
        edit(
            tmp_path / "my-plant/plant.yaml",
            ('id: "count", kind: counter', 'id: "count", role: good_count, kind: counter'),
        )
        checked = await person.types("genba check my-plant/plant.yaml --live")
        assert "signals answered rightly" in checked
        async with person.runs("genba run my-plant/plant.yaml --port 0") as core:
            mill.count_to(500)
            query = "genba historian query mill.count --state my-plant/state"
            values: list[float] = []
            deadline = time.monotonic() + BOUND_S
            while 500.0 not in values:
                assert time.monotonic() < deadline
                values = [row["value"] for row in await person.asks(query)]
            code, rest = await asyncio.to_thread(interrupt, core)
            assert code == 0, rest
        assert values == [float(n) for n in range(501)]
    finally:
        await asyncio.to_thread(mill.stop)


def test_readme_types_what_is_tested_here() -> None:
    """The commands of README's five minutes are those above, in their order."""
    text = README.read_text("utf-8")
    section = text.partition("in five minutes\n")[2].partition("\n## ")[0]
    typed = [
        line.split("#")[0].strip() for line in section.splitlines() if line[:10] == "    genba "
    ]
    assert [line.split()[:3] for line in typed] == [
        ["genba", "init", "my-plant"],
        ["genba", "trust", "add"],
        ["genba", "init", "my-plant"],
        ["genba", "check", "my-plant/plant.yaml"],
        ["genba", "run", "my-plant/plant.yaml"],
        ["genba", "kpi", "my-plant/plant.yaml"],
    ]
    assert len(text.splitlines()) <= 85
