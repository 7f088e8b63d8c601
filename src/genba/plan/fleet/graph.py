"""Graphs of places as plain arrays, and how far it is to a goal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.errors import PlanError
from genba.jit import compiled

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

FAR = np.iinfo(np.int32).max // 4
"""Distance of what cannot be reached."""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Directed graphs over the same places, one for each kind of agent.

    The exits of place ``v`` for kind ``k`` are ``ends[starts[k * places + v]:...]`` up to the next
    start, and the entries likewise.

    Parameters
    ----------
    places : int
        How many there are.
    starts, ends : int32, (kinds * places + 1,) and (edges,)
        Where one can go.
    back_starts, back_ends : int32
        Where one can come from.
    """

    places: int
    starts: Ints
    ends: Ints
    back_starts: Ints
    back_ends: Ints

    @property
    def most_exits(self) -> int:
        """Largest number of exits of a place."""
        return int(np.diff(self.starts).max(initial=0))


def graph_of(places: int, edges: Sequence[Iterable[tuple[int, int]]]) -> Graph:
    """Build a graph from the edges of each kind of agent.

    Raises
    ------
    PlanError
        If an edge leads to a place that there is not.
    """
    rows, ends = [], []
    for kind, pairs in enumerate(edges):
        for start, end in sorted(set(pairs)):
            if not (0 <= start < places and 0 <= end < places):
                raise PlanError(f"edge {start} to {end}: there are places 0 to {places - 1} only")
            rows.append(kind * places + start)
            ends.append(end)
    row, to = np.array(rows, np.int64), np.array(ends, np.int64)
    forth = _compressed(row, to, len(edges) * places)
    back = _compressed(row - row % places + to, row % places, len(edges) * places)
    return Graph(places, *forth, *back)


def grid_graph(passable: Bools) -> tuple[Graph, Ints]:
    """Build the four-connected graph of a grid.

    Parameters
    ----------
    passable : bool, (height, width)

    Returns
    -------
    Graph, int32 (height, width)
        And the place of each cell, -1 where there is none.
    """
    cells = np.full(passable.shape, -1, np.int32)
    cells[passable] = np.arange(passable.sum(), dtype=np.int32)
    pairs: list[tuple[int, int]] = []
    for a, b in ((cells[:, :-1], cells[:, 1:]), (cells[:-1], cells[1:])):
        both = (a >= 0) & (b >= 0)
        forth = list(zip(a[both].tolist(), b[both].tolist(), strict=True))
        pairs += forth + [(end, start) for start, end in forth]
    return graph_of(int(passable.sum()), [pairs]), cells


def _compressed(row: NDArray[np.int64], end: NDArray[np.int64], rows: int) -> tuple[Ints, Ints]:
    order = np.lexsort((end, row))
    starts = np.zeros(rows + 1, np.int64)
    np.add.at(starts, row + 1, 1)
    return np.cumsum(starts).astype(np.int32), end[order].astype(np.int32)


class Distances:
    """Steps from every place to goals, searched once for each goal and kind, and kept.

    ``table`` is int32, (known goals, places); :meth:`rows` says which row is whose.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._row_of: dict[tuple[int, int], int] = {}
        self._queue = np.empty(graph.places, np.int32)
        self.table: NDArray[np.int32] = np.empty((64, graph.places), np.int32)

    def rows(self, goals: Ints, kinds: Ints) -> Ints:
        """Return the rows of goals for agents of these kinds."""
        pairs = zip(goals.tolist(), kinds.tolist(), strict=True)
        return np.array([self._row(goal, kind) for goal, kind in pairs], np.int32)

    def _row(self, goal: int, kind: int) -> int:
        row = self._row_of.get((goal, kind))
        if row is None:
            row = self._row_of[goal, kind] = len(self._row_of)
            if row == len(self.table):
                self.table = np.concatenate([self.table, np.empty_like(self.table)])
            places = self._graph.places
            starts = self._graph.back_starts[kind * places : (kind + 1) * places + 1]
            fill(starts, self._graph.back_ends, goal, self.table[row], self._queue)
        return row


@compiled
def fill(back_starts: Ints, back_ends: Ints, goal: int, steps: Ints, queue: Ints) -> None:
    """Breadth-first search backwards from a goal into ``steps`` (places,)."""
    steps[:] = FAR
    steps[goal] = 0
    queue[0] = goal
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for e in range(back_starts[here], back_starts[here + 1]):
            there = back_ends[e]
            if steps[there] == FAR:
                steps[there] = steps[here] + 1
                queue[tail] = there
                tail += 1
