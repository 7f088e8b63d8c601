"""The Modbus driver against pymodbus's simulated device: values, blocks, outages, bad input."""

import itertools
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.connect.modbus_device import Device, float_words, running

from genba.connect.driver import DriverContext
from genba.connect.modbus import ModbusDriver
from genba.errors import ConnectionLost, DeviceError, NoHistory, PlantError, WrongType
from genba.plant import Connection, Link, Quality, Sample, Signal, SystemClock

HOLDING = {
    100: float_words(850.5),
    102: [0xFFFE, 3],
    104: [0xDEAD, 0xBEEF],
    120: [0x4142, 0x4300, 0, 0],
    130: float_words(float("nan")),
    140: [0b1010],
    200: [7],
}


def signal(name: str, address: str, **fields: Any) -> Signal:
    return Signal.model_validate(
        {
            "id": f"furnace.{name}",
            "equipment": "furnace",
            "connection": "furnace",
            "address": address,
            "sample_s": 0.02,
            **fields,
        }
    )


def driver(port: int, *signals: Signal, **options: Any) -> ModbusDriver:
    connection = Connection(
        id="furnace",
        driver="modbus",
        url=f"modbus://127.0.0.1:{port}",
        options={"timeout_s": 0.5, **options},
    )
    return ModbusDriver(DriverContext(connection, signals, SystemClock(), Path()))


async def test_reads_every_type_in_plant_words(free_port: Callable[[], int]) -> None:
    device = Device(
        free_port(),
        HOLDING,
        inputs={10: [1234]},
        coils={3: [True]},
        discretes={4: [False, True]},
    )
    signals = [
        signal("temperature", "holding:100:float32"),
        signal("signed", "holding:102:int16", type="int"),
        signal("serial", "holding:104:uint32", type="int"),
        signal("name", "holding:120:string4", type="string"),
        signal("bit-1", "holding:140:bit1", type="bool"),
        signal("bit-2", "holding:140:bit2", type="bool"),
        signal("current", "input:10", scale=0.1, offset=-20.0, unit="A"),
        signal("heating", "coil:3", type="bool"),
        signal("door", "discrete:5", type="bool"),
    ]
    async with running(device):
        subject = driver(device.port, *signals)
        await subject.connect()
        samples = await subject.read(signals)
        await subject.close()
    assert [s.value for s in samples] == [
        850.5, -2, 0xDEADBEEF, "ABC", True, False, pytest.approx(103.4), True, True,
    ]  # fmt: skip
    assert all(s.quality == Quality.GOOD for s in samples)
    assert [s.sequence for s in samples] == sorted({s.sequence for s in samples})


async def test_word_order_little_swaps_words_of_numbers_not_of_text(
    free_port: Callable[[], int],
) -> None:
    device = Device(free_port(), {0: [*float_words(850.5)[::-1], 0x4142, 0x4344]})
    signals = [
        signal("temperature", "holding:0:float32"),
        signal("name", "holding:2:string2", type="string"),
    ]
    async with running(device):
        subject = driver(device.port, *signals, word_order="little")
        await subject.connect()
        assert [s.value for s in await subject.read(signals)] == [850.5, "ABCD"]
        await subject.close()


async def test_neighbours_share_a_read_and_gaps_the_device_refuses_are_avoided(
    free_port: Callable[[], int],
) -> None:
    device = Device(free_port(), HOLDING)
    signals = [
        signal("temperature", "holding:100:float32"),
        signal("signed", "holding:102:int16", type="int"),
        signal("serial", "holding:104:uint32", type="int"),
        signal("bits", "holding:140", type="int"),
    ]
    async with running(device):
        subject = driver(device.port, *signals, most_gap=100)
        await subject.connect()
        first = await subject.read(signals)
        device.requests.clear()
        again = await subject.read(signals)
        await subject.close()
    assert [s.value for s in first] == [s.value for s in again] == [850.5, -2, 0xDEADBEEF, 10]
    assert [(r.address, r.count) for r in device.requests] == [(100, 3), (104, 2), (140, 1)]


async def test_a_wrong_address_is_named_and_spares_its_neighbours(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    device = Device(free_port(), HOLDING)
    good = signal("serial", "holding:104:uint32", type="int")
    wrong = signal("wrong", "holding:106:float32")
    received: list[Sample] = []
    async with running(device):
        subject = driver(device.port, good, wrong)
        await subject.connect()
        await subject.subscribe([good, wrong], received.extend)
        await eventually(lambda: "furnace.wrong" in subject.health().error)
        health = subject.health()
        await subject.close()
    assert "holding:106:float32" in health.error
    assert "has no such address" in health.error
    assert health.link is Link.UP
    assert {(s.value, s.quality) for s in received if s.signal == good.id} == {
        (0xDEADBEEF, Quality.GOOD)
    }
    assert {(s.value, s.quality) for s in received if s.signal == wrong.id} == {(None, Quality.BAD)}


async def test_nan_is_bad_and_never_a_number(free_port: Callable[[], int]) -> None:
    device = Device(free_port(), HOLDING)
    broken = signal("broken", "holding:130:float32")
    async with running(device):
        subject = driver(device.port, broken)
        await subject.connect()
        [sample] = await subject.read([broken])
        await subject.close()
    assert (sample.value, sample.quality) == (None, Quality.BAD)


async def test_measurements_come_at_every_poll_states_on_change(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    device = Device(free_port(), HOLDING)
    measured = signal("temperature", "holding:100:float32")
    state = signal("state", "holding:102:int16", type="int", kind="state")
    received: list[Sample] = []

    def values(of: Signal) -> list[object]:
        return [s.value for s in received if s.signal == of.id]

    async with running(device):
        subject = driver(device.port, measured, state)
        await subject.connect()
        await subject.subscribe([measured, state], received.extend)
        await eventually(lambda: len(values(measured)) >= 5)
        assert values(state) == [-2]
        await device.set_holding(102, [6])
        await eventually(lambda: len(values(state)) == 2)
        await subject.close()
    assert values(state) == [-2, 6]
    numbers = [s.sequence for s in received]
    assert numbers == sorted(set(numbers))


async def test_a_measurement_within_its_deadband_is_repeated_before_it_goes_stale(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    device = Device(free_port(), HOLDING)
    quiet = signal("temperature", "holding:100:float32", deadband=0.5, fresh_s=0.2)
    received: list[Sample] = []
    async with running(device):
        subject = driver(device.port, quiet)
        await subject.connect()
        await subject.subscribe([quiet], received.extend)
        await eventually(lambda: len(received) >= 3)
        await subject.close()
    gaps = [b.source_time - a.source_time for a, b in itertools.pairwise(received)]
    assert min(gaps) >= 100_000


async def test_writes_arrive_and_read_back(free_port: Callable[[], int]) -> None:
    device = Device(free_port(), HOLDING, coils={3: [False]})
    cases = [
        (signal("set", "holding:100:float32", kind="setpoint"), 0.1),
        (signal("count", "holding:104:int32", kind="setpoint", type="int"), -70_000),
        (signal("lots", "holding:120:string4", kind="setpoint", type="string"), "O-1-01"),
        (signal("heat", "coil:3", kind="setpoint", type="bool"), True),
        (signal("flag", "holding:140:bit0", kind="setpoint", type="bool"), True),
        (signal("scaled", "holding:200:uint16", kind="setpoint", scale=0.5, offset=10.0), 12.5),
    ]
    async with running(device):
        subject = driver(device.port, *(s for s, _ in cases))
        await subject.connect()
        for target, value in cases:
            await subject.write(target, value)
        samples = await subject.read([s for s, _ in cases])
        await subject.close()
    assert [s.value for s in samples] == [value for _, value in cases]


@pytest.mark.parametrize(
    ("address", "fields", "value", "part"),
    [
        ("holding:200:int16", {"type": "int"}, 40_000, "does not fit"),
        ("holding:200:int16", {"type": "int"}, 1.5, "takes int"),
        ("holding:200:int16", {"scale": 0.5}, 1.2, "steps of 0.5"),
        ("holding:100:float32", {}, float("nan"), "finite"),
        ("holding:100:float32", {}, 1e39, "does not fit"),
        ("holding:120:string4", {"type": "string"}, "123456789", "at most 8"),
        ("holding:120:string4", {"type": "string"}, "löt", "ASCII"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_before_it_is_sent(
    free_port: Callable[[], int], address: str, fields: dict[str, Any], value: Any, part: str
) -> None:
    target = signal("set", address, kind="setpoint", **fields)
    device = Device(free_port(), HOLDING)
    async with running(device):
        subject = driver(device.port, target)
        await subject.connect()
        with pytest.raises(WrongType, match=part):
            await subject.write(target, value)
        await subject.close()
    assert not device.requests


async def test_a_refused_write_names_signal_address_and_reason(
    free_port: Callable[[], int],
) -> None:
    target = signal("set", "holding:999", kind="setpoint", type="int")
    device = Device(free_port(), HOLDING)
    async with running(device):
        subject = driver(device.port, target)
        await subject.connect()
        with pytest.raises(DeviceError, match=r"furnace\.set.*holding:999.*no such address"):
            await subject.write(target, 1)
        await subject.close()


async def test_an_outage_turns_values_bad_and_ends_by_itself(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    device = Device(free_port(), HOLDING)
    measured = signal("temperature", "holding:100:float32")
    received: list[Sample] = []
    await device.start()
    subject = driver(device.port, measured)
    await subject.connect()
    await subject.subscribe([measured], received.extend)
    await device.stop()
    await eventually(lambda: subject.health().link is Link.DOWN)
    assert received[-1].quality == Quality.BAD
    with pytest.raises(ConnectionLost, match=r"goes on trying|gave no answer"):
        await subject.read([measured])
    await device.start()
    await eventually(lambda: received[-1].quality == Quality.GOOD)
    health = subject.health()
    assert (health.link, health.reconnects) == (Link.UP, 1)
    await subject.close()
    await subject.close()
    await device.stop()
    assert subject.health().link is Link.CLOSED


async def test_polls_that_cannot_be_kept_are_skipped_and_counted(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    device = Device(free_port(), HOLDING)
    hasty = signal("temperature", "holding:100:float32", sample_s=0.0001)
    async with running(device):
        subject = driver(device.port, hasty)
        await subject.connect()
        await subject.subscribe([hasty], lambda _: None)
        await eventually(lambda: "polls skipped" in subject.health().error)
        await subject.close()


async def test_nothing_there_is_one_clear_error(free_port: Callable[[], int]) -> None:
    port = free_port()
    subject = driver(port)
    with pytest.raises(ConnectionLost, match=rf"'furnace'.*127\.0\.0\.1:{port}"):
        await subject.connect()
    await subject.close()


@pytest.mark.parametrize(
    ("address", "fields", "part"),
    [
        ("register 5", {}, "no Modbus address"),
        ("holding:70000", {}, "beyond 65535"),
        ("holding:5:float16", {}, "no type 'float16'"),
        ("holding:5:bit16", {"type": "bool"}, "no type 'bit16'"),
        ("coil:5:uint16", {"type": "bool"}, "takes no type"),
        ("input:5", {"kind": "setpoint"}, "can only be read"),
        ("holding:5:float32", {"type": "string"}, "cannot hold string"),
        ("coil:5", {"type": "float"}, "cannot hold float"),
    ],
)
def test_a_bad_address_is_refused_at_once(address: str, fields: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=rf"furnace\.x.*{part}"):
        driver(1502, signal("x", address, **fields))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"unit": 3}, "option 'unit' is not known.*unit_id"),
        ({"unit_id": 300}, "option 'unit_id'"),
        ({"word_order": "middle"}, "option 'word_order'"),
    ],
)
def test_a_bad_option_is_refused_at_once(options: dict[str, Any], part: str) -> None:
    with pytest.raises(PlantError, match=part):
        driver(1502, **options)


async def test_history_is_refused(free_port: Callable[[], int]) -> None:
    subject = driver(free_port())
    with pytest.raises(NoHistory):
        await subject.history(signal("x", "holding:1"), 0, 1)


def test_float_words_is_big_endian() -> None:
    assert struct.pack(">2H", *float_words(1.0)) == b"\x3f\x80\0\0"


async def test_a_sink_that_fails_is_said_and_does_not_end_the_polling(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    temperature = signal("temperature", "holding:100:float32")
    async with running(Device(free_port(), HOLDING)) as device:
        subject = driver(device.port, temperature)
        received: list[Sample] = []
        refused: list[Sample] = []

        def sink(samples: Sequence[Sample]) -> None:
            if received and not refused:
                refused.extend(samples)
                raise RuntimeError("stumbled")
            received.extend(samples)

        await subject.connect()
        await subject.subscribe([temperature], sink)
        await eventually(lambda: refused)
        await eventually(lambda: "unexpected RuntimeError" in subject.health().error)
        before = len(received)
        await eventually(lambda: len(received) > before + 1 and received[-1].value == 850.5)
        await subject.close()
