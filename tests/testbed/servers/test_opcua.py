"""An OPC UA device shows every change, hands writes to its machine, and keeps strangers out."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua
from tests.testbed.servers.small_plant import START, Memory, opcua_plant

from genba.testbed.servers.device import Change
from genba.testbed.servers.identity import DeviceIdentity, ensure_identity
from genba.testbed.servers.opcua import OpcUaServer
from genba.testbed.servers.opcua_access import micros, moment

MakeClient = Callable[..., Awaitable[Client]]


class Bench:
    """A served press and its memory."""

    def __init__(self, runtime: Path, port: int, history: bool = True, **users: str) -> None:
        plant = opcua_plant(port)
        self.url = plant.connections[0].url
        self.memory = Memory(plant, refuse=["press-1.job"])
        self.memory.set("press-1.melt", 210.5)
        self.memory.set("press-1.state", 4)
        self.memory.set("press-1.speed", 100.0)
        self.memory.set("press-1.job", "")
        self.memory.set("press-1.door", value=False)
        self.server = OpcUaServer(
            plant, plant.connections[0], self.memory, runtime, users, keeps_history=history
        )

    async def push(self) -> None:
        changes = [Change(*row) for row in self.memory.drain()]
        await self.server.push(changes, self.memory.now)


@pytest_asyncio.fixture
async def bench(runtime: Path, free_port: Callable[[], int]) -> AsyncIterator[Bench]:
    bench = Bench(runtime, free_port())
    await bench.server.start()
    await bench.push()
    yield bench
    await bench.server.stop()


async def node(client: Client, name: str) -> Any:
    index = await client.get_namespace_index("urn:small:press")
    return client.get_node(ua.NodeId(name, index))


async def test_every_change_arrives_with_its_source_time(
    bench: Bench, client_of: MakeClient, eventually: Callable[..., Awaitable[None]]
) -> None:
    seen: list[tuple[float, int]] = []

    class Handler:
        def datachange_notification(self, node: object, value: float, data: Any) -> None:
            seen.append((value, micros(data.monitored_item.Value.SourceTimestamp)))

    async with await client_of(bench.url) as client:
        subscription = await client.create_subscription(50, Handler())
        await subscription.subscribe_data_change(await node(client, "Melt"), queuesize=1000)
        for step in range(1, 201):
            bench.memory.set("press-1.melt", 210.5 + step, after_s=0.001)
            if step % 20 == 0:
                await bench.push()
        await eventually(lambda: len(seen) == 201, what="201 changes")
    assert seen == [(210.5 + step, START + step * 1000) for step in range(201)]


async def test_what_happens_at_one_moment_arrives_one_by_one(
    bench: Bench, client_of: MakeClient, eventually: Callable[..., Awaitable[None]]
) -> None:
    # So a furnace's gauging bench tells of the parts of a load.
    async with await client_of(bench.url) as client:
        seen = await watch(client, await node(client, "Job"), queuesize=1000)
        for part in range(48):
            bench.memory.set("press-1.job", f"part {part}")
        await bench.push()
        await eventually(lambda: len(seen) == 49, what="48 parts")
    assert [value.Value.Value for value in seen[1:]] == [f"part {part}" for part in range(48)]
    assert {micros(value.SourceTimestamp) for value in seen[1:]} == {START}


async def watch(client: Client, target: Any, **options: Any) -> list[ua.DataValue]:
    """Subscribe with a filter or queue of one's own; the list fills as values arrive."""
    seen: list[ua.DataValue] = []

    class Handler:
        def datachange_notification(self, node: object, value: object, data: Any) -> None:
            seen.append(data.monitored_item.Value)

    subscription = await client.create_subscription(options.pop("period", 50), Handler())
    await subscription._subscribe(target, ua.AttributeIds.Value, **options)
    return seen


async def test_a_deadband_counts_from_what_was_reported_last(
    bench: Bench, client_of: MakeClient, eventually: Callable[..., Awaitable[None]]
) -> None:
    deadband = ua.DataChangeFilter(
        Trigger=ua.DataChangeTrigger.StatusValue,
        DeadbandType=ua.DeadbandType.Absolute,
        DeadbandValue=1.0,
    )
    async with await client_of(bench.url) as client:
        seen = await watch(client, await node(client, "Melt"), mfilter=deadband, queuesize=100)
        for step in range(1, 11):
            bench.memory.set("press-1.melt", 210.5 + 0.4 * step, after_s=1)
        await bench.push()
        await eventually(lambda: len(seen) == 4, what="four values")
    assert [round(v.Value.Value, 1) for v in seen] == [210.5, 211.7, 212.9, 214.1]


async def test_a_full_queue_keeps_the_newest_and_says_that_values_are_missing(
    bench: Bench, client_of: MakeClient, eventually: Callable[..., Awaitable[None]]
) -> None:
    async with await client_of(bench.url) as client:
        seen = await watch(client, await node(client, "Melt"), queuesize=3, period=200)
        await eventually(lambda: len(seen) == 1, what="the present value")
        for step in range(1, 11):
            bench.memory.set("press-1.melt", float(step), after_s=1)
        await bench.push()
        await eventually(lambda: len(seen) == 4, what="a full queue")
    assert [v.Value.Value for v in seen[1:]] == [8.0, 9.0, 10.0]
    assert [bool(v.StatusCode.value & 0x480) for v in seen[1:]] == [True, False, False]


async def test_nodes_carry_type_range_unit_and_access(bench: Bench, client_of: MakeClient) -> None:
    async with await client_of(bench.url) as client:
        index = await client.get_namespace_index("urn:small:press")
        press = await client.nodes.objects.get_child([f"{index}:press-1"])
        names = {(await child.read_browse_name()).Name for child in await press.get_children()}
        assert names == {"melt", "state", "speed", "job", "door"}
        melt, speed = await node(client, "Melt"), await node(client, "Speed")
        assert await melt.read_data_type_as_variant_type() == ua.VariantType.Double
        limits = await (await melt.get_child("0:EURange")).read_value()
        assert (limits.Low, limits.High) == (0, 400)
        unit = await (await melt.get_child("0:EngineeringUnits")).read_value()
        assert unit.DisplayName.Text == "Cel"
        raw_limits = await (await speed.get_child("0:EURange")).read_value()
        assert (raw_limits.Low, raw_limits.High) == (0, 2000)
        assert ua.AccessLevel.CurrentWrite in await speed.get_access_level()
        assert ua.AccessLevel.CurrentWrite not in await melt.get_access_level()


async def test_a_write_reaches_the_machine_in_plant_units(
    bench: Bench, client_of: MakeClient
) -> None:
    async with await client_of(bench.url) as client:
        speed = await node(client, "Speed")
        await speed.write_value(ua.Variant(1500.0, ua.VariantType.Double))
        assert bench.memory.written == [("press-1.speed", 150.0)]
        assert await speed.read_value() == 1500.0


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("Speed", ua.Variant(2001.0, ua.VariantType.Double), ua.uaerrors.BadOutOfRange),
        ("Speed", ua.Variant("fast", ua.VariantType.String), ua.uaerrors.BadTypeMismatch),
        ("Melt", ua.Variant(1.0, ua.VariantType.Double), ua.uaerrors.BadNotWritable),
        ("Job", ua.Variant("O-1-01", ua.VariantType.String), ua.uaerrors.BadInvalidState),
    ],
)
async def test_a_refused_write_says_why_and_changes_nothing(
    bench: Bench, client_of: MakeClient, name: str, value: ua.Variant, refusal: type[Exception]
) -> None:
    async with await client_of(bench.url) as client:
        held = await node(client, name)
        before = await held.read_value()
        with pytest.raises(refusal):
            await held.write_value(value)
        assert await held.read_value() == before
    assert bench.memory.written == []


async def test_history_comes_in_pages_and_in_both_directions(
    bench: Bench, client_of: MakeClient
) -> None:
    for step in range(1, 12_001):
        bench.memory.set("press-1.melt", float(step), after_s=0.001)
    await bench.push()
    async with await client_of(bench.url) as client:
        melt = await node(client, "Melt")
        start, end = moment(START), moment(bench.memory.now + 1)
        values = await melt.read_raw_history(start, end)
        assert [v.Value.Value for v in values] == [210.5, *map(float, range(1, 12_001))]
        assert micros(values[-1].SourceTimestamp) == bench.memory.now
        backward = await melt.read_raw_history(end, start, numvalues=3)
        assert [v.Value.Value for v in backward] == [12_000.0, 11_999.0, 11_998.0]
        later = await melt.read_raw_history(end, end + dt.timedelta(hours=1))
        assert later == []


async def test_a_server_without_history_says_so(
    runtime: Path, free_port: Callable[[], int], client_of: MakeClient
) -> None:
    bench = Bench(runtime, free_port(), history=False)
    await bench.server.start()
    async with await client_of(bench.url) as client:
        melt = await node(client, "Melt")
        assert ua.AccessLevel.HistoryRead not in await melt.get_access_level()
        with pytest.raises(ua.uaerrors.BadHistoryOperationUnsupported):
            await melt.read_raw_history(moment(START), moment(START + 1))
    await bench.server.stop()


async def test_an_open_channel_may_look_for_endpoints_and_nothing_more(bench: Bench) -> None:
    client = Client(bench.url, timeout=5)
    endpoints = await client.connect_and_get_server_endpoints()
    assert {e.SecurityMode for e in endpoints} == {ua.MessageSecurityMode.SignAndEncrypt}
    assert {e.SecurityPolicyUri.rsplit("#")[-1] for e in endpoints} == {"Basic256Sha256"}
    with pytest.raises(ua.UaError):
        await Client(bench.url, timeout=5).connect()


async def test_an_unknown_certificate_is_refused_kept_and_can_be_trusted(
    bench: Bench, runtime: Path, client_of: MakeClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = ensure_identity(tmp_path_factory.mktemp("stranger"), "stranger", "127.0.0.1")
    with pytest.raises(ua.uaerrors.BadCertificateUntrusted):
        await (await client_of(bench.url, stranger)).connect()
    (kept,) = (runtime / "rejected").iterdir()
    assert kept.read_bytes() == stranger.certificate.read_bytes()
    kept.rename(runtime / "trusted" / kept.name)
    async with await client_of(bench.url, stranger) as client:
        assert await (await node(client, "State")).read_value() == 4


async def test_showing_a_trusted_certificate_that_is_not_ones_own_does_not_help(
    bench: Bench,
    visitor: DeviceIdentity,
    client_of: MakeClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    thief = ensure_identity(tmp_path_factory.mktemp("thief"), "thief", "127.0.0.1")
    client = await client_of(bench.url, thief)
    await client.connect_socket()
    await client.send_hello()
    await client.open_secure_channel()
    client.security_policy.host_certificate, own = (
        visitor.certificate.read_bytes(),
        client.security_policy.host_certificate,
    )
    client.application_uri = visitor.uri
    client.security_policy.asymmetric_cryptography.verify = lambda data, signature: None
    await client.create_session()
    client.security_policy.host_certificate = own
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        await client.activate_session()
    client.disconnect_socket()


async def test_where_a_password_is_set_only_the_right_one_opens(
    runtime: Path, free_port: Callable[[], int], client_of: MakeClient
) -> None:
    bench = Bench(runtime, free_port(), genba="right")
    await bench.server.start()
    async with await client_of(bench.url, user="genba:right") as client:
        assert await (await node(client, "State")).read_value() == 4
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        await (await client_of(bench.url, user="genba:wrong")).connect()
    with pytest.raises((ua.UaError, asyncio.TimeoutError)):
        await (await client_of(bench.url)).connect()
    await bench.server.stop()
