"""Other solvers of the flexible job shop: OR-tools CP-SAT by itself, and PyJobShop."""

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from genba.plan.shop import Shop

WORKERS = 2


@dataclass(frozen=True)
class Answer:
    """Machine, start and end of each operation."""

    machine: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


def versions() -> str:
    return (
        f"OR-tools {version('ortools')}, PyJobShop {version('pyjobshop')}, {WORKERS} workers each"
    )


def _modes(shop: Shop, i: int) -> list[tuple[int, int]]:
    modes = slice(int(shop.mode_start[i]), int(shop.mode_start[i + 1]))
    return list(
        zip(shop.mode_machine[modes].tolist(), shop.mode_ticks[modes].tolist(), strict=True)
    )


def cp_sat(shop: Shop, limit_s: float, seed: int) -> Answer | None:
    """Solve with one interval per operation, optional ones where there is a choice of machine."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    horizon = sum(max(t for _, t in _modes(shop, i)) for i in range(shop.operations))
    starts, ends, choices = [], [], []
    on_machine: list[list[object]] = [[] for _ in range(shop.machines)]
    for i in range(shop.operations):
        modes = _modes(shop, i)
        start, end = (model.new_int_var(0, horizon, f"{w}{i}") for w in "se")
        starts.append(start)
        ends.append(end)
        if len(modes) == 1:
            machine, ticks = modes[0]
            on_machine[machine].append(model.new_interval_var(start, ticks, end, f"i{i}"))
            choices.append([])
            continue
        literals = [model.new_bool_var(f"m{i}_{k}") for k in range(len(modes))]
        model.add_exactly_one(literals)
        for (machine, ticks), literal in zip(modes, literals, strict=True):
            on_machine[machine].append(
                model.new_optional_interval_var(start, ticks, end, literal, f"o{i}_{machine}")
            )
        choices.append(literals)
    for intervals in on_machine:
        model.add_no_overlap(intervals)
    makespan = model.new_int_var(0, horizon, "makespan")
    for job in range(shop.jobs):
        first, last = int(shop.job_start[job]), int(shop.job_start[job + 1])
        for i in range(first, last - 1):
            model.add(starts[i + 1] >= ends[i])
        model.add(makespan >= ends[last - 1])
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = WORKERS
    solver.parameters.random_seed = seed
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    machine = [
        next(
            m
            for (m, _), used in zip(
                _modes(shop, i), map(solver.boolean_value, choices[i]) if choices[i] else [True],
                strict=True,
            )
            if used
        )
        for i in range(shop.operations)
    ]  # fmt: skip
    return Answer(
        np.array(machine, np.int32),
        np.array([solver.value(v) for v in starts], np.int64),
        np.array([solver.value(v) for v in ends], np.int64),
    )


def pyjobshop(shop: Shop, limit_s: float, seed: int) -> Answer | None:
    """Solve with PyJobShop's model and its CP-SAT."""
    from pyjobshop import Model

    model = Model()
    machines = [model.add_machine() for _ in range(shop.machines)]
    tasks = []
    for j in range(shop.jobs):
        job = model.add_job()
        before = None
        for i in range(int(shop.job_start[j]), int(shop.job_start[j + 1])):
            task = model.add_task(job=job)
            for machine, ticks in _modes(shop, i):
                model.add_mode(task, machines[machine], ticks)
            if before is not None:
                model.add_end_before_start(before, task)
            before = task
            tasks.append(task)
    result = model.solve(
        solver="ortools", time_limit=limit_s, num_workers=WORKERS, display=False, random_seed=seed
    )
    if result.best is None or not result.best.tasks:
        return None
    found = result.best.tasks
    return Answer(
        np.array([task.resources[0] for task in found], np.int32),
        np.array([task.start for task in found], np.int64),
        np.array([task.end for task in found], np.int64),
    )
