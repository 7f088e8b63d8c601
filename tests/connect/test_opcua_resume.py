"""After every kind of lost link the OPC UA driver goes on: nothing lost, nothing doubled."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from tests.connect.opcua_device import (
    Collector,
    Device,
    befriend,
    context,
    give_identity,
    signal,
)
from tests.tcp_proxy import TcpProxy

from genba.connect import pki
from genba.connect.opcua import OpcUaDriver, delivery, session
from genba.errors import ConnectionLost, HistorianError
from genba.plant import GapReason, Link, Quality

COUNT = signal("Count", type="int", kind="counter")
STATE = signal("State", type="int", kind="state")


@pytest.fixture
async def device(tmp_path, free_port):
    made = await Device(tmp_path / "device", free_port()).start()
    befriend(made, tmp_path / "state" / "pki")
    yield made
    await made.stop()


@pytest.fixture
async def proxy(device):
    made = await TcpProxy(device.port).start()
    yield made
    await made.stop()


@pytest.fixture
async def watching(tmp_path, proxy):
    """A driver that watches Count and State through the proxy, and what it collected."""
    driver = OpcUaDriver(context(proxy.url, tmp_path / "state" / "pki"))
    collector = Collector()
    await driver.connect()
    await driver.subscribe([COUNT, STATE], collector)
    yield driver, collector
    await driver.close()


def no_repeats(collector):
    """No value of the device is there twice: markers carry Genba's own time and bad quality."""
    keys = Counter((s.signal, s.source_time) for s in collector.samples)
    return max(keys.values()) == 1


def in_sequence(collector):
    numbers = [s.sequence for s in collector.samples]
    return numbers == list(range(1, len(numbers) + 1))


async def test_resumes_after_a_cut_with_all_that_changed_meanwhile(
    device, proxy, watching, eventually
):
    driver, collector = watching
    await device.put("Count", 1)
    await eventually(lambda: 1 in collector.values(COUNT.id))

    proxy.cut()
    await eventually(lambda: driver.health().link is Link.DOWN)
    for value in range(2, 30):
        await device.put("Count", value)
    proxy.restore()

    await eventually(lambda: 29 in collector.values(COUNT.id))
    assert collector.values(COUNT.id) == list(range(30))
    assert no_repeats(collector)
    assert in_sequence(collector)
    await eventually(lambda: driver.health().link is Link.UP)
    assert driver.health().reconnects == 1


async def test_fetches_again_what_was_sent_into_a_broken_link(device, proxy, watching, eventually):
    driver, collector = watching
    await eventually(lambda: collector.values(STATE.id))
    proxy.blackhole()  # notifications leave the device and go nowhere
    services = device.server.iserver.subscription_service
    subscription = next(iter(services.subscriptions.values()))
    for value in range(1, 10):
        sent = subscription._notification_seq
        await device.put("Count", value)
        if value < 4:  # as many as there are publish requests at the device
            await eventually(lambda sent=sent: subscription._notification_seq > sent)
    assert len(subscription._not_acknowledged_results) >= 3
    proxy.cut()
    await eventually(lambda: driver.health().link is Link.DOWN)
    proxy.restore()

    await eventually(lambda: 9 in collector.values(COUNT.id))
    assert collector.values(COUNT.id) == list(range(10))
    assert no_repeats(collector)


async def test_notices_a_frozen_device_and_goes_on_when_it_wakes(
    device, proxy, watching, eventually
):
    driver, collector = watching
    await eventually(lambda: collector.values(COUNT.id) == [0])
    proxy.blackhole()
    await eventually(lambda: driver.health().link is not Link.UP)
    with pytest.raises(ConnectionLost, match="press-1"):
        await driver.read([COUNT])
    await device.put("Count", 5)
    proxy.restore()
    await eventually(lambda: 5 in collector.values(COUNT.id), within_s=20)
    assert collector.values(COUNT.id)[-1] == 5
    assert no_repeats(collector)


async def test_unchanged_values_turn_bad_while_the_link_is_down_and_good_after(
    device, proxy, watching, eventually
):
    _, collector = watching
    await eventually(lambda: collector.values(STATE.id) == [4])
    proxy.cut()
    await eventually(lambda: collector.samples[-1].quality == Quality.BAD)
    of_state = [s for s in collector.samples if s.signal == STATE.id]
    assert [(s.value, s.quality) for s in of_state] == [(4, Quality.GOOD), (4, Quality.BAD)]
    proxy.restore()
    await eventually(lambda: len([s for s in collector.samples if s.signal == STATE.id]) == 3)
    again = [s for s in collector.samples if s.signal == STATE.id][-1]
    assert (again.value, again.quality) == (4, Quality.GOOD)
    assert no_repeats(collector)


async def test_resumes_after_the_device_restarted_with_other_namespace_indexes(
    device, proxy, watching, eventually
):
    driver, collector = watching
    await device.put("Count", 7)
    await eventually(lambda: 7 in collector.values(COUNT.id))
    before = device.namespace
    await device.stop()
    await eventually(lambda: driver.health().link is Link.DOWN)
    device.extra_namespaces = ["urn:other:one", "urn:other:two"]
    await device.start()
    assert device.namespace != before
    await device.put("Count", 8)
    await eventually(lambda: 8 in collector.values(COUNT.id), within_s=20)
    assert no_repeats(collector)
    assert (await driver.read([COUNT]))[0].value == 8


async def test_first_values_of_a_new_session_that_were_delivered_are_left_out(
    device, proxy, watching, eventually
):
    driver, collector = watching
    await device.put("Count", 3)
    await eventually(lambda: 3 in collector.values(COUNT.id))
    proxy.cut()
    await eventually(lambda: driver.health().link is Link.DOWN)
    for held in list(device.server.iserver._external_sessions.values()):
        await held.close_session(True)  # the device forgets us, but keeps its values
    proxy.restore()
    await eventually(lambda: driver.health().link is Link.UP)
    await device.put("Count", 4)
    await eventually(lambda: 4 in collector.values(COUNT.id))
    assert no_repeats(collector)
    assert Counter(collector.values(COUNT.id))[0] == 1


async def test_a_subscription_that_the_device_dropped_is_made_again(
    device, proxy, watching, eventually
):
    _, collector = watching
    await eventually(lambda: collector.values(COUNT.id) == [0])
    service = device.server.iserver.subscription_service
    await service.delete_subscriptions(list(service.subscriptions))
    await device.put("Count", 11)
    await eventually(lambda: 11 in collector.values(COUNT.id), within_s=20)
    assert no_repeats(collector)


async def test_a_device_with_a_new_certificate_is_not_trusted_until_a_person_says_so(
    device, proxy, eventually, tmp_path
):
    folder = tmp_path / "state" / "pki"
    driver, collector = OpcUaDriver(context(proxy.url, folder)), Collector()
    await driver.connect()
    await driver.subscribe([COUNT], collector)
    await eventually(lambda: collector.values(COUNT.id) == [0])
    await device.stop()
    device.identity = give_identity(tmp_path / "replaced", "replaced")
    await device.start()
    await device.put("Count", 6)
    await eventually(lambda: "genba trust add" in driver.health().error)
    assert driver.health().link is Link.DOWN
    pki.trust(folder, device.identity.certificate)
    await eventually(lambda: 6 in collector.values(COUNT.id), within_s=5)
    await driver.close()


async def test_a_sink_that_fails_gets_the_same_values_again(device, proxy, tmp_path, eventually):
    """Nothing that the historian did not take is lost, however often it refuses."""
    driver = OpcUaDriver(context(proxy.url, tmp_path / "state" / "pki"))
    collector = Collector()
    refusing = True
    refused = []

    def sink(samples):
        if refusing and any(s.value == 2 for s in samples):
            refused.append(samples)
            raise HistorianError("the disk is full")
        collector(samples)

    await driver.connect()
    await driver.subscribe([COUNT], sink)
    await eventually(lambda: collector.values(COUNT.id) == [0])
    await device.put("Count", 2)
    await eventually(lambda: len(refused) >= 3)
    assert "not taken: the disk is full" in driver.health().error
    refusing = False
    await device.put("Count", 3)
    await eventually(lambda: 3 in collector.values(COUNT.id))
    assert [v for v in collector.values(COUNT.id) if v] == [2, 3]
    assert in_sequence(collector)
    assert driver.health().error == ""
    await driver.close()


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_sink_that_refuses_all_through_a_reconnect_loses_nothing(
    device, proxy, tmp_path, eventually, forgets
):
    """Whether the device resumes the session, or has forgotten it."""
    driver = OpcUaDriver(context(proxy.url, tmp_path / "state" / "pki"))
    collector = Collector()
    refused = []
    refusing = False

    def sink(samples):
        if refusing:
            refused.append(samples)
            raise HistorianError("the disk is full")
        collector(samples)

    await driver.connect()
    await driver.subscribe([COUNT], sink)
    await eventually(lambda: collector.values(COUNT.id) == [0])
    proxy.blackhole()  # what is sent now has to be asked for again
    await device.put("Count", 1)
    service = device.server.iserver.subscription_service
    subscription = next(iter(service.subscriptions.values()))
    await eventually(lambda: subscription._not_acknowledged_results)
    refusing = True
    proxy.cut()
    await eventually(lambda: driver.health().link is Link.DOWN)
    if forgets:
        for held in list(device.server.iserver._external_sessions.values()):
            await held.close_session(True)
    proxy.restore()
    await eventually(lambda: driver.health().link is Link.UP)
    await device.put("Count", 2)
    await eventually(lambda: driver.health().received >= 3)
    assert refused
    refusing = False
    await eventually(lambda: 2 in collector.values(COUNT.id))
    assert [v for v in collector.values(COUNT.id) if v] == [1, 2]
    assert no_repeats(collector)
    assert in_sequence(collector)
    await driver.close()


async def test_what_was_never_taken_is_told_when_the_driver_is_closed(
    device, proxy, tmp_path, eventually
):
    gaps = []
    told = replace(context(proxy.url, tmp_path / "state" / "pki"), missed=gaps.append)
    driver = OpcUaDriver(told)
    offered = []

    def sink(samples):
        offered.append(samples)
        raise HistorianError("the disk is full")

    await driver.connect()
    await driver.subscribe([COUNT, STATE], sink)
    await eventually(lambda: offered)
    await driver.close()
    assert {gap.signals for gap in gaps} == {(COUNT.id,), (STATE.id,)}
    assert {gap.reason for gap in gaps} == {GapReason.DISK_FULL}


async def test_a_device_is_asked_for_nothing_more_while_there_is_no_room(
    device, proxy, tmp_path, eventually, monkeypatch
):
    """What the driver keeps is bounded; beyond that the device keeps it."""
    monkeypatch.setattr(delivery, "MOST_HELD", 5)
    driver = OpcUaDriver(context(proxy.url, tmp_path / "state" / "pki"))
    collector = Collector()
    refusing = True

    def sink(samples):
        if refusing:
            raise HistorianError("the disk is full")
        collector(samples)

    await driver.connect()
    await driver.subscribe([COUNT], sink)
    service = device.server.iserver.subscription_service
    await eventually(lambda: service.subscriptions)
    subscription = next(iter(service.subscriptions.values()))
    for value in range(1, 100):
        await device.put("Count", value)
        if value % 10 == 0:
            before = subscription._publish_cycles_count
            await eventually(
                lambda before=before: (
                    not subscription._triggered_datachanges
                    or subscription._publish_cycles_count > before
                )
            )
    await eventually(lambda: subscription._triggered_datachanges)
    assert driver.health().received < 99
    refusing = False
    await eventually(lambda: 99 in collector.values(COUNT.id))
    assert collector.values(COUNT.id) == list(range(100))
    assert driver.health().reconnects == 0
    await driver.close()


async def test_an_unexpected_failure_while_reconnecting_does_not_end_the_driver(
    device, proxy, watching, eventually, monkeypatch
):
    driver, collector = watching
    await eventually(lambda: collector.values(COUNT.id) == [0])
    failures = []

    async def fail(self):
        failures.append(self)
        raise RuntimeError("a bug of a library")

    with monkeypatch.context() as patch:
        patch.setattr(session.Session, "resume", fail)
        proxy.cut()
        proxy.restore()
        await eventually(lambda: failures)
        await eventually(lambda: "unexpected RuntimeError" in driver.health().error)
    await device.put("Count", 1)
    await eventually(lambda: 1 in collector.values(COUNT.id))
    await eventually(lambda: driver.health().link is Link.UP)


async def test_closing_while_the_link_is_down_ends_at_once(device, proxy, watching, eventually):
    driver, _ = watching
    proxy.cut()
    await eventually(lambda: driver.health().link is Link.DOWN)
    async with asyncio.timeout(5):
        await driver.close()
    assert driver.health().link is Link.CLOSED


async def test_missing_notifications_are_asked_for_again(device, proxy, watching, eventually):
    """A device that skips a number is asked for it; what it no longer has is reported."""
    driver, collector = watching
    await eventually(lambda: collector.values(COUNT.id) == [0])
    service = device.server.iserver.subscription_service
    subscription = next(iter(service.subscriptions.values()))
    subscription._notification_seq += 2
    await device.put("Count", 1)
    await eventually(lambda: 1 in collector.values(COUNT.id))
    assert "dropped 2 notification" in driver.health().error
