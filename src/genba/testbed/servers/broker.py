"""The plant's MQTT broker: Debian's mosquitto where there is one, else amqtt in this process."""

import asyncio
import base64
import getpass
import hashlib
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from genba.errors import TestbedError

_START_S = 10.0


class Broker(Protocol):
    """A running MQTT broker on one loopback port."""

    kind: str

    async def start(self) -> None:
        """Begin to serve; on return clients can connect."""
        ...

    async def stop(self) -> None:
        """Close every link and the port. Safe to call twice, and before starting."""
        ...


def find_mosquitto() -> str | None:
    """Path of the mosquitto program, which Debian keeps outside a user's PATH."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def make_broker(
    host: str, port: int, users: Mapping[str, str], runtime: Path, embedded: bool = False
) -> Broker:
    """Choose the broker. With ``users`` (name to password) nobody comes in without one of them."""
    program = None if embedded else find_mosquitto()
    folder = runtime / "mqtt"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if program is None:
        return EmbeddedBroker(host, port, users, folder)
    return MosquittoBroker(program, host, port, users, folder)


class MosquittoBroker:
    """A mosquitto of our own, with its own configuration; it ends when this process ends."""

    kind = "mosquitto"

    def __init__(
        self, program: str, host: str, port: int, users: Mapping[str, str], folder: Path
    ) -> None:
        self._program = program
        self._host, self._port = host, port
        self._users = users
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Write the configuration, start the program, wait until it listens."""
        configuration = self._configure()
        with (self._folder / f"mosquitto-{self._port}.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_ending_with_us(),
                self._program,
                "-c",
                str(configuration),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = asyncio.get_running_loop().time() + _START_S
        while not await _listens(self._host, self._port):
            if self._process.returncode is not None or (
                asyncio.get_running_loop().time() > deadline
            ):
                await self.stop()
                log_file = self._folder / f"mosquitto-{self._port}.log"
                raise TestbedError(
                    f"mosquitto did not start on {self._host}:{self._port}; see {log_file}"
                )
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ask the program to end, and see to it that it does."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _configure(self) -> Path:
        lines = [
            f"listener {self._port} {self._host}",
            "persistence false",
            "set_tcp_nodelay true",
            "max_queued_messages 100000",
            "log_type error",
            "log_type warning",
            f"allow_anonymous {'false' if self._users else 'true'}",
            f"user {getpass.getuser()}",
        ]
        if self._users:
            passwords = self._folder / f"mosquitto-{self._port}.passwords"
            _write_private(passwords, [f"{u}:{_hashed(p)}" for u, p in self._users.items()])
            lines.append(f"password_file {passwords}")
        path = self._folder / f"mosquitto-{self._port}.conf"
        _write_private(path, lines)
        return path


class EmbeddedBroker:
    """amqtt on this process's event loop: slower, but always there."""

    kind = "amqtt"

    def __init__(self, host: str, port: int, users: Mapping[str, str], folder: Path) -> None:
        self._host, self._port = host, port
        self._users = users
        self._folder = folder
        self._broker: object | None = None

    async def start(self) -> None:
        """Listen."""
        from amqtt.broker import Broker as AmqttBroker

        plugins: dict[str, dict[str, object]] = {}
        if self._users:
            from pwdlib import PasswordHash
            from pwdlib.hashers.argon2 import Argon2Hasher

            hasher = PasswordHash((Argon2Hasher(),))
            passwords = self._folder / f"amqtt-{self._port}.passwords"
            _write_private(passwords, [f"{u}:{hasher.hash(p)}" for u, p in self._users.items()])
            file_auth = "amqtt.plugins.authentication.FileAuthPlugin"
            plugins[file_auth] = {"password_file": str(passwords)}
        else:
            anonymous = "amqtt.plugins.authentication.AnonymousAuthPlugin"
            plugins[anonymous] = {"allow_anonymous": True}
        broker = AmqttBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{self._host}:{self._port}"}},
                "plugins": plugins,
            }
        )
        await broker.start()
        self._broker = broker

    async def stop(self) -> None:
        """Close every link and the port."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()  # type: ignore[attr-defined]


def _ending_with_us() -> list[str]:
    """Let the kernel end the broker when this process dies, however it dies.

    By util-linux's ``setpriv``: code of our own between fork and exec can deadlock where there
    are threads.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _hashed(password: str) -> str:
    """Hash a password as ``mosquitto_passwd`` does (format 7: PBKDF2 with SHA-512)."""
    salt, rounds = secrets.token_bytes(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _write_private(path: Path, lines: list[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port, family=socket.AF_UNSPEC)
    except OSError:
        return False
    writer.close()
    return True
