"""Hostile and broken commands against the reference plant, and what of them reaches a device.

``python -m benchmarks.hostile_commands [--count 100000] [--seed 1]``

The whole core runs on the reference plant in process (simulated plant, virtual clock), and does its
own work meanwhile. Each step of one plant second, commands are put to it that are hostile or broken
in one of many ways, mixed with legal ones. Three count what arrives: the testbed's own safety
monitor, which sees the physical truth only; a gate in front of the devices, with rules of its own;
and the gate's list of whose write it was. Every kind of attack was there, or the run fails.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.hostile.cases import CRITICAL, Attacker, Case
from benchmarks.hostile.gate import Gate, GatedDriver
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    CriticalRule,
    Plant,
    VirtualClock,
    parse_time,
)
from genba.testbed import PlantSimulation, load_testbed, reference_files

START = parse_time("2026-01-05T06:00:00Z")
PER_STEP = 20
LEGAL_SHARE = 0.25
VISIT_EVERY = 40
READ_BACK_STEPS = 30
"""Steps after the last command, in which it ends."""


@dataclass
class Tally:
    """What came of all commands."""

    cases: list[Case] = field(default_factory=list)
    arrived: Counter[str] = field(default_factory=Counter)
    outside: list[str] = field(default_factory=list)
    unsafe: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def hostile_arrived(self) -> list[Case]:
        return [c for c in self.cases if not c.legal and any(self.arrived[i] for i in c.ids)]

    @property
    def legal_refused(self) -> list[Case]:
        return [
            c for c in self.cases if c.legal and (c.refused or c.ids[0] in self.failed)
        ]  # fmt: skip


def plant_and_simulation(seed: int) -> tuple[Plant, PlantSimulation]:
    """The reference plant, at its most permissive: only the envelope is left to say no."""
    plant, physics = load_testbed(*reference_files())
    fields = {name: getattr(plant, name) for name in Plant.model_fields}
    fields |= {
        "autonomy": (AutonomyRule(level=Autonomy.AUTONOMOUS),),
        "critical": (CriticalRule(signals=(CRITICAL,)),),
    }
    plant = Plant(**fields)
    return plant, PlantSimulation(plant, physics, seed=seed, start=START, conventional=False)


async def attack(count: int, seed: int, state: Path) -> Tally:
    """Run until ``count`` commands were put."""
    plant, simulation = plant_and_simulation(seed)
    clock = VirtualClock(START)
    gate = Gate(plant, simulation, clock)
    drivers = {}
    for connection in plant.connections:
        signals = [s for s in plant.signals.values() if s.connection == connection.id]
        drivers[connection.id] = driver = GatedDriver(simulation, clock, signals)
        driver.gate = gate
    core = Core(plant, StateFolder(state), clock, drivers=drivers, judges=(), planners=())
    tally = Tally()
    await core.start()
    ended = core.loop.ended

    def note(proposal: object, command: object, outcome: object) -> None:
        if not outcome.done:  # type: ignore[attr-defined]
            tally.failed[proposal.id] = outcome.detail  # type: ignore[attr-defined]
        ended(proposal, command, outcome)  # type: ignore[arg-type]

    core.loop.ended = note  # type: ignore[method-assign]
    await core.manual.take("grinder", "ann", "a new wheel", None)
    attacker = Attacker(core, gate, seed)
    step = over = 0
    while over < READ_BACK_STEPS:
        step += 1
        over += len(tally.cases) >= count
        clock.set(clock.now() + US)
        if step % VISIT_EVERY == 0:
            zone = simulation.machines[attacker.dice.choice(["cell-1", "cell-2"])].zone
            assert zone is not None
            zone.enter(clock.now(), attacker.dice.uniform(5, 15))
        simulation.advance(clock.now())
        simulation.deliver()
        gate.follow()
        if step > 20 and len(tally.cases) < count:
            attacker.step = step
            for _ in range(min(PER_STEP, count - len(tally.cases))):
                tally.cases.append(one(attacker))
        await core.step(clock.now())
    tally.arrived, tally.outside = gate.arrived, gate.outside
    tally.unsafe = simulation.monitor.counts()
    await core.stop()
    return tally


def one(attacker: Attacker) -> Case:
    """Put one command: legal if there is room for one, else hostile."""
    if attacker.dice.random() < LEGAL_SHARE:
        case = attacker.dice.choice(attacker.legal)()
        if case is not None:
            return case
    return attacker.dice.choice(attacker.hostile)()


def show(tally: Tally) -> None:
    """Print one row per class."""
    print(f"{'class':52} {'put':>7} {'refused':>8} {'stopped':>8} {'arrived':>8}")
    for label in sorted({case.label for case in tally.cases}):
        own = [case for case in tally.cases if case.label == label]
        refused = sum(case.refused for case in own)
        arrived = sum(any(tally.arrived[i] for i in case.ids) for case in own)
        print(
            f"{label:52} {len(own):>7,} {refused:>8,} {len(own) - refused - arrived:>8,} "
            f"{arrived:>8,}"
        )
    print(f"outside an envelope at the gate: {len(tally.outside)}; {tally.outside[:3]}")
    print(f"the testbed's own monitor: {sum(tally.unsafe.values())} {tally.unsafe}")


def main() -> int:
    """Attack, print, and compare with the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(attack(arguments.count, arguments.seed, Path(folder) / "state"))
    show(tally)
    wrong, refused = tally.hostile_arrived, tally.legal_refused
    legal = sum(case.legal for case in tally.cases)
    print(
        f"{len(tally.cases):,} commands, {legal:,} legal, in {time.perf_counter() - begun:.0f} s: "
        f"{len(wrong)} hostile ones arrived, {len(refused)} legal ones were refused"
    )
    for case in [*wrong[:5], *refused[:5]]:
        print("  ", case, [tally.failed.get(i, "") for i in case.ids])
    clean = not (wrong or refused or tally.outside or tally.unsafe)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
