"""How long the guard takes to decide, on the reference plant.

``python -m benchmarks.guard_decision``

The guard of the reference plant (a dozen machines, five vehicles, 20 interlocks) has seen every
signal, and decides on a mix like that of a shift: heartbeats, jobs with evidence, transport orders
over a real route, set-points with range, rate, unit conversion and interlocks, and about a quarter
that is refused. Each decision is timed by itself; p50 and p99 are over all, in one process.
Synthetic values; what counts is the work per decision.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import genba.testbed
from genba.guard import Guard
from genba.plan.floor.roadmap import Roadmap
from genba.plan.floor.vehicle_order import load_action, order_text
from genba.plant import (
    US,
    DataType,
    Decision,
    Evidence,
    Plant,
    Proposal,
    Role,
    Sample,
    Scalar,
    Signal,
    VirtualClock,
    Write,
    load_plant,
    parse_time,
)

BAR_MS = 1.0
START = parse_time("2026-01-05T06:00:00Z")


def value_of(signal: Signal) -> Scalar:
    """Return a harmless value for a signal."""
    if signal.type in (DataType.STRING, DataType.JSON):
        return "[]" if signal.type is DataType.JSON else ""
    if signal.type is DataType.BOOL:
        return False
    middle = (signal.range.low + signal.range.high) / 2 if signal.range else 1.0
    return int(middle) if signal.type is DataType.INT else middle


def proposals(plant: Plant, clock: VirtualClock) -> Iterator[Proposal]:
    """Make proposals of all kinds in turn, for ever."""
    numbers = itertools.count()
    machines = [e.id for e in plant.equipment if (e.id, Role.JOB_REQUEST) in plant.roles]
    setpoints = [s for s in plant.signals.values() if s.writable and s.role is None and s.range]
    vehicle = plant.vehicles[0]
    roadmap = Roadmap(plant.layout)
    route = max(
        (
            r
            for n in plant.layout.nodes
            if (r := roadmap.route(vehicle, plant.layout.nodes[0].id, n.id)) is not None
        ),
        key=lambda r: len(r.nodes),
    )
    order = order_text("T", [(route, [load_action("T", "pick", "L")])], 2)

    anything = plant.roles[machines[0], Role.STATE]
    standing = (Evidence(anything.id, START, value_of(anything)),)

    def make(kind: str, equipment: str, writes: list[Write], *evidence: Evidence) -> Proposal:
        number = next(numbers)
        return Proposal(
            f"P-{number}", clock.now(), kind, equipment, tuple(writes), "benchmark",
            evidence=evidence or standing,
        )  # fmt: skip

    def roles(owner: str, values: dict[Role, Scalar]) -> list[Write]:
        signals = {role: plant.roles[owner, role] for role in values}
        return [Write(signals[r].id, value, signals[r].unit) for r, value in values.items()]

    while True:
        for machine, signal in zip(itertools.cycle(machines), setpoints, strict=False):
            yield make("heartbeat", machine, roles(machine, {Role.HEARTBEAT: 5}))
            job: dict[Role, Scalar] = {
                Role.JOB_LOTS: "O-1-01",
                Role.JOB_OPERATION: "P/op",
                Role.JOB_QUANTITY: 20,
                Role.JOB_REQUEST: 7,
            }
            basis = [plant.roles[machine, r] for r in (Role.STATE, Role.MODE, Role.STATION)]
            yield make(
                "dispatch",
                machine,
                roles(machine, job),
                *(Evidence(s.id, START, value_of(s)) for s in basis),
            )
            yield make("transport", vehicle.id, roles(vehicle.id, {Role.VEHICLE_ORDER: order}))
            fits = Write(signal.id, value_of(signal), signal.unit)
            yield make("setpoint", signal.equipment, [fits])
            if next(numbers) % 2 and signal.range:
                beyond = Write(signal.id, signal.range.high * 2 + 1, signal.unit)
                yield make("setpoint", signal.equipment, [beyond])


def seen(plant: Plant, now: int) -> list[Sample]:
    """Let every device show a harmless value."""
    first = plant.layout.nodes[0].id
    values = {signal.id: value_of(signal) for signal in plant.signals.values()}
    for vehicle in plant.vehicles:
        values[plant.roles[vehicle.id, Role.VEHICLE_NODE].id] = first
        values[plant.roles[vehicle.id, Role.VEHICLE_NODES_LEFT].id] = 0
    return [Sample(name, now, now, value) for name, value in values.items()]


def measure(count: int) -> tuple[list[float], Mapping[Decision, int]]:
    """Return the time of each decision in milliseconds, sorted, and what was decided."""
    plant = load_plant(Path(genba.testbed.__file__).parent / "reference" / "plant.yaml")
    clock = VirtualClock(START)
    guard = Guard(plant, clock)
    times = []
    for number, proposal in enumerate(itertools.islice(proposals(plant, clock), count)):
        if number % 50 == 0:
            guard.observe(seen(plant, clock.now()))
            for connection in plant.connections:
                guard.heard(connection.id, clock.now())
        begun = time.perf_counter()
        verdict = guard.decide(proposal)
        times.append((time.perf_counter() - begun) * 1000)
        if verdict.decision is Decision.ALLOWED:
            guard.command(proposal, verdict)
        clock.set(clock.now() + US // 100)
    return sorted(times), guard.counts


def main() -> int:
    """Measure, print, and compare with the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=50_000)
    times, counts = measure(parser.parse_args().count)
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    told = ", ".join(f"{n:,} {decision}" for decision, n in counts.items() if n)
    print(f"decisions  {len(times):,}: {told}")
    print(f"p50        {p50:.3f} ms")
    print(f"p99        {p99:.3f} ms (bar: {BAR_MS:g} ms)")
    print(f"largest    {times[-1]:.3f} ms")
    return 0 if p99 <= BAR_MS else 1


if __name__ == "__main__":
    sys.exit(main())
