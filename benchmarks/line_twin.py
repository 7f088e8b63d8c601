"""How fast the line twin simulates, and against SimPy on the same line.

``python -m benchmarks.line_twin [--machines 10] [--lots 20000] [--seeds 1 2 3]``

Two lines. The first is serial: machines one after another, exponential times, bounded stations that
block. It is written once more as a SimPy model, which is given the very times that the twin draws,
so that both must end every lot at the same moment; they are compared before anything is measured.
The second is the reference plant with everything that it has (set-ups, people, tools, batches,
breakdowns, vehicles, calendars), by the plain rules, with assumed scatter.

An event is the same in both: one part of the model came to an end (a job, a set-up, a stop, a
repair, a trip's pick-up or set-down, a calendar's opening or closing, a release). What one of them
sets going is not counted. CPU time of one thread; compiling is not in it, and told apart.
"""

import argparse
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

import genba.testbed
from genba.plant import load_plant, parse_time
from genba.twin import LotState, State, build_line, state_of_orders
from genba.twin.distribution import exponential, lognormal, weibull
from genba.twin.draws import OF_RUN, bits, mix, uniform
from genba.twin.future import futures, play
from genba.twin.line import Line, Machine, Power, Product, Step, Stoppage, Way
from genba.twin.records import Tables, fresh
from genba.twin.tables import key_of
from genba.twin.world import assemble

START = parse_time("2026-01-05T06:00:00Z")
BAR_EVENTS_S = 5e6
BAR_RATIO = 10.0
PLACES = 6
MEAN_S = 10.0
LONG_S = 1e9


@dataclass(frozen=True)
class Measured:
    """Events, CPU seconds, and when each lot was done."""

    events: int
    cpu_s: float
    done_s: NDArray[np.float64]

    @property
    def rate(self) -> float:
        return self.events / self.cpu_s


def serial_line(machines: int) -> Line:
    """Return machines in a row, each with a station of ``PLACES`` places."""
    return Line(
        "serial",
        tuple(Machine(f"m{n}", places=PLACES) for n in range(machines)),
        (
            Product(
                "A",
                1,
                tuple(
                    Step(f"op{n}", (Way(f"m{n}", MEAN_S, factor=exponential(1.0)),))
                    for n in range(machines)
                ),
            ),
        ),
    )


def full_store(lots: int) -> State:
    """Return a state in which all lots wait for the first machine."""
    return State(
        START,
        tuple(LotState(f"l{n:07}", "A", 1, due=START + n, release=START) for n in range(lots)),
    )


def drawn_times(state: State, machines: int, seed: int) -> NDArray[np.float64]:
    """Return the times (lots, machines) that the twin draws with a seed."""
    words = np.uint64(seed)
    times = np.empty((len(state.lots), machines))
    for n, lot in enumerate(state.lots):
        key = key_of(lot.id)
        for op in range(machines):
            word = bits(words, OF_RUN, np.uint64(mix(key + np.uint64(op))), 0)
            times[n, op] = MEAN_S * -np.log(uniform(np.uint64(word)))
    return times


class SimpyLine:
    """The serial line in SimPy: a place at each station, one machine there, lots as processes.

    The twin lets a lot onto the floor while fewer than two wait at the first machine, and one place
    stays free there; the gate and the smaller first station say the same.
    """

    def __init__(self, times: NDArray[np.float64]) -> None:
        self.env = simpy.Environment()
        self.times = times.tolist()
        machines = times.shape[1]
        self.stations = [simpy.Resource(self.env, PLACES - (n == 0)) for n in range(machines)]
        self.machines = [simpy.Resource(self.env, 1) for _ in range(machines)]
        self.gate = simpy.Resource(self.env, 2)
        self.done_s = np.full(len(times), np.inf)
        self.events = 1

    def lot(self, number: int) -> Generator[Any, Any, None]:
        gate = self.gate.request()
        yield gate
        place = self.stations[0].request()
        yield place
        for n, machine in enumerate(self.machines):
            work = machine.request()
            yield work
            if n == 0:
                self.gate.release(gate)
            yield self.env.timeout(self.times[number][n])
            machine.release(work)
            self.events += 1
            if n + 1 < len(self.machines):
                following = self.stations[n + 1].request()
                yield following
                self.stations[n].release(place)
                place = following
        self.stations[-1].release(place)
        self.done_s[number] = self.env.now

    def run(self) -> Measured:
        begun = time.process_time()
        for number in range(len(self.times)):
            self.env.process(self.lot(number))
        self.env.run()
        return Measured(self.events, time.process_time() - begun, self.done_s)


def twin_serial(tables: Tables, seed: int) -> Measured:
    """Play one future of prepared tables."""
    future = fresh(tables)
    begun = time.process_time()
    events = play(future, seed, LONG_S)
    cpu_s = time.process_time() - begun
    return Measured(events + 1, cpu_s, future.lots["done_at"].copy())


def serial(machines: int, lots: int, seeds: Sequence[int]) -> bool:
    """Compare the twin and SimPy on the serial line; return whether the bars were reached."""
    line, few = serial_line(machines), full_store(min(lots, 2000))
    twin_serial(assemble(line, few, LONG_S), seeds[0])
    tables = assemble(line, full_store(lots), LONG_S)
    small = assemble(line, few, LONG_S)
    rates, peers, apart = [], [], 0.0
    for seed in seeds:
        rates.append(twin_serial(tables, seed).rate)
        ours = twin_serial(small, seed)
        theirs = SimpyLine(drawn_times(few, machines, seed)).run()
        apart = max(apart, float(np.abs(ours.done_s - theirs.done_s).max()))
        peers.append(theirs.rate)
        if ours.events != theirs.events:
            print(f"events differ: {ours.events} and {theirs.events}")
            return False
    ratio = median(rates) / median(peers)
    print(f"serial line, {machines} machines, {PLACES} places each, exponential times")
    print(f"  twin    {median(rates) / 1e6:6.2f} M events/s   ({lots:,} lots, {len(seeds)} seeds)")
    print(f"  SimPy   {median(peers) / 1e6:6.3f} M events/s   ({len(few.lots):,} lots)")
    print(f"  ratio   {ratio:6.1f}   (bar: {BAR_RATIO:g}; {BAR_EVENTS_S / 1e6:g} M events/s)")
    print(f"  lots end at most {apart:.1e} s apart")
    return apart < 1e-3 and ratio >= BAR_RATIO and median(rates) >= BAR_EVENTS_S


def reference_line() -> tuple[Line, State]:
    """Return the reference plant with assumed scatter, breakdowns and power, and its orders."""
    plant = load_plant(Path(genba.testbed.__file__).parent / "reference" / "plant.yaml")
    line = build_line(plant)
    line = line.with_ways(
        {
            key: replace(way, factor=lognormal(1.03, 0.06), part_cv=0.05, scrap=0.015)
            for key, way in line.ways.items()
        }
    )
    stop = Stoppage(weibull(10 * 3600.0, 1.6), lognormal(1500.0, 0.5), skill="maintenance")
    line = line.with_machines(
        {
            machine.id: replace(
                machine,
                stoppages=(stop,),
                setup_factor=lognormal(1.1, 0.15),
                power=Power(0.3, 1.0, 1.5, 6.0, 0.8),
            )
            for machine in line.machines
        }
    )
    line = replace(line, travel=replace(line.travel, factor=lognormal(1.2, 0.15)))
    return line, state_of_orders(line, plant.orders, min(o.release for o in plant.orders))


def plant(horizon_s: float, n: int, seeds: Sequence[int]) -> None:
    """Measure the full model: the kernel alone, and all that `futures` does."""
    line, state = reference_line()
    tables = assemble(line, state, horizon_s)
    futures(line, state, horizon_s, n=2)
    kernel, whole, events = [], [], 0
    for seed in seeds:
        copies = [fresh(tables) for _ in range(n)]
        begun = time.process_time()
        events = sum(play(copy, seed * n + k, horizon_s) for k, copy in enumerate(copies))
        kernel.append(events / (time.process_time() - begun))
        begun = time.process_time()
        found = futures(line, state, horizon_s, n, seed * n)
        whole.append(float(found.events.sum()) / (time.process_time() - begun))
    print(
        f"reference plant, {len(line.machines)} machines, {len(line.vehicles)} vehicles, "
        f"{len(state.lots)} lots, {horizon_s / 3600:g} h, {n} futures of {events / n:,.0f} events"
    )
    print(f"  kernel  {median(kernel) / 1e6:6.2f} M events/s")
    print(f"  with copying and reading out  {median(whole) / 1e6:6.2f} M events/s")
    seconds = n * (events / n) / median(whole)
    print(f"  {n} futures in {seconds:.2f} s")


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--lots", type=int, default=20_000)
    parser.add_argument("--futures", type=int, default=200)
    parser.add_argument("--horizon-h", type=float, default=120.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    reached = serial(given.machines, given.lots, given.seeds)
    plant(given.horizon_h * 3600.0, given.futures, given.seeds)
    print(f"SimPy {simpy.__version__}; CPU time of one thread, seeds {given.seeds}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
