"""The in-process driver shows the same plant as a network would, and moves it."""

from collections.abc import Sequence

import pytest

from genba.errors import DeviceError, NoHistory
from genba.plant import US, Link, Quality, Sample, Signal, VirtualClock
from genba.testbed import InProcessDriver, PlantSimulation, Scenario, load_testbed

PLANT, PHYSICS = load_testbed()
SIGNALS = tuple(PLANT.signals.values())


class Rig:
    """A simulation with one driver for all signals, and what it delivered."""

    def __init__(self, signals: Sequence[Signal] = SIGNALS) -> None:
        self.simulation = PlantSimulation(
            PLANT, PHYSICS, seed=1, conventional=True, scenario=Scenario(random=False)
        )
        self.clock = VirtualClock(self.simulation.now)
        self.driver = InProcessDriver(self.simulation, self.clock, signals)
        self.samples: list[Sample] = []

    def run(self, seconds: int, step: int = 10) -> None:
        for _ in range(seconds // step):
            self.simulation.advance(self.simulation.now + step * US)
            self.clock.set(self.simulation.now)
            self.driver.pump()


async def test_present_values_come_first_then_every_change() -> None:
    rig = Rig()
    twin = PlantSimulation(
        PLANT, PHYSICS, seed=1, conventional=True, scenario=Scenario(random=False)
    )
    await rig.driver.connect()
    await rig.driver.subscribe(SIGNALS, rig.samples.extend)
    first = {sample.signal for sample in rig.samples}
    assert "mill-1.state" in first
    assert "amr-1.node" in first
    at_start = len(rig.samples)
    twin.drain()
    rig.simulation.drain()
    rig.run(600)
    twin.advance(rig.simulation.now)
    changes = twin.drain()
    delivered = [(s.signal, s.source_time, s.value) for s in rig.samples[at_start:]]
    assert [c for c in changes if c not in set(delivered)] == []
    again = [d for d in delivered if d not in set(changes)]
    assert all(PLANT.signals[signal].kind == "measurement" for signal, *_ in again)
    assert [s.sequence for s in rig.samples] == list(range(1, len(rig.samples) + 1))
    assert rig.driver.health().link is Link.UP
    assert rig.driver.health().received == len(rig.samples)


async def test_a_measurement_that_stands_still_stays_fresh() -> None:
    rig = Rig()
    await rig.driver.subscribe(SIGNALS, rig.samples.extend)
    last = {s.signal: s.source_time for s in rig.samples}
    rig.run(900, step=1)
    for sample in rig.samples:
        signal = PLANT.signals[sample.signal]
        if signal.kind == "measurement" and sample.signal in last:
            age_s = (sample.source_time - last[sample.signal]) / US
            assert age_s <= signal.freshness_s, sample
        last[sample.signal] = sample.source_time


async def test_drivers_of_several_connections_share_one_simulation() -> None:
    mill = [s for s in SIGNALS if s.connection == "mill-1"]
    meter = [s for s in SIGNALS if s.connection == "meter"]
    rig = Rig(mill)
    other = InProcessDriver(rig.simulation, rig.clock, meter)
    seen: list[Sample] = []
    await rig.driver.subscribe(mill, rig.samples.extend)
    await other.subscribe(meter, seen.extend)
    rig.run(60)
    assert {s.signal.split(".")[0] for s in rig.samples} == {"mill-1"}
    assert {s.signal for s in seen} == {s.id for s in meter}
    count = len(seen)
    await other.close()
    await other.close()
    rig.run(60)
    assert len(seen) == count
    assert other.health().link is Link.CLOSED


async def test_read_write_browse_and_history() -> None:
    rig = Rig()
    speed, state = PLANT.signals["mill-1.spindle_speed"], PLANT.signals["mill-1.state"]
    await rig.driver.write(speed, 5000.0)
    (sample,) = await rig.driver.read([speed])
    assert (sample.value, sample.quality) == (5000.0, Quality.GOOD)
    with pytest.raises(DeviceError, match="cannot be written"):
        await rig.driver.write(state, 4)
    entries = {entry.name: entry for entry in await rig.driver.browse()}
    assert len(entries) == len(SIGNALS)
    assert entries[speed.id].writable
    assert not entries[state.id].writable
    rig.run(60)
    record = await rig.driver.history(state, rig.simulation.start, rig.simulation.now + 1)
    assert record[0].value == 2
    with pytest.raises(NoHistory):
        await rig.driver.history(PLANT.signals["mill-2.state"], 0, rig.simulation.now)
