"""Alarms of a foreign server (node-opcua) arrive, are told again, and are answered there."""

import asyncio
from dataclasses import replace

import pytest
from tests.connect.opcua_device import Device, befriend, context, give_identity
from tests.connect.opcua_mill import URI

from genba.connect import pki
from genba.connect.driver import ConditionSource
from genba.connect.opcua import OpcUaDriver
from genba.errors import DeviceError
from genba.plant import ConditionEvent

OVERLOAD = f"nsu={URI};s=Overload"


class Listening:
    """A driver that takes the alarms of a device, and what it told."""

    def __init__(self, url, folder):
        self.told: list[ConditionEvent] = []
        plain = context(url, folder, timeout_s=10, alarms=True)
        self.driver = OpcUaDriver(replace(plain, conditions=self.told.append))

    @property
    def last(self) -> ConditionEvent:
        return self.told[-1]


@pytest.fixture
async def listening(mill, tmp_path, eventually):
    give_identity(tmp_path / "pki", "genba")
    pki.trust(tmp_path / "pki", mill.certificate)
    mill.turn_with(0)
    made = Listening(mill.url, tmp_path / "pki")
    await made.driver.connect()
    yield made
    await made.driver.close()


@pytest.mark.peer("node-opcua")
async def test_an_alarm_comes_is_acknowledged_confirmed_and_goes(mill, listening, eventually):
    mill.turn_with(350)
    await eventually(lambda: listening.told and listening.last.active)
    came = listening.last
    assert isinstance(listening.driver, ConditionSource)
    assert (came.connection, came.condition, came.name) == ("press-1", OVERLOAD, "Overload")
    assert came.kind == "ExclusiveLimitAlarmType"
    assert came.source == f"nsu={URI};s=Mill"
    assert (came.retain, came.acknowledged, came.refreshed) == (True, False, False)
    assert 1 <= came.severity <= 1000
    assert came.message
    await listening.driver.acknowledge(came.condition, came.event, "seen by the shift lead")
    await eventually(lambda: listening.last.acknowledged)
    assert listening.last.comment == "seen by the shift lead"
    assert listening.last.active
    with pytest.raises(DeviceError, match=r"acknowledged before|changed meanwhile"):
        await listening.driver.acknowledge(came.condition, came.event)
    await listening.driver.confirm(came.condition, listening.last.event, "mended")
    await eventually(lambda: listening.last.confirmed)
    mill.turn_with(10)
    await eventually(lambda: listening.last.active is False)


@pytest.mark.peer("node-opcua")
async def test_an_alarm_from_before_the_connection_is_told(mill, listening, tmp_path, eventually):
    mill.turn_with(450)
    await eventually(lambda: listening.told and listening.last.active)
    later = Listening(mill.url, tmp_path / "pki")
    await later.driver.connect()
    await eventually(lambda: later.told)
    assert (later.last.condition, later.last.active) == (OVERLOAD, True)
    assert later.last.refreshed
    await later.driver.close()


@pytest.mark.peer("node-opcua")
async def test_what_ended_while_the_link_was_down_is_told_when_it_is_back(
    mill, listening, eventually
):
    mill.turn_with(450)
    await eventually(lambda: listening.told and listening.last.active)
    driver = listening.driver
    driver._session.client.uaclient.protocol.transport.abort()
    mill.turn_with(0)
    await eventually(lambda: driver.health().reconnects == 1)
    # told by the queue, or by the list that the device gives: it may not be on it any more
    await eventually(lambda: listening.last.active is not True, what=f"the end of {listening.told}")


@pytest.mark.peer("node-opcua")
async def test_an_alarm_that_a_restarted_device_no_longer_lists_leaves_the_list(
    mill, listening, eventually
):
    mill.turn_with(450)
    await eventually(lambda: listening.told and listening.last.active)
    await asyncio.to_thread(mill.kill)
    await asyncio.to_thread(mill.start)
    await eventually(lambda: not listening.last.retain, within_s=15)
    gone = listening.last
    assert (gone.condition, gone.active, gone.refreshed) == (OVERLOAD, None, True)


async def test_a_device_without_alarms_says_so_and_serves_all_else(tmp_path, free_port):
    device = await Device(tmp_path / "device", free_port()).start()
    folder = befriend(device, tmp_path / "pki")
    listening = Listening(device.url, folder)
    await listening.driver.connect()
    assert "those from before the link came up are not known" in listening.driver.health().error
    with pytest.raises(DeviceError, match="did not take the answer"):
        await listening.driver.acknowledge("i=2253", "00ff")
    await listening.driver.close()
    quiet = OpcUaDriver(context(device.url, folder))
    with pytest.raises(DeviceError, match="alarms: true"):
        await quiet.acknowledge("i=2253", "00ff")
    await device.stop()
