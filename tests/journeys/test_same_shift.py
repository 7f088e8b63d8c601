"""The reference plant gives the same shift over its real protocols as in process.

Same files, seed, scenario and conventional controller: the ledgers must be equal to the last digit,
and Genba's drivers must have received what the in-process driver delivered, at the same times.
"""

import asyncio
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from genba.connect import Driver, DriverContext, open_driver
from genba.connect import pki as core_pki
from genba.plant import (
    US,
    AcceleratedClock,
    Clock,
    Plant,
    Sample,
    Scalar,
    Signal,
    SignalKind,
    VirtualClock,
)
from genba.testbed import (
    InProcessDriver,
    Physics,
    PlantSimulation,
    Scenario,
    load_testbed,
    reference_files,
)
from genba.testbed.served import ServedPlant
from genba.testbed.servers.identity import trust as device_trust
from genba.testbed.servers.relocate import free_ports, relocate

SEED = 7
LENGTH = 2400 * US
SPEED = 150.0
SCENARIO = Scenario.model_validate(
    {
        "name": "a bad hour",
        "events": [
            {"kind": "breakdown", "target": "mill-2", "after_s": 600, "duration_s": 500},
            {"kind": "person_in_zone", "target": "cell-1", "after_s": 900, "duration_s": 60},
            {"kind": "vehicle_down", "target": "amr-2", "after_s": 1200, "duration_s": 300},
        ],
    }
)
EXACT = (SignalKind.STATE, SignalKind.COUNTER, SignalKind.EVENT)

Timeline = list[tuple[int, Scalar]]


@dataclass
class Record:
    """What a sink received, by signal, and what the devices showed before the shift."""

    initial: dict[str, Scalar]
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    def take(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            self.samples[sample.signal].append(sample)

    def changes(self, signal: str, after: int) -> Timeline:
        """Source time and value whenever the value became another one after a time."""
        found: Timeline = []
        before = self.initial[signal]
        for sample in self.samples[signal]:
            if sample.value != before and sample.source_time > after:
                found.append((sample.source_time, sample.value))
            before = sample.value
        return found

    def last(self, signal: str) -> Scalar:
        return self.samples[signal][-1].value if self.samples[signal] else None


def make_simulation(plant: Plant, physics: Physics) -> PlantSimulation:
    return PlantSimulation(plant, physics, seed=SEED, conventional=True, scenario=SCENARIO)


def present(simulation: PlantSimulation) -> dict[str, Scalar]:
    return {name: simulation.value(name) for name in simulation.plant.signals}


async def live_in_process(plant: Plant, physics: Physics) -> tuple[PlantSimulation, Record]:
    """The shift without a network."""
    simulation = make_simulation(plant, physics)
    record = Record(present(simulation))
    clock = VirtualClock(simulation.now)
    signals = list(plant.signals.values())
    driver = InProcessDriver(simulation, clock, signals)
    await driver.connect()
    await driver.subscribe(signals, record.take)
    for second in range(simulation.now + US, simulation.now + LENGTH + 1, US):
        simulation.advance(second)
        clock.set(second)
        driver.pump()
    await driver.close()
    return simulation, record


@asynccontextmanager
async def listening(plant: Plant, clock: Clock, pki: Path, record: Record) -> AsyncIterator[None]:
    """Genba's own drivers on every connection of the plant."""
    drivers: list[Driver] = []
    try:
        for connection in plant.connections:
            signals = tuple(s for s in plant.signals.values() if s.connection == connection.id)
            driver = open_driver(DriverContext(connection, signals, clock, pki))
            drivers.append(driver)
            await driver.connect()
            await driver.subscribe([s for s in signals if not s.writable], record.take)
        yield
    finally:
        await asyncio.gather(*(driver.close() for driver in drivers))


async def live_served(
    plant: Plant, physics: Physics, folder: Path, arrived: Callable[[Record], Awaitable[None]]
) -> tuple[ServedPlant, Record]:
    """The shift over OPC UA, Modbus, VDA 5050 and Sparkplug."""
    plant = relocate(plant, free_ports(plant))
    simulation = make_simulation(plant, physics)
    record = Record(present(simulation))
    start = simulation.now
    held = AcceleratedClock(start, SPEED, time.time() + 3600)
    served = ServedPlant(plant, simulation, held, folder / "testbed")
    own = core_pki.ensure_identity(folder / "pki", "genba")
    device_trust(folder / "testbed", own.certificate)
    await served.start()
    try:
        for certificate in (folder / "testbed" / "certs").iterdir():
            core_pki.trust(folder / "pki", certificate)
        clock = AcceleratedClock(start, SPEED, time.time() + 6)
        served.clock = clock
        async with listening(plant, clock, folder / "pki", record):
            await served.run(start + LENGTH)
            await arrived(record)
    finally:
        await served.stop()
    return served, record


@pytest.mark.timeout(180)
async def test_both_ways_give_the_same_shift(
    tmp_path: Path, eventually: Callable[..., Awaitable[None]]
) -> None:
    plant, physics = load_testbed(*reference_files())
    simulation, told = await live_in_process(plant, physics)
    shown = [s for s in plant.signals.values() if not s.writable]

    async def arrived(record: Record) -> None:
        missing = [s for s in shown if s.kind in EXACT and not s.deadband and told.samples[s.id]]

        def all_there() -> bool:
            missing[:] = [s for s in missing if not close(record.last(s.id), told.last(s.id))]
            return not missing

        await eventually(all_there, within_s=20, what="the last value of every signal")

    served, received = await live_served(plant, physics, tmp_path, arrived)

    assert served.simulation.ledger() == simulation.ledger()
    assert simulation.ledger()["machines"]["mill-2"]["breakdowns"] >= 1
    polled = {c.id for c in plant.connections if c.driver == "modbus"}
    start = simulation.start
    compared = 0
    for signal in shown:
        if signal.connection in polled:
            slack = round((served.worst_lag_s + 30) * US)
            check_polled(signal, told, received, slack)
        elif signal.kind in EXACT and not signal.deadband:
            expected = told.changes(signal.id, start)
            assert received.changes(signal.id, start) == expected, signal.id
            compared += len(expected)
        else:
            check_held(signal, told, received, start)
    assert compared > 500


def check_polled(signal: Signal, told: Record, received: Record, slack: int) -> None:
    """Every polled value is one that the device held shortly before; the last is the last."""
    times = [s.source_time for s in told.samples[signal.id]]
    values = [s.value for s in told.samples[signal.id]]
    for sample in received.samples[signal.id]:
        first = max(0, bisect_right(times, sample.source_time - slack) - 1)
        last = bisect_right(times, sample.source_time)
        held = values[first : max(last, first + 1)]
        assert any(close(sample.value, value) for value in held), (sample, held)
    if signal.kind in EXACT and values:
        assert close(received.last(signal.id), values[-1]), signal.id


def check_held(signal: Signal, told: Record, received: Record, start: int) -> None:
    """What a deadband or a sample time lets through is what the device held at that time."""
    times = [s.source_time for s in told.samples[signal.id]]
    values = [s.value for s in told.samples[signal.id]]
    for when, value in received.changes(signal.id, start):
        held = values[bisect_right(times, when) - 1]
        assert held == value, (signal.id, when)


def close(one: Any, other: Any) -> bool:
    """Equal, or numbers that differ by no more than a float32 register loses."""
    if isinstance(one, float) or isinstance(other, float):
        return abs(float(one) - float(other)) <= 1e-5 * max(1.0, abs(float(other)))
    return bool(one == other)
