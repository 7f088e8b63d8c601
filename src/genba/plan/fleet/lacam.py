"""The search of LaCAM*: configurations, depth first, each made by one step of PIBT.

LaCAM* (Okumura, *LaCAM: search-based algorithm for quick multi-agent pathfinding*, AAAI 2023, and
*Improving LaCAM for scalable eventually optimal multi-agent pathfinding*, IJCAI 2023). Each time a
configuration (where everybody is) comes up again, one more agent is told where to go next, until
all successors have been made: so a way is found if there is one. A configuration that turns out to
be reached at less cost passes that on to what follows it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.jit import compiled
from genba.plan.fleet.graph import Ints
from genba.plan.fleet.pibt import NOBODY, Team, place_team, sort_by_wait, step_all, wide

STACKED, SEEN, GOAL, TOLD, LINKED = range(5)
"""Counters in :attr:`Memory.state`: size of the stack, of the memory, the goal's configuration (-1
until it is found), constraints and links."""
SEARCHING, FOUND, EXHAUSTED, FULL = range(4)
"""What came of some steps of the search."""


class Memory(NamedTuple):
    """The configurations that were seen, and what is to be tried from each.

    Parameters
    ----------
    place, order : int32, (most, n)
        Where everybody is, and the agents by priority.
    waited : float32, (most, n)
        That priority: steps since the agent was at its goal.
    key : uint64, (most,)
        Hash of the places; ``slots`` int32, a power of two, holds configurations by it.
    parent, cost, rest : int32, (most,)
        Best way there: from where, at which cost, and a bound on the cost from there.
    first, last : int32, (most,)
        Queue of constraints that are still to be tried.
    agent, to, above, next, depth : int32, (more,)
        Constraints: who must go where, beside what ``above`` says; the next one in the queue.
    link : int32, (most,), linked : int32, (more, 2)
        Lists of successors: configuration and next entry.
    stack : int32
        What is searched next.
    state : int64, (5,)
        Counters.
    """

    place: Ints
    order: Ints
    waited: NDArray[np.float32]
    key: NDArray[np.uint64]
    slots: Ints
    parent: Ints
    cost: Ints
    rest: Ints
    first: Ints
    last: Ints
    agent: Ints
    to: Ints
    above: Ints
    next: Ints
    depth: Ints
    link: Ints
    linked: Ints
    stack: Ints
    state: NDArray[np.int64]


def memory_of(agents: int, most: int) -> Memory:
    """Reserve room for ``most`` configurations; what is not used costs nothing."""
    more = 8 * most
    slots = 1 << (2 * most - 1).bit_length()
    one, many = np.empty((6, most), np.int32), np.empty((5, more), np.int32)
    return Memory(
        place=np.empty((most, agents), np.int32),
        order=np.empty((most, agents), np.int32),
        waited=np.empty((most, agents), np.float32),
        key=np.empty(most, np.uint64),
        slots=np.full(slots, NOBODY, np.int32),
        parent=one[0],
        cost=one[1],
        rest=one[2],
        first=one[3],
        last=one[4],
        agent=many[0],
        to=many[1],
        above=many[2],
        next=many[3],
        depth=many[4],
        link=one[5],
        linked=np.empty((more, 2), np.int32),
        stack=np.empty(more, np.int32),
        state=np.array([0, 0, -1, 0, 0], np.int64),
    )


@compiled
def begin(memory: Memory, team: Team, table: Ints, starts: Ints) -> None:
    """Enter the first configuration."""
    place_team(team, starts)
    team.later[:] = starts
    key = hashed(starts)
    remember(memory, team, table, find(memory, starts, key), key, wide(-1))
    team.later[:] = NOBODY
    memory.stack[0] = 0
    memory.state[STACKED] = 1


@compiled
def search(
    memory: Memory, team: Team, table: Ints, goals: Ints, steps: int, follow: bool, anytime: bool
) -> int:
    """Do some steps; ``anytime`` goes on after the goal was found, for a cheaper way."""
    state = memory.state
    for _ in range(steps):
        if state[STACKED] == 0:
            return EXHAUSTED
        here = wide(memory.stack[state[STACKED] - 1])
        goal = state[GOAL]
        if goal >= 0 and memory.cost[here] + memory.rest[here] >= memory.cost[goal]:
            state[STACKED] -= 1
            continue
        if memory.rest[here] == 0:
            state[GOAL] = here
            if not anytime:
                return FOUND
            continue
        told = wide(memory.first[here])
        if told < 0:
            state[STACKED] -= 1
            continue
        if full(memory, len(team.worth)):
            return FULL
        memory.first[here] = memory.next[told]
        if memory.depth[told] < len(goals):
            add_constraints(memory, team, here, told)
        place_team(team, memory.place[here])
        if not obey(memory, team, told, follow):
            continue
        if not step_all(team, table, memory.order[here], follow):
            continue
        meet(memory, team, table, goals, here)
    return SEARCHING


@compiled
def full(memory: Memory, width: int) -> bool:
    """Whether there may be no room for one step more."""
    state = memory.state
    return bool(
        state[SEEN] + 1 >= len(memory.key)
        or state[TOLD] + width + 1 >= len(memory.agent)
        or state[LINKED] + 1 >= len(memory.linked)
        or state[STACKED] + 1 >= len(memory.stack)
    )


@compiled
def add_constraints(memory: Memory, team: Team, here: int, told: int) -> None:
    """Queue all places to which one agent more could go, under what was told already."""
    agent = memory.order[here, memory.depth[told]]
    place = memory.place[here, agent]
    base = team.offset[agent] + place
    for e in range(team.starts[base], team.starts[base + 1] + 1):
        new = memory.state[TOLD]
        memory.state[TOLD] += 1
        memory.agent[new] = agent
        memory.to[new] = place if e == team.starts[base + 1] else team.ends[e]
        memory.above[new] = told
        memory.depth[new] = memory.depth[told] + 1
        append(memory, here, new)


@compiled
def append(memory: Memory, here: int, told: int) -> None:
    """Put a constraint at the end of a configuration's queue."""
    memory.next[told] = -1
    if memory.first[here] < 0:
        memory.first[here] = told
    else:
        memory.next[memory.last[here]] = told
    memory.last[here] = told


@compiled
def obey(memory: Memory, team: Team, told: int, follow: bool) -> bool:
    """Let agents choose as they are told. False where that makes two collide."""
    while memory.depth[told] > 0:
        agent, to = memory.agent[told], memory.to[told]
        other = team.at_now[to]
        if team.at_later[to] != NOBODY:
            return False
        if other >= 0 and other != agent and (not follow or team.later[other] == team.now[agent]):
            return False
        team.later[agent] = to
        team.at_later[to] = agent
        told = memory.above[told]
    return True


@compiled
def meet(memory: Memory, team: Team, table: Ints, goals: Ints, here: int) -> None:
    """Take the configuration that the team has chosen: a new one, or one that is known."""
    key = hashed(team.later)
    slot = find(memory, team.later, key)
    there = memory.slots[slot]
    if there < 0:
        there = remember(memory, team, table, slot, key, here)
    join(memory, here, there)
    spread(memory, goals, here)
    memory.stack[memory.state[STACKED]] = there
    memory.state[STACKED] += 1


@compiled
def hashed(places: Ints) -> np.uint64:
    """Hash a configuration (splitmix64, Steele et al. 2014, over agents and places)."""
    total = np.uint64(0)
    for a in range(len(places)):
        z = np.uint64(a + 1) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(places[a])
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        total += z ^ (z >> np.uint64(31))
    return total


@compiled
def find(memory: Memory, places: Ints, key: np.uint64) -> int:
    """Return the slot of a configuration, or the free one where it belongs."""
    mask = len(memory.slots) - 1
    slot = np.int64(key & np.uint64(mask))
    while True:
        known = memory.slots[slot]
        if known < 0 or (memory.key[known] == key and np.all(memory.place[known] == places)):
            return int(slot)
        slot = (slot + 1) & mask


@compiled
def remember(
    memory: Memory, team: Team, table: Ints, slot: int, key: np.uint64, parent: int
) -> int:
    """Enter the configuration ``team.later``; ``parent`` is -1 for the start."""
    new = memory.state[SEEN]
    memory.state[SEEN] += 1
    memory.slots[slot] = new
    memory.key[new] = key
    memory.place[new] = team.later
    rest = 0
    for a in range(len(team.later)):
        left = table[team.row[a], team.later[a]]
        rest += left
        # The agents in the greatest hurry first; at first those that have the longest way.
        if parent < 0:
            memory.waited[new, a] = left * np.float32(1e-4)
        elif left == 0:
            memory.waited[new, a] = memory.waited[parent, a] % np.float32(1.0)
        else:
            memory.waited[new, a] = memory.waited[parent, a] + np.float32(1.0)
    if parent < 0:
        memory.order[new] = np.arange(len(team.later))
    else:
        memory.order[new] = memory.order[parent]
    sort_by_wait(memory.order[new], memory.waited[new])
    memory.parent[new], memory.rest[new] = parent, rest
    memory.cost[new] = 0 if parent < 0 else np.iinfo(np.int32).max
    memory.link[new] = -1
    told = memory.state[TOLD]
    memory.state[TOLD] += 1
    memory.depth[told], memory.above[told] = 0, -1
    memory.first[new] = -1
    append(memory, new, told)
    return int(new)


@compiled
def join(memory: Memory, here: int, there: int) -> None:
    """Note that one configuration follows another."""
    entry = memory.link[here]
    while entry >= 0:
        if memory.linked[entry, 0] == there:
            return
        entry = memory.linked[entry, 1]
    entry = memory.state[LINKED]
    memory.state[LINKED] += 1
    memory.linked[entry, 0], memory.linked[entry, 1] = there, memory.link[here]
    memory.link[here] = entry


@compiled
def spread(memory: Memory, goals: Ints, begin: int) -> None:
    """Pass on what it costs to come to a configuration, as far as that makes others cheaper."""
    todo = [begin]
    while len(todo) > 0:
        here = todo.pop()
        entry = memory.link[here]
        while entry >= 0:
            there = memory.linked[entry, 0]
            cost = memory.cost[here] + step_cost(memory, goals, here, there)
            if cost < memory.cost[there]:
                memory.cost[there], memory.parent[there] = cost, here
                todo.append(there)
                if memory.state[GOAL] >= 0 and memory.state[STACKED] + 2 < len(memory.stack):
                    memory.stack[memory.state[STACKED]] = there
                    memory.state[STACKED] += 1
            entry = memory.linked[entry, 1]


@compiled
def step_cost(memory: Memory, goals: Ints, here: int, there: int) -> int:
    """Count the agents that are not at rest at their goals in a step."""
    cost = 0
    for a in range(len(goals)):
        if memory.place[here, a] != goals[a] or memory.place[there, a] != goals[a]:
            cost += 1
    return cost
