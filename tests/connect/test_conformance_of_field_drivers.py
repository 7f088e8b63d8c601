"""The built-in field drivers keep the rules that `check_driver` holds everyone to."""

from collections.abc import Callable
from pathlib import Path

from tests.connect import test_modbus as modbus
from tests.connect import test_replay as replay
from tests.connect import test_sparkplug as sparkplug
from tests.connect import test_vda5050 as vda5050
from tests.connect.brokers import AnyBroker
from tests.connect.modbus_device import Device
from tests.connect.modbus_device import running as device_running
from tests.connect.vda5050_vehicle import Vehicle, order

from genba.connect.conformance import check_driver, describe, failures
from genba.plant import VirtualClock


async def test_modbus(free_port: Callable[[], int]) -> None:
    device = Device(free_port(), modbus.HOLDING)
    signals = [
        modbus.signal("temperature", "holding:100:float32"),
        modbus.signal("state", "holding:102:int16", type="int", kind="state"),
        modbus.signal("name", "holding:120:string4", type="string", kind="state"),
    ]
    setpoint = modbus.signal("set", "holding:200", type="int", kind="setpoint")
    async with device_running(device):
        driver = modbus.driver(device.port, *signals, setpoint)
        checks = await check_driver(driver, signals, write=(setpoint, 42), wait_s=3)
    assert not failures(checks), describe(checks)


async def test_vda5050(broker: AnyBroker) -> None:
    signals = [vda5050.NODE, vda5050.LEFT, vda5050.ONLINE]
    async with Vehicle(broker.port, retain=True).running() as vehicle:
        await vehicle.tell()
        driver = vda5050.driver(broker.port)
        target = vda5050.ORDER
        checks = await check_driver(driver, signals, write=(target, order("o-1")), wait_s=3)
    assert not failures(checks), describe(checks)


async def test_sparkplug(broker: AnyBroker) -> None:
    signals = [sparkplug.TEMPERATURE, sparkplug.FAN]
    async with sparkplug.Edge(broker.port).running():
        driver = sparkplug.driver(broker.port)
        checks = await check_driver(driver, signals, write=(sparkplug.COUNT, 41), wait_s=3)
    assert not failures(checks), describe(checks)


async def test_replay(tmp_path: Path) -> None:
    lines = [f"2026-01-05T06:{n // 60:02d}:{n % 60:02d}Z,{20 + n / 10}" for n in range(60)]
    file = replay.write(tmp_path, "time,temp\n" + "\n".join(lines) + "\n")
    clock = VirtualClock(replay.T0)
    driver = replay.driver(file, clock, replay.TEMP)
    checks = await check_driver(driver, [replay.TEMP], wait_s=3)
    assert not failures(checks), describe(checks)
