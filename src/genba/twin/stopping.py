"""Stops of machines, and the people whom they and set-ups take, inside the kernel."""

# mypy: disable-error-code="no-any-return"
# Fields of records have no types of their own.

import numpy as np

from genba.jit import compiled
from genba.twin.choosing import wait_until
from genba.twin.draws import OF_REPAIR, OF_SPOIL, bits, draw, uniform
from genba.twin.floor import note
from genba.twin.hours import account, end_of_work, is_open
from genba.twin.reach import World, crew_at, machine_at, stop_at, whole_at
from genba.twin.records import DOWN, FAILED, REPAIR, STOPPED
from genba.twin.rules import REROUTE_AFTER_S
from genba.twin.timers import set_timer


@compiled
def borrow(w: World, skill: int) -> int:
    """Take a free person with a skill, the least skilled first; -1 where there is none now."""
    for c in range(whole_at(w, 0).crews):
        crew = crew_at(w, c)
        if crew.busy < crew.people and (crew.skills >> skill) & 1 and is_open(w, crew.calendar):
            crew.busy += 1
            return c
    return -1


@compiled
def let_go(w: World, m: int) -> None:
    """Let the person at a machine go."""
    machine = machine_at(w, m)
    if machine.crew >= 0:
        crew_at(w, machine.crew).busy -= 1
        machine.crew = -1
        whole_at(w, 0).crew_due = 1


@compiled
def try_repair(w: World, m: int, time: float) -> None:
    """Begin the repair, if somebody is there who can do it."""
    machine = machine_at(w, m)
    calendar = -1
    if machine.skill >= 0:
        crew = borrow(w, machine.skill)
        if crew < 0:
            return
        machine.crew, calendar = crew, crew_at(w, crew).calendar
    whole_at(w, 0).waiters -= 1
    machine.phase = REPAIR
    machine.run_from = time
    set_timer(w, m, end_of_work(w, calendar, time, machine.left))


@compiled
def stop_machine(w: World, m: int, s: int, time: float, seed: np.uint64) -> None:
    """Break down, or begin planned work; the job waits."""
    machine, stop = machine_at(w, m), stop_at(w, s)
    account(w, m, time)
    stop.count += 1
    machine.stopped += 1
    machine.stop, machine.state, machine.phase = s, FAILED, DOWN
    machine.down_since = machine.asked = time
    machine.left = draw(w, stop.duration, bits(seed, OF_REPAIR, stop.key, stop.count))
    if stop.spoils > 0.0 and machine.job >= 0:
        spoilt = int(stop.spoils + uniform(bits(seed, OF_SPOIL, stop.key, stop.count)))
        batch = machine.parts if machine.through == 1 and spoilt > 0 else spoilt
        machine.spoilt += batch
    machine.skill = stop.skill
    note(w, time, STOPPED, m, machine.job)
    wait_until(w, m, time + REROUTE_AFTER_S)
    whole_at(w, 0).waiters += 1
    try_repair(w, m, time)
