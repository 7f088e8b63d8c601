"""Releases over the air, through a real broker: installed, refused, taken back, retried."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.connect.brokers import Mosquitto, running
from tests.learn.edge import models
from tests.learn.edge.models import graph, release

from genba.errors import ConnectionLost, LearnError, PlantError
from genba.learn.edge.bundle import address_of
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Node
from genba.learn.edge.rolling import begin, drive, take_up
from genba.learn.edge.rollout import Group, Plan, Stage, State
from genba.learn.registry.history import History
from genba.operate import edge_orders
from genba.operate.edge_orders import MqttFleet, Orderly, context_of
from genba.plant import SystemClock

pytestmark = pytest.mark.peer("mosquitto")
Eventually = Callable[..., Any]
KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
GOOD, BAD, LATE = release(KEY), release(KEY, graph(twist=models.nan)), release(KEY, version="late")
CONTENTS = {address_of(content): content for content in (GOOD, BAD, LATE)}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("genba.connect.mqtt.LIVE_AGAIN_S", "genba.operate.edge_orders.STATE_EVERY_S"):
        monkeypatch.setattr(name, 0.05)


@asynccontextmanager
async def machine(folder: Path, name: str, port: int) -> AsyncIterator[Node]:
    """A machine whose trials are over at once: the release ``late`` fails, all others pass."""
    clock = SystemClock()
    node = Node(folder / name, name, TRUST, clock.now, models.COLUMNS)
    context = context_of(f"mqtt://127.0.0.1:{port}", clock, folder, {}, None)
    orderly = Orderly(context, node, TRUST)
    orderly.start()

    async def prove() -> None:
        while True:
            for model, slot in node.slots().items():
                if slot.trial == address_of(LATE):
                    node.roll_back(model, "it turned bad")
                elif slot.trial is not None:
                    node.confirm(model)
            await asyncio.sleep(0.02)

    proving = asyncio.create_task(prove())
    try:
        yield node
    finally:
        proving.cancel()
        await orderly.stop()


@asynccontextmanager
async def fleet_at(folder: Path, port: int) -> AsyncIterator[MqttFleet]:
    clock = SystemClock()
    context = context_of(f"mqtt://127.0.0.1:{port}", clock, folder, {}, None)
    fleet = MqttFleet(
        context, KEY, clock.now, lambda address: (CONTENTS[address], "watch"), "ada", 30.0
    )
    await fleet.connect()
    try:
        yield fleet
    finally:
        await fleet.close()


async def test_releases_reach_machines_and_what_they_say_comes_back(
    free_port: Callable[[], int], tmp_path: Path, eventually: Eventually
) -> None:
    broker = Mosquitto(free_port(), tmp_path)
    async with (
        running(broker),
        machine(tmp_path, "cell", broker.port) as node,
        fleet_at(tmp_path, broker.port) as fleet,
    ):
        await eventually(lambda: "cell" in fleet.states)
        await fleet.install("cell", address_of(GOOD))
        assert node.slot("watch").force == address_of(GOOD)
        with pytest.raises(LearnError, match="make no sense"):
            await fleet.install("cell", address_of(BAD))
        with pytest.raises(LearnError, match="it turned bad"):
            await fleet.install("cell", address_of(LATE))
        assert node.slot("watch").force == address_of(GOOD)
        assert await fleet.gone_back(["cell"], address_of(GOOD)) == {}
        await fleet.take_back("cell", address_of(GOOD), "ada wants it")
        await eventually(lambda: fleet.states["cell"]["slots"]["watch"][0] is None)
        gone = await fleet.gone_back(["cell"], address_of(GOOD))
        assert gone == {"cell": "cell took it back: ada wants it"}
        assert node.slot("watch").force is None


async def test_a_machine_that_is_away_fails_and_a_retry_reaches_it_alone(
    free_port: Callable[[], int],
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Mosquitto(free_port(), tmp_path)
    history = History(tmp_path / "roll-outs.jsonl")
    groups = (Group("canary", ("cell",)), Group("all", ("hall",), most_failed=1.0))
    rollout = begin(Plan(address_of(GOOD), "watch", groups), history, lambda: 1, "ada")
    async with (
        running(broker),
        machine(tmp_path, "cell", broker.port) as cell,
        fleet_at(tmp_path, broker.port) as fleet,
    ):
        await eventually(lambda: "cell" in fleet.states)
        working = asyncio.create_task(drive(rollout, fleet, history, lambda: 2))
        await eventually(lambda: rollout.stages["hall"] is Stage.WORKING, 30.0)
        monkeypatch.setattr(edge_orders, "REPLY_S", 0.2)
        working.cancel()  # whoever drove it is gone, while hall never answers
        await asyncio.gather(working, return_exceptions=True)
        with pytest.raises(ConnectionLost, match="does not answer"):
            await fleet.install("hall", address_of(GOOD))
        monkeypatch.setattr(edge_orders, "REPLY_S", 60.0)
        lines = len(cell.history.events())
        again = take_up(history)
        assert again is not None
        assert again.stages == {"cell": Stage.RUNNING, "hall": Stage.FAILED}
        async with machine(tmp_path, "hall", broker.port):
            await eventually(lambda: "hall" in fleet.states)
            assert again.retry() == ["hall"]
            assert await drive(again, fleet, history, lambda: 3) is State.DONE
        assert len(cell.history.events()) == lines, "what had it was left alone"


@pytest.mark.parametrize("url", ["nonsense", "http://hub", "mqtt://", "mqtts://hub:99999", ""])
def test_a_hub_that_is_no_address_is_named_with_the_mend(tmp_path: Path, url: str) -> None:
    with pytest.raises(PlantError, match=f"--hub '{re.escape(url)}' is no address of the hub's"):
        context_of(url, SystemClock(), tmp_path, {}, None)


def test_a_login_in_the_address_of_a_hub_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="--hub holds a login; keep it in a file") as told:
        context_of("mqtts://ada:secret@hub:8883", SystemClock(), tmp_path, {}, None)
    assert "secret" not in str(told.value)
