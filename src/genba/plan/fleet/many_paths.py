"""Paths for many agents at once, in steps of equal length, on a graph of places."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.errors import PlanError
from genba.plan.fleet import lacam
from genba.plan.fleet.graph import FAR, Distances, Graph, Ints
from genba.plan.fleet.pibt import team_of

CHUNK = 64
"""Steps of the search between two looks at the clock."""
MOST_CONFIGURATIONS = 100_000
ROOM = 40_000_000
"""Places that are kept at most, over all configurations: agents times configurations."""


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Where everybody is at each step.

    Parameters
    ----------
    places : int32, (steps + 1, agents)
        From the starts to the goals.
    cost : int
        Steps that agents spend away from rest at their goals, summed.
    proven : bool
        Whether there is nothing cheaper.
    searched : int
        Steps of the search.
    """

    places: NDArray[np.int32]
    cost: int
    proven: bool
    searched: int


def find_paths(
    graph: Graph,
    starts: Ints,
    goals: Ints,
    *,
    kinds: Ints | None = None,
    follow: bool = True,
    anytime: bool = False,
    seed: int = 0,
    most_steps: int = 1_000_000,
    time_limit_s: float = 10.0,
    distances: Distances | None = None,
) -> Paths | None:
    """Find paths without collision: never two at one place, never two that swap.

    Parameters
    ----------
    graph : Graph
        Where each kind of agent can go.
    starts, goals : int32, (agents,)
        Places; no two starts and no two goals are the same.
    kinds : int32, (agents,), optional
        Kind of each agent in the graph; all are of the first one by default.
    follow : bool
        Whether an agent may enter a place in the step in which another one leaves it.
    anytime : bool
        Use the whole time (or all steps) to make the paths cheaper, instead of returning the first.
    seed : int
        The same seed and the same number of steps give the same paths.
    most_steps, time_limit_s : int, float
        When to give up.
    distances : Distances, optional
        Of this graph, from an earlier call.

    Returns
    -------
    Paths or None
        None where there is no way or none was found in time.

    Raises
    ------
    PlanError
        If two agents start, or end, at the same place, or one cannot reach its goal.
    """
    starts, goals = np.asarray(starts, np.int32), np.asarray(goals, np.int32)
    kinds = np.zeros(len(starts), np.int32) if kinds is None else np.asarray(kinds, np.int32)
    distances = distances or Distances(graph)
    rows = distances.rows(goals, kinds)
    _examine(starts, goals, distances.table[rows, starts] if len(rows) else rows)
    team = team_of(graph, kinds, seed)
    team.row[:] = rows
    memory = lacam.memory_of(len(starts), min(MOST_CONFIGURATIONS, ROOM // max(1, len(starts))))
    lacam.begin(memory, team, distances.table, starts)
    until, done = time.monotonic() + time_limit_s, 0
    outcome = lacam.SEARCHING
    while outcome == lacam.SEARCHING and done < most_steps and time.monotonic() < until:
        steps = min(CHUNK, most_steps - done)
        outcome = lacam.search(memory, team, distances.table, goals, steps, follow, anytime)
        done += steps
    found = int(memory.state[lacam.GOAL])
    if found < 0:
        return None
    chain = [found]
    while memory.parent[chain[-1]] >= 0:
        chain.append(int(memory.parent[chain[-1]]))
    places = memory.place[chain[::-1]]
    return Paths(places, int(memory.cost[found]), outcome == lacam.EXHAUSTED, done)


def _examine(starts: Ints, goals: Ints, steps: Ints) -> None:
    for name, places in (("start", starts), ("goal", goals)):
        seen, counts = np.unique(places, return_counts=True)
        if np.any(counts > 1):
            place = seen[np.argmax(counts)]
            raise PlanError(f"place {place} is the {name} of two agents; give each one of its own")
    if np.any(steps >= FAR):
        agent = int(np.argmax(steps >= FAR))
        raise PlanError(
            f"agent {agent} cannot come from place {starts[agent]} to its goal {goals[agent]}; "
            "the graph has no way"
        )
