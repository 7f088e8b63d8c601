"""How many agents find their ways how fast, and whether a fleet ever collides or locks.

``python -m benchmarks.fleet --data DIR [--seeds 1 2 3] [--steps 10000]``

``DIR`` holds ``mapf/random-32-32-10.map`` and its scenario ``-random-1.scen`` of the MovingAI
benchmarks (Stern et al., *Multi-agent pathfinding: definitions, variants, and benchmarks*, SoCS
2019). One-shot: everybody from the start to the goal of the scenario; the time is processor time of
one thread with the functions compiled, searching the distances included. Lifelong: whoever arrives
gets a new goal at random, for so many steps. What is found is looked through by a checker that
shares nothing with the planner: collisions, swaps, jumps, missed goals. A deadlock is an agent that
is under way to one goal for longer than 1,000 steps.

Plant: vehicles on the layout of the reference plant do random transports under ``FleetControl``, by
VDA 5050 orders with base and horizon. They drive each way at half to full speed, pause, and break
down once in ten hours each, for up to 5 minutes. They look out for nobody, so that every fault of
the orders is a collision, which is counted. A deadlock is half an hour without a delivery while
there is work. Simulated vehicles, synthetic tasks.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import genba.testbed
from genba.plan.fleet.collisions import collisions, jumps
from genba.plan.fleet.control import FleetControl
from genba.plan.fleet.graph import Graph, Ints, grid_graph
from genba.plan.fleet.lifelong import Lifelong
from genba.plan.fleet.many_paths import find_paths
from genba.plan.fleet.network import Network
from genba.plan.fleet.rehearsal import Rehearsal, Trouble
from genba.plan.fleet.tasks import TransportTask
from genba.plant import Plant, VehicleKind, load_plant

BAR_S = 1.0
LOCKED_STEPS = 1000
LOCKED_S = 1800.0
TROUBLE = Trouble(breakdowns_per_h=0.1)
MAP = "random-32-32-10"


@dataclass(frozen=True, slots=True)
class Instance:
    """A map, and where agents start and end."""

    graph: Graph
    starts: Ints
    goals: Ints


def read_instance(folder: Path, name: str) -> Instance:
    """Read a map and its first scenario as MovingAI writes them."""
    rows = (folder / f"{name}.map").read_text(encoding="ascii").splitlines()[4:]
    graph, cells = grid_graph(np.array([[sign in ".G" for sign in row] for row in rows if row]))
    lines = (folder / f"{name}-random-1.scen").read_text(encoding="ascii").splitlines()[1:]
    numbers = np.array([[int(n) for n in line.split("\t")[4:8]] for line in lines if line])
    return Instance(graph, cells[numbers[:, 1], numbers[:, 0]], cells[numbers[:, 3], numbers[:, 2]])


def faults(graph: Graph, places: NDArray[np.int32]) -> int:
    """Count collisions, swaps and jumps."""
    kinds = np.zeros(places.shape[1], np.int32)
    return len(collisions(places)) + len(jumps(graph, places, kinds))


def one_shot(instance: Instance, agents: int, seed: int) -> bool:
    """Find paths for the first agents; print a line; True if the bar is reached."""
    starts, goals = instance.starts[:agents], instance.goals[:agents]
    begun = time.process_time()
    found = find_paths(instance.graph, starts, goals, seed=seed, time_limit_s=60.0)
    took_s = time.process_time() - begun
    if found is None:
        print(f"{agents:>6}  {seed:>4}  {took_s:>7.3f}  no paths found")
        return False
    wrong = faults(instance.graph, found.places)
    wrong += int(np.any(found.places[0] != starts)) + int(np.any(found.places[-1] != goals))
    print(
        f"{agents:>6}  {seed:>4}  {took_s:>7.3f}  {len(found.places) - 1:>8}  {found.cost:>7}  "
        f"{wrong:>6}"
    )
    return took_s <= BAR_S and wrong == 0


def lifelong(instance: Instance, agents: int, seed: int, steps: int) -> bool:
    """Let agents run for ever; print a line; True if nobody collided or was locked."""
    rng = np.random.default_rng(seed)
    team = Lifelong(instance.graph, instance.starts[:agents], instance.goals[:agents], seed=seed)
    trail = np.empty((steps + 1, agents), np.int32)
    trail[0] = team.places
    done = np.zeros(agents, np.int64)
    longest = 0
    begun = time.process_time()
    for step in range(1, steps + 1):
        there = team.arrived()
        done[there] += 1
        team.send(there, rng.integers(0, instance.graph.places, len(there)).astype(np.int32))
        team.step()
        trail[step] = team.places
        longest = max(longest, int(team.waited.max()))
    took_s = time.process_time() - begun
    wrong = faults(instance.graph, trail)
    locked = longest > LOCKED_STEPS
    print(
        f"{agents:>6}  {seed:>4}  {took_s:>7.2f}  {done.sum() / steps:>10.2f}  {done.min():>11}  "
        f"{longest:>12}  {wrong:>6}  {'yes' if locked else 'no':>8}"
    )
    return wrong == 0 and not locked


def reference_plant(amrs: int) -> tuple[Plant, Network]:
    """Load the reference plant, with as many vehicles on its layout as asked for."""
    plant = load_plant(Path(genba.testbed.__file__).parent / "reference" / "plant.yaml")
    like = next(v for v in plant.vehicles if v.kind is VehicleKind.AMR)
    fleet = tuple(like.model_copy(update={"id": f"amr-{n + 1}"}) for n in range(amrs))
    plant = plant.model_copy(update={"vehicles": fleet})
    return plant, Network(plant.layout, fleet)


def plant_shift(amrs: int, seed: int, hours: float) -> bool:
    """Let vehicles work on the reference layout; print a line; True if all went well."""
    plant, network = reference_plant(amrs)
    rng = random.Random(seed)
    nodes = sorted(n.id for n in plant.layout.nodes if network.exits(VehicleKind.AMR, n.id))
    served = sorted({network.nodes[n].station or "" for n in nodes} - {""})
    where = rng.sample(nodes, amrs)
    rehearsal = Rehearsal(network, list(zip(plant.vehicles, where, strict=True)), {}, TROUBLE, seed)
    control = FleetControl(network, plant.vehicles)
    tasks: dict[str, TransportTask] = {}
    born: dict[str, float] = {}
    leads: list[float] = []
    number, last_s, cpu_s, worst_s = 0, 0.0, 0.0, 0.0
    while rehearsal.now_s < hours * 3600 and rehearsal.now_s - last_s < LOCKED_S:
        while len(tasks) < 2 * amrs:
            start, end = rng.sample(served, 2)
            number += 1
            name = f"L{number}"
            tasks[name] = TransportTask(name, name, start, end)
            born[name], rehearsal.lots[name] = rehearsal.now_s, start
        left = rehearsal.open_tasks(tasks.values())
        begun = time.process_time()
        messages = control.tick(rehearsal.now_s, rehearsal.reports(), left)
        took_s = time.process_time() - begun
        cpu_s, worst_s = cpu_s + took_s, max(worst_s, took_s)
        for message in messages:
            rehearsal.take(message.vehicle, message.text)
        rehearsal.tick()
        for done in tasks.keys() - {task.id for task in rehearsal.open_tasks(tasks.values())}:
            leads.append(rehearsal.now_s - born[done])
            del tasks[done]
            last_s = rehearsal.now_s
    locked = rehearsal.now_s - last_s >= LOCKED_S
    print(
        f"{amrs:>8}  {seed:>4}  {len(leads) / rehearsal.now_s * 3600:>7.1f}  "
        f"{np.mean(leads):>8.0f}  {rehearsal.breakdowns:>10}  {control.plans:>6,}  "
        f"{1000 * cpu_s / rehearsal.now_s:>9.2f}  {1000 * worst_s:>8.0f}  "
        f"{len(rehearsal.faults):>6}  {'yes' if locked else 'no':>8}"
    )
    return not rehearsal.faults and not locked


def main() -> int:
    """Print the tables; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds mapf/")
    parser.add_argument("--agents", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=8.0)
    arguments = parser.parse_args()
    instance = read_instance(arguments.data / "mapf", MAP)
    agents = arguments.agents
    if agents > len(instance.starts):
        parser.error(f"the scenario has {len(instance.starts)} agents; ask for no more")
    find_paths(instance.graph, instance.starts[:2], instance.goals[:2])  # compiles

    print(f"One-shot on {MAP}")
    print("agents  seed    cpu s  makespan     cost  faults")
    fast = [one_shot(instance, agents, seed) for seed in arguments.seeds]
    print(f"bar: {BAR_S:g} s and no fault: {'reached' if all(fast) else 'missed'}\n")

    print(f"Lifelong on {MAP}, {arguments.steps:,} steps")
    print("agents  seed    cpu s  tasks/step  fewest each  longest wait  faults  deadlock")
    free = [lifelong(instance, agents, seed, arguments.steps) for seed in arguments.seeds]
    print(f"bar: no fault and no deadlock: {'reached' if all(free) else 'missed'}")

    print(f"\nPlant: {arguments.hours:g} h on the layout of the reference plant")
    print(
        "vehicles  seed  tasks/h    mean s  breakdowns   plans  "
        "cpu ms/s  worst ms  faults  deadlock"
    )
    safe = [
        plant_shift(amrs, seed, arguments.hours) for amrs in (4, 8, 12) for seed in arguments.seeds
    ]
    print(f"bar: no fault and no deadlock: {'reached' if all(safe) else 'missed'}")
    return 0 if all(fast) and all(free) and all(safe) else 1


if __name__ == "__main__":
    sys.exit(main())
