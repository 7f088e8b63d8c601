"""The OPC UA driver against a real, secured server: trust, values, writes, browsing, history."""

import asyncio
import itertools
import socket

import pytest
from asyncua import ua
from asyncua.server.history import HistoryDict
from tests.connect.opcua_device import URI, Collector, Device, befriend, context, signal

from genba.connect import Credentials, open_driver, pki
from genba.connect.opcua import OpcUaDriver
from genba.connect.opcua import history as opcua_history
from genba.errors import (
    ConnectionLost,
    DeviceError,
    NoHistory,
    PlantError,
    Untrusted,
    WrongType,
)
from genba.plant import US, Link, Quality, Range

TEMPERATURE = signal("Temperature", unit="Cel")
COUNT = signal("Count", type="int", kind="counter")


@pytest.fixture
async def device(tmp_path, free_port):
    made = await Device(tmp_path / "device", free_port()).start()
    yield made
    await made.stop()


@pytest.fixture
def plant_pki(device, tmp_path):
    return befriend(device, tmp_path / "state" / "pki")


@pytest.fixture
async def driver(device, plant_pki):
    made = OpcUaDriver(context(device.url, plant_pki))
    await made.connect()
    yield made
    await made.close()


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


async def test_an_unknown_certificate_is_refused_kept_and_can_be_trusted(device, tmp_path):
    folder = tmp_path / "state" / "pki"
    driver = open_driver(context(device.url, folder))
    with pytest.raises(Untrusted) as error:
        await driver.connect()
    text = one_line(error)
    assert device.identity.fingerprint in text
    assert f"genba trust add {device.identity.fingerprint[:16]}" in text
    assert driver.health().link is Link.DOWN
    assert [e.fingerprint for e in pki.certificates(folder)] == [device.identity.fingerprint]

    pki.trust(folder, pki.find(folder, device.identity.fingerprint[:16]).path)
    pki.trust(device.folder, pki.ensure_identity(folder).certificate)
    await driver.connect()
    assert driver.health().link is Link.UP
    await driver.close()


async def test_a_device_that_does_not_trust_us_says_so_with_the_mend(device, tmp_path):
    folder = tmp_path / "state" / "pki"
    pki.trust(folder, device.identity.certificate)
    with pytest.raises(Untrusted) as error:
        await OpcUaDriver(context(device.url, folder)).connect()
    assert "own.cert.der" in one_line(error)


@pytest.mark.parametrize("security", ["Basic256Sha256", "Aes256_Sha256_RsaPss"])
async def test_speaks_the_new_security_policies(device, plant_pki, security):
    driver = OpcUaDriver(context(device.url, plant_pki, security=security))
    await driver.connect()
    assert (await driver.read([TEMPERATURE]))[0].value == 20.0
    await driver.close()


async def test_a_policy_that_the_device_lacks_is_named_with_those_it_has(device, plant_pki):
    driver = OpcUaDriver(context(device.url, plant_pki, security="Aes128_Sha256_RsaOaep"))
    with pytest.raises(Untrusted, match=r"it offers .*Basic256Sha256/SignAndEncrypt"):
        await driver.connect()


async def test_insecure_must_be_said_and_then_works(device, plant_pki, tmp_path):
    with pytest.raises(PlantError, match="insecure: true"):
        OpcUaDriver(context(device.url, plant_pki, mode="None"))
    driver = OpcUaDriver(context(device.url, tmp_path / "nothing", insecure=True))
    await driver.connect()
    assert (await driver.read([COUNT]))[0].value == 0
    await driver.close()
    assert not (tmp_path / "nothing").exists()


async def test_old_policies_and_unknown_options_are_refused(device, plant_pki):
    with pytest.raises(PlantError, match="security"):
        OpcUaDriver(context(device.url, plant_pki, security="Basic128Rsa15"))
    with pytest.raises(PlantError, match="publish_mss"):
        OpcUaDriver(context(device.url, plant_pki, publish_mss=5))


async def test_logs_in_with_credentials_and_refuses_wrong_ones(device, plant_pki):
    right = Credentials("operator", "secret")
    driver = OpcUaDriver(context(device.url, plant_pki, credentials=right))
    await driver.connect()
    await driver.close()
    wrong = Credentials("operator", "wrong")
    with pytest.raises(Untrusted, match="credentials") as error:
        await OpcUaDriver(context(device.url, plant_pki, credentials=wrong)).connect()
    assert "wrong" not in one_line(error).replace("right credentials", "")


async def test_a_password_never_goes_out_in_the_clear(tmp_path, free_port):
    device = Device(tmp_path / "device", free_port())
    device.policies = [ua.SecurityPolicyType.NoSecurity]
    await device.start()
    login = Credentials("operator", "secret")
    driver = OpcUaDriver(context(device.url, tmp_path / "pki", credentials=login, insecure=True))
    with pytest.raises(Untrusted, match="in the clear"):
        await driver.connect()
    await device.stop()


async def test_a_password_never_goes_to_a_certificate_that_nobody_checked(tmp_path, free_port):
    """A device may ask for it encrypted on a link in the clear; whose key that is, nobody knows."""
    device = Device(tmp_path / "device", free_port())
    device.policies = [
        ua.SecurityPolicyType.NoSecurity,
        ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ]
    await device.start()
    login = Credentials("operator", "secret")
    driver = OpcUaDriver(context(device.url, tmp_path / "pki", credentials=login, insecure=True))
    try:
        with pytest.raises(Untrusted, match="insecure"):
            await driver.connect()
    finally:
        await driver.close()
        await device.stop()


async def test_a_dead_address_is_one_clear_line(plant_pki, free_port):
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    driver = OpcUaDriver(context(url, plant_pki))
    with pytest.raises(ConnectionLost) as error:
        await driver.connect()
    assert "press-1" in one_line(error)
    assert url in one_line(error)
    await driver.close()


async def test_a_peer_that_accepts_and_stays_silent_is_one_clear_line(plant_pki):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"opc.tcp://127.0.0.1:{silent.getsockname()[1]}"
        driver = OpcUaDriver(context(url, plant_pki, timeout_s=0.3))
        with pytest.raises(ConnectionLost, match="no answer") as error:
            await driver.connect()
        assert url in one_line(error)
        await driver.close()


async def test_another_service_on_the_port_is_one_clear_line(plant_pki):
    async def greet(_reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)
        await writer.drain()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    driver = OpcUaDriver(context(url, plant_pki, timeout_s=0.5))
    with pytest.raises(DeviceError) as error:
        await driver.connect()
    assert url in one_line(error)
    await driver.close()
    server.close()


async def test_subscription_keeps_every_change_with_the_source_times(device, driver, eventually):
    collector = Collector()
    await driver.subscribe([TEMPERATURE, COUNT], collector)
    start = 1_700_000_000 * US
    for step in range(200):
        await device.put("Temperature", 20.0 + step, start + step * 1000)
    await eventually(lambda: 219.0 in collector.values(TEMPERATURE.id))
    got = [s for s in collector.samples if s.signal == TEMPERATURE.id and s.value > 20.0]
    assert [s.value for s in got] == [20.0 + step for step in range(1, 200)]
    assert [s.source_time for s in got] == [start + step * 1000 for step in range(1, 200)]
    assert [s.sequence for s in collector.samples] == list(range(1, len(collector.samples) + 1))
    assert len(collector.batches) < 50, "one call per publish response, not one per value"
    assert driver.health().received == len(collector.samples)


async def test_status_becomes_quality(device, driver, eventually):
    collector = Collector()
    await driver.subscribe([TEMPERATURE], collector)
    await eventually(lambda: collector.samples)
    uncertain = ua.StatusCodes.UncertainLastUsableValue
    await device.put("Temperature", 30.0, status=uncertain)
    await eventually(lambda: collector.samples[-1].quality == Quality.UNCERTAIN)
    assert collector.samples[-1].value == 30.0
    await device.put("Temperature", 31.0, status=ua.StatusCodes.BadSensorFailure)
    await eventually(lambda: collector.samples[-1].quality == Quality.BAD)
    await device.put("Temperature", float("nan"))
    await device.put("Temperature", 32.0)
    await eventually(lambda: collector.samples[-1].value == 32.0)
    assert (collector.samples[-2].value, collector.samples[-2].quality) == (None, Quality.BAD)


async def test_scale_and_offset_go_both_ways(device, driver, eventually):
    speed = signal("Speed", kind="setpoint", unit="m/s", scale=0.1, offset=5.0)
    await driver.write(speed, 17.3)
    assert await device.nodes["Speed"].read_value() == 123
    assert (await driver.read([speed]))[0].value == pytest.approx(17.3)
    collector = Collector()
    await driver.subscribe([speed], collector)
    await eventually(lambda: collector.samples)
    assert collector.samples[0].value == pytest.approx(17.3)


async def test_writes_in_the_type_of_the_node(device, driver):
    await driver.write(signal("Speed", type="int", kind="setpoint"), -7)
    await driver.write(signal("Setpoint", kind="setpoint"), 2.5)
    await driver.write(signal("Lots", type="string", kind="setpoint"), "O-1-01,O-1-02")
    assert await device.nodes["Speed"].read_value() == -7
    found = (await device.nodes["Setpoint"].read_data_value()).Value
    assert (found.Value, found.VariantType) == (2.5, ua.VariantType.Float)
    assert await device.nodes["Lots"].read_value() == "O-1-01,O-1-02"


@pytest.mark.parametrize(
    ("name", "fields", "value", "what"),
    [
        ("Speed", {"type": "int"}, 40_000, "Int16"),
        ("Speed", {"type": "float", "scale": 0.1}, 0.25, "whole steps"),
        ("Speed", {"type": "int"}, 2.5, "int"),
        ("Speed", {"type": "string"}, "fast", "Int16"),
        ("Setpoint", {}, 1e300, "Float"),
        ("Setpoint", {}, float("nan"), "finite"),
        ("Count", {"type": "int"}, 1, "write access"),
        ("Nothing", {"type": "int"}, 1, "address"),
    ],
)
async def test_a_write_that_the_node_cannot_hold_is_refused(
    device, driver, name, fields, value, what
):
    target = signal(name, kind="setpoint", **fields)
    with pytest.raises(DeviceError, match=what) as error:
        await driver.write(target, value)
    assert target.id in one_line(error)


async def test_a_wrong_type_fails_a_read_and_is_bad_in_a_subscription(device, driver, eventually):
    wrong = signal("Lots", type="float")
    with pytest.raises(WrongType, match=r"press-1.lots.*String|press-1.lots.*str"):
        await driver.read([wrong])
    collector = Collector()
    await driver.subscribe([wrong, COUNT], collector)
    await eventually(lambda: len(collector.samples) == 2)
    by_signal = {s.signal: s for s in collector.samples}
    assert (by_signal[wrong.id].value, by_signal[wrong.id].quality) == (None, Quality.BAD)
    assert by_signal[COUNT.id].quality == Quality.GOOD
    assert "press-1.lots" in driver.health().error
    assert driver.health().link is Link.UP


async def test_a_fractional_node_is_no_int(driver):
    with pytest.raises(WrongType, match="Double"):
        await driver.read([signal("Temperature", type="int")])


async def test_an_address_that_is_not_there_is_bad_and_named(driver, eventually):
    missing = signal("Missing")
    elsewhere = signal("Else", address="nsu=urn:other:space;s=Else")
    with pytest.raises(DeviceError, match=r"press-1.missing"):
        await driver.read([missing])
    with pytest.raises(DeviceError, match="urn:other:space"):
        await driver.read([elsewhere])
    collector = Collector()
    await driver.subscribe([missing, elsewhere, COUNT], collector)
    await eventually(lambda: collector.values(COUNT.id))
    assert {s.signal for s in collector.samples if s.quality == Quality.BAD} == {
        missing.id,
        elsewhere.id,
    }
    assert "press-1.else" in driver.health().error
    assert "1 more" in driver.health().error


async def test_browse_lists_variables_with_type_access_unit_and_range(device, driver):
    found = {entry.name: entry for entry in await driver.browse()}
    assert set(found) == set(device.nodes)
    temperature = found["Temperature"]
    assert temperature.address == f"nsu={URI};s=Temperature"
    assert temperature.path == "Press/Temperature"
    assert (temperature.type, temperature.unit) == ("float", "Cel")
    assert (temperature.low, temperature.high) == (0.0, 300.0)
    assert not temperature.writable
    assert found["Speed"].writable
    assert found["Lots"].type == "string"


@pytest.mark.parametrize("most_per_answer", [7, 10_000])
async def test_a_long_history_comes_in_parts_each_value_once(
    device, driver, monkeypatch, most_per_answer
):
    """Whether or not the server gives a continuation point; several values share each time."""
    monkeypatch.setattr(opcua_history, "_VALUES_PER_READ", 10)
    node = device.nodes["Temperature"]
    history = device.server.iserver.history_manager
    history.set_storage(HistoryDict(max_history_data_response_size=most_per_answer))
    await device.server.historize_node_data_change(node, period=None)
    start = 1_767_592_800_000_000
    for step in range(120):
        value = device.value(ua.Variant(float(step)), start + step // 3 * US)
        await history.storage.save_node_value(node.nodeid, value)
    got = await driver.history(TEMPERATURE, start, start + 40 * US)
    assert [s.value for s in got] == [float(step) for step in range(120)]
    assert await driver.history(TEMPERATURE, start + 41 * US, start + 50 * US) == []


async def test_a_history_of_one_moment_is_read_past_it(device, driver, monkeypatch):
    monkeypatch.setattr(opcua_history, "_VALUES_PER_READ", 4)
    node = device.nodes["Temperature"]
    history = device.server.iserver.history_manager
    await device.server.historize_node_data_change(node, period=None)
    start = 1_767_592_800_000_000
    for step in range(30):
        value = device.value(ua.Variant(float(step)), start + (step == 29) * US)
        await history.storage.save_node_value(node.nodeid, value)
    got = await driver.history(TEMPERATURE, start, start + 2 * US)
    assert [s.value for s in got] == [float(step) for step in range(30)]


async def test_history_in_the_asked_period_oldest_first(device, driver):
    node = device.nodes["Temperature"]
    history = device.server.iserver.history_manager
    history.set_storage(HistoryDict(max_history_data_response_size=3000))
    await device.server.historize_node_data_change(node, period=None)
    start = 1_700_000_000 * US
    for step in range(12_000):
        value = device.value(ua.Variant(float(step)), start + step * 1000)
        await history.storage.save_node_value(node.nodeid, value)
    got = await driver.history(TEMPERATURE, start + 1_000_000, start + 12_000_000)
    assert [s.value for s in got] == [float(step) for step in range(1000, 12_000)]
    assert got[0].source_time == start + 1_000_000
    with pytest.raises(NoHistory, match=r"press-1.count"):
        await driver.history(COUNT, start, start + US)


async def test_close_is_safe_twice_and_before_connecting(device, plant_pki):
    driver = OpcUaDriver(context(device.url, plant_pki))
    await driver.close()
    assert driver.health().link is Link.CLOSED
    driver = OpcUaDriver(context(device.url, plant_pki))
    await driver.connect()
    await driver.close()
    await driver.close()
    assert driver.health().link is Link.CLOSED
    with pytest.raises(ConnectionLost):
        await driver.read([COUNT])


async def test_a_deadband_is_applied_by_the_device(device, driver, eventually):
    smooth = signal("Temperature", deadband=1.0, range=Range(low=0, high=300))
    collector = Collector()
    await driver.subscribe([smooth, COUNT], collector)
    await eventually(lambda: len(collector.samples) == 2)
    await device.put("Temperature", 20.4)
    await device.put("Temperature", 25.0)
    await device.put("Count", 9)
    await eventually(lambda: 9 in collector.values(COUNT.id))
    assert collector.values(smooth.id) == [20.0, 25.0]


async def test_an_unchanged_measurement_is_read_before_it_goes_stale(device, plant_pki, eventually):
    steady = signal("Temperature", fresh_s=0.4)
    count = signal("Count", type="int", kind="counter", fresh_s=0.4)
    driver = OpcUaDriver(context(device.url, plant_pki, signals=[steady, count]))
    collector = Collector()
    await driver.connect()
    await driver.subscribe([steady, count], collector)
    await eventually(lambda: len(collector.values(steady.id)) >= 4)
    held = [s for s in collector.samples if s.signal == steady.id]
    assert {s.value for s in held} == {20.0}
    times = [s.source_time for s in held]
    assert times == sorted(set(times))
    assert max(b - a for a, b in itertools.pairwise(times[1:])) < 2 * US
    assert collector.values(count.id) == [0], "counters hold while the link is heard from"
    await driver.close()


async def test_a_wrong_node_id_or_url_is_an_error_of_the_plant_file(driver, plant_pki):
    with pytest.raises(PlantError, match="no OPC UA node id"):
        await driver.read([signal("x", address="Temperature")])
    with pytest.raises(PlantError, match=r"opc.tcp://"):
        OpcUaDriver(context("http://127.0.0.1:4840", plant_pki))


async def test_a_renewed_certificate_that_the_device_does_not_know_keeps_nobody_out(
    device, plant_pki, eventually
):
    """The old one opens the door for as long as it is valid, and the health says what to do."""
    renewed = pki.renew_identity(plant_pki)
    driver = OpcUaDriver(context(device.url, plant_pki))
    await driver.connect()
    assert (await driver.read([COUNT]))[0].value == 0
    await eventually(
        lambda: "does not trust this plant's renewed certificate" in driver.health().error
    )
    assert str(renewed.certificate) in driver.health().error
    await driver.close()
    pki.trust(device.folder, renewed.certificate)
    driver = OpcUaDriver(context(device.url, plant_pki))
    await driver.connect()
    await driver.subscribe([COUNT], Collector())
    await eventually(lambda: driver.health().received)
    assert driver.health().error == ""
    await driver.close()
