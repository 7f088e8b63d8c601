"""``genba alarm`` against a running core over a real socket: at 80 columns, and in JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.cli.command import genba, one_line
from tests.operate.api.running_plant import RunningPlant, running_plant
from typer.testing import Result

from genba.operate.api.serve import ApiServer
from genba.operate.judge import Judgement
from genba.operate.listening import listen
from genba.plant import Finding, Severity

NAME = "mill-1.vibration:limit_high_high"
Ask = Callable[..., Any]


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[RunningPlant, Ask]]:
    async with running_plant(tmp_path) as plant:
        server = ApiServer(plant.app, listen("127.0.0.1", 0))
        await server.start()

        async def ask(*words: str, role: str = "operator") -> Result:
            token = plant.tokens[role]
            return await asyncio.to_thread(
                genba, *words, GENBA_URL=server.url, GENBA_TOKEN=token, COLUMNS="80"
            )

        try:
            await plant.live(30)
            yield plant, ask
        finally:
            async with asyncio.timeout(10):
                await server.stop()


async def _shake(plant: RunningPlant) -> None:
    finding = Finding(
        "F-1", plant.clock.now(), "limit_high_high", "mill-1", "it shakes", Severity.CRITICAL
    )
    plant.core.loop.take([Judgement(finding, stands=True, about="mill-1.vibration")])
    await plant.live(15)


async def test_an_operator_sees_answers_and_reads_back(served: tuple[RunningPlant, Ask]) -> None:
    plant, ask = served
    assert (await ask("alarm", "list")).stdout == "No alarms: everything is normal.\n"
    await _shake(plant)
    told = (await ask("alarm", "list")).stdout
    assert all(len(line) <= 80 for line in told.splitlines())
    for word in ("! ACTIVE", "medium", NAME, "CNC mill 1", "call maintenance", "1 to acknowledge"):
        assert word in " ".join(told.split()), told
    assert "Alarms: 1 active; to acknowledge: 1 medium" in (await ask("status")).stdout
    done = await ask("alarm", "ack", NAME, "-m", "on my way")
    assert done.stdout == f"{NAME}: acknowledged\n"
    done = await ask("alarm", "shelve", NAME, "--for", "10m", "-m", "bearing is ordered")
    assert done.stdout.startswith(f"{NAME}: shelved until 2026-01-05T06:10:")
    (listed,) = json.loads((await ask("alarm", "list", "--json")).stdout)
    assert (listed["state"], listed["comment"]) == ("shelved", "bearing is ordered")
    shown = (await ask("alarm", "show", NAME)).stdout
    assert "consequence: The spindle's bearings are damaged." in shown
    await ask("alarm", "unshelve", NAME)
    await plant.live(5)
    page = json.loads((await ask("alarm", "journal", "--alarm", NAME, "--json")).stdout)
    assert [row["event"] for row in page["rows"]] == [
        *("raise", "acknowledge", "shelve", "unshelve"),
    ]
    assert "on my way" in (await ask("alarm", "journal")).stdout
    rates = (await ask("alarm", "rates")).stdout
    assert "time in flood" in rates
    assert NAME in "".join(rates.split())


async def test_what_is_refused_says_why(served: tuple[RunningPlant, Ask]) -> None:
    _, ask = served
    assert "nothing to acknowledge" in one_line(await ask("alarm", "ack", NAME))
    assert "there is no alarm 'x:y'" in one_line(await ask("alarm", "show", "x:y"))
    assert "for a reason" in one_line(await ask("alarm", "shelve", NAME))
    line = one_line(await ask("alarm", "shelve", NAME, "--for", "9h", "-m", "later"))
    assert "480 minutes at most" in line
    assert "role" in one_line(await ask("alarm", "remove", NAME, "-m", "broken"))
    assert "'urgent' is no priority" in one_line(await ask("alarm", "list", "--priority", "urgent"))
    for span in ("10", "ten", "-1m"):
        told = await ask("alarm", "shelve", NAME, f"--for={span}", "-m", "x")
        assert f"'{span}' is no length for shelving" in one_line(told)
