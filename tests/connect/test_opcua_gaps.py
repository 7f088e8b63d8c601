"""The OPC UA driver tells of every outage: from when to when, why, and whether it all came late."""

from dataclasses import replace

import pytest
from tests.connect.opcua_device import Collector, Device, befriend, context, signal
from tests.tcp_proxy import TcpProxy

from genba.connect.opcua import OpcUaDriver
from genba.connect.opcua.absence import Absence
from genba.plant import Gap, GapReason, Link, Recovery

COUNT = signal("Count", type="int", kind="counter")
STATE = signal("State", type="int", kind="state")
BOTH = (COUNT.id, STATE.id)


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


class Watching:
    """A driver that watches Count and State through the proxy, what it delivered and missed."""

    def __init__(self, proxy, folder, **options):
        self.gaps: list[Gap] = []
        self.collector = Collector()
        told = replace(context(proxy.url, folder, **options), missed=self.gaps.append)
        self.driver = OpcUaDriver(told)

    async def start(self, eventually):
        await self.driver.connect()
        await self.driver.subscribe([COUNT, STATE], self.collector)
        await eventually(lambda: self.collector.values(COUNT.id) == [0])
        return self


@pytest.fixture
async def watching(tmp_path, proxy, eventually):
    made = await Watching(proxy, tmp_path / "state" / "pki").start(eventually)
    yield made
    await made.driver.close()


async def test_a_cut_that_the_queue_of_the_device_bridged(device, proxy, watching, eventually):
    heard = watching.collector.samples[0].source_time
    proxy.cut()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    await device.put("Count", 1)
    proxy.restore()
    await eventually(lambda: watching.gaps)
    (gap,) = watching.gaps
    assert gap.signals == BOTH
    assert (gap.reason, gap.recovery) == (GapReason.LINK, Recovery.BUFFER)
    at = next(s for s in watching.collector.samples if s.value == 1)
    assert heard < gap.start < at.source_time < gap.end
    assert watching.collector.values(COUNT.id) == [0, 1]


async def test_a_queue_that_was_full_is_not_taken_for_whole(device, proxy, tmp_path, eventually):
    """This server drops the oldest of a full queue and says nothing of it."""
    watching = await Watching(proxy, tmp_path / "state" / "pki", queue_size=5).start(eventually)
    proxy.cut()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    for value in range(1, 21):
        await device.put("Count", value)
    proxy.restore()
    await eventually(lambda: len(watching.gaps) >= 2)
    await watching.driver.close()
    late = {gap.signals: gap.recovery for gap in watching.gaps if gap.reason is GapReason.LINK}
    assert late == {(STATE.id,): Recovery.BUFFER, (COUNT.id,): Recovery.NONE}
    overflow = next(gap for gap in watching.gaps if gap.reason is GapReason.OVERFLOW)
    assert overflow.signals == (COUNT.id,)
    assert watching.collector.values(COUNT.id) == [0, 16, 17, 18, 19, 20]


async def test_a_session_that_the_device_forgot(device, proxy, watching, eventually):
    proxy.cut()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    for held in list(device.server.iserver._external_sessions.values()):
        await held.close_session(True)
    proxy.restore()
    await eventually(lambda: watching.gaps)
    (gap,) = watching.gaps
    assert (gap.signals, gap.reason, gap.recovery) == (BOTH, GapReason.LINK, Recovery.NONE)


async def test_a_device_that_was_started_again(device, watching, eventually):
    await device.stop()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    await device.start()
    await eventually(lambda: watching.gaps)
    (gap,) = watching.gaps
    assert (gap.signals, gap.reason, gap.recovery) == (BOTH, GapReason.DEVICE, Recovery.NONE)
    assert watching.driver.health().link is Link.UP


async def test_a_subscription_that_the_device_dropped(device, watching, eventually):
    service = device.server.iserver.subscription_service
    await service.delete_subscriptions(list(service.subscriptions))
    await eventually(lambda: watching.gaps, within_s=20)
    (gap,) = watching.gaps
    assert (gap.signals, gap.reason, gap.recovery) == (BOTH, GapReason.DEVICE, Recovery.NONE)
    assert watching.driver.health().reconnects == 0


async def test_notifications_that_the_device_no_longer_has(device, watching, eventually):
    service = device.server.iserver.subscription_service
    subscription = next(iter(service.subscriptions.values()))
    subscription._notification_seq += 2
    await device.put("Count", 1)
    await eventually(lambda: watching.gaps)
    (gap,) = watching.gaps
    assert (gap.signals, gap.reason, gap.recovery) == (BOTH, GapReason.OVERFLOW, Recovery.NONE)
    assert "dropped 2 notification" in gap.detail


async def test_an_overflow_while_the_link_is_up(device, watching, eventually):
    """It lies between the value before and the one that says so."""
    await device.put("Count", 1, when=1_000_000_000)
    await eventually(lambda: 1 in watching.collector.values(COUNT.id))
    await device.put("Count", 9, when=1_000_500_000, status=0x480)
    await eventually(lambda: watching.gaps)
    (gap,) = watching.gaps
    assert gap.signals == (COUNT.id,)
    assert (gap.start, gap.end, gap.reason) == (1_000_000_000, 1_000_500_000, GapReason.OVERFLOW)


def test_two_cuts_in_a_row_are_one_outage_until_all_has_arrived():
    gaps: list[Gap] = []
    absence = Absence(["a", "b"], gaps.append)
    absence.begin(10, GapReason.LINK, "cut")
    absence.heard_again(20)
    absence.begin(20, GapReason.LINK, "cut again")
    absence.heard_again(30)
    absence.caught_up()
    absence.caught_up()
    assert gaps == [Gap(("a", "b"), 10, 30, GapReason.LINK, "cut", Recovery.BUFFER)]


def test_an_overflow_that_goes_on_is_one_gap_that_is_told_within_a_minute():
    gaps: list[Gap] = []
    absence = Absence(["a"], gaps.append)
    for second in range(70):
        absence.overflowed("a", second * 1_000_000, (second + 1) * 1_000_000)
        absence.tell_overflows()
    absence.tell_overflows()
    assert [(gap.start, gap.end) for gap in gaps] == [(0, 60_000_000), (60_000_000, 70_000_000)]
