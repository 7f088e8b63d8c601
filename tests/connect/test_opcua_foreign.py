"""The OPC UA driver against a foreign server: node-opcua, signed and encrypted."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.connect.opcua_device import Collector, context, give_identity
from tests.connect.opcua_mill import URI, of_mill

from genba.connect import Credentials, pki
from genba.connect.conformance import check_driver, describe, failures
from genba.connect.opcua import OpcUaDriver
from genba.errors import DeviceError, NoHistory, Untrusted
from genba.plant import US, Quality

pytestmark = pytest.mark.peer("node-opcua")


COUNT = of_mill("Count", type="int", kind="counter")
TORQUE = of_mill("Torque", unit="N.m")
FEED = of_mill("Feed", type="int", kind="setpoint")


@pytest.fixture
def plant_pki(mill, tmp_path):
    give_identity(tmp_path / "pki", "genba")
    pki.trust(tmp_path / "pki", mill.certificate)
    return tmp_path / "pki"


@pytest.fixture
async def driver(mill, plant_pki):
    made = OpcUaDriver(context(mill.url, plant_pki, timeout_s=10))
    await made.connect()
    yield made
    await made.close()


async def test_keeps_the_protocol_with_a_foreign_server(mill, plant_pki):
    driver = OpcUaDriver(context(mill.url, plant_pki, timeout_s=10))
    checks = await check_driver(driver, [TORQUE, COUNT, FEED], write=(FEED, 250))
    assert not failures(checks), describe(checks)


async def test_every_count_arrives_once_and_in_order(mill, driver, eventually):
    collector = Collector()
    await driver.subscribe([COUNT], collector)
    await eventually(lambda: collector.values(COUNT.id))
    first = collector.values(COUNT.id)[0]
    mill.count_to(first + 500)
    await eventually(lambda: first + 500 in collector.values(COUNT.id), within_s=20)
    assert collector.values(COUNT.id) == list(range(first, first + 501))
    times = [s.source_time for s in collector.samples]
    assert times == sorted(times)


async def test_an_unchanged_value_is_held_now_whatever_time_the_server_names(driver, eventually):
    """Its server timestamp is the latest time there is, which means none."""
    collector = Collector()
    await driver.subscribe([of_mill("Torque", unit="N.m", fresh_s=0.5)], collector)
    await eventually(lambda: len(collector.samples) >= 2)
    assert all(s.source_time <= s.receive_time for s in collector.samples)


async def test_writes_ints_and_texts_in_the_type_of_the_node(driver):
    await driver.write(FEED, 4321)
    program = of_mill("Program", type="string", kind="setpoint")
    assert (await driver.read([program]))[0].value == "Fräsen-1"
    await driver.write(program, "Bohren-2 ∅8")
    assert [s.value for s in await driver.read([FEED, program])] == [4321, "Bohren-2 ∅8"]
    with pytest.raises(DeviceError, match="write access"):
        await driver.write(TORQUE, 3.0)


async def test_browses_units_and_ranges(driver):
    found = {entry.name: entry for entry in await driver.browse() if URI in entry.address}
    torque = found["Torque"]
    assert (torque.type, torque.unit, torque.low, torque.high) == ("float", "N.m", 0.0, 500.0)
    assert found["Feed"].writable
    assert not found["Count"].writable


async def test_reads_its_history(driver):
    recorded = of_mill("Recorded")
    start = int(datetime(2026, 1, 5, 6, tzinfo=UTC).timestamp()) * US
    got = await driver.history(recorded, start + 100 * US, start + 2900 * US)
    assert [s.value for s in got] == [float(step) for step in range(100, 2900)]
    assert got[0].source_time == start + 100 * US
    assert {s.quality for s in got} == {Quality.GOOD}
    with pytest.raises(NoHistory):
        await driver.history(TORQUE, start, start + US)


async def test_logs_in_with_a_user_name(mill, plant_pki):
    login = Credentials("operator", "secret")
    driver = OpcUaDriver(context(mill.url, plant_pki, credentials=login, timeout_s=10))
    await driver.connect()
    await driver.close()
    wrong = Credentials("operator", "guess")
    driver = OpcUaDriver(context(mill.url, plant_pki, credentials=wrong, timeout_s=10))
    with pytest.raises(Untrusted, match="login"):
        await driver.connect()


async def test_is_not_let_in_with_an_unknown_certificate(mill, tmp_path):
    folder = tmp_path / "stranger"
    await asyncio.to_thread(pki.ensure_identity, folder, "stranger")
    pki.trust(folder, mill.certificate)
    with pytest.raises(Untrusted) as error:
        await OpcUaDriver(context(mill.url, folder, timeout_s=5)).connect()
    assert "own.cert.der" in str(error.value)
