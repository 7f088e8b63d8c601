"""What is no value of its signal reaches the quarantine as it came, whatever the device speaks."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from asyncua import ua
from tests.connect import test_modbus, test_replay, test_sparkplug, test_vda5050
from tests.connect.brokers import AnyBroker
from tests.connect.modbus_device import Device as ModbusDevice
from tests.connect.modbus_device import running
from tests.connect.opcua_device import Collector, Device, befriend, context, signal
from tests.connect.vda5050_vehicle import Vehicle

from genba.connect.driver import DriverContext
from genba.connect.modbus import ModbusDriver
from genba.connect.opcua import OpcUaDriver
from genba.connect.opcua.notification import Change
from genba.connect.opcua.values import unfit_sample
from genba.connect.replay import ReplayDriver
from genba.connect.sparkplug import SparkplugDriver
from genba.connect.vda5050 import Vda5050Driver
from genba.plant import Connection, Quality, Sample, Signal, SystemClock

Eventually = Callable[..., Any]
GOOD, UNCERTAIN = ua.StatusCodes.Good, ua.StatusCodes.UncertainLastUsableValue


class Apart:
    """Keeps what a driver tells."""

    def __init__(self) -> None:
        self.told: list[tuple[Sample, str]] = []

    def __call__(self, sample: Sample, why: str) -> None:
        self.told.append((sample, why))

    def values(self, of: Signal) -> list[Any]:
        return [sample.value for sample, _ in self.told if sample.signal == of.id]


def of(driver: str, url: str, apart: Apart, *signals: Signal, **options: Any) -> DriverContext:
    connection = Connection(id=signals[0].connection, driver=driver, url=url, options=options)
    return DriverContext(connection, signals, SystemClock(), Path(), unfit=apart)


async def test_opcua_tells_wrong_types_and_no_numbers_each_time(
    tmp_path: Path, free_port: Callable[[], int], eventually: Eventually
) -> None:
    device = await Device(tmp_path / "device", free_port()).start()
    apart, collector = Apart(), Collector()
    known = context(device.url, befriend(device, tmp_path / "state" / "pki"))
    driver = OpcUaDriver(replace(known, unfit=apart))
    temperature, wrong = signal("Temperature"), signal("Lots", type="float")
    try:
        await driver.connect()
        await driver.subscribe([temperature, wrong], collector)
        await eventually(lambda: len(collector.samples) == 2)
        for value in (math.inf, 20.0, math.nan, 21.0):
            await device.put("Temperature", value)
        await eventually(lambda: collector.samples[-1].value == 21.0)
    finally:
        await driver.close()
        await device.stop()
    assert [str(value) for value in apart.values(temperature)] == ["inf", "nan"]
    [text] = apart.values(wrong)
    assert isinstance(text, str)
    [why] = [why for sample, why in apart.told if sample.signal == wrong.id]
    assert "the plant file says float" in why
    shown = {s.sequence: s for s in collector.samples}
    for sample, _ in apart.told:
        assert shown[sample.sequence][3:5] == (None, Quality.BAD)
        assert shown[sample.sequence].source_time == sample.source_time


def test_opcua_keeps_arrays_scaled_numbers_and_the_devices_own_doubt() -> None:
    whole = signal("Speed", type="int", scale=0.1)

    def kept(raw: Any, kind: ua.VariantType, status: int = GOOD) -> Any:
        found = unfit_sample(whole, Change(0, kind.value, raw, status, 5), 9)
        return None if found is None else found[0][1:5]

    assert kept(25, ua.VariantType.Int16) == (5, 9, 2.5, Quality.GOOD)
    assert kept(30, ua.VariantType.Int16) is None
    assert kept(None, ua.VariantType.Null) is None
    assert kept("x", ua.VariantType.String, UNCERTAIN) == (5, 9, "x", Quality.UNCERTAIN)
    assert kept("x", ua.VariantType.String, ua.StatusCodes.BadSensorFailure) is None
    array = ua.Variant([1, 2], ua.VariantType.Int16)
    assert kept(array, ua.VariantType.Int16) == (5, 9, [1, 2], Quality.GOOD)


async def test_modbus_tells_once_what_every_poll_repeats(
    free_port: Callable[[], int], eventually: Eventually
) -> None:
    device = ModbusDevice(free_port(), test_modbus.HOLDING)
    broken = test_modbus.signal("broken", "holding:130:float32")
    text = test_modbus.signal("text", "holding:104:string2", type="string", kind="state")
    polled = test_modbus.signal("temperature", "holding:100:float32")
    apart, received = Apart(), list[Sample]()
    async with running(device):
        url = f"modbus://127.0.0.1:{device.port}"
        driver = ModbusDriver(of("modbus", url, apart, broken, text, polled))
        await driver.connect()
        await driver.subscribe([broken, text, polled], received.extend)
        await eventually(lambda: sum(s.signal == polled.id for s in received) > 3)
        await driver.close()
    [value] = apart.values(broken)
    assert math.isnan(value)
    assert apart.values(text) == [[0xDEAD, 0xBEEF]]


async def test_sparkplug_tells_each_update(broker: AnyBroker, eventually: Eventually) -> None:
    count = test_sparkplug.signal("wrong", "Count", type="string", kind="state")
    apart, received = Apart(), list[Sample]()
    async with test_sparkplug.Edge(broker.port).running() as edge:
        url = f"mqtt://127.0.0.1:{broker.port}"
        driver = SparkplugDriver(of("sparkplug", url, apart, count, group="hall", node="climate"))
        async with test_sparkplug.connected(driver):
            await driver.subscribe([count], received.extend)
            await eventually(lambda: received)
            for value in (4, 4):
                await edge.send("NDATA", {"alias": 2, "datatype": 3, "int_value": value})
            await eventually(lambda: len(apart.told) >= 3)
    assert apart.values(count)[-3:] == [-3, 4, 4]
    assert {sample.quality for sample in received} == {Quality.BAD}


async def test_vda5050_tells_once_what_every_state_repeats(
    broker: AnyBroker, eventually: Eventually
) -> None:
    typed = test_vda5050.signal("typed", "state:/lastNodeId", type="int")
    mark = test_vda5050.signal("mark", "state:/headerId", type="int")
    apart, received = Apart(), list[Sample]()
    async with Vehicle(broker.port).running() as vehicle:
        url = f"mqtt://127.0.0.1:{broker.port}"
        options = {"manufacturer": "Acme", "serial": "7", "version": "2.1.0"}
        driver = Vda5050Driver(of("vda5050", url, apart, typed, mark, **options))
        async with test_vda5050.connected(driver):
            await driver.subscribe([typed, mark], received.extend)
            for count in (1, 2, 3):
                await vehicle.tell()
                await eventually(lambda n=count: sum(s.signal == mark.id for s in received) >= n)
    assert apart.values(typed) == ["N1"]
    assert "the plant file says int" in apart.told[0][1]


async def test_a_recording_tells_what_is_no_number(tmp_path: Path, eventually: Eventually) -> None:
    text = "signal,time,value\n" + "".join(
        f"temp,2026-01-05T06:00:0{second}Z,{value}\n"
        for second, value in enumerate(("1.5", "nan", "nan", "2.5"))
    )
    temp = test_replay.signal("temp")
    apart = Apart()
    options = {"as_fast_as_possible": True, "times": "original"}
    url = f"file:{test_replay.write(tmp_path, text)}"
    driver = ReplayDriver(of("replay", url, apart, temp, **options))
    received = await test_replay.play(driver, eventually, temp)
    assert [s.value for s in received] == [1.5, None, None, 2.5]
    assert [math.isnan(value) for value in apart.values(temp)] == [True, True]
