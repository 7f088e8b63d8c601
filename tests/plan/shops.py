"""Small problems for the tests of the planner's parts, drawn from a seed."""

import numpy as np

from genba.plan.problem import Job, Machine, Mode, Operation, Problem


def plain_shop(
    seed: int, jobs: int = 4, steps: int = 3, machines: int = 3, released: bool = True
) -> Problem:
    """Return a flexible shop with up to ``steps`` operations a job."""
    random = np.random.default_rng(seed)
    operations = []
    for j in range(jobs):
        for s in range(int(random.integers(1, steps + 1))):
            able = random.choice(machines, random.integers(1, machines + 1), replace=False)
            modes = tuple(Mode(f"M{m}", int(random.integers(0, 12))) for m in able)
            before = (f"J{j}.{s - 1}",) if s else ()
            operations.append(Operation(f"J{j}.{s}", f"J{j}", modes, before))
    return Problem(
        machines=tuple(
            Machine(f"M{m}", free_from=int(random.integers(0, 6)) * released)
            for m in range(machines)
        ),
        jobs=tuple(
            Job(f"J{j}", int(random.integers(0, 15)) * released, due=int(random.integers(5, 40)))
            for j in range(jobs)
        ),
        operations=tuple(operations),
    )


def best_makespan(problem: Problem) -> int:
    """Return the least makespan of a small plain shop, by CP-SAT."""
    return _best(problem, lateness=False)


def best_tardiness(problem: Problem) -> int:
    """Return the least sum of the ticks that jobs are late in a small plain shop, by CP-SAT."""
    return _best(problem, lateness=True)


def _best(problem: Problem, *, lateness: bool) -> int:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    horizon = 10_000
    uses: dict[str, list[cp_model.IntervalVar]] = {m.id: [] for m in problem.machines}
    ends: dict[str, cp_model.IntVar] = {}
    makespan = model.new_int_var(0, horizon, "")
    for operation in problem.operations:
        end = ends[operation.id] = model.new_int_var(0, horizon, "")
        model.add(makespan >= end)
        chosen = []
        for mode in operation.modes:
            here = model.new_bool_var("")
            start = model.new_int_var(problem.jobs_by_id[operation.job].release, horizon, "")
            model.add(start >= problem.machines_by_id[mode.machine].free_from)
            for before in operation.predecessors:
                model.add(start >= ends[before]).only_enforce_if(here)
            use = model.new_optional_interval_var(start, mode.ticks, end, here, "")
            uses[mode.machine].append(use)
            chosen.append(here)
        model.add_exactly_one(chosen)
    for listed in uses.values():
        model.add_no_overlap(listed)
    late = []
    for job in problem.jobs:
        if job.due is not None and problem.operations_of[job.id]:
            late.append(model.new_int_var(0, horizon, ""))
            model.add(late[-1] >= ends[problem.operations_of[job.id][-1].id] - job.due)
    model.minimize(sum(late) if lateness else makespan)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)
