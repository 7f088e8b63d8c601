"""Keeping connections: connect, subscribe, and try again with a back-off where that fails."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from genba.connect.backoff import LIVE_AGAIN_S, Backoff
from genba.connect.driver import Driver, Sink
from genba.errors import GenbaError
from genba.plant import Clock, Health, Link, Plant

logger = logging.getLogger(__name__)

LinkEvent = Callable[[str, bool, Health], None]
"""Told when a link comes up or goes down: connection, up, how it does."""

CLOSE_S = 10.0
"""Wall seconds that a driver may take to end its link."""


class Links:
    """Supervises all drivers of a plant.

    After the first success a driver reconnects by itself; until then, and where subscribing fails,
    this tries again. A driver may raise anything: it neither ends its supervision nor that of
    another one.
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
        self._silent: dict[str, Health] = {}
        """Drivers whose health cannot be asked, since when, and why."""

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
        for name in self._drivers:
            health = self._health(name)
            is_up = health.link is Link.UP and name not in self._errors
            if is_up:
                up.append(name)
            if is_up != self._was_up.get(name):
                self._was_up[name] = is_up
                self._changed(name, is_up, health)
        return up

    def health(self) -> dict[str, dict[str, Any]]:
        """Return how each connection does."""
        return {name: self._plain(self._health(name)) for name in self._drivers}

    def _health(self, name: str) -> Health:
        """Ask a driver how it does; one that cannot say is down."""
        try:
            health = self._drivers[name].health()
        except Exception as error:
            if name not in self._silent:
                logger.exception("driver of '%s' does not say how it does", name)
                why = f"its driver does not say how it does: {error!r}"
                self._silent[name] = Health(Link.DOWN, self._clock.now(), error=why)
            return self._silent[name]
        self._silent.pop(name, None)
        error_of_ours = self._errors.get(name)
        return replace(health, error=error_of_ours) if error_of_ours else health

    def _plain(self, health: Health) -> dict[str, Any]:
        return {
            "link": str(health.link),
            "since": health.since,
            "last_received": health.last_received,
            "received": health.received,
            "reconnects": health.reconnects,
            "error": health.error,
        }

    async def _keep(self, name: str, tried: asyncio.Event) -> None:
        """Connect and subscribe until it works."""
        driver = self._drivers[name]
        signals = [s for s in self._plant.signals.values() if s.connection == name]
        backoff = Backoff(seed=name, most_s=LIVE_AGAIN_S)
        connected = False
        while True:
            try:
                if not connected:
                    await driver.connect()
                    connected = True
                await driver.subscribe(signals, self._sink)
            except Exception as error:  # noqa: BLE001 - see the class
                self._failed(name, error)
            else:
                self._errors.pop(name, None)
                return
            finally:
                tried.set()
            await asyncio.sleep(backoff.next_s())

    def _failed(self, name: str, error: Exception) -> None:
        known = isinstance(error, GenbaError | OSError)
        said = str(error) if known else f"its driver failed: {error!r}"
        if self._errors.get(name) != said:
            logger.warning("%s: %s", name, said, exc_info=None if known else error)
        self._errors[name] = said

    async def _close(self, name: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._drivers[name].close()
        except (GenbaError, OSError, TimeoutError) as error:
            logger.info("closing %s: %s", name, error or f"not ended within {CLOSE_S:g} s")
        except Exception:
            logger.exception("driver of '%s' failed while it was closed", name)
