"""Backfill: what an outage missed is fetched from the devices' own records, newest first."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from genba.connect.backoff import Backoff
from genba.connect.driver import Driver
from genba.errors import GenbaError, NoHistory
from genba.historian import Entry
from genba.historian.present import Key
from genba.operate.recovery.chunks import Piece, Plan, Span, widened
from genba.operate.recovery.progress import Progress
from genba.operate.recovery.reach import REQUEST_S, goes_back
from genba.plant import US, Clock, Recovery, Sample, Signal, SignalKind

logger = logging.getLogger(__name__)

SETTLE_S = 2.0
"""Wall seconds after which what a device sends by itself has arrived and been stored."""
UNTOLD_S = 20.0
"""Wall seconds that a driver has to tell what its device's own queue delivered."""
MARGIN_S = 5.0
"""Wall seconds of source time that are looked at beyond both ends of a gap."""
LONGEST_S = 600.0
SHORTEST_S = 1.0
ENOUGH = 4_000
"""Samples that one fetch is meant to bring: the time that it covers follows from that."""
SIGNALS = 25
CONCURRENT = 2
"""Requests to one device that are under way at once."""
ATTEMPTS = 6
AGAIN_S = 10.0
"""Wall seconds until a round is begun anew that the historian ended."""
OLDEST_S = 30 * 86_400.0
"""What is missing for longer than this is not looked for any more."""


class Ledger(Protocol):
    """What is asked of the gap ledger."""

    def missing(self, connection: str | None = None) -> list[Entry]:
        """Return what is over and was not recovered."""
        ...

    def recovered(
        self, signal: str, start: int, end: int, samples: int, how: Recovery = Recovery.HISTORY
    ) -> None:
        """Note that a part of it arrived after all."""
        ...


class Store(Protocol):
    """What is asked of the historian. Reading is off the event loop."""

    async def keys(
        self, signals: Sequence[str], events: Iterable[str], start: int, end: int
    ) -> dict[str, set[Key]]:
        """Return what is stored of a span, also of what was received a moment ago."""
        ...

    async def last_before(self, signals: Iterable[str], before: int) -> dict[str, int]:
        """Return the source times of the last values before a time."""
        ...

    async def put(self, samples: Sequence[Sample]) -> None:
        """Store what fits, as soon as there is room."""
        ...


@dataclass(slots=True)
class _Trouble:
    """A signal whose history could not be read."""

    backoff: Backoff
    failures: int = 0
    until: float = 0.0


class Backfill:
    """Recovers the gaps of one connection, one fetch after the other, in the background.

    What is to be done is in the ledger and nowhere else, so that it goes on after a restart.

    Parameters
    ----------
    connection : str
        Its id.
    driver : Driver
        Whose ``history`` is asked.
    signals : mapping of str to Signal
        The plant's.
    ledger, store
        What is missing, and what is there.
    clock : Clock
        The plant's.
    up : callable
        Whether the link is up.
    skew_s : callable
        The device's clock minus Genba's, wall seconds.
    done : callable
        Told of each round that is over: connection, progress.
    """

    def __init__(
        self,
        connection: str,
        driver: Driver,
        signals: Mapping[str, Signal],
        ledger: Ledger,
        store: Store,
        clock: Clock,
        up: Callable[[str], bool],
        skew_s: Callable[[str], float],
        done: Callable[[str, Progress], None],
    ) -> None:
        self.connection = connection
        self._driver = driver
        self._signals = signals
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._up = up
        self._skew_s = skew_s
        self._done = done
        self._told = asyncio.Event()
        self._plan = Plan(())
        self._chunk_us = round(60 * US)
        self._none: set[str] = set()
        self._given_up: set[tuple[str, int]] = set()
        self._trouble: dict[str, _Trouble] = {}
        self._requests = asyncio.Semaphore(CONCURRENT)
        self.fetched = 0
        """Samples that were stored so far."""
        self.busy = False
        """Whether something is left that may still be had."""
        self.failed: dict[str, str] = {}
        """Signals whose record could not be read, and why; until it can, or the link is new."""

    def look(self) -> None:
        """Look at the ledger again: something is over."""
        self._told.set()

    @property
    def left_s(self) -> float:
        """How much is still to be looked at: seconds, summed over signals."""
        return self._plan.left_us / US

    async def run(self) -> None:
        """Recover, as long as the core runs."""
        while True:
            await self._told.wait()
            self._told.clear()
            try:
                await self._round()
            except Exception as error:
                # The ledger knows what is left, and the historian may be read again soon.
                known = isinstance(error, GenbaError)
                logger.warning(
                    "backfilling %s: %s", self.connection, error, exc_info=None if known else error
                )
                await self._pause(AGAIN_S)
                self._told.set()
            self.busy = False

    async def _round(self) -> None:
        progress = Progress()
        while spans := self._spans():
            self._told.clear()
            self.busy = True
            if not self._up(self.connection):
                break  # its coming back is told
            ready = [span for span, at in spans if at <= time.monotonic()]
            if not ready:
                wait_s = min(at for _, at in spans) - time.monotonic()
                await self._pause(wait_s)
                continue
            self._plan = Plan(ready)
            await self._follow(progress)
        self._plan = Plan(())
        if progress.end:
            self._done(self.connection, progress)

    async def _follow(self, progress: Progress) -> None:
        """Fetch what the plan holds, until something new is told."""
        while not self._told.is_set() and self._up(self.connection):
            pieces = self._plan.next(self._chunk_us, SIGNALS)
            if not pieces:
                return
            begun = time.monotonic()
            await self._fetch(pieces, progress)
            # Live data comes first: at most half of the time goes into what is past.
            await asyncio.sleep(min(1.0, time.monotonic() - begun))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until something new is told."""
        try:
            async with asyncio.timeout(max(0.01, seconds)):
                await self._told.wait()
        except TimeoutError:
            return

    def _spans(self) -> list[tuple[Span, float]]:
        """Return what is missing and may be had, and from when on it may be asked for.

        What was over a moment ago may still be on its way to Genba by itself.
        """
        now, wall = self._clock.now(), time.monotonic()
        found = []
        for entry in self._ledger.missing(self.connection):
            if (
                entry.end is None
                or entry.signal in self._none
                or (entry.signal, entry.start) in self._given_up
                or entry.signal not in self._signals
                or now - entry.end > OLDEST_S * US
            ):
                continue
            wait_s = UNTOLD_S if entry.watched else SETTLE_S
            # Negative where the clock was set back: what is older than what cannot be told then.
            over_s = (now - entry.end) / US / self._clock.speed
            trouble = self._trouble.get(entry.signal)
            at = max(wall + max(0.0, wait_s - over_s), trouble.until if trouble else 0.0)
            found.append((Span(entry.signal, entry.start, entry.end), at))
        return found

    # -- one fetch ----------------------------------------------------------------------------

    async def _fetch(self, pieces: Sequence[Piece], progress: Progress) -> None:
        """Fetch pieces of several signals, store what is new, and say so in the ledger."""
        skew_s = self._skew_s(self.connection)
        margin = round((MARGIN_S + 2 * abs(skew_s)) * self._us_per_s)
        latest = self._clock.now() + round((skew_s - SETTLE_S) * self._us_per_s)
        progress.covered(pieces)
        asked = [widened(piece, margin, latest) for piece in pieces]
        answers = await asyncio.gather(*(self._ask(piece, progress) for piece in asked))
        found = {
            piece.signal: answer
            for piece, answer in zip(asked, answers, strict=True)
            if answer is not None
        }
        self._adapt(found.values())
        if not found:
            return
        fresh = await self._new(found, asked)
        await self._store.put([sample for samples in fresh.values() for sample in samples])
        firsts = [p for p in pieces if p.first and p.signal in found]
        reached = await self._reached(firsts, found, progress)
        proven = {(e.signal, e.start): e.end for e in self._ledger.missing(self.connection)}
        for piece in pieces:
            if piece.signal in found and (not piece.first or piece.signal in reached):
                count = len(fresh[piece.signal])
                # What is newer than this was recovered before.
                end = max(proven.get((piece.signal, piece.of.start)) or 0, piece.end)
                self._note(piece, end, found[piece.signal], count, reached, progress)
        self.fetched += sum(map(len, fresh.values()))

    @property
    def _us_per_s(self) -> float:
        """Plant microseconds in a second of the wall clock."""
        return US * (self._clock.speed if self._clock.speed != float("inf") else 1.0)

    async def _ask(self, piece: Piece, progress: Progress) -> list[Sample] | None:
        """Ask the device for one piece; None where it does not give it."""
        signal = self._signals[piece.signal]
        try:
            async with self._requests, asyncio.timeout(REQUEST_S):
                found = await self._driver.history(signal, piece.start, piece.end)
        except NoHistory as error:
            self._none.add(piece.signal)
            self._plan.drop(piece.signal)
            progress.none.add(piece.signal)
            logger.info("%s", error)
            return None
        except Exception as error:  # noqa: BLE001 - a driver of somebody else's may raise anything
            self._failed(piece, error, progress)
            return None
        self._trouble.pop(piece.signal, None)
        self.failed.pop(piece.signal, None)
        return list(found)

    def _failed(self, piece: Piece, error: Exception, progress: Progress) -> None:
        """Try again later, less often each time, and not for ever."""
        self._plan.drop(piece.signal)
        if not self._up(self.connection):
            return
        trouble = self._trouble.setdefault(piece.signal, _Trouble(Backoff(seed=piece.signal)))
        trouble.failures += 1
        trouble.until = time.monotonic() + trouble.backoff.next_s()
        if not isinstance(error, GenbaError | OSError | TimeoutError):
            logger.error("history of %s: its driver failed", piece.signal, exc_info=error)
        if trouble.failures >= ATTEMPTS:
            del self._trouble[piece.signal]
            self._none.add(piece.signal)
            progress.failed[piece.signal] = str(error) or type(error).__name__
            self.failed[piece.signal] = progress.failed[piece.signal]

    def again(self) -> None:
        """Take a new chance with signals whose history could not be read: the link is new."""
        self._none.clear()
        self._trouble.clear()
        self.failed.clear()
        self.look()

    def _adapt(self, answers: Iterable[Sequence[Sample]]) -> None:
        """Choose how much source time to fetch next, so that each fetch is quick."""
        count = sum(map(len, answers))
        factor = max(0.1, min(2.0, ENOUGH / max(1, count)))
        scale = self._us_per_s
        self._chunk_us = round(
            min(LONGEST_S * scale, max(SHORTEST_S * scale, self._chunk_us * factor))
        )

    async def _new(
        self, found: Mapping[str, Sequence[Sample]], asked: Sequence[Piece]
    ) -> dict[str, list[Sample]]:
        """Leave out what is stored already, and what the device gave twice."""
        events = {name for name in found if self._signals[name].kind is SignalKind.EVENT}
        keys = await self._store.keys(
            sorted(found), events, min(p.start for p in asked), max(p.end for p in asked)
        )
        fresh: dict[str, list[Sample]] = {}
        for name, samples in found.items():
            known = keys[name]
            fresh[name] = []
            for sample in samples:
                key = (sample.source_time, sample.value if name in events else None)
                if key not in known:
                    known.add(key)
                    fresh[name].append(sample)
        return fresh

    # -- what it comes to ---------------------------------------------------------------------

    def _note(
        self,
        piece: Piece,
        end: int,
        found: Sequence[Sample],
        count: int,
        reached: Mapping[str, bool],
        progress: Progress,
    ) -> None:
        """Say in the ledger what a piece came to.

        A piece without any value is proven to have had none only by an older one: a device that
        has forgotten says nothing too.
        """
        progress.samples += count
        progress.signals.add(piece.signal)
        start = piece.start
        oldest = max(start, min((sample.source_time for sample in found), default=end))
        if piece.first and reached[piece.signal]:
            oldest = start
        if oldest < end:
            self._ledger.recovered(piece.signal, oldest, end, count)
        if not piece.first or oldest == start:
            return
        self._given_up.add((piece.signal, start))
        if oldest >= piece.of.end:
            progress.none.add(piece.signal)
            return
        progress.partly.add(piece.signal)
        self._ledger.recovered(piece.signal, start, oldest, 0, Recovery.PARTLY)

    async def _reached(
        self,
        firsts: Sequence[Piece],
        found: Mapping[str, Sequence[Sample]],
        progress: Progress,
    ) -> dict[str, bool]:
        """Whether the device's record goes back to the begin of the gaps, by signal.

        A signal whose device does not answer is not in it.
        """
        reached = {
            piece.signal: any(s.source_time <= piece.start for s in found[piece.signal])
            for piece in firsts
        }
        doubtful = [piece for piece in firsts if not reached[piece.signal]]
        if doubtful:
            begin = max(piece.start for piece in doubtful)
            last = await self._store.last_before([p.signal for p in doubtful], begin)
            margin = round(MARGIN_S * self._us_per_s)
            for piece in doubtful:
                signal, known = self._signals[piece.signal], last.get(piece.signal)
                try:
                    async with self._requests:
                        reached[signal.id] = await goes_back(
                            self._driver, signal, piece.start, known, margin
                        )
                except Exception as error:  # noqa: BLE001 - as with asking for the piece
                    del reached[signal.id]
                    self._failed(piece, error, progress)
        return reached
