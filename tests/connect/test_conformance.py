"""check_driver finds what a driver does wrong, and passes one that does right."""

import asyncio
import math
from dataclasses import replace

import pytest
from tests.connect.opcua_device import Device, befriend, context, signal

from genba.connect import Options, known_drivers, open_driver, read_options
from genba.connect.conformance import Outcome, check_driver, describe, failures
from genba.connect.credentials import load
from genba.connect.opcua import OpcUaDriver
from genba.errors import ConnectionLost, DeviceError, NoHistory, PlantError, WrongType
from genba.plant import US, Connection, Health, Link, Sample

SPEED = signal("Speed", type="int", kind="setpoint")
COUNT = signal("Count", type="int", kind="counter")


class Memory:
    """A correct driver of a device that is a dictionary: what faults are planted in."""

    def __init__(self):
        self.values = {SPEED.id: 1, COUNT.id: 0}
        self.link = Link.CONNECTING
        self.sequence = 0
        self.time = 1_700_000_000 * US
        self.received = 0

    def sample(self, signal_id):
        self.sequence += 1
        self.received += 1
        self.time += 1
        return Sample(signal_id, self.time, self.time, self.values[signal_id], 0, self.sequence)

    async def connect(self):
        self.link = Link.UP

    async def subscribe(self, signals, sink):
        sink([self.sample(each.id) for each in signals])

    async def read(self, signals):
        if self.link is not Link.UP:
            raise ConnectionLost("the link is closed")
        for each in signals:
            if each.address == "no-such-address":
                raise DeviceError(f"{each.id}: no such address")
        return [self.sample(each.id) for each in signals]

    async def write(self, signal, value):
        if not isinstance(value, int):
            raise WrongType(f"{signal.id} takes int")
        self.values[signal.id] = value

    async def browse(self):
        return []

    async def history(self, signal, start, end):
        raise NoHistory(f"{signal.id}: none")

    def health(self):
        return Health(self.link, 0, self.time if self.received else None, self.received)

    async def close(self):
        self.link = Link.CLOSED


def fault(name, broken):
    return type("Faulty", (Memory,), {name: broken})


async def two_samples(self, signals, sink, change):
    first, second = self.sample(COUNT.id), self.sample(COUNT.id)
    sink([self.sample(each.id) for each in signals])
    sink([first, second._replace(**change(first))])


async def wrong_thread(self, signals, sink):
    samples = [self.sample(each.id) for each in signals]
    await asyncio.to_thread(sink, samples)


async def reads_backwards(self, signals):
    return (await Memory.read(self, signals))[::-1]


async def reads_floats(self, signals):
    return [s._replace(value=math.nan) for s in await Memory.read(self, signals)]


async def loses_writes(self, signal, value):
    if not isinstance(value, int):
        raise WrongType(f"{signal.id} takes int")


async def takes_anything(self, signal, value):
    self.values[signal.id] = value if isinstance(value, int) else 99


async def raises_plain(self):
    raise KeyError("nodes")


async def history_backwards(self, signal, start, end):
    return [self.sample(COUNT.id), self.sample(COUNT.id)][::-1]


async def never_closes(self):
    self.closed = True


FAULTS = [
    ("reads one sample per signal, in order", "read", reads_backwards),
    ("reads one sample per signal, in order", "read", reads_floats),
    ("delivers on the event loop", "subscribe", wrong_thread),
    (
        "numbers samples upwards",
        "subscribe",
        lambda self, signals, sink: two_samples(
            self, signals, sink, lambda first: {"sequence": first.sequence}
        ),
    ),
    (
        "keeps source times in order, each once",
        "subscribe",
        lambda self, signals, sink: two_samples(
            self, signals, sink, lambda first: {"source_time": first.source_time}
        ),
    ),
    ("writes and reads back", "write", loses_writes),
    ("refuses to write what is no number", "write", takes_anything),
    ("browses", "browse", raises_plain),
    ("gives history oldest first, or says that there is none", "history", history_backwards),
    ("closes twice, and is silent then", "close", never_closes),
]


async def test_a_correct_driver_passes_every_check():
    checks = await check_driver(Memory(), [COUNT, SPEED], write=(SPEED, 7), wait_s=0.3)
    assert {check.outcome for check in checks} == {Outcome.PASSED}, describe(checks)


@pytest.mark.parametrize(("rule", "method", "broken"), FAULTS)
async def test_each_fault_is_found_under_its_own_rule(rule, method, broken):
    driver = fault(method, broken)()
    checks = await check_driver(driver, [COUNT, SPEED], write=(SPEED, 7), wait_s=0.3)
    assert rule in {check.rule for check in failures(checks)}, describe(checks)


async def test_a_driver_that_cannot_connect_is_not_tried_further():
    async def refuses(self):
        raise ConnectionLost("nobody there")

    checks = await check_driver(fault("connect", refuses)(), [COUNT], wait_s=0.2)
    assert [check.outcome for check in checks] == [Outcome.PASSED, Outcome.FAILED]
    assert "nobody there" in checks[-1].detail


async def test_the_opcua_driver_keeps_the_protocol(tmp_path, free_port):
    device = await Device(tmp_path / "device", free_port()).start()
    folder = befriend(device, tmp_path / "pki")
    driver = OpcUaDriver(context(device.url, folder))
    checks = await check_driver(driver, [COUNT, SPEED], write=(SPEED, 7), wait_s=5)
    await device.stop()
    assert not failures(checks), describe(checks)


def test_an_unknown_driver_is_named_with_those_there_are(tmp_path):
    wrong = context("opc.tcp://127.0.0.1:1", tmp_path)
    wrong = replace(wrong, connection=Connection(id="x", driver="opcu", url="opc.tcp://a:1"))
    with pytest.raises(PlantError, match=r"no driver 'opcu'.*modbus.*opcua.*vda5050"):
        open_driver(wrong)
    assert {"opcua", "modbus", "vda5050", "sparkplug", "replay"} <= set(known_drivers())


def test_options_of_an_own_driver_are_checked_with_one_clear_line():
    class AcmeOptions(Options):
        baud: int = 9600

    connection = Connection(id="acme-1", driver="acme", url="x", options={"baud": "fast"})
    with pytest.raises(PlantError, match=r"acme-1.*baud"):
        read_options(connection, AcmeOptions)


def test_credentials_come_from_the_environment_first_then_from_a_private_file(tmp_path):
    file = tmp_path / "credentials.yaml"
    file.write_text("press-1: {user: filed, password: 'p:w'}\n")
    file.chmod(0o600)
    assert load(None, file, {}) is None
    assert load("press-1", file, {}).user == "filed"
    env = {"GENBA_CREDENTIALS_PRESS_1": "me:pass:word"}
    found = load("press-1", file, env)
    assert (found.user, found.password) == ("me", "pass:word")
    assert "pass:word" not in repr(found)
    with pytest.raises(DeviceError, match="GENBA_CREDENTIALS_MILL_2"):
        load("mill-2", file, {})
    with pytest.raises(DeviceError, match="user:password"):
        load("press-1", file, {"GENBA_CREDENTIALS_PRESS_1": "nocolon"})
    file.chmod(0o644)
    with pytest.raises(DeviceError, match="chmod 600") as error:
        load("press-1", file, {})
    assert "p:w" not in str(error.value)
