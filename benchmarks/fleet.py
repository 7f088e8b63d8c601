"""How many agents find their ways how fast, and whether a fleet ever collides or locks.

``python -m benchmarks.fleet --data DIR [--agents 400] [--seeds 1 2 3] [--steps 10000]``

``DIR`` holds ``mapf/random-32-32-10.map`` and its scenario ``-random-1.scen`` of the MovingAI
benchmarks (Stern et al., *Multi-agent pathfinding: definitions, variants, and benchmarks*, SoCS
2019). One-shot: everybody from the start to the goal of the scenario; the time is processor time of
one thread with the functions compiled, searching the distances included. Lifelong: whoever arrives
gets a new goal at random, for so many steps. What is found is looked through by a checker that
shares nothing with the planner: collisions, swaps, jumps, missed goals. A deadlock is an agent that
is under way to one goal for longer than 1,000 steps.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genba.plan.fleet.collisions import collisions, jumps
from genba.plan.fleet.graph import Graph, Ints, grid_graph
from genba.plan.fleet.lifelong import Lifelong
from genba.plan.fleet.many_paths import find_paths

BAR_S = 1.0
LOCKED_STEPS = 1000
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


def main() -> int:
    """Print the tables; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds mapf/")
    parser.add_argument("--agents", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=10_000)
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
    return 0 if all(fast) and all(free) else 1


if __name__ == "__main__":
    sys.exit(main())
