"""Many agents find their ways without collision, and a checker that can tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import PlanError
from genba.plan.fleet.collisions import collisions, jumps
from genba.plan.fleet.graph import FAR, Distances, Graph, graph_of, grid_graph
from genba.plan.fleet.lifelong import Lifelong
from genba.plan.fleet.many_paths import Paths, find_paths


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def line(places: int, *more: tuple[int, int]) -> Graph:
    forth = [(i, i + 1) for i in range(places - 1)] + list(more)
    return graph_of(places + len(more), [forth + [(b, a) for a, b in forth]])


def is_sound(graph: Graph, found: Paths, starts: np.ndarray, goals: np.ndarray) -> bool:
    kinds = np.zeros(len(starts), np.int32)
    return (
        collisions(found.places) == []
        and jumps(graph, found.places, kinds) == []
        and bool(np.all(found.places[0] == starts))
        and bool(np.all(found.places[-1] == goals))
    )


def steps_without_following(found: Paths) -> bool:
    return all(
        later == now or later not in before
        for before, after in zip(found.places.tolist(), found.places[1:].tolist(), strict=False)
        for now, later in zip(before, after, strict=True)
    )


def test_two_agents_pass_each_other_only_where_there_is_a_bay() -> None:
    bay = line(5, (2, 5))
    for follow in (True, False):
        found = find_paths(bay, ints(0, 4), ints(4, 0), follow=follow)
        assert found is not None
        assert is_sound(bay, found, ints(0, 4), ints(4, 0))
    assert find_paths(line(5), ints(0, 4), ints(4, 0)) is None


def test_all_can_go_round_a_full_ring_only_if_they_may_follow_each_other() -> None:
    ring = graph_of(4, [[(0, 1), (1, 2), (2, 3), (3, 0)]])
    found = find_paths(ring, ints(0, 1, 2, 3), ints(1, 2, 3, 0), anytime=True)
    assert found is not None
    assert found.proven
    assert found.cost == 4
    assert find_paths(ring, ints(0, 1, 2, 3), ints(1, 2, 3, 0), follow=False) is None


def test_agents_of_different_kinds_keep_to_their_edges() -> None:
    both = graph_of(4, [[(0, 1), (1, 2), (2, 1), (1, 0)], [(3, 1), (1, 3)]])
    kinds = ints(0, 1)
    found = find_paths(both, ints(0, 1), ints(2, 3), kinds=kinds, anytime=True)
    assert found is not None
    assert jumps(both, found.places, kinds) == []
    with pytest.raises(PlanError, match="agent 0 cannot come from place 0 to its goal 3"):
        find_paths(both, ints(0, 1), ints(3, 2), kinds=kinds)


def test_nonsense_is_refused() -> None:
    with pytest.raises(PlanError, match="place 1 is the goal of two agents"):
        find_paths(line(4), ints(0, 2), ints(1, 1))
    with pytest.raises(PlanError, match="places 0 to 1 only"):
        graph_of(2, [[(0, 2)]])


def test_more_time_makes_paths_cheaper_and_in_the_end_the_best() -> None:
    graph, cells = grid_graph(np.ones((3, 3), np.bool_))
    starts, goals = ints(*cells[0]), ints(*cells[2][::-1])
    first = find_paths(graph, starts, goals)
    best = find_paths(graph, starts, goals, anytime=True, time_limit_s=60.0)
    assert first is not None
    assert best is not None
    assert best.proven
    assert best.cost <= first.cost
    assert is_sound(graph, best, starts, goals)


def test_the_same_seed_gives_the_same_paths() -> None:
    graph, _ = grid_graph(np.ones((6, 6), np.bool_))
    starts = np.arange(20, dtype=np.int32)
    one, two = (find_paths(graph, starts, starts[::-1].copy(), seed=3) for _ in range(2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.places, two.places)


def test_distances_follow_the_direction_of_edges() -> None:
    ring = graph_of(4, [[(0, 1), (1, 2), (2, 3), (3, 0)]])
    distances = Distances(ring)
    (row,) = distances.rows(ints(0), ints(0))
    assert distances.table[row].tolist() == [0, 3, 2, 1]
    apart = Distances(graph_of(2, [[(0, 1)]]))
    (row,) = apart.rows(ints(0), ints(0))
    assert apart.table[row].tolist() == [0, FAR]


@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(2, 10))
@settings(max_examples=60, deadline=None)
def test_found_paths_are_sound(seed: int, follow: bool, agents: int) -> None:
    rng = np.random.default_rng(seed)
    graph, _ = grid_graph(rng.random((5, 5)) > 0.2)
    distances = Distances(graph)
    (row,) = distances.rows(ints(0), ints(0))
    inside = np.flatnonzero(distances.table[row] < FAR).astype(np.int32)
    agents = min(agents, len(inside) // 2)
    starts = rng.permutation(inside)[:agents].astype(np.int32)
    goals = rng.permutation(inside)[:agents].astype(np.int32)
    found = find_paths(graph, starts, goals, follow=follow, seed=seed % 100, most_steps=3000)
    if found is not None:
        assert is_sound(graph, found, starts, goals)
        assert follow or steps_without_following(found)


def test_nobody_starves_or_collides_in_a_lifetime_with_dead_ends_and_shared_goals() -> None:
    rng = np.random.default_rng(1)
    passable = np.ones((12, 12), np.bool_)
    passable[2:10:3, 1:11] = False
    passable[3, 5:8] = False  # leaves a dead end of one place
    graph, _ = grid_graph(passable)
    team = Lifelong(graph, np.arange(40, dtype=np.int32), rng.integers(0, 10, 40).astype(np.int32))
    trail = [team.places]
    done, longest = np.zeros(40, np.int64), 0
    for _ in range(3000):
        there = team.arrived()
        done[there] += 1
        team.send(there, rng.integers(0, graph.places, len(there)).astype(np.int32))
        team.step()
        longest = max(longest, int(team.waited.max()))
        trail.append(team.places)
    assert collisions(np.array(trail)) == []
    assert jumps(graph, np.array(trail), np.zeros(40, np.int32)) == []
    assert done.min() > 0
    assert longest < 500


def test_the_checker_sees_collisions_swaps_and_jumps() -> None:
    assert "agents 0 and 1 at place 1" in collisions(np.array([[0, 2], [1, 1]]))[0]
    assert "agents 0 and 1 swap" in collisions(np.array([[0, 1], [1, 0]]))[0]
    assert collisions(np.array([[0, 1], [1, 2]])) == []
    assert "agent 1 jumps from 3 to 1" in jumps(line(4), np.array([[0, 3], [1, 1]]), ints(0, 0))[0]
