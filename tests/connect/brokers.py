"""MQTT brokers for tests, on a free port of the loopback: mosquitto, and amqtt in process."""

import asyncio
import contextlib
import getpass
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from amqtt.broker import Broker


class Mosquitto:
    """A mosquitto that can be stopped and started again on the same port."""

    def __init__(self, port: int, folder: Path, *lines: str) -> None:
        self.port = port
        self._file = folder / f"mosquitto-{port}.conf"
        settings = lines or ("allow_anonymous true",)
        user = f"user {getpass.getuser()}"  # as root it would become another, who reads less
        self._file.write_text("\n".join([f"listener {port} 127.0.0.1", user, *settings]) + "\n")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = await asyncio.create_subprocess_exec(
            program, "-c", str(self._file), stderr=asyncio.subprocess.DEVNULL
        )
        await until_listening(self.port)

    async def stop(self) -> None:
        """Kill it, so that clients see a broken link and not a good-bye."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None


class Amqtt:
    """The embedded broker."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._broker: Broker | None = None

    async def start(self) -> None:
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )
        await self._broker.start()

    async def stop(self) -> None:
        if self._broker is not None:
            await self._broker.shutdown()
            self._broker = None


AnyBroker = Mosquitto | Amqtt


@asynccontextmanager
async def running(broker: AnyBroker) -> AsyncIterator[AnyBroker]:
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def until_listening(port: int, within_s: float = 10.0) -> None:
    """Wait until something accepts connections on ``port``."""
    async with asyncio.timeout(within_s):
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            await asyncio.sleep(0.02)
