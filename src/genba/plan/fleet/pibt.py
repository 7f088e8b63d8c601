"""Priority inheritance with backtracking: one step of all agents, without collision.

PIBT (Okumura, Machida, Defago and Tamura, *Priority inheritance with backtracking for iterative
multi-agent path finding*, Artificial Intelligence 310, 2022): agents choose in the order of their
priority; one whose place is wanted chooses next, whatever its own priority, and if it finds no way
out, the other has to choose again. Written here without recursion.

Two agents that want to pass each other where the way is too narrow first go back to where they can:
the *swap* of Okumura, *Improving LaCAM for scalable eventually optimal multi-agent pathfinding*,
IJCAI 2023. It is looked for where agents may follow each other.

Agents may follow each other closely, as MAPF allows, or not at all: then nobody enters a place that
somebody is just leaving, which is what vehicles need that hold two places while they drive.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.jit import compiled
from genba.plan.fleet.graph import Graph, Ints

NOBODY = -1
CHANCE, TAKEN, DEAD_END = 0.5, 0.3, 0.2
"""What decides between places that are equally near the goal, together at most one step. Chance is
not the least of it: what is always preferred can lead round in circles."""


class Team(NamedTuple):
    """The agents with what a step needs. ``n`` agents, ``places`` places.

    Parameters
    ----------
    starts, ends : int32
        The graph, see :class:`~genba.plan.fleet.graph.Graph`.
    offset : int32, (n,)
        Where the rows of the agent's kind begin in ``starts``.
    row : int32, (n,)
        Row of its goal in the table of distances.
    now, later : int32, (n,)
        Places before and after the step.
    at_now, at_later : int32, (places,)
        Who is there, -1 for nobody.
    choices : int32, (n, most exits + 1)
        Where it could go, best first, and ``options`` and ``cursor`` (n,): how many, which next.
    partner : int32, (n,)
        With whom it changes places by going back first, -1 for nobody.
    worth : float64, (most exits + 1,)
        Scratch for sorting.
    stack : int32, (n,)
        Scratch.
    random : uint64, (1,)
        State of the random numbers.
    """

    starts: Ints
    ends: Ints
    offset: Ints
    row: Ints
    now: Ints
    later: Ints
    at_now: Ints
    at_later: Ints
    choices: Ints
    options: Ints
    cursor: Ints
    partner: Ints
    worth: NDArray[np.float64]
    stack: Ints
    random: NDArray[np.uint64]


def team_of(graph: Graph, kinds: Ints, seed: int) -> Team:
    """Prepare the arrays; :func:`place_team` puts the agents somewhere."""
    n, width = len(kinds), graph.most_exits + 1
    return Team(
        graph.starts,
        graph.ends,
        (kinds * graph.places).astype(np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.full(n, NOBODY, np.int32),
        np.full(graph.places, NOBODY, np.int32),
        np.full(graph.places, NOBODY, np.int32),
        np.zeros((n, width), np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(width, np.float64),
        np.zeros(n, np.int32),
        np.array([2 * seed + 1], np.uint64),
    )


@compiled
def wide(number: int) -> int:
    """Return a number with 64 bits, so that no function is compiled twice for two widths."""
    return int(np.int64(number))


@compiled
def draw(random: NDArray[np.uint64]) -> float:
    """Return a number in [0, 1) (xorshift64*, Vigna 2016)."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@compiled
def sort_by_wait(order: Ints, waited: NDArray[Any]) -> None:
    """Put who has waited longest first; quick because the order hardly changes in a step."""
    for k in range(1, len(order)):
        agent = order[k]
        wait = waited[agent]
        hole = k
        while hole > 0 and waited[order[hole - 1]] < wait:
            order[hole] = order[hole - 1]
            hole -= 1
        order[hole] = agent


@compiled
def place_team(team: Team, places: Ints) -> None:
    """Put every agent at its place."""
    for a in range(len(places)):
        team.at_now[team.now[a]] = NOBODY
        if team.later[a] != NOBODY:
            team.at_later[team.later[a]] = NOBODY
            team.later[a] = NOBODY
    for a in range(len(places)):
        team.now[a] = places[a]
        team.at_now[places[a]] = a


@compiled
def rank_choices(team: Team, table: Ints, agent: int) -> None:
    """Sort where an agent could go: nearest to its goal first, free places before taken ones."""
    here, row = team.now[agent], team.row[agent]
    count = 0
    base = team.offset[agent] + here
    for e in range(team.starts[base], team.starts[base + 1] + 1):
        there = here if e == team.starts[base + 1] else team.ends[e]
        worth = table[row, there] + CHANCE * draw(team.random)
        if there != here and team.at_now[there] != NOBODY:
            worth += TAKEN
        next_base = team.offset[agent] + there
        if team.starts[next_base + 1] - team.starts[next_base] == 1 and table[row, there] > 0:
            worth += DEAD_END
        k = count
        while k > 0 and team.worth[k - 1] > worth:
            team.worth[k], team.choices[agent, k] = team.worth[k - 1], team.choices[agent, k - 1]
            k -= 1
        team.worth[k], team.choices[agent, k] = worth, there
        count += 1
    team.options[agent], team.cursor[agent] = count, 0


@compiled
def partner(team: Team, table: Ints, agent: int) -> int:
    """Return with whom an agent should change places by going back first; -1 for nobody."""
    here, best = team.now[agent], team.choices[agent, 0]
    if best == here:
        return NOBODY
    other = team.at_now[best]
    if (
        other >= 0
        and team.later[other] == NOBODY
        and must_swap(team, table, agent, other, here, best)
        and can_swap(team, table, other, best, here)
    ):
        return int(other)
    # Or somebody behind wants to pass, who comes to where this one stands.
    for k in range(1, team.options[agent]):
        behind = team.at_now[team.choices[agent, k]]
        if (
            behind >= 0
            and behind != agent
            and must_swap(team, table, behind, agent, here, best)
            and can_swap(team, table, agent, best, here)
        ):
            return int(behind)
    return NOBODY


@compiled
def must_swap(team: Team, table: Ints, pusher: int, puller: int, back: int, front: int) -> bool:
    """Whether one that is pushed along a narrow way would come out the wrong side of the other.

    The pusher, at ``back``, follows the puller, at ``front``, as far as there is only one way on.
    """
    back, front = wide(back), wide(front)
    there, coming = team.row[pusher], team.row[puller]
    if there == coming:
        return False  # They want to the same place; passing each other would gain nothing.
    while table[there, front] < table[there, back]:
        ways, onward = ways_on(team, table, puller, front, back)
        if ways >= 2:
            return False
        if ways == 0:
            break
        back, front = front, onward
    return bool(
        table[coming, back] < table[coming, front]
        and (table[there, back] == 0 or table[there, front] < table[there, back])
    )


@compiled
def can_swap(team: Team, table: Ints, agent: int, front: int, back: int) -> bool:
    """Whether going back from ``front`` over ``back`` leads to where two can pass."""
    back, front = wide(back), wide(front)
    first = front
    while back != first:
        ways, onward = ways_on(team, table, agent, back, front)
        if ways >= 2:
            return True
        if ways == 0:
            return False
        front, back = back, onward
    return False


@compiled
def ways_on(team: Team, table: Ints, agent: int, place: int, came_from: int) -> tuple[int, int]:
    """Count the ways that lead on from a place, and return one of them.

    A dead end does not count where somebody is at his goal.
    """
    ways, onward = 0, wide(-1)
    base = team.offset[agent]
    for e in range(team.starts[base + place], team.starts[base + place + 1]):
        there = team.ends[e]
        other = team.at_now[there]
        dead_end = team.starts[base + there + 1] - team.starts[base + there] == 1
        if there == came_from or (dead_end and other >= 0 and table[team.row[other], there] == 0):
            continue
        ways += 1
        onward = wide(there)
    return ways, onward


@compiled
def choose(team: Team, table: Ints, agent: int, follow: bool) -> bool:
    """Let an agent choose its next place, with everybody whom it pushes. False: it must stay."""
    depth = wide(0)
    enter(team, table, agent, depth, follow)
    while depth >= 0:
        a = team.stack[depth]
        here = team.now[a]
        if team.cursor[a] == team.options[a]:
            # No way out: it stays, and who pushed it chooses again.
            team.later[a] = here
            team.at_later[here] = a
            depth -= 1
            continue
        there = team.choices[a, team.cursor[a]]
        team.cursor[a] += 1
        other = team.at_now[there]
        if team.at_later[there] != NOBODY:
            continue
        if other >= 0 and other != a:
            if team.later[other] == here:
                continue  # They would change places.
            if not follow and team.later[other] != NOBODY:
                continue  # It leaves in this step; the place is free in the next one.
        team.later[a] = there
        team.at_later[there] = a
        if other < 0 or other == a or team.later[other] != NOBODY:
            if follow:
                pull_partners(team, depth)
            else:
                wait_for_the_last(team, depth)
            return True
        depth += 1
        enter(team, table, other, depth, follow)
    return False


@compiled
def enter(team: Team, table: Ints, agent: int, depth: int, follow: bool) -> None:
    """Let one agent more begin to choose; who has to swap prefers to go back."""
    team.stack[depth] = agent
    rank_choices(team, table, agent)
    team.partner[agent] = NOBODY
    if follow:
        team.partner[agent] = partner(team, table, agent)
        if team.partner[agent] >= 0:
            last = team.options[agent] - 1
            for k in range((last + 1) // 2):
                nearer = team.choices[agent, k]
                team.choices[agent, k] = team.choices[agent, last - k]
                team.choices[agent, last - k] = nearer


@compiled
def pull_partners(team: Team, depth: int) -> None:
    """Let those with whom the agents swap follow onto the places that they leave."""
    for d in range(depth, -1, -1):
        a = team.stack[d]
        other, here = team.partner[a], team.now[a]
        if (
            other >= 0
            and team.cursor[a] == 1
            and team.later[other] == NOBODY
            and team.at_later[here] == NOBODY
        ):
            team.later[other] = here
            team.at_later[here] = other


@compiled
def wait_for_the_last(team: Team, depth: int) -> None:
    """Let those who pushed stay: only the last one moves, into a place that is free."""
    for d in range(depth):
        a = team.stack[d]
        team.at_later[team.later[a]] = NOBODY
    for d in range(depth):
        a = team.stack[d]
        team.later[a] = team.now[a]
        team.at_later[team.now[a]] = a


@compiled
def step_all(team: Team, table: Ints, order: Ints, follow: bool) -> bool:
    """Let all agents choose that have not chosen yet. False: two are in each other's way.

    What they chose is in ``team.later``. The caller may have chosen for some; otherwise there is
    always a step, since everybody may stay.
    """
    for k in range(len(order)):
        a = order[k]
        if team.later[a] == NOBODY and not choose(team, table, a, follow):
            return False
    return True
