"""Disturbances, sorted by what of a problem they change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from genba.errors import PlanError
from genba.plan.problem import Job, Mode, Operation, Problem, Window
from genba.plan.repair.disturbance import (
    Disturbance,
    LateMaterial,
    MachineDown,
    RushJob,
    Scrap,
    SlowWork,
    VehicleDown,
)


@dataclass(frozen=True)
class Sorted:
    """Disturbances by what they change; ids are known."""

    down: Mapping[str, tuple[Window, ...]]
    release: Mapping[str, int]
    share: Mapping[str, float]
    """What is left of the times of a job."""
    slow_skills: Mapping[str, float]
    slow_machines: Mapping[str, float]
    vehicles: Mapping[str, int]
    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]

    def ticks(self, operation: Operation, mode: Mode) -> int:
        """Return the time of a mode of an operation that has not begun."""
        factor = self.share.get(operation.job, 1.0)
        factor *= self.slow_machines.get(mode.machine, 1.0)
        if mode.skill is not None:
            factor *= self.slow_skills.get(mode.skill, 1.0)
        # A billionth off, or 0.1 * 30 would be more than 3.
        return mode.ticks if factor == 1.0 else ceil(mode.ticks * factor - 1e-9)

    def changes(self, operation: Operation) -> bool:
        """Whether any mode of the operation takes another time now."""
        return any(self.ticks(operation, mode) != mode.ticks for mode in operation.modes)


def sort_out(problem: Problem, disturbances: Iterable[Disturbance]) -> Sorted:
    """Sort disturbances by what they change.

    Raises
    ------
    PlanError
        If one speaks of something that the problem does not have, or adds what it has.
    """
    down: dict[str, list[Window]] = {}
    release: dict[str, int] = {}
    lost: dict[str, int] = {}
    skills: dict[str, float] = {}
    machines: dict[str, float] = {}
    vehicles: dict[str, int] = {}
    jobs: list[Job] = []
    operations: list[Operation] = []
    known_skills = {skill for group in problem.staff for skill in group.skills}
    fleet = {v.id for v in problem.transport.vehicles} if problem.transport else set()
    for one in disturbances:
        match one:
            case MachineDown():
                _known("machine", one.machine, problem.machines_by_id)
                down.setdefault(one.machine, []).append((one.start, one.until))
            case RushJob():
                jobs.append(one.job)
                operations.extend(one.operations)
            case LateMaterial():
                _known("job", one.job, problem.jobs_by_id)
                release[one.job] = max(one.release, release.get(one.job, one.release))
            case Scrap():
                _known("job", one.job, problem.jobs_by_id)
                lost[one.job] = lost.get(one.job, 0) + one.lost
                if one.again is not None:
                    made, steps = _made_again(problem, one.job, one.again, one.lost)
                    jobs.append(made)
                    operations.extend(steps)
            case SlowWork(factor, skill, None) if skill is not None:
                _known("skill", skill, known_skills)
                skills[skill] = skills.get(skill, 1.0) * factor
            case SlowWork(factor, _, machine) if machine is not None:
                _known("machine", machine, problem.machines_by_id)
                machines[machine] = machines.get(machine, 1.0) * factor
            case VehicleDown():
                _known("vehicle", one.vehicle, fleet)
                vehicles[one.vehicle] = max(one.until, vehicles.get(one.vehicle, one.until))
    return Sorted(
        down={machine: _joined(windows) for machine, windows in down.items()},
        release=release,
        share={job: _share(problem, job, parts) for job, parts in lost.items()},
        slow_skills=skills,
        slow_machines=machines,
        vehicles=vehicles,
        jobs=tuple(jobs),
        operations=tuple(operations),
    )


def _known(kind: str, name: str, there: Iterable[str]) -> None:
    if name not in there:
        raise PlanError(f"a disturbance speaks of {kind} {name}, which the problem does not have")


def _joined(windows: list[Window]) -> tuple[Window, ...]:
    """Return windows sorted, those that touch as one."""
    found: list[Window] = []
    for start, until in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((start, until))
    return tuple(found)


def _parts(problem: Problem, job: str) -> int:
    return max((operation.parts for operation in problem.operations_of[job]), default=1)


def _share(problem: Problem, job: str, lost: int) -> float:
    parts = _parts(problem, job)
    if lost > parts:
        raise PlanError(f"job {job} has {parts} parts; {lost} of them cannot be lost")
    return (parts - lost) / parts


def _made_again(
    problem: Problem, job: str, name: str, lost: int
) -> tuple[Job, tuple[Operation, ...]]:
    share = lost / _parts(problem, job)
    own = problem.operations_of[job]
    names = {operation.id: f"{name}.{number}" for number, operation in enumerate(own)}
    steps = tuple(
        replace(
            operation,
            id=names[operation.id],
            job=name,
            parts=lost,
            fixed=None,
            predecessors=tuple(names.get(p, p) for p in operation.predecessors),
            modes=tuple(replace(m, ticks=ceil(m.ticks * share - 1e-9)) for m in operation.modes),
        )
        for operation in own
    )
    return replace(problem.jobs_by_id[job], id=name), steps
