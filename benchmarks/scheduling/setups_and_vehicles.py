"""Readers of flexible job shops with set-ups, and of job shops with two vehicles."""

import json
from pathlib import Path

from genba.plan.problem import (
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    SetupMatrix,
    Transport,
    Vehicle,
)

IMPOSSIBLE = 1_000_000
"""What stands in a matrix of set-up times where an operation cannot be on the machine."""


def setup_shops(data: Path) -> list[tuple[str, Problem]]:
    """Return the flexible job shops with sequence-dependent set-ups, by name."""
    folder = data / "fjsp_sdst"
    return [(path.stem, read_setup_shop(path)) for path in sorted(folder.rglob("*.fjs"))]


def read_setup_shop(path: Path) -> Problem:
    """Read jobs, then for each machine a matrix of set-up times from operation to operation.

    A set-up lies between two operations that follow each other on a machine, and does not need the
    job (it may be over before the job comes). The first operation on a machine needs none: nothing
    is said of what the machines are set up for, and the diagonals are not used.
    """
    head, *lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    jobs, machines = int(head[0]), int(head[1])
    operations: list[Operation] = []
    for job, words in enumerate(lines[:jobs]):
        numbers = iter(int(word) for word in words)
        for step in range(next(numbers)):
            name = f"J{job}.{step}"
            modes = []
            for _ in range(next(numbers)):
                machine = next(numbers) - 1
                modes.append(Mode(f"M{machine}", next(numbers), family=name))
            before = (f"J{job}.{step - 1}",) if step else ()
            operations.append(Operation(name, f"J{job}", tuple(modes), before))
    rows = [[int(word) for word in line] for line in lines[jobs:]]
    return Problem(
        machines=tuple(Machine(f"M{m}", setup=f"M{m}") for m in range(machines)),
        jobs=tuple(Job(f"J{job}") for job in range(jobs)),
        operations=tuple(operations),
        setups=tuple(_matrix(m, operations, rows) for m in range(machines)),
    )


def _matrix(machine: int, operations: list[Operation], rows: list[list[int]]) -> SetupMatrix:
    count = len(operations)
    own = rows[machine * count : (machine + 1) * count]
    times = tuple(tuple(0 if t >= IMPOSSIBLE else t for t in row) for row in own)
    return SetupMatrix(f"M{machine}", tuple(o.id for o in operations), times, (0,) * count)


def vehicle_shops(data: Path) -> list[tuple[str, Problem, int]]:
    """Return the job shops with two vehicles: name, problem, proven optimum.

    Jobs stand at the loading station at first, and so do both vehicles; the makespan is the end of
    the last operation, no job is brought back.
    """
    read = json.loads((data / "agv" / "bilge_ulusoy.json").read_text())
    return [
        (
            name,
            vehicle_shop(read["jobsets"][int(name[2]) - 1], read["layouts"][int(name[3]) - 1]),
            optimum,
        )
        for name, optimum in read["proven_optimal"].items()
    ]


def vehicle_shop(jobs: list[list[list[int]]], layout: list[list[int]]) -> Problem:
    """Make a job shop with two vehicles out of its machines and times, and its travel times."""
    locations = ("L/U", *(f"M{m}" for m in range(1, len(layout))))
    return Problem(
        machines=tuple(Machine(name) for name in locations[1:]),
        jobs=tuple(Job(f"J{j}", origin="L/U") for j in range(len(jobs))),
        operations=tuple(
            Operation(
                f"J{j}.{step}",
                f"J{j}",
                (Mode(f"M{machine}", ticks),),
                (f"J{j}.{step - 1}",) if step else (),
            )
            for j, job in enumerate(jobs)
            for step, (machine, ticks) in enumerate(job)
        ),
        transport=Transport(
            locations,
            {"agv": tuple(tuple(row) for row in layout)},
            vehicles=tuple(Vehicle(f"V{v}", "agv", "L/U") for v in (1, 2)),
        ),
    )
