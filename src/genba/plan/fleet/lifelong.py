"""Agents that get a new goal whenever they reach one, for ever."""

import numpy as np
from numpy.typing import NDArray

from genba.jit import compiled
from genba.plan.fleet.graph import Distances, Graph, Ints
from genba.plan.fleet.pibt import Team, place_team, sort_by_wait, step_all, team_of


class Lifelong:
    """A team that is stepped; who has waited longest for its goal goes first.

    On a graph in which every two neighbors lie on a common ring everybody reaches its goal in the
    end (theorem 1 of the paper on PIBT). Dead ends and narrow ways are got through by swapping;
    that this always ends is not proven, so ``waited`` is for the caller to watch.

    Parameters
    ----------
    graph : Graph
        Where each kind of agent can go.
    starts, goals : int32, (agents,)
        Places; no two starts are the same. Goals may be.
    kinds : int32, (agents,), optional
        Kind of each agent in the graph.
    seed : int
        Of ties.
    """

    def __init__(
        self,
        graph: Graph,
        starts: Ints,
        goals: Ints,
        *,
        kinds: Ints | None = None,
        seed: int = 0,
    ) -> None:
        self._kinds = np.zeros(len(starts), np.int32) if kinds is None else kinds
        self._distances = Distances(graph)
        self._team = team_of(graph, self._kinds, seed)
        self.goals = np.asarray(goals, np.int32).copy()
        self.waited = np.zeros(len(starts), np.int64)
        """Steps since each agent was given its goal."""
        self._order = np.arange(len(starts), dtype=np.int32)
        self._team.row[:] = self._distances.rows(self.goals, self._kinds)
        place_team(self._team, np.asarray(starts, np.int32))

    @property
    def places(self) -> Ints:
        """Where everybody is, (agents,); a copy."""
        return self._team.now.copy()

    def arrived(self) -> Ints:
        """Agents that are at their goals."""
        return np.flatnonzero(self._team.now == self.goals).astype(np.int32)

    def send(self, agents: Ints, goals: Ints) -> None:
        """Give agents new goals."""
        self.goals[agents] = goals
        self.waited[agents] = 0
        self._team.row[agents] = self._distances.rows(
            self.goals[agents], np.asarray(self._kinds[agents], np.int32)
        )

    def step(self) -> None:
        """Let one step pass."""
        advance(self._team, self._distances.table, self._order, self.waited, self.goals)


@compiled
def advance(team: Team, table: Ints, order: Ints, waited: NDArray[np.int64], goals: Ints) -> None:
    """Do a step, and count for how long everybody has been on the way."""
    sort_by_wait(order, waited)
    step_all(team, table, order, True)
    place_team(team, team.later.copy())
    for a in range(len(goals)):
        waited[a] = 0 if team.now[a] == goals[a] else waited[a] + 1
