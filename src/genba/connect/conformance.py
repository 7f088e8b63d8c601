"""Try a driver against its device and say which rules of the protocol it keeps.

For those who write a driver of their own::

    checks = await check_driver(AcmeDriver(context), signals, write=(setpoint, 42.0))
    assert not failures(checks), describe(checks)
"""

import asyncio
import itertools
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from genba.connect.driver import Driver
from genba.errors import DeviceError, GenbaError, NoHistory
from genba.plant import (
    US,
    BrowseEntry,
    DataType,
    Health,
    Link,
    Quality,
    Sample,
    Scalar,
    Signal,
)

_PYTHON_TYPES: dict[DataType, tuple[type, ...]] = {
    DataType.BOOL: (bool,),
    DataType.INT: (int,),
    DataType.FLOAT: (int, float),
    DataType.STRING: (str,),
    DataType.JSON: (str,),
}
_HISTORY_S = 60


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the :class:`~genba.connect.driver.Driver` protocol, and whether it was kept."""

    rule: str
    outcome: Outcome
    detail: str = ""


class _Broken(Exception):
    """A rule was not kept."""


class _Skip(Exception):
    """A rule cannot be tried with what was given."""


async def check_driver(
    driver: Driver,
    signals: Sequence[Signal],
    *,
    write: tuple[Signal, Scalar] | None = None,
    wait_s: float = 10.0,
) -> list[Check]:
    """Try a driver that is not connected yet, with its device running; closes it at the end.

    Parameters
    ----------
    driver : Driver
        The driver under test.
    signals : sequence of Signal
        Signals that the device has, at least one.
    write : (Signal, value), optional
        A setpoint that may be written, and a value other than its present one.
    wait_s : float
        How long to wait for an answer, in seconds of the wall clock.

    Returns
    -------
    list of Check
        One per rule, in the order they were tried; nothing is raised for what the driver does.
    """
    trial = _Trial(driver, list(signals), write, wait_s)
    for rule, attempt in trial.rules():
        trial.checks.append(await _attempt(rule, attempt, wait_s))
        if rule == "connects" and trial.checks[-1].outcome is Outcome.FAILED:
            break
    return trial.checks


def failures(checks: Sequence[Check]) -> list[Check]:
    """Keep the checks that failed."""
    return [check for check in checks if check.outcome is Outcome.FAILED]


def describe(checks: Sequence[Check]) -> str:
    """Write one line per check."""
    return "\n".join(
        f"{check.outcome.value:8} {check.rule}{': ' + check.detail if check.detail else ''}"
        for check in checks
    )


async def _attempt(rule: str, attempt: Callable[[], Awaitable[None]], wait_s: float) -> Check:
    try:
        async with asyncio.timeout(3 * wait_s):
            await attempt()
    except _Skip as reason:
        return Check(rule, Outcome.SKIPPED, str(reason))
    except _Broken as reason:
        return Check(rule, Outcome.FAILED, str(reason))
    except TimeoutError:
        return Check(rule, Outcome.FAILED, f"nothing came back within {3 * wait_s:g} s")
    except GenbaError as error:
        return Check(rule, Outcome.FAILED, f"raised {type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a driver under test raises is a result
        return Check(
            rule,
            Outcome.FAILED,
            f"raised {type(error).__name__} ({error}); all errors must be DeviceErrors",
        )
    return Check(rule, Outcome.PASSED)


class _Trial:
    """One driver under test, what it delivered, and the rules in the order they are tried."""

    def __init__(
        self,
        driver: Driver,
        signals: list[Signal],
        write: tuple[Signal, Scalar] | None,
        wait_s: float,
    ) -> None:
        self.checks: list[Check] = []
        self._driver = driver
        self._signals = signals
        self._write = write
        self._wait_s = wait_s
        self._delivered: list[Sample] = []
        self._threads: set[int] = set()

    def rules(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Rule by rule: its name and how it is tried."""
        return [
            ("is not up before it is connected", self._down_at_first),
            ("connects", self._connects),
            ("connects a second time without harm", self._connects),
            ("reads one sample per signal, in order", self._reads),
            ("names a signal whose address is wrong", self._names_wrong_address),
            ("delivers the present values first", self._delivers),
            ("delivers on the event loop", self._on_the_loop),
            ("gives values of the signal's type", self._types),
            ("numbers samples upwards", self._numbered),
            ("keeps source times in order, each once", self._times),
            ("writes and reads back", self._writes),
            ("refuses to write what is no number", self._refuses),
            ("browses", self._browses),
            ("gives history oldest first, or says that there is none", self._history),
            ("tells its health", self._healthy),
            ("closes twice, and is silent then", self._closes),
        ]

    async def _down_at_first(self) -> None:
        health = self._driver.health()
        _require(isinstance(health, Health), f"health() gave {health!r}, not a Health")
        _require(health.link is not Link.UP, "health() says up before connect()")

    async def _connects(self) -> None:
        await self._driver.connect()
        link = self._driver.health().link
        _require(link is Link.UP, f"health() says {link.value} after connect()")

    async def _reads(self) -> None:
        samples = await self._driver.read(self._signals)
        wanted = [signal.id for signal in self._signals]
        got = [sample.signal for sample in samples]
        _require(got == wanted, f"read {got}, not {wanted}")
        for signal, sample in zip(self._signals, samples, strict=True):
            _require_sample(signal, sample)

    async def _names_wrong_address(self) -> None:
        bogus = self._signals[0].model_copy(update={"address": "no-such-address"})
        try:
            samples = await self._driver.read([bogus])
        except GenbaError as error:
            text = str(error)
            _require(
                bogus.id in text or bogus.address in text or bogus.connection in text,
                f"the error names neither signal nor address: {text}",
            )
            return
        bad = all(sample.quality == Quality.BAD for sample in samples)
        _require(bad, f"read a good value from an address that is not there: {samples}")

    async def _delivers(self) -> None:
        await self._driver.subscribe(self._signals, self._sink)
        wanted = {signal.id for signal in self._signals}
        async with self._until(lambda: wanted <= {s.signal for s in self._delivered}) as came:
            missing = wanted - {sample.signal for sample in self._delivered}
            _require(came, f"nothing of {', '.join(sorted(missing))} within {self._wait_s:g} s")

    async def _on_the_loop(self) -> None:
        self._need_samples()
        own = {threading.get_ident()}
        _require(self._threads == own, "the sink was called from another thread")

    async def _types(self) -> None:
        self._need_samples()
        by_id = {signal.id: signal for signal in self._signals}
        for sample in self._delivered:
            _require(sample.signal in by_id, f"delivered '{sample.signal}', which nobody asked for")
            _require_sample(by_id[sample.signal], sample)

    async def _numbered(self) -> None:
        self._need_samples()
        numbers = [sample.sequence for sample in self._delivered]
        wrong = [(a, b) for a, b in itertools.pairwise(numbers) if b <= a]
        _require(not wrong, f"sequence went from {wrong[0][0]} to {wrong[0][1]}" if wrong else "")

    async def _times(self) -> None:
        self._need_samples()
        last: dict[str, Sample] = {}
        for sample in self._delivered:
            before = last.get(sample.signal)
            if before is not None:
                back = sample.source_time < before.source_time
                _require(not back, f"'{sample.signal}': source time went back")
                again = (sample.source_time, sample.value, sample.quality) == (
                    before.source_time,
                    before.value,
                    before.quality,
                )
                _require(not again, f"'{sample.signal}': the same sample was delivered twice")
            last[sample.signal] = sample

    async def _writes(self) -> None:
        if self._write is None:
            raise _Skip("no setpoint was given")
        signal, value = self._write
        await self._driver.write(signal, value)
        found = await self._read_back(signal, value)
        _require(_same(found, value), f"wrote {value!r} and read {found!r}")

    async def _read_back(self, signal: Signal, value: Scalar) -> Scalar:
        """Read until the written value shows: some devices take a cycle to show it."""
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while True:
            found = (await self._driver.read([signal]))[0].value
            if _same(found, value) or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.05)

    async def _refuses(self) -> None:
        if self._write is None:
            raise _Skip("no setpoint was given")
        signal, _ = self._write
        if signal.type not in (DataType.INT, DataType.FLOAT):
            raise _Skip("the setpoint is no number")
        before = (await self._driver.read([signal]))[0].value
        for nonsense in (math.nan, "nonsense"):
            try:
                await self._driver.write(signal, nonsense)
            except DeviceError as error:
                _require(signal.id in str(error), f"the error does not name the signal: {error}")
            else:
                raise _Broken(f"took {nonsense!r} for {signal.type.value} without an error")
        after = (await self._driver.read([signal]))[0].value
        _require(_same(before, after), f"a refused write changed {before!r} to {after!r}")

    async def _browses(self) -> None:
        entries = await self._driver.browse()
        _require(isinstance(entries, list), "browse() gave no list")
        for entry in entries:
            _require(isinstance(entry, BrowseEntry), f"browse() gave {entry!r}")
            _require(bool(entry.address), f"'{entry.name}' has no address")

    async def _history(self) -> None:
        newest = max((s.source_time for s in self._delivered), default=0)
        start = newest - _HISTORY_S * US
        for signal in self._signals[:1]:
            try:
                samples = await self._driver.history(signal, start, newest + 1)
            except NoHistory:
                return
            times = [sample.source_time for sample in samples]
            _require(times == sorted(times), "history is not oldest first")
            inside = all(start <= time <= newest for time in times)
            _require(inside, "history holds times outside the period that was asked for")

    async def _healthy(self) -> None:
        health = self._driver.health()
        _require(health.link is Link.UP, f"the link is {health.link.value}: {health.error}")
        if self._delivered:
            _require(health.received > 0, "health() counts nothing received")
            _require(health.last_received is not None, "health() knows no last_received")

    async def _closes(self) -> None:
        await self._driver.close()
        await self._driver.close()
        link = self._driver.health().link
        _require(link is Link.CLOSED, f"health() says {link.value} after close()")
        count = len(self._delivered)
        try:
            await self._driver.read(self._signals[:1])
        except DeviceError:
            pass
        else:
            raise _Broken("read() still answers after close()")
        async with self._until(lambda: len(self._delivered) > count, most_s=0.2) as came:
            _require(not came, "samples were delivered after close()")

    def _sink(self, samples: Sequence[Sample]) -> None:
        self._threads.add(threading.get_ident())
        self._delivered.extend(samples)

    def _need_samples(self) -> None:
        if not self._delivered:
            raise _Skip("nothing was delivered")

    @asynccontextmanager
    async def _until(
        self, condition: Callable[[], bool], most_s: float | None = None
    ) -> AsyncIterator[bool]:
        deadline = asyncio.get_running_loop().time() + (most_s or self._wait_s)
        while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield condition()


def _require(kept: bool, otherwise: str) -> None:
    if not kept:
        raise _Broken(otherwise)


def _require_sample(signal: Signal, sample: Sample) -> None:
    times = (sample.source_time, sample.receive_time)
    whole = all(isinstance(time, int) and time > 0 for time in times)
    _require(whole, f"'{signal.id}': times must be microseconds as int, not {times}")
    if sample.value is None:
        bad = sample.quality != Quality.GOOD
        _require(bad, f"'{signal.id}': no value, but of good quality")
        return
    fits = isinstance(sample.value, _PYTHON_TYPES[signal.type])
    if isinstance(sample.value, bool):
        fits = signal.type is DataType.BOOL
    _require(fits, f"'{signal.id}': {sample.value!r} is no {signal.type.value}")
    finite = not isinstance(sample.value, float) or math.isfinite(sample.value)
    _require(finite, f"'{signal.id}': {sample.value!r} is not finite")


def _same(a: Scalar, b: Scalar) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, int | float) and isinstance(b, int | float)
        return numbers and math.isclose(float(a or 0), float(b or 0), rel_tol=1e-6, abs_tol=1e-9)
    return a == b
