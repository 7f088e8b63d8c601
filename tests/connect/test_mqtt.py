"""The MQTT link: logins, certificates, access lists, dead addresses. One clear error each."""

import asyncio
import datetime as dt
import ipaddress
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.client import MQTTMessage
from tests.connect.brokers import AnyBroker, Mosquitto, running

from genba.connect.driver import Credentials, DriverContext
from genba.connect.mqtt import MqttLink, MqttOptions
from genba.connect.options import host_and_port
from genba.errors import ConnectionLost, DeviceError, PlantError, Untrusted
from genba.plant import Connection, GapReason, SystemClock

mosquitto = pytest.mark.peer("mosquitto")
LOGIN = Credentials("genba", "secret")


class Ear:
    """Keeps what a link tells."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.ups = 0
        self.errors: list[str] = []
        self.reasons: list[GapReason] = []

    def message(self, topic: str, payload: bytes) -> None:
        self.messages.append((topic, payload))

    async def link_up(self) -> None:
        self.ups += 1

    def link_down(self, error: str, reason: GapReason) -> None:
        self.errors.append(error)
        self.reasons.append(reason)


def link(
    port: int,
    ear: Ear,
    login: Credentials | None = None,
    scheme: str = "mqtt",
    **options: Any,
) -> MqttLink:
    connection = Connection(id="line", driver="vda5050", url=f"{scheme}://127.0.0.1:{port}")
    context = DriverContext(connection, (), SystemClock(), Path(), login)
    chosen = MqttOptions.model_validate({"timeout_s": 3.0, **options})
    return MqttLink(context, chosen, [("a/#", 1)], ear)


async def hash_password(folder: Path) -> Path:
    file = folder / "passwords"
    process = await asyncio.create_subprocess_exec(
        shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd",
        "-b", "-c", str(file), LOGIN.user, LOGIN.password,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0
    return file


@pytest.fixture
async def guarded(free_port: Callable[[], int], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A broker that wants a login."""
    passwords = await hash_password(tmp_path)
    broker = Mosquitto(free_port(), tmp_path, "allow_anonymous false", f"password_file {passwords}")
    async with running(broker):
        yield broker


@mosquitto
async def test_a_right_login_gets_in(guarded: Mosquitto) -> None:
    ear = Ear()
    subject = link(guarded.port, ear, LOGIN)
    await subject.connect()
    assert subject.up
    await subject.close()
    assert ear.ups == 1


@mosquitto
@pytest.mark.parametrize("login", [None, Credentials("genba", "wrong")])
async def test_a_wrong_login_is_told_and_never_shown(
    guarded: Mosquitto, login: Credentials | None
) -> None:
    with pytest.raises(Untrusted, match=r"'line'.*does not accept the login") as caught:
        await link(guarded.port, Ear(), login).connect()
    assert "wrong" not in str(caught.value)


async def test_a_login_that_may_not_read_is_told(free_port: Callable[[], int]) -> None:
    async def refuse_subscriptions(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK, accepted
        packet = await reader.read(1000)
        writer.write(b"\x90\x03" + packet[2:4] + b"\x80")  # SUBACK, failure
        await reader.read(1000)
        writer.close()

    port = free_port()
    async with await asyncio.start_server(refuse_subscriptions, "127.0.0.1", port):
        with pytest.raises(Untrusted, match=r"does not let this login read 'a/#'"):
            await link(port, Ear(), timeout_s=1.0).connect()


async def test_no_broker_is_told(free_port: Callable[[], int]) -> None:
    port = free_port()
    with pytest.raises(ConnectionLost, match=rf"127\.0\.0\.1:{port} does not answer"):
        await link(port, Ear()).connect()


async def test_something_else_at_the_port_is_told(free_port: Callable[[], int]) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda _, writer: writer.write(b"220 hello\r\n"), port=port)
    async with server:
        with pytest.raises(DeviceError, match="does not answer"):
            await link(port, Ear(), timeout_s=0.5).connect()


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("http://broker", "is no address"),
        ("mqtt://", "is no address"),
        ("mqtt://broker:port", "is no address"),
        ("mqtt://broker/topic", "is no address"),
        ("mqtt://user:secret@broker", "holds a login"),
    ],
)
def test_a_bad_url_is_refused_at_once(url: str, part: str) -> None:
    connection = Connection(id="line", driver="vda5050", url=url)
    context = DriverContext(connection, (), SystemClock(), Path())
    with pytest.raises(PlantError, match=part) as caught:
        MqttLink(context, MqttOptions(), [], Ear())
    assert "secret@" not in str(caught.value)


def test_a_missing_certificate_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="a TLS file cannot be used"):
        link(8883, Ear(), scheme="mqtts", ca_file=tmp_path / "none.pem")


@pytest.fixture
async def tls_broker(
    free_port: Callable[[], int], tmp_path: Path
) -> AsyncIterator[tuple[Mosquitto, Path]]:
    """A broker with TLS, and the certificate of its authority (itself)."""
    certificate, key = self_signed(tmp_path)
    broker = Mosquitto(
        free_port(), tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}"
    )
    async with running(broker):
        yield broker, certificate


@mosquitto
async def test_tls_with_a_trusted_certificate_carries_messages(
    tls_broker: tuple[Mosquitto, Path], eventually: Callable[..., Any]
) -> None:
    broker, certificate = tls_broker
    ear = Ear()
    subject = link(broker.port, ear, scheme="mqtts", ca_file=certificate)
    await subject.connect()
    await subject.publish("a/b", b"x", qos=1)
    await eventually(lambda: ear.messages == [("a/b", b"x")])
    await subject.close()


@mosquitto
async def test_a_certificate_that_is_not_trusted_is_told(
    tls_broker: tuple[Mosquitto, Path],
) -> None:
    broker, _ = tls_broker
    with pytest.raises(Untrusted, match=r"is not trusted.*set ca_file"):
        await link(broker.port, Ear(), scheme="mqtts").connect()


@mosquitto
async def test_a_link_comes_back_and_subscribes_again(
    free_port: Callable[[], int], tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    broker, ear = Mosquitto(free_port(), tmp_path), Ear()
    async with running(broker):
        subject = link(broker.port, ear)
        await subject.connect()
        await broker.stop()
        await eventually(lambda: ear.errors)
        with pytest.raises(ConnectionLost, match="is down; the driver goes on trying"):
            await subject.publish("a/b", b"x")
        await broker.start()
        await eventually(lambda: ear.ups == 2)
        await subject.publish("a/b", b"again", qos=1)
        await eventually(lambda: ear.messages == [("a/b", b"again")])
        await subject.close()
        await subject.close()


def self_signed(folder: Path, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for the loopback and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test broker")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files = folder / "broker.pem", folder / "broker.key"
    files[0].write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    files[1].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption_algorithm=plain)
    )
    return files


async def test_a_user_that_fails_is_said_and_does_not_end_the_link(
    broker: AnyBroker, eventually: Callable[..., Any]
) -> None:
    class Clumsy(Ear):
        def message(self, topic: str, payload: bytes) -> None:
            if payload == b"bad":
                raise RuntimeError("stumbled")
            super().message(topic, payload)

    ear = Clumsy()
    subject, other = link(broker.port, ear), link(broker.port, Ear())
    await subject.connect()
    await other.connect()
    await other.publish("a/b", b"bad", qos=1)
    await eventually(lambda: ear.errors)
    assert "unexpected RuntimeError: stumbled" in ear.errors[0]
    await eventually(lambda: ear.ups == 2)
    await other.publish("a/b", b"good", qos=1)
    await eventually(lambda: ("a/b", b"good") in ear.messages)
    await subject.close()
    await other.close()


async def test_a_failure_before_the_first_link_is_raised_and_not_waited_for(
    broker: AnyBroker,
) -> None:
    class Clumsy(Ear):
        async def link_up(self) -> None:
            raise RuntimeError("stumbled")

    subject = link(broker.port, Clumsy())
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionLost, match="unexpected RuntimeError: stumbled"):
            await subject.connect()


async def test_dropped_messages_are_counted_and_the_link_is_opened_anew(
    broker: AnyBroker, eventually: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in them is unknown, so all that the broker retains is asked for again."""
    monkeypatch.setattr("genba.connect.mqtt.MOST_WAITING", 5)
    ear = Ear()
    subject, other = link(broker.port, ear), link(broker.port, Ear())
    await subject.connect()
    await other.connect()
    await other.publish("a/state", b"kept", qos=1, retain=True)
    await eventually(lambda: ("a/state", b"kept") in ear.messages)
    ear.messages.clear()

    client = subject._client
    assert client is not None
    for number in range(9):  # in one turn of the loop, as a burst does
        burst = MQTTMessage(topic=b"a/burst")
        burst.payload = str(number).encode()
        client._on_message(client._client, None, burst)
    await eventually(lambda: ear.errors)
    assert "4 messages were dropped" in ear.errors[0]
    await eventually(lambda: ear.ups == 2)
    await eventually(lambda: ("a/state", b"kept") in ear.messages)
    assert subject.dropped == 4
    await subject.close()
    await other.close()


def test_a_login_in_the_url_is_refused_and_never_shown() -> None:
    for url in ("mqtt://me:secret@host", "mqqt://me:secret@host", "mqtt://me:secret@host:99999"):
        connection = Connection(id="line", driver="vda5050", url=url)
        with pytest.raises(PlantError, match="holds a login") as error:
            host_and_port(connection, {"mqtt": 1883})
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("host", ["broker.plant.example", "192.0.2.30"])
def test_a_password_does_not_go_over_the_network_in_the_clear(host: str) -> None:
    def subject(url: str, **options: Any) -> MqttLink:
        context = DriverContext(
            Connection(id="line", driver="vda5050", url=url), (), SystemClock(), Path(), LOGIN
        )
        return MqttLink(context, MqttOptions(**options), [], Ear())

    with pytest.raises(PlantError, match=r"in the clear; use mqtts://.*insecure: true"):
        subject(f"mqtt://{host}")
    subject(f"mqtt://{host}", insecure=True)
    subject(f"mqtts://{host}")
    subject("mqtt://127.0.0.1")
    subject("mqtt://[::1]")
    subject("mqtt://localhost")


@mosquitto
async def test_a_certificate_of_another_host_is_told(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path, address="127.0.0.2")
    lines = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    async with running(Mosquitto(free_port(), tmp_path, *lines)) as broker:
        with pytest.raises(Untrusted, match=r"is not trusted.*127\.0\.0\.1"):
            await link(broker.port, Ear(), scheme="mqtts", ca_file=certificate).connect()


@mosquitto
async def test_a_broker_that_wants_a_client_certificate_gets_it(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    lines = (
        "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}",
        f"cafile {certificate}", "require_certificate true",
    )  # fmt: skip
    async with running(Mosquitto(free_port(), tmp_path, *lines)) as broker:
        own = {"client_certificate": certificate, "client_key": key}
        with pytest.raises(DeviceError):
            await link(broker.port, Ear(), scheme="mqtts", ca_file=certificate).connect()
        subject = link(broker.port, Ear(), scheme="mqtts", ca_file=certificate, **own)
        await subject.connect()
        assert subject.up
        await subject.close()


async def test_a_broker_that_freezes_is_noticed_by_its_silence(
    free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    async def accept_and_freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK, accepted
        packet = await reader.read(1000)
        writer.write(b"\x90\x03" + packet[2:4] + b"\x01")  # SUBACK; then nothing any more
        await frozen.wait()
        writer.close()

    port, frozen, ear = free_port(), asyncio.Event(), Ear()
    async with await asyncio.start_server(accept_and_freeze, "127.0.0.1", port):
        subject = link(port, ear, keepalive_s=1, timeout_s=1.0)
        await subject.connect()
        await eventually(lambda: ear.errors, 6.0)
        assert ear.reasons[0] is GapReason.LINK
        await subject.close()
        frozen.set()
