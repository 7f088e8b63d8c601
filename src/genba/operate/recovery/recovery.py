"""Recovery: what was not received is known, and fetched where a device has kept it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genba.connect.driver import Driver
from genba.errors import GenbaError, HistorianError, StateError
from genba.historian import GapLedger, Historian, Ingest
from genba.historian.present import Key, last_before, stored_keys
from genba.operate.alarms.facts import Fact, backfill_facts
from genba.operate.gate import Gate
from genba.operate.recovery.alive import AliveMark, LastRun
from genba.operate.recovery.backfill import Backfill
from genba.operate.recovery.progress import Progress, gaps_recovered
from genba.operate.recovery.shortage import Shortage
from genba.operate.recovery.watch import OutageWatch
from genba.operate.sense import LiveValues
from genba.plant import Clock, Gap, Health, Plant, Sample, VirtualClock

logger = logging.getLogger(__name__)

ALIVE_S = 1.0
"""Wall seconds between two signs of life."""
_PART = 5_000

Tell = Callable[[str, Mapping[str, Any]], None]


class Recovery:
    """Keeps the gap ledger of a running core, and recovers what it can. For one thread.

    Parameters
    ----------
    plant, clock, drivers, historian, ingest, gate, live
        The core's.
    folder : Path
        The state folder's root.
    tell : callable
        Takes rows for tables of records, and keeps them until the historian has room.
    untold : callable
        How many rows wait there.
    """

    def __init__(
        self,
        plant: Plant,
        clock: Clock,
        drivers: Mapping[str, Driver],
        historian: Historian,
        ingest: Ingest,
        gate: Gate,
        live: LiveValues,
        folder: Path,
        tell: Tell,
        untold: Callable[[], int],
    ) -> None:
        self._plant = plant
        self._clock = clock
        self._drivers = drivers
        self._historian = historian
        self._ingest = ingest
        self._gate = gate
        self._live = live
        self._tell = tell
        self._untold = untold
        connections = {name: signal.connection for name, signal in plant.signals.items()}
        self.ledger = GapLedger(tell, connections)
        self._connections = connections
        self._watch = OutageWatch(self.ledger, plant.signals)
        self._shortage = Shortage(self.ledger)
        self._mark = AliveMark(folder)
        self._backfills: dict[str, Backfill] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._last: LastRun | None = None
        self._up: set[str] = set()
        self._standing = 0

    # -- begin and end ------------------------------------------------------------------------

    def restore(self, historian: Historian) -> None:
        """Take up what an earlier run left; reads, so not on the event loop.

        Raises
        ------
        HistorianError
            If the ledger cannot be read.
        """
        self.ledger.restore(historian)
        try:
            self._last = self._mark.last_run()
        except StateError as error:
            logger.warning("%s", error)
        if self._last is None:
            self._last = self._recorded_last(historian)
            self._hold_fast(self._last)

    def _recorded_last(self, historian: Historian) -> LastRun | None:
        """Find out from the historian where no sign of life is left, as after a power failure."""
        stored = historian.stats()["last_store_time"]
        if stored is None:
            return None
        signals = last_before(historian, self._plant.signals, stored + 1)
        return LastRun(stored, clean=False, signals=frozenset(signals), skew_s={})

    def _hold_fast(self, last: LastRun | None) -> None:
        """Write down what was found out: soon the historian's last time will be this run's own.

        Should this run be killed before it has told its gap, the next one begins from here.
        """
        if last is None:
            return
        try:
            self._mark.recorded(last.signals)
            self._mark.write(last.time, last.skew_s)
        except OSError as error:
            logger.warning("no sign of life is left in the state folder: %s", error)

    def start(self) -> None:
        """Begin, before the devices are connected."""
        now = self._clock.now()
        if self._last is not None:
            self._watch.took_up(self._last, now, [e.signal for e in self.ledger.standing()])
        if isinstance(self._clock, VirtualClock):
            return
        for connection, driver in self._drivers.items():
            backfill = Backfill(
                connection,
                driver,
                self._plant.signals,
                self.ledger,
                self,
                self._clock,
                self._up.__contains__,
                self._skew_s,
                self._recovered,
            )
            self._backfills[connection] = backfill
            name = f"backfill {connection}"
            self._tasks.append(asyncio.create_task(backfill.run(), name=name))
        self._tasks.append(asyncio.create_task(self._show_life(), name="sign of life"))

    async def stop(self) -> None:
        """Recover nothing more; what is left is taken up by the next run."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def stopped(self, since: int) -> None:
        """Note a clean end: all that was received until ``since`` is stored."""
        try:
            self._mark.recorded(self._watch.known)
            self._mark.write(since, self._skews(), clean=True)
        except OSError as error:
            logger.warning("the next start will count a longer gap: %s", error)

    # -- what happens -------------------------------------------------------------------------

    def missed(self, gap: Gap) -> None:
        """Take what a driver tells."""
        self.ledger.tell(gap)
        self._look({self._connections.get(signal, "") for signal in gap.signals})

    def refused(self, samples: Sequence[Sample]) -> None:
        """Take what the historian had no room for."""
        self._shortage.refused(samples)

    def link_changed(self, connection: str, health: Health, *, up: bool) -> None:
        """Take that a link came up or went down."""
        self._watch.link_changed(connection, health, self._clock.now(), up=up)
        if up:
            self._up.add(connection)
            if connection in self._backfills:
                self._backfills[connection].again()
        else:
            self._up.discard(connection)

    def tick(self, batch: Sequence[Sample]) -> None:
        """Look at what came since the last tick."""
        short = self._shortage.lasts
        self._watch.tick(batch)
        self._shortage.tick()
        standing = len(self.ledger.standing())
        if standing < self._standing or (short and not self._shortage.lasts):
            self._look(self._backfills)
        self._standing = standing

    def _look(self, connections: Iterable[str]) -> None:
        for connection in connections:
            if connection in self._backfills:
                self._backfills[connection].look()

    def health(self) -> dict[str, int | float]:
        """Return figures for the core's health."""
        return {
            "gaps_open": len(self.ledger.standing()),
            "backfilling": sum(b.busy for b in self._backfills.values()),
            "backfill_left_s": round(sum(b.left_s for b in self._backfills.values()), 1),
            "backfilled": sum(b.fetched for b in self._backfills.values()),
        }

    def facts(self) -> Iterable[Fact]:
        """Return the connections of which something could not be fetched."""
        return backfill_facts({name: b.failed for name, b in self._backfills.items()})

    # -- sign of life -------------------------------------------------------------------------

    async def _show_life(self) -> None:
        """Write down, about each second, up to when all that was received is stored."""
        failing = False
        while True:
            begun = time.monotonic()
            now = self._clock.now()
            try:
                # What is refused or waits to be told is not in the queue, and would be forgotten.
                if not self._shortage.lasts and not self._untold():
                    await self._ingest.drained()
                    if self._watch.heard(self._live.snapshot()):
                        await asyncio.to_thread(self._mark.recorded, self._watch.known)
                    await asyncio.to_thread(self._mark.write, now, self._skews())
                    failing = False
            except (OSError, GenbaError) as error:
                if not failing:
                    logger.warning("no sign of life is left in the state folder: %s", error)
                failing = True
            await asyncio.sleep(max(0.05, ALIVE_S - (time.monotonic() - begun)))

    def _skews(self) -> dict[str, float]:
        return {name: self._skew_s(name) for name in self._backfills if self._skew_s(name)}

    def _skew_s(self, connection: str) -> float:
        """Return how far a device's clock is from Genba's; as it was, while it is not known."""
        known = self._gate.skew.seconds(connection)
        if known is None and self._last is not None:
            known = self._last.skew_s.get(connection)
        return known or 0.0

    # -- what backfilling asks of the historian -----------------------------------------------

    async def keys(
        self, signals: Sequence[str], events: Iterable[str], start: int, end: int
    ) -> dict[str, set[Key]]:
        """Return what is stored of a span, also of what was received a moment ago."""
        await self._ingest.drained()
        return await asyncio.to_thread(
            stored_keys, self._historian, signals, frozenset(events), start, end
        )

    async def last_before(self, signals: Iterable[str], before: int) -> dict[str, int]:
        """Return the source times of the last values before a time."""
        return await asyncio.to_thread(last_before, self._historian, list(signals), before)

    async def put(self, samples: Sequence[Sample]) -> None:
        """Store what fits, as soon as there is room; to the historian and nobody else."""
        fitting = self._gate.admission.admit_late(samples)
        for begin in range(0, len(fitting), _PART):
            while not self._put(fitting[begin : begin + _PART]):
                await self._ingest.drained()

    def _put(self, samples: Sequence[Sample]) -> bool:
        """Queue samples, unless the queue is needed for live ones."""
        if self._ingest.full:
            return False
        try:
            self._ingest.put(samples)
        except HistorianError as error:
            logger.info("backfilling waits: %s", error)
            return False
        return True

    def _recovered(self, connection: str, progress: Progress) -> None:
        now = self._clock.now()
        self._tell("events", gaps_recovered(connection, now, progress))
