"""Keeping the loop's pace at the plant's clock, also where somebody sets that clock."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from genba.operate.lateness import Lateness
from genba.plant import US, Clock

logger = logging.getLogger(__name__)

JUMP_S = 1.0
"""Wall seconds by which a clock must differ from what passed, to count as set. NTP slews less."""


class Pace:
    """Says when the next tick is due. Ticks that were missed are never made up for in a burst.

    What passed is measured by the computer's monotonic clock, which nobody sets. A step of the
    plant's clock moves the beat along: the loop neither sleeps until an old time comes again nor
    counts ticks as missed that never were.

    Parameters
    ----------
    clock : Clock
        The plant's clock.
    tick_s : float
        Plant seconds between two ticks.
    lateness : Lateness
        Told how late each tick begins, and of those that were missed.
    """

    def __init__(self, clock: Clock, tick_s: float, lateness: Lateness) -> None:
        self._clock = clock
        self._period = round(tick_s * US)
        self._lateness = lateness
        self._jumped = 0
        self._due = clock.now()
        self._seen = time.monotonic(), self._due
        self._begins: float | None = None

    async def keep(
        self,
        stopping: asyncio.Event,
        tick: Callable[[], Awaitable[None]],
        jumped: Callable[[int], None],
    ) -> None:
        """Tick until ``stopping`` is set; one that fails is logged and counted, and the next comes.

        Parameters
        ----------
        stopping : asyncio.Event
            Ends it, when the present wait or tick is over.
        tick : callable
            What is done at each beat.
        jumped : callable
            Told by how many microseconds the clock was set, before the tick that follows.
        """
        while not stopping.is_set():
            off = await self.tick()
            if stopping.is_set():
                return
            if off:
                jumped(off)
            try:
                await tick()
            except Exception:
                # The guard and the devices' own controllers hold the plant; the loop goes on.
                logger.exception("a tick failed")
                self._lateness.failed += 1
            self.done()

    async def tick(self) -> int:
        """Wait until a tick is due; return by how many microseconds the clock was set meanwhile."""
        wait_s = (self._due - self._clock.now()) / US / self._clock.speed
        self._begins = time.monotonic() + wait_s
        await self._clock.sleep_until(self._due)
        self._begins = None
        now = self._look()
        jumped, self._jumped = self._jumped, 0
        if jumped:
            self._due = now
        else:
            self._lateness.add((now - self._due) / US / self._clock.speed)
        return jumped

    def due_s(self) -> float:
        """Return wall seconds until the next tick; infinite during one, and where none comes."""
        return math.inf if self._begins is None else self._begins - time.monotonic()

    def done(self) -> None:
        """Note that the tick is over: when is the next one due?"""
        now = self._look()
        if self._jumped:
            self._due = now + self._period
            return
        missed = max(0, (now - self._due) // self._period - 1)
        self._lateness.missed += missed
        self._due += self._period * (1 + missed)

    def _look(self) -> int:
        """Compare what the clock says with what passed; return what it says."""
        wall, now = time.monotonic(), self._clock.now()
        before_wall, before = self._seen
        self._seen = wall, now
        speed = self._clock.speed
        if math.isfinite(speed):
            off = now - before - round((wall - before_wall) * speed * US)
            if abs(off) > JUMP_S * speed * US:
                self._jumped += off
        return now
