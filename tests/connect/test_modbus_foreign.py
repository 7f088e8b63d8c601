"""The Modbus driver against libmodbus, with mbpoll looking at the same registers."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.connect import modbus_device
from tests.connect.test_modbus import driver, signal

pytestmark = pytest.mark.peer("mbpoll")  # which brings libmodbus


@pytest.fixture
async def foreign_port(free_port: Callable[[], int]) -> AsyncIterator[int]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(modbus_device.__file__)),
        str(port),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"listening\n"
    yield port
    process.kill()
    await process.wait()


async def mbpoll(port: int, *arguments: str) -> dict[int, str]:
    """Run mbpoll once; the values it shows, by register number."""
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, output.decode()
    return {int(n): v for n, v in re.findall(r"^\[(\d+)\]:\s+(\S+)", output.decode(), re.M)}


async def test_reads_what_libmodbus_holds(foreign_port: int) -> None:
    signals = [
        signal("energy", "input:10:float32"),
        signal("count", "input:12", type="int"),
        signal("door", "discrete:4", type="bool"),
    ]
    subject = driver(foreign_port, *signals)
    await subject.connect()
    assert [s.value for s in await subject.read(signals)] == [1234.5, 42, True]
    await subject.close()


async def test_mbpoll_sees_what_the_driver_wrote(foreign_port: int) -> None:
    writes = [
        (signal("set", "holding:100:float32", kind="setpoint"), 850.25),
        (signal("count", "holding:102:int32", kind="setpoint", type="int"), -70_000),
        (signal("mode", "holding:104:uint16", kind="setpoint", type="int"), 4),
        (signal("bit", "holding:104:bit15", kind="setpoint", type="bool"), True),
        (signal("heat", "coil:3", kind="setpoint", type="bool"), True),
    ]
    subject = driver(foreign_port, *(s for s, _ in writes))
    await subject.connect()
    for target, value in writes:
        await subject.write(target, value)
    read = await subject.read([s for s, _ in writes])
    await subject.close()
    assert [s.value for s in read] == [850.25, -70_000, 0x8004, True, True]
    port = foreign_port
    assert await mbpoll(port, "-r", "100", "-t", "4:float", "-B", "127.0.0.1") == {100: "850.25"}
    assert await mbpoll(port, "-r", "102", "-t", "4:int", "-B", "127.0.0.1") == {102: "-70000"}
    assert await mbpoll(port, "-r", "104", "-t", "4:hex", "127.0.0.1") == {104: "0x8004"}
    assert await mbpoll(port, "-r", "3", "-t", "0", "127.0.0.1") == {3: "1"}


async def test_the_driver_sees_what_mbpoll_wrote(foreign_port: int) -> None:
    await mbpoll(foreign_port, "-r", "10", "-t", "4:float", "-B", "127.0.0.1", "--", "-17.5")
    target = signal("set", "holding:10:float32")
    subject = driver(foreign_port, target)
    await subject.connect()
    [sample] = await subject.read([target])
    await subject.close()
    assert sample.value == -17.5


async def test_a_foreign_refusal_is_understood(foreign_port: int) -> None:
    beyond = signal("beyond", "holding:299:float32")
    inside = signal("inside", "holding:298", type="int")
    subject = driver(foreign_port, beyond, inside)
    await subject.connect()
    samples = await subject.read([inside, beyond])
    await subject.close()
    assert [s.value for s in samples] == [0, None]
