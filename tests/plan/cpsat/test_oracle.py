"""PyJobShop, which draws up its model in its own way, finds the same best values."""

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from pyjobshop import Model
from tests.plan.problems import random_problem

from genba.plan.cpsat import solve_exactly
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Calendar, Problem
from genba.plan.schedule import Status


def oracle(problem: Problem, goal: Goal) -> float:
    """Solve a problem with set-ups that do not need the job, or with calendars, by PyJobShop."""
    model = Model()
    calendars = problem.calendars_by_id
    machines = {
        m.id: model.add_machine(_breaks(None if m.calendar is None else calendars[m.calendar]))
        for m in problem.machines
    }
    pausing = any(c.interruptible for c in problem.calendars)
    tasks = {}
    for job in problem.jobs:
        due = job.due if goal is Goal.TARDINESS else None
        added = model.add_job(int(job.weight), job.release, due_date=due)
        for operation in problem.operations_of[job.id]:
            task = model.add_task(added, allow_breaks=pausing)
            tasks[operation.id] = task
            for mode in operation.modes:
                model.add_mode(task, machines[mode.machine], mode.ticks)
            for before in operation.predecessors:
                model.add_end_before_start(tasks[before], task)
    for machine in problem.machines:
        if machine.setup is not None:
            _setups(model, problem, machine.id, machines[machine.id], tasks)
    if goal is Goal.MAKESPAN:
        model.set_objective(weight_makespan=1)
    else:
        model.set_objective(weight_total_tardiness=1)
    result = model.solve(display=False, num_workers=1, time_limit=30.0)
    assert result.status.value == "Optimal"
    return float(result.objective)


def _breaks(calendar: Calendar | None) -> list[tuple[int, int]]:
    if calendar is None:
        return []
    windows = [w for w in calendar.windows if w[0] < 600]
    edges = [0, *(tick for window in windows for tick in window)]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if a < b]


def _setups(model: Model, problem: Problem, name: str, machine: object, tasks: dict) -> None:
    matrix = problem.setups_by_id[problem.machines_by_id[name].setup or ""]
    family = {
        o.id: mode.family for o in problem.operations for mode in o.modes if mode.machine == name
    }
    for (before, one), (after, other) in product(family.items(), repeat=2):
        ticks = matrix.ticks(one, other)
        if before != after and ticks > 0:
            model.add_setup_time(machine, tasks[before], tasks[after], ticks)


def ours(problem: Problem, goal: Goal) -> float:
    plan = solve_exactly(problem, Objective(((goal, 1.0),)), time_limit_s=30.0)
    assert plan is not None
    assert plan.status is Status.OPTIMAL
    return plan.values[goal]


def plain(seed: int, *features: str) -> Problem:
    """Make a random problem without what the oracle does not know."""
    made = random_problem(seed, ("alternatives", "releases", *features), jobs=4)
    random = Random(seed)
    return replace(
        made,
        machines=tuple(
            replace(m, free_from=0, setup_needs_job=False, family=None) for m in made.machines
        ),
        setups=tuple(replace(s, first=(0, 0, 0)) for s in made.setups),
        jobs=tuple(replace(j, due=random.randint(10, 60)) for j in made.jobs),
    )


@pytest.mark.parametrize("goal", [Goal.MAKESPAN, Goal.TARDINESS])
@pytest.mark.parametrize("seed", range(5))
def test_setups_alternatives_and_due_dates_agree(seed: int, goal: Goal) -> None:
    problem = plain(seed, "setups")
    assert ours(problem, goal) == oracle(problem, goal)


@pytest.mark.parametrize("feature", ["calendars", "breaks"])
@pytest.mark.parametrize("seed", range(5))
def test_calendars_agree(seed: int, feature: str) -> None:
    problem = plain(seed, feature)
    goal = Goal.TARDINESS
    assert ours(problem, goal) == oracle(problem, goal)
