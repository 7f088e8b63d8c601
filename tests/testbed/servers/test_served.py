"""A plant file is served whole, follows its clock, says when it cannot, and leaves nothing."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient
from tests.testbed.servers.mqtt_plant import mqtt_plant
from tests.testbed.servers.small_plant import START, Memory, opcua_plant
from tests.testbed.servers.test_modbus import furnace_plant

from genba.errors import TestbedError
from genba.plant import US, AcceleratedClock, Plant, Scalar, VirtualClock
from genba.testbed.served import ServedPlant
from genba.testbed.servers.logins import ensure_logins
from genba.testbed.servers.relocate import free_ports, relocate


class Counting(Memory):
    """A memory whose counter goes up by one in each second of the plant."""

    def __init__(self, plant: Plant, counter: str, second_takes_s: float = 0.0) -> None:
        super().__init__(plant)
        self._counter = counter
        self._second_takes_s = second_takes_s
        self.steps: list[int] = []

    def advance(self, until: int) -> None:
        self.steps.append(until - self.now)
        deadline = time.monotonic() + self._second_takes_s
        while time.monotonic() < deadline:
            pass
        count: Scalar = self.values[self._counter]
        super().advance(until)
        self.set(self._counter, 1 if not isinstance(count, int) else count + 1)


def whole_plant() -> Plant:
    """Press, furnace and fleet in one file, each on a port of its own."""
    parts = opcua_plant(4801), furnace_plant(1502), mqtt_plant(1883)
    return Plant(
        id="whole",
        connections=tuple(c for p in parts for c in p.connections),
        equipment=tuple(e for p in parts for e in p.equipment),
        vehicles=parts[2].vehicles,
    )


async def test_a_taken_port_is_named_with_the_mend_and_nothing_is_left_running(
    tmp_path: Path,
) -> None:
    plant = relocate(whole_plant(), free_ports(whole_plant()))
    furnace = int(plant.connections[1].url.rsplit(":")[-1])
    press = int(plant.connections[0].url.rsplit(":")[-1])
    served = ServedPlant(plant, Memory(plant), VirtualClock(START), tmp_path, embedded_broker=True)
    with socket.socket() as other:
        other.bind(("127.0.0.1", furnace))
        other.listen()
        with pytest.raises(TestbedError, match=rf"port {furnace} .*furnace.*change the url"):
            await served.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", press))


async def test_every_second_is_shown_in_its_turn(tmp_path: Path) -> None:
    plant = relocate(furnace_plant(1502), free_ports(furnace_plant(1502)))
    memory = Counting(plant, "furnace.good")
    served = ServedPlant(plant, memory, VirtualClock(START), tmp_path)
    await served.start()
    await served.advance(START + 90 * US + 1)
    assert memory.now == START + 90 * US
    assert memory.steps == [US] * 90
    assert served.samples == 90
    client = AsyncModbusTcpClient("127.0.0.1", port=int(plant.connections[0].url.rsplit(":")[-1]))
    assert await client.connect()
    answer = await client.read_input_registers(2, count=2, device_id=1)
    assert answer.registers == [0, 90]
    client.close()
    await served.stop()


async def test_the_plant_follows_an_accelerated_clock_to_the_end(tmp_path: Path) -> None:
    plant = furnace_plant(1502)
    memory = Counting(plant, "furnace.good")
    clock = AcceleratedClock(START, 600.0, time.time())
    served = ServedPlant(plant, memory, clock, tmp_path)
    await asyncio.wait_for(served.run(START + 300 * US), 10)
    assert memory.now == START + 300 * US
    assert clock.now() >= memory.now
    assert memory.steps == [US] * 300


async def test_a_plant_that_cannot_follow_says_so_and_can_be_stopped(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    eventually: Callable[..., Awaitable[None]],
) -> None:
    plant = furnace_plant(1502)
    memory = Counting(plant, "furnace.good", second_takes_s=0.01)
    clock = AcceleratedClock(START, 1000.0, time.time())
    served = ServedPlant(plant, memory, clock, tmp_path)
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(served.run())
        await eventually(lambda: served.worst_lag_s > 1000, what="the lag")
        served.halt()
        await asyncio.wait_for(running, 10)
    behind = [r for r in caplog.records if "choose a lower speed" in r.message]
    assert len(behind) == 1


def test_a_port_is_no_place_for_two_devices(tmp_path: Path) -> None:
    plant = whole_plant()
    both = relocate(plant, {1502: 4801})
    served = ServedPlant(both, Memory(both), VirtualClock(START), tmp_path)
    with pytest.raises(TestbedError, match="press and furnace share port 4801"):
        asyncio.run(served.start())


def test_relocating_changes_ports_and_nothing_else() -> None:
    plant = whole_plant()
    moved = relocate(plant, {4801: 9001, 1883: 9002})
    assert [c.url for c in moved.connections] == [
        "opc.tcp://127.0.0.1:9001",
        "tcp://127.0.0.1:1502",
        *["mqtt://127.0.0.1:9002"] * 3,
    ]
    assert moved.model_copy(update={"connections": plant.connections}) == plant


def test_logins_are_made_up_once_kept_private_and_the_environment_goes_first(
    tmp_path: Path,
) -> None:
    plant = opcua_plant(1, credentials="press.panel")
    first = ensure_logins(plant, tmp_path, {})
    file = tmp_path / "credentials.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert ensure_logins(plant, tmp_path, {}) == first
    given = ensure_logins(plant, tmp_path, {"GENBA_CREDENTIALS_PRESS_PANEL": "me:a:b"})
    assert given == {"press.panel": ("me", "a:b")}
    file.write_text("press.panel: secret\n")
    with pytest.raises(TestbedError, match=r"press\.panel.*needs user and password"):
        ensure_logins(plant, tmp_path, {})
