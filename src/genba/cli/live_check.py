"""Asks the devices of a plant whether its signals are there and of the right type."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genba.connect import credentials as logins
from genba.connect.driver import Driver, DriverContext
from genba.connect.pki import ensure_identity
from genba.connect.registry import open_driver
from genba.errors import GenbaError
from genba.plant import (
    BrowseEntry,
    Connection,
    Plant,
    Quality,
    Sample,
    Scalar,
    Signal,
    SignalKind,
    SystemClock,
)

AT_ONCE = 200
"""Signals that are asked for in one request, until one of them fails."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of asking one connection (``signal`` is empty) or for one signal."""

    connection: str
    signal: str
    ok: bool
    text: str


async def check_live(plant: Plant, pki: Path, secrets: Path, timeout_s: float) -> list[Reached]:
    """Reach every connection and read every signal once, all connections at the same time."""
    ensure_identity(pki, plant.id)
    answers = await asyncio.gather(
        *(
            _check_connection(plant, connection, pki, secrets, timeout_s)
            for connection in plant.connections
        )
    )
    return [reached for answer in answers for reached in answer]


async def browse(
    connection: Connection, pki: Path, secrets: Path, timeout_s: float
) -> list[BrowseEntry]:
    """List what a device offers.

    Raises
    ------
    GenbaError
        If it cannot be reached, or does not trust us or is not trusted.
    """
    ensure_identity(pki, connection.id)
    driver = _open(connection, (), pki, secrets)
    try:
        async with asyncio.timeout(timeout_s):
            await driver.connect()
            return await driver.browse()
    except TimeoutError:
        raise GenbaError(
            f"{connection.url} did not tell what it holds within {timeout_s:g} s; raise --timeout"
        ) from None
    finally:
        await driver.close()


def _open(connection: Connection, signals: tuple[Signal, ...], pki: Path, secrets: Path) -> Driver:
    login = logins.load(connection.credentials, secrets)
    return open_driver(DriverContext(connection, signals, SystemClock(), pki, login))


async def _check_connection(
    plant: Plant, connection: Connection, pki: Path, secrets: Path, timeout_s: float
) -> list[Reached]:
    signals = tuple(s for s in plant.signals.values() if s.connection == connection.id)
    try:
        driver = _open(connection, signals, pki, secrets)
    except GenbaError as error:
        return [Reached(connection.id, "", ok=False, text=str(error))]
    try:
        try:
            async with asyncio.timeout(timeout_s):
                await driver.connect()
        except TimeoutError:
            text = f"{connection.url} did not answer within {timeout_s:g} s; check url and network"
            return [Reached(connection.id, "", ok=False, text=text)]
        except GenbaError as error:
            return [Reached(connection.id, "", ok=False, text=str(error))]
        reached = [Reached(connection.id, "", ok=True, text=f"{connection.url} answers")]
        for first in range(0, len(signals), AT_ONCE):
            reached += await _read(
                driver, connection.id, signals[first : first + AT_ONCE], timeout_s
            )
        return reached
    finally:
        await driver.close()


async def _read(
    driver: Driver, connection: str, signals: Sequence[Signal], timeout_s: float
) -> list[Reached]:
    """Read signals together; where that fails, in halves, down to the ones that are wrong."""
    try:
        async with asyncio.timeout(timeout_s):
            samples = await driver.read(signals)
    except (GenbaError, TimeoutError) as error:
        if len(signals) == 1:
            text = str(error) or f"no answer within {timeout_s:g} s; check its address"
            return [Reached(connection, signals[0].id, ok=False, text=text)]
        half = len(signals) // 2
        before = await _read(driver, connection, signals[:half], timeout_s)
        return before + await _read(driver, connection, signals[half:], timeout_s)
    return [_judge(connection, *pair) for pair in zip(signals, samples, strict=True)]


def _judge(connection: str, signal: Signal, sample: Sample) -> Reached:
    if sample.quality == Quality.BAD or sample.value is None:
        if signal.kind in {SignalKind.EVENT, SignalKind.SETPOINT}:
            return Reached(connection, signal.id, ok=True, text="there, without a value yet")
        text = "the device gives no good value; check the sensor and the address"
        return Reached(connection, signal.id, ok=False, text=text)
    bounds, value = signal.range, sample.value
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if bounds is not None and numeric and not bounds.low <= float(value) <= bounds.high:
        text = (
            f"{_told(value, signal)} lies outside the range {bounds.low:g} to {bounds.high:g}; "
            "check unit, scale and range"
        )
        return Reached(connection, signal.id, ok=False, text=text)
    return Reached(connection, signal.id, ok=True, text=_told(value, signal))


def _told(value: Scalar, signal: Signal) -> str:
    """Write a value with its unit, if it has one."""
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return shown[:60] if signal.unit == "1" else f"{shown[:60]} {signal.unit}"
