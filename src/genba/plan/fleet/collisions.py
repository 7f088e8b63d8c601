"""An independent look at paths: where do agents collide, jump, or miss their goals?"""

import itertools

import numpy as np
from numpy.typing import NDArray

from genba.plan.fleet.graph import Graph


def collisions(places: NDArray[np.int32]) -> list[str]:
    """Name every collision: two agents at one place, or two that swap their places.

    Parameters
    ----------
    places : int32, (steps + 1, agents)
        Where everybody is at each step.
    """
    found = []
    for step, now in enumerate(places):
        seen: dict[int, int] = {}
        for agent, place in enumerate(now.tolist()):
            if place in seen:
                found.append(f"step {step}: agents {seen[place]} and {agent} at place {place}")
            seen[place] = agent
        if step == 0:
            continue
        before = {place: agent for agent, place in enumerate(places[step - 1].tolist())}
        for agent, place in enumerate(now.tolist()):
            other = before.get(place, agent)
            if other > agent and now[other] == places[step - 1][agent]:
                found.append(f"step {step}: agents {agent} and {other} swap their places")
    return found


def jumps(graph: Graph, places: NDArray[np.int32], kinds: NDArray[np.int32]) -> list[str]:
    """Name every move along which there is no edge for an agent's kind."""
    edges = {
        (kind, place, int(end))
        for kind in range((len(graph.starts) - 1) // graph.places)
        for place in range(graph.places)
        for end in graph.ends[
            graph.starts[kind * graph.places + place] : graph.starts[
                kind * graph.places + place + 1
            ]
        ]
    }
    return [
        f"step {step + 1}: agent {agent} jumps from {a} to {b}"
        for step, (now, later) in enumerate(itertools.pairwise(places))
        for agent, (a, b) in enumerate(zip(now.tolist(), later.tolist(), strict=True))
        if a != b and (int(kinds[agent]), a, b) not in edges
    ]
