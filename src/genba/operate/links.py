"""Keeping connections: connect, subscribe, and try again with a back-off where that fails."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from genba.connect.backoff import Backoff
from genba.connect.driver import Driver, Sink
from genba.errors import GenbaError
from genba.plant import Clock, Health, Link, Plant

logger = logging.getLogger(__name__)

LinkEvent = Callable[[str, bool, str], None]
"""Told when a link comes up or goes down: connection, up, why."""


class Links:
    """Supervises all drivers of a plant.

    After the first success a driver reconnects by itself; until then, and where subscribing fails,
    this tries again.
    """

    def __init__(
        self,
        plant: Plant,
        drivers: Mapping[str, Driver],
        clock: Clock,
        sink: Sink,
        changed: LinkEvent,
    ) -> None:
        self._plant = plant
        self._drivers = drivers
        self._clock = clock
        self._sink = sink
        self._changed = changed
        self._tasks: list[asyncio.Task[None]] = []
        self._errors: dict[str, str] = {}
        self._was_up: dict[str, bool] = {}

    async def start(self, wait_s: float) -> None:
        """Begin with all connections at once; return when each was tried, or after ``wait_s``."""
        tried = []
        for name in self._drivers:
            first = asyncio.Event()
            tried.append(asyncio.create_task(first.wait()))
            self._tasks.append(asyncio.create_task(self._keep(name, first), name=f"link {name}"))
        if tried:
            _, late = await asyncio.wait(tried, timeout=wait_s)
            for task in late:
                task.cancel()

    async def stop(self) -> None:
        """Close all drivers; what one of them complains about keeps no other from closing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await asyncio.gather(*(self._close(name) for name in self._drivers))

    def alive(self) -> list[str]:
        """Return the connections that are up now, and tell of those that changed."""
        up = []
        for name, driver in self._drivers.items():
            health = driver.health()
            is_up = health.link is Link.UP and name not in self._errors
            if is_up:
                up.append(name)
            if is_up != self._was_up.get(name, False):
                self._was_up[name] = is_up
                self._changed(name, is_up, self._errors.get(name) or health.error)
        return up

    def health(self) -> dict[str, dict[str, Any]]:
        """Return how each connection does."""
        return {name: self._plain(name, driver.health()) for name, driver in self._drivers.items()}

    def _plain(self, name: str, health: Health) -> dict[str, Any]:
        return {
            "link": str(health.link),
            "since": health.since,
            "last_received": health.last_received,
            "received": health.received,
            "reconnects": health.reconnects,
            "error": self._errors.get(name) or health.error,
        }

    async def _keep(self, name: str, tried: asyncio.Event) -> None:
        """Connect and subscribe until it works."""
        driver = self._drivers[name]
        signals = [s for s in self._plant.signals.values() if s.connection == name]
        backoff = Backoff(seed=name)
        connected = False
        while True:
            try:
                if not connected:
                    await driver.connect()
                    connected = True
                await driver.subscribe(signals, self._sink)
            except (GenbaError, OSError) as error:
                if self._errors.get(name) != str(error):
                    logger.warning("%s: %s", name, error)
                self._errors[name] = str(error)
            else:
                self._errors.pop(name, None)
                return
            finally:
                tried.set()
            await asyncio.sleep(backoff.next_s())

    async def _close(self, name: str) -> None:
        with contextlib.suppress(GenbaError, OSError, TimeoutError):
            async with asyncio.timeout(10):
                await self._drivers[name].close()
