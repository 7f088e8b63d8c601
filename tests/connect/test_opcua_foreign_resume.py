"""A foreign server (node-opcua) is frozen, restarted, loses our session: the driver goes on."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.connect.opcua_device import Collector, context, give_identity
from tests.connect.opcua_mill import of_mill
from tests.tcp_proxy import TcpProxy

from genba.connect import pki
from genba.connect.opcua import OpcUaDriver
from genba.plant import Gap, GapReason, Link, Recovery

pytestmark = pytest.mark.peer("node-opcua")
COUNT = of_mill("Count", type="int", kind="counter")
TORQUE = of_mill("Torque", unit="N.m")
LIVE_WITHIN_S = 5.0
"""What is promised, from the moment that link and device are back."""


@pytest.fixture
async def proxy(mill):
    made = await TcpProxy(mill.port).start()
    yield made
    await made.stop()


class Watching:
    """A driver that watches the count through the proxy, what it delivered and missed."""

    def __init__(self, url, folder, **options):
        self.gaps: list[Gap] = []
        self.collector = Collector()
        plain = context(url, folder, **{"keepalive_s": 0.5, **options})
        self.driver = OpcUaDriver(replace(plain, missed=self.gaps.append))

    @property
    def counts(self):
        return self.collector.values(COUNT.id)

    async def start(self, eventually):
        await self.driver.connect()
        await self.driver.subscribe([COUNT, TORQUE], self.collector)
        await eventually(lambda: self.counts)
        return self


@pytest.fixture
async def watching(mill, proxy, tmp_path, eventually):
    give_identity(tmp_path / "pki", "genba")
    pki.trust(tmp_path / "pki", mill.certificate)
    made = await Watching(proxy.url, tmp_path / "pki").start(eventually)
    yield made
    await made.driver.close()


def told(gap: Gap):
    return gap.signals, gap.reason, gap.recovery


BOTH = (COUNT.id, TORQUE.id)


async def test_a_cut_in_the_middle_of_a_count_loses_and_doubles_nothing(
    mill, proxy, watching, eventually
):
    first = watching.counts[-1]
    mill.count_to(first + 600)
    await eventually(lambda: first + 50 in watching.counts)
    proxy.cut()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    proxy.restore()
    await eventually(lambda: first + 600 in watching.counts, within_s=20)
    assert watching.counts == list(range(first, first + 601))
    await eventually(lambda: watching.gaps)
    assert [told(gap) for gap in watching.gaps] == [(BOTH, GapReason.LINK, Recovery.BUFFER)]


async def test_a_new_session_takes_over_the_subscription_of_a_lost_one(
    mill, proxy, watching, eventually
):
    """The device ends the session and keeps its subscription, as the standard has it."""
    first = watching.counts[-1]
    subscription = watching.driver._keeper.subscriptions[0].id
    proxy.refuse()
    with suppress(ConnectionError):  # the driver hangs up when it hears that its session is over
        await watching.driver._session.client.uaclient.close_session(False)
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    mill.count_to(first + 100)
    proxy.restore()
    await eventually(lambda: first + 100 in watching.counts)
    assert watching.driver._session.serial == 2
    assert watching.driver._keeper.subscriptions[0].id == subscription
    assert watching.counts == list(range(first, first + 101))
    await eventually(lambda: watching.gaps)
    assert [told(gap) for gap in watching.gaps] == [(BOTH, GapReason.LINK, Recovery.BUFFER)]


async def test_a_frozen_server_is_noticed_and_live_again_when_it_thaws(mill, watching, eventually):
    first = watching.counts[-1]
    mill.freeze()
    try:
        await eventually(lambda: watching.driver.health().link is Link.DOWN)
        mill.count_to(first + 10)
        frozen = time.monotonic()  # long enough for several attempts to fail
        await eventually(lambda: time.monotonic() - frozen > 6)
    finally:
        mill.thaw()
    await eventually(lambda: first + 10 in watching.counts, within_s=LIVE_WITHIN_S)
    assert watching.counts == list(range(first, first + 11))


async def test_a_killed_server_is_live_again_after_its_start(mill, watching, eventually):
    await asyncio.to_thread(mill.kill)
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    await asyncio.to_thread(mill.start)
    mill.count_to(7)
    await eventually(lambda: watching.driver.health().link is Link.UP, within_s=LIVE_WITHIN_S)
    await eventually(lambda: watching.counts[-1] == 7)
    await eventually(lambda: watching.gaps)
    assert told(watching.gaps[-1]) == (BOTH, GapReason.DEVICE, Recovery.NONE)


async def test_a_link_that_swallows_everything_is_noticed_and_live_again(
    mill, proxy, watching, eventually
):
    first = watching.counts[-1]
    proxy.blackhole()
    began = time.monotonic()
    await eventually(lambda: watching.driver.health().link is Link.DOWN)
    assert time.monotonic() - began < 1.5 * 0.5 + 0.5 + 2.0 + 1.0  # keepalive, look, timeout
    mill.count_to(first + 10)
    await eventually(lambda: "no answer" in watching.driver.health().error)
    proxy.restore()
    await eventually(lambda: first + 10 in watching.counts, within_s=LIVE_WITHIN_S)
    assert watching.counts == list(range(first, first + 11))
