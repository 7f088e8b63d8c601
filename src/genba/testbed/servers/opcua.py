"""OPC UA servers of the testbed: signed, encrypted, and made from the plant file alone."""

import asyncio
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from asyncua import Server, ua
from asyncua.common.node import Node
from asyncua.server.address_space import AttributeValue
from asyncua.server.internal_server import InternalServer

from genba.errors import TestbedError
from genba.plant import Connection, Equipment, Plant, Signal, SignalKind
from genba.testbed.servers.address_space import share_standard_nodes
from genba.testbed.servers.device import Change, Simulation, host_and_port
from genba.testbed.servers.identity import DeviceIdentity, ensure_identity
from genba.testbed.servers.opcua_access import (
    VARIANTS,
    CertificateGate,
    DeviceAttributes,
    DeviceHistory,
    data_value,
    moment,
)
from genba.testbed.servers.opcua_items import DeviceSubscriptions

_log = logging.getLogger(__name__)
_ADDRESS = re.compile(r"(?:nsu=(?P<uri>[^;]+);|ns=(?P<index>\d+);)?(?P<kind>[si])=(?P<name>.+)")
_UCUM = "http://unitsofmeasure.org"
_CURRENT = ua.AccessLevel.CurrentRead.mask
_HISTORY = ua.AccessLevel.HistoryRead.mask
_WRITE = ua.AccessLevel.CurrentWrite.mask


class _StandardOnShared(InternalServer):  # type: ignore[misc]
    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        share_standard_nodes(self.aspace)


class OpcUaServer:
    """One OPC UA endpoint with the signals of one connection.

    Only Basic256Sha256 with signing and encryption is offered. ``users`` (name to password) may
    be empty: then a trusted certificate alone opens a session.
    """

    def __init__(
        self,
        plant: Plant,
        connection: Connection,
        simulation: Simulation,
        runtime: Path,
        users: Mapping[str, str],
        keeps_history: bool,
    ) -> None:
        self.url = connection.url
        self.signals = tuple(s for s in plant.signals.values() if s.connection == connection.id)
        self._connection = connection
        self._plant = plant
        self._simulation = simulation
        self._runtime = runtime
        self._users = users
        self._keeps_history = keeps_history
        self._server: Server | None = None
        self._values: dict[str, tuple[Signal, AttributeValue]] = {}
        self._clock_shown = 0

    async def start(self) -> None:
        """Make the identity and the nodes, then listen."""
        host, _ = host_and_port(self.url, 4840)
        identity = await asyncio.to_thread(
            ensure_identity, self._runtime, self._connection.id, host
        )
        gate = CertificateGate(self._runtime, self._users)
        internal = _StandardOnShared(user_manager=gate)
        internal.disabled_clock = True
        internal.allow_remote_admin = False
        internal.certificate_validator = gate.validate
        internal.subscription_service = DeviceSubscriptions(internal.aspace, internal)
        server = Server(internal)
        await server.init()
        await self._secure(server, identity)
        by_node = await self._add_nodes(server)
        internal.attribute_service = DeviceAttributes(internal.aspace, by_node, self._simulation)
        internal.history_manager = DeviceHistory(
            internal, by_node, self._simulation, self._keeps_history
        )
        await server.start()
        self._server = server

    async def push(self, changes: Sequence[Change], now: int) -> None:
        """Show changes with their source times, to every subscription."""
        for change in changes:
            signal, held = self._values[change.signal]
            shown = data_value(signal, change.value, change.source_time, now)
            held.value = shown
            for handle, notify in list(held.datachange_callbacks.items()):
                try:
                    await notify(handle, shown)
                except Exception:  # noqa: BLE001 - whatever a client asked for, the plant lives on
                    _log.exception("a subscription to %s failed", signal.id)
        await self._show_clock(now)

    async def stop(self) -> None:
        """Close all sessions and the port."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def _show_clock(self, now: int) -> None:
        """The server's CurrentTime follows the plant clock, once a second of it."""
        if self._server is None or now - self._clock_shown < 1_000_000:
            return
        self._clock_shown = now
        current = ua.DataValue(ua.Variant(moment(now), ua.VariantType.DateTime))
        await self._server.iserver.write_attribute_value(
            ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), current
        )

    async def _secure(self, server: Server, identity: DeviceIdentity) -> None:
        server.set_endpoint(self.url)
        server.set_server_name(f"Genba testbed {self._connection.id}")
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        tokens = [ua.UserNameIdentityToken] if self._users else [ua.AnonymousIdentityToken]
        server.set_identity_tokens(tokens)
        await server.load_certificate(identity.certificate)
        await server.load_private_key(identity.key)
        await server.set_application_uri(identity.uri)

    async def _add_nodes(self, server: Server) -> dict[ua.NodeId, Signal]:
        index = _Namespaces(server)
        if not any(s.address.startswith("nsu=") for s in self.signals):
            await index.of(f"urn:genba:testbed:{self._connection.id}")
        by_node: dict[ua.NodeId, Signal] = {}
        machines: dict[str, Node] = {}
        for signal in self.signals:
            node_id = await self._node_id(signal, index)
            if node_id in by_node:
                raise TestbedError(
                    f"signals {by_node[node_id].id} and {signal.id} share the address "
                    f"'{signal.address}'; give each its own in plant.yaml"
                )
            by_node[node_id] = signal
            if signal.equipment not in machines:
                owner = self._plant.equipment_by_id[signal.equipment]
                machines[signal.equipment] = await self._add_machine(server, owner, node_id)
            await self._add_variable(server, machines[signal.equipment], signal, node_id)
        return by_node

    async def _node_id(self, signal: Signal, index: "_Namespaces") -> ua.NodeId:
        match = _ADDRESS.fullmatch(signal.address)
        if match is None:
            raise TestbedError(
                f"signal {signal.id}: '{signal.address}' is no OPC UA node id; "
                "write it like nsu=urn:plant:press-1;s=State or ns=2;s=State"
            )
        space = await index.of(match["uri"]) if match["uri"] else int(match["index"] or 0)
        name = int(match["name"]) if match["kind"] == "i" else match["name"]
        return ua.NodeId(name, space)

    async def _add_machine(self, server: Server, owner: Equipment, first: ua.NodeId) -> Node:
        node_id = ua.NodeId(f"{owner.id}/", first.NamespaceIndex)
        name = ua.QualifiedName(owner.id, first.NamespaceIndex)
        machine = await server.nodes.objects.add_object(node_id, name)
        if owner.name:
            await machine.write_attribute(
                ua.AttributeIds.Description,
                ua.DataValue(ua.Variant(ua.LocalizedText(owner.name))),
            )
        return machine

    async def _add_variable(
        self, server: Server, machine: Node, signal: Signal, node_id: ua.NodeId
    ) -> None:
        variant = VARIANTS[signal.type]
        short = signal.id.removeprefix(f"{signal.equipment}.")
        node = await machine.add_variable(
            node_id,
            ua.QualifiedName(short, node_id.NamespaceIndex),
            ua.get_default_value(variant),
            varianttype=variant,
            datatype=ua.NodeId(variant.value),
        )
        access = _CURRENT | (_WRITE if signal.writable else 0)
        access |= _HISTORY if self._keeps_history else 0
        space = server.iserver.aspace
        attributes = space[node_id].attributes
        for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
            level = ua.DataValue(ua.Variant(access, ua.VariantType.Byte))
            await space.write_attribute_value(node_id, attribute, level)
        await space.write_attribute_value(
            node_id,
            ua.AttributeIds.Historizing,
            ua.DataValue(ua.Variant(self._keeps_history, ua.VariantType.Boolean)),
        )
        if signal.name:
            text = ua.DataValue(ua.Variant(ua.LocalizedText(signal.name)))
            await space.write_attribute_value(node_id, ua.AttributeIds.Description, text)
        await self._add_properties(node, signal, node_id.NamespaceIndex)
        now = self._simulation.now
        held = attributes[ua.AttributeIds.Value]
        held.value = data_value(signal, self._simulation.value(signal.id), now, now)
        self._values[signal.id] = (signal, held)
        if signal.kind is SignalKind.MEASUREMENT:
            held.value_callback = partial(self._sampled, held)

    def _sampled(self, held: AttributeValue, _node: ua.NodeId, _attribute: int) -> ua.DataValue:
        """A sensor that is read says what it senses now, though nothing may have changed."""
        now = moment(self._simulation.now)
        return replace(held.value, SourceTimestamp=now, ServerTimestamp=now)

    async def _add_properties(self, node: Node, signal: Signal, index: int) -> None:
        """EURange and EngineeringUnits (OPC 10000-8), in the device's own number."""
        if signal.range is not None:
            bounds = sorted(
                (bound - signal.offset) / signal.scale
                for bound in (signal.range.low, signal.range.high)
            )
            await node.add_property(
                ua.NodeId(f"{node.nodeid.Identifier}/EURange", index),
                ua.QualifiedName("EURange", 0),
                ua.Range(Low=bounds[0], High=bounds[1]),
            )
        if signal.scale == 1.0 and signal.offset == 0.0 and signal.unit != "1":
            unit = ua.EUInformation(
                NamespaceUri=_UCUM,
                UnitId=-1,
                DisplayName=ua.LocalizedText(signal.unit),
                Description=ua.LocalizedText(signal.unit),
            )
            await node.add_property(
                ua.NodeId(f"{node.nodeid.Identifier}/EngineeringUnits", index),
                ua.QualifiedName("EngineeringUnits", 0),
                unit,
            )


class _Namespaces:
    """Indexes of namespace URIs in one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: dict[str, int] = {}

    async def of(self, uri: str) -> int:
        if uri not in self._known:
            self._known[uri] = await self._server.register_namespace(uri)
        return self._known[uri]


def opcua_servers(
    plant: Plant,
    simulation: Simulation,
    runtime: Path,
    users: Mapping[str, Mapping[str, str]],
    history: Collection[str],
) -> list[OpcUaServer]:
    """One server per OPC UA connection; ``users`` and ``history`` go by connection id."""
    return [
        OpcUaServer(
            plant, c, simulation, runtime, users.get(c.id, {}), keeps_history=c.id in history
        )
        for c in plant.connections
        if c.driver == "opcua"
    ]
