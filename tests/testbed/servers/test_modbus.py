"""A Modbus device lays its signals out as the plant file says; mbpoll and pymodbus agree."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient
from tests.testbed.servers.small_plant import Memory

from genba.errors import TestbedError
from genba.plant import Plant
from genba.testbed.servers.device import Change
from genba.testbed.servers.modbus import ModbusServer, modbus_servers
from genba.testbed.servers.modbus_words import decode, encode, parse_place


def furnace_plant(port: int, **options: Any) -> Plant:
    signals: list[dict[str, Any]] = [
        {"id": "temperature", "address": "input:20:uint16", "scale": 0.1},
        {"id": "good", "address": "input:2:uint32", "kind": "counter", "type": "int"},
        {"id": "lots", "address": "input:100:string8", "kind": "state", "type": "string"},
        {"id": "door", "address": "discrete:5", "kind": "state", "type": "bool"},
        {
            "id": "set",
            "address": "holding:0:float32",
            "kind": "setpoint",
            "range": {"low": 20, "high": 960},
        },
        {"id": "job", "address": "holding:2:int32", "kind": "setpoint", "type": "int"},
        {"id": "order", "address": "holding:10:string4", "kind": "setpoint", "type": "string"},
        {"id": "lamp", "address": "coil:3", "kind": "setpoint", "type": "bool"},
        {"id": "valve", "address": "holding:20:bit1", "kind": "setpoint", "type": "bool"},
        {"id": "pump", "address": "holding:20:bit4", "kind": "setpoint", "type": "bool"},
    ]
    return Plant.model_validate(
        {
            "id": "small",
            "connections": [
                {
                    "id": "furnace",
                    "driver": "modbus",
                    "url": f"tcp://127.0.0.1:{port}",
                    "options": options,
                }
            ],
            "equipment": [{"id": "furnace", "connection": "furnace", "signals": signals}],
        }
    )


@pytest_asyncio.fixture
async def furnace(free_port: Callable[[], int]) -> AsyncIterator[tuple[int, Memory, ModbusServer]]:
    port = free_port()
    plant = furnace_plant(port)
    memory = Memory(plant, refuse=["furnace.job"])
    memory.set("furnace.temperature", 921.7)
    memory.set("furnace.good", 123_456)
    memory.set("furnace.lots", "O-1-01,O-1-02")
    memory.set("furnace.door", value=True)
    (server,) = modbus_servers(plant, memory)
    await server.start()
    await server.push([Change(*row) for row in memory.drain()], memory.now)
    yield port, memory, server
    await server.stop()


async def mbpoll(port: int, *arguments: str) -> str:
    """Run mbpoll once, with addresses that count from 0, and return what it said."""
    process = await asyncio.create_subprocess_exec(
        *("mbpoll", "-0", "-1", "-q", "-m", "tcp", "-p", str(port), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    return output.decode()


@pytest.mark.peer("mbpoll")
async def test_mbpoll_reads_words_bits_and_numbers(
    furnace: tuple[int, Memory, ModbusServer],
) -> None:
    port = furnace[0]
    assert "[20]: \t9217" in await mbpoll(port, "-t", "3", "-r", "20", "127.0.0.1")
    assert "[2]: \t123456" in await mbpoll(port, "-t", "3:int", "-B", "-r", "2", "127.0.0.1")
    assert "[5]: \t1" in await mbpoll(port, "-t", "1", "-r", "5", "127.0.0.1")
    assert "Illegal data address" in await mbpoll(port, "-t", "3", "-r", "400", "127.0.0.1")


@pytest.mark.peer("mbpoll")
async def test_mbpoll_writes_a_float_and_a_coil(furnace: tuple[int, Memory, ModbusServer]) -> None:
    port, memory, _ = furnace
    await mbpoll(port, "-t", "4:float", "-B", "-r", "0", "127.0.0.1", "850.5")
    await mbpoll(port, "-t", "0", "-r", "3", "127.0.0.1", "1")
    assert memory.written == [("furnace.set", 850.5), ("furnace.lamp", True)]
    assert "[0]: \t850.5" in await mbpoll(port, "-t", "4:float", "-B", "-r", "0", "127.0.0.1")


async def client_of(port: int) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    assert await client.connect()
    return client


async def test_text_and_single_bits_are_written_without_touching_their_neighbors(
    furnace: tuple[int, Memory, ModbusServer],
) -> None:
    port, memory, _ = furnace
    client = await client_of(port)
    words = client.convert_to_registers("O-12-01\0", client.DATATYPE.STRING)
    assert not (await client.write_registers(10, words, device_id=1)).isError()
    assert not (await client.write_register(20, 0b10000, device_id=1)).isError()
    assert ("furnace.order", "O-12-01") in memory.written
    assert memory.values["furnace.pump"] is True
    assert not memory.values["furnace.valve"]
    shown = await client.read_holding_registers(20, count=1, device_id=1)
    assert shown.registers == [0b10000]
    lots = await client.read_input_registers(100, count=8, device_id=1)
    assert client.convert_from_registers(lots.registers, client.DATATYPE.STRING) == "O-1-01,O-1-02"
    client.close()


@pytest.mark.parametrize(
    ("address", "words", "code"),
    [
        (0, [0x447A, 0x0000], 3),  # 1000.0 lies above the range
        (2, [0, 7], 3),  # the machine refuses
        (10, [0xFF00, 0, 0, 0], 3),  # not ASCII
        (4, [1], 2),  # no signal there
        (400, [1], 2),  # no table there
    ],
)
async def test_a_refused_write_is_an_exception_and_changes_nothing(
    furnace: tuple[int, Memory, ModbusServer], address: int, words: list[int], code: int
) -> None:
    port, memory, _ = furnace
    client = await client_of(port)
    answer = await client.write_registers(address, words, device_id=1)
    assert answer.isError()
    assert answer.exception_code == code
    assert memory.written == []
    kept = await client.read_holding_registers(0, count=4, device_id=1)
    assert kept.registers == [0, 0, 0, 0]
    client.close()


async def test_units_share_a_port_and_an_unknown_unit_is_an_error(
    free_port: Callable[[], int],
) -> None:
    first, second = furnace_plant(port := free_port(), unit_id=1), furnace_plant(port, unit_id=7)
    other = second.connections[0].model_copy(update={"id": "oven"})
    oven = {"id": "oven", "connection": "oven"}
    signal = {"id": "temperature", "address": "input:20:uint16", "scale": 0.1}
    plant = Plant.model_validate(
        {
            "id": "two",
            "connections": [first.connections[0], other],
            "equipment": [first.equipment[0], {**oven, "signals": [signal]}],
        }
    )
    memory = Memory(plant)
    memory.set("furnace.temperature", 100.0)
    memory.set("oven.temperature", 200.0)
    (server,) = modbus_servers(plant, memory)
    await server.start()
    client = await client_of(port)
    shown = [await client.read_input_registers(20, count=1, device_id=unit) for unit in (1, 7)]
    assert [answer.registers for answer in shown] == [[1000], [2000]]
    assert (await client.read_input_registers(20, count=1, device_id=9)).isError()
    client.close()
    await server.stop()


def test_overlapping_signals_are_named() -> None:
    plant = furnace_plant(1)
    clash = {"id": "clash", "address": "input:3:uint16"}
    furnace = plant.equipment[0].model_dump()
    furnace["signals"] = [*furnace["signals"], clash]
    broken = Plant.model_validate({**plant.model_dump(), "equipment": [furnace]})
    with pytest.raises(TestbedError, match=r"furnace\.good and furnace\.clash overlap at input:3"):
        modbus_servers(broken, Memory(broken))


def place_of(type_: str) -> Any:
    plant = furnace_plant(1)
    signal = plant.signals["furnace.good"].model_copy(update={"address": f"input:0:{type_}"})
    return parse_place(signal)


@pytest.mark.parametrize("address", ["input", "input:1:int8", "coil:1:uint16", "input:65535:int32"])
def test_a_broken_address_is_refused_by_name(address: str) -> None:
    signal = furnace_plant(1).signals["furnace.good"].model_copy(update={"address": address})
    with pytest.raises(TestbedError, match=r"furnace\.good"):
        parse_place(signal)


@given(
    st.sampled_from(["big", "little"]),
    st.one_of(
        st.tuples(st.just("int16"), st.integers(-(2**15), 2**15 - 1)),
        st.tuples(st.just("uint32"), st.integers(0, 2**32 - 1)),
        st.tuples(st.just("int64"), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("float32"), st.floats(allow_nan=False, width=32)),
        st.tuples(st.just("float64"), st.floats(allow_nan=False)),
        st.tuples(
            st.just("string8"),
            st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=16),
        ),
    ),
)
def test_words_hold_what_was_put_in(order: Any, case: tuple[str, Any]) -> None:
    type_, value = case
    place = place_of(type_)
    words, fitted = encode(place, value, order, [0] * place.count)
    assert fitted
    assert decode(place, words, order) == value


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        ("uint16", 70_000, 65_535),
        ("uint16", -1, 0),
        ("int16", -40_000, -32_768),
        ("string2", "abcdef", "abcd"),
    ],
)
def test_what_does_not_fit_is_shown_as_the_nearest_and_said(
    type_: str, value: Any, shown: Any
) -> None:
    place = place_of(type_)
    words, fitted = encode(place, value, "big", [0] * place.count)
    assert (decode(place, words, "big"), fitted) == (shown, False)
