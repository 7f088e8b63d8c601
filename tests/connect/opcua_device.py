"""A real, secured OPC UA server and a TCP proxy that can fail: what the driver's tests talk to."""

import atexit
import datetime as dt
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer

from genba.connect import Credentials, DriverContext, pki
from genba.plant import Connection, Sample, Signal, SystemClock
from genba.testbed.servers.address_space import share_standard_nodes

URI = "urn:genba:test:press"


@cache
def _made_once(name: str) -> Path:
    """Keys take a moment to make; tests copy these."""
    folder = Path(tempfile.mkdtemp(prefix="genba-test-pki-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pki.ensure_identity(folder, name)
    return folder


def give_identity(folder: Path, name: str) -> pki.Identity:
    """Put a ready-made identity into a folder of its own."""
    shutil.copytree(_made_once(name), folder, dirs_exist_ok=True)
    return pki.ensure_identity(folder, name)


def befriend(device: "Device", plant: Path) -> Path:
    """Let device and plant trust each other; returns the plant's pki folder."""
    identity = give_identity(plant, "genba")
    pki.trust(plant, device.identity.certificate)
    pki.trust(device.folder, identity.certificate)
    return plant


class Users:
    """Accepts operator:secret, and anonymous where that is allowed."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if (username, password) == ("operator", "secret") or username is None:
            return User(role=UserRole.User)
        return None


class _QuickServer(InternalServer):
    """Takes the standard address space from one that all tests share."""

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        share_standard_nodes(self.aspace)


class Device:
    """An OPC UA server with its own certificate, that trusts what lies in its own folder."""

    def __init__(self, folder: Path, port: int, *, extra_namespaces: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = port
        self.url = f"opc.tcp://127.0.0.1:{port}"
        self.identity = give_identity(folder, "press")
        self.extra_namespaces = extra_namespaces
        self.policies = [
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
            ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
            ua.SecurityPolicyType.NoSecurity,
        ]
        self.server: Server = None
        self.nodes: dict[str, Any] = {}
        self.types: dict[str, ua.VariantType] = {}
        self.namespace = 0

    async def start(self) -> "Device":
        server = Server(_QuickServer(user_manager=Users()))
        await server.init()
        server.set_endpoint(self.url)
        await server.set_application_uri(self.identity.uri)
        server.set_security_policy(self.policies)
        await server.load_certificate(str(self.identity.certificate))
        await server.load_private_key(str(self.identity.key))
        server.iserver.certificate_validator = self._validate
        for uri in self.extra_namespaces:
            await server.register_namespace(uri)
        self.namespace = await server.register_namespace(URI)
        self.server = server
        await self._fill()
        await server.start()
        return self

    async def _fill(self) -> None:
        objects = self.server.nodes.objects
        machine = await objects.add_object(self.namespace, "Press")
        self.nodes = {}
        for name, value, kind in [
            ("Temperature", 20.0, ua.VariantType.Double),
            ("Count", 0, ua.VariantType.UInt32),
            ("State", 4, ua.VariantType.Int32),
            ("Running", False, ua.VariantType.Boolean),
            ("Lots", "", ua.VariantType.String),
            ("Speed", 0, ua.VariantType.Int16),
            ("Setpoint", 1.5, ua.VariantType.Float),
        ]:
            node = await machine.add_variable(ua.NodeId(name, self.namespace), name, value, kind)
            self.nodes[name], self.types[name] = node, kind
        for name in ("Speed", "Setpoint", "Lots"):
            await self.nodes[name].set_writable()
        unit = ua.EUInformation("http://www.opcfoundation.org/UA/units/un/cefact", 4408652)
        unit.DisplayName = ua.LocalizedText("°C")
        temperature = self.nodes["Temperature"]
        await temperature.add_property(0, "EURange", ua.Range(0.0, 300.0))
        await temperature.add_property(0, "EngineeringUnits", unit)

    async def _validate(self, certificate: Any, _description: Any) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        der = certificate.public_bytes(Encoding.DER)
        if not any(path.read_bytes() == der for path in (self.folder / "trusted").glob("*.der")):
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    async def put(self, name: str, value: Any, when: int | None = None, status: int = 0) -> None:
        """Give a variable a value with a source time (microseconds UTC)."""
        node = self.nodes[name]
        held = self.value(ua.Variant(value, self.types[name]), when, status)
        await self.server.write_attribute_value(node.nodeid, held)

    @staticmethod
    def value(variant: ua.Variant, when: int | None = None, status: int = 0) -> ua.DataValue:
        moment = dt.datetime.now(dt.UTC)
        if when is not None:
            moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=when)
        return ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=moment)

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()
            self.server = None


def context(
    url: str,
    folder: Path,
    *,
    credentials: Credentials | None = None,
    signals: Sequence[Signal] = (),
    **options: Any,
) -> DriverContext:
    quick = {"publish_ms": 20, "keepalive_s": 0.3, "timeout_s": 2.0, **options}
    connection = Connection(id="press-1", driver="opcua", url=url, options=quick)
    return DriverContext(connection, tuple(signals), SystemClock(), folder, credentials)


def signal(name: str, **fields: Any) -> Signal:
    fields.setdefault("address", f"nsu={URI};s={name}")
    return Signal(id=f"press-1.{name.lower()}", equipment="press-1", connection="press-1", **fields)


class Collector:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.batches: list[list[Sample]] = []

    def __call__(self, samples: Sequence[Sample]) -> None:
        self.batches.append(list(samples))

    @property
    def samples(self) -> list[Sample]:
        return [sample for batch in self.batches for sample in batch]

    def values(self, signal_id: str, *, good: bool = True) -> list[Any]:
        return [
            s.value for s in self.samples if s.signal == signal_id and (not good or s.quality == 0)
        ]
