"""What of a problem cannot be planned, and why; the rest of it can.

Each finding is one line with the id, what is wrong and the mend. What goes out takes its whole job
with it, and the jobs that wait for it; what runs already (fixed operations) stays, because its
machine is occupied all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from genba.plan.checks.finding import Finding
from genba.plan.checks.routes import broken_route
from genba.plan.problem import Operation, Problem
from genba.plan.schedule import LeftOut


def examine(problem: Problem) -> tuple[Problem, tuple[LeftOut, ...]]:
    """Return the part of a problem that can be planned, and what was left out of it.

    The same object comes back where nothing had to go. A due date in the past is told and planned.
    """
    looked = _Looked(problem)
    looked.resources()
    looked.strangers()
    looked.modes()
    looked.jobs(_wrong_fixed)
    looked.jobs(_over_capacity)
    looked.cycles()
    looked.jobs(broken_route)
    told = [
        LeftOut(job.id, f"job {job.id} was due {-job.due} ticks ago; it is planned all the same")
        for job in looked.problem.jobs
        if job.due is not None and job.due < 0
    ]
    return looked.problem, (*looked.left_out, *told)


class _Looked:
    """The problem as far as it was looked at."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.left_out: list[LeftOut] = []

    def _tell(self, name: str, reason: str) -> None:
        self.left_out.append(LeftOut(name, reason))

    def resources(self) -> None:
        """Leave out people, machines and vehicles that speak of something unknown."""
        problem = self.problem
        machines = [m for m in problem.machines if self._keep(m.id, self._machine_fault(m.id))]
        staff = [g for g in problem.staff if self._keep(g.id, self._staff_fault(g.id))]
        if len(machines) < len(problem.machines) or len(staff) < len(problem.staff):
            self.problem = replace(problem, machines=tuple(machines), staff=tuple(staff))
        transport = problem.transport
        if transport is not None:
            known = set(transport.locations)
            vehicles = [
                v
                for v in transport.vehicles
                if self._keep(v.id, _vehicle_fault(v.id, v.kind, v.at, known, transport.times))
            ]
            if transport.vehicles and not vehicles:
                self._tell("transport", "no vehicle is left; jobs that must be moved stay out")
            if len(vehicles) < len(transport.vehicles):
                kept = transport if not vehicles else replace(transport, vehicles=tuple(vehicles))
                if not vehicles:
                    kept = replace(transport, vehicles=(), times={}, handling={})
                self.problem = replace(self.problem, transport=kept)

    def _keep(self, name: str, fault: str | None) -> bool:
        if fault is not None:
            self._tell(name, fault)
        return fault is None

    def _machine_fault(self, name: str) -> str | None:
        machine = self.problem.machines_by_id[name]
        if machine.calendar is not None:
            fault = _calendar_fault(self.problem, machine.calendar)
            if fault is not None:
                return f"machine {name}: {fault}"
        if machine.setup is None:
            return None
        matrix = self.problem.setups_by_id.get(machine.setup)
        if matrix is None:
            return f"machine {name}: there is no set-up matrix {machine.setup}; add it"
        if machine.family is not None and machine.family not in matrix.families:
            return (
                f"machine {name} is set up for family {machine.family}, which is not in set-up"
                f" matrix {matrix.id}; add it or leave the family open"
            )
        return None

    def _staff_fault(self, name: str) -> str | None:
        group = next(group for group in self.problem.staff if group.id == name)
        if group.count < 1:
            return f"staff {name} has a count of {group.count}; set it to 1 or more"
        fault = None if group.calendar is None else _calendar_fault(self.problem, group.calendar)
        return None if fault is None else f"staff {name}: {fault}"

    def strangers(self) -> None:
        """Leave out operations of unknown jobs, and jobs that wait for unknown operations."""
        problem = self.problem
        kept = []
        for operation in problem.operations:
            if operation.job in problem.jobs_by_id:
                kept.append(operation)
            else:
                self._tell(
                    operation.id,
                    f"operation {operation.id} is of job {operation.job}, which is not there;"
                    " add the job or correct the id",
                )
        if len(kept) < len(problem.operations):
            self.problem = replace(problem, operations=tuple(kept))
        self._remove(_unknown_predecessors(problem, self.problem))

    def modes(self) -> None:
        """Leave out modes that cannot be; a job goes where one of its operations has none left."""
        from genba.plan.checks.modes import why_not  # numpy comes only where plans are made

        refuse = why_not(self.problem)
        operations, findings = [], []
        for operation in self.problem.operations:
            kept, reasons = [], []
            for mode in operation.modes:
                reason = refuse(operation, mode)
                if reason is None:
                    kept.append(mode)
                else:
                    reasons.append(reason)
            if len(kept) == len(operation.modes) and kept:
                operations.append(operation)
            elif kept:
                self._tell(operation.id, f"operation {operation.id}, one way of it: {reasons[0]}")
                operations.append(replace(operation, modes=tuple(kept)))
            else:
                reason = reasons[0] if reasons else "no machine is able; give it a mode"
                line = f"operation {operation.id}: {reason}"
                findings.append(Finding(operation.job, line, operation.id))
                operations.append(operation)
        if any(
            new is not old for new, old in zip(operations, self.problem.operations, strict=True)
        ):
            self.problem = replace(self.problem, operations=tuple(operations))
        self._remove(findings)

    def jobs(self, find: Callable[[Problem], Iterable[Finding]]) -> None:
        """Leave out the jobs that a check finds."""
        self._remove(list(find(self.problem)))

    def cycles(self) -> None:
        """Leave out jobs whose operations wait for each other in a circle, until there is none."""
        while cycle := _cycle(self.problem.operations):
            way = " -> ".join((*cycle, cycle[0]))
            job = self.problem.operations_by_id[cycle[0]].job
            line = f"operations wait for each other in a circle: {way}; take one of them out"
            jobs = {self.problem.operations_by_id[name].job for name in cycle}
            self._remove(Finding(name, line) for name in (job, *sorted(jobs - {job})))

    def _remove(self, findings: Iterable[Finding]) -> None:
        """Take jobs out, with those that wait for them; fixed operations that are able stay."""
        first: dict[str, str] = {}
        unable: set[str] = set()
        for finding in findings:
            first.setdefault(finding.job, finding.line)
            if finding.unable is not None:
                unable.add(finding.unable)
        if not first:
            return
        job_of = {operation.id: operation.job for operation in self.problem.operations}
        lines = dict.fromkeys(first.values())
        for line in lines:
            owner = next(job for job, told in first.items() if told == line)
            self._tell(owner, line)
        gone = set(first)
        grown = True
        while grown:
            grown = False
            for operation in self.problem.operations:
                cause = next((p for p in operation.predecessors if job_of.get(p) in gone), None)
                if cause is not None and operation.job not in gone and operation.fixed is None:
                    gone.add(operation.job)
                    grown = True
                    self._tell(
                        operation.job,
                        f"job {operation.job} waits for operation {cause}, which is left out",
                    )
        self.problem = _without(self.problem, gone, unable)
        for job in sorted(gone - {item.id for item in self.left_out}):
            self._tell(job, f"job {job} is in the same: {first[job]}")


def _without(problem: Problem, gone: set[str], unable: set[str]) -> Problem:
    kept = [
        operation
        for operation in problem.operations
        if operation.job not in gone or (operation.fixed is not None and operation.id not in unable)
    ]
    names = {operation.id for operation in kept}
    operations = tuple(
        operation
        if names.issuperset(operation.predecessors)
        else replace(operation, predecessors=tuple(p for p in operation.predecessors if p in names))
        for operation in kept
    )
    running = {operation.job for operation in operations}
    jobs = tuple(
        replace(job, destination=None) if job.id in gone else job
        for job in problem.jobs
        if job.id not in gone or job.id in running
    )
    return replace(problem, jobs=jobs, operations=operations)


def _calendar_fault(problem: Problem, name: str) -> str | None:
    calendar = problem.calendars_by_id.get(name)
    if calendar is None:
        return f"there is no calendar {name}; add it"
    if not calendar.windows:
        return f"calendar {name} has no working time; add a window"
    return None


def _vehicle_fault(
    name: str, kind: str, at: str, known: set[str], kinds: Iterable[str]
) -> str | None:
    if at not in known:
        return f"vehicle {name} stands at {at}, which is not a location; correct it or add it"
    if kind not in kinds:
        return f"vehicle {name} is a {kind}, for which there are no driving times; add them"
    return None


def _unknown_predecessors(before: Problem, problem: Problem) -> Iterator[Finding]:
    for operation in problem.operations:
        for name in operation.predecessors:
            if name not in problem.operations_by_id:
                is_out = name in before.operations_by_id
                mend = "it is left out" if is_out else "add it or correct the id"
                yield Finding(
                    operation.job,
                    f"operation {operation.id} waits for {name}, which is not there: {mend}",
                )


def _wrong_fixed(problem: Problem) -> Iterator[Finding]:
    """Find fixed operations that contradict each other or what comes before."""
    ends: dict[str, tuple[int, Operation]] = {}
    fixed = [(o.fixed.setup_start, o.fixed.end, o) for o in problem.operations if o.fixed]
    for start, end, operation in sorted(fixed, key=lambda item: item[:2]):
        decided = operation.fixed
        if decided is None:
            continue
        if not any(mode.machine == decided.machine for mode in operation.modes):
            yield Finding(
                operation.job,
                f"operation {operation.id} is fixed on {decided.machine}, where it cannot be done;"
                " add that mode or fix it elsewhere",
                operation.id,
            )
        free, other = ends.get(decided.machine, (start, operation))
        is_batch = operation.batch is not None and operation.batch == other.batch
        if start < free and not (is_batch and other.fixed == decided):
            yield Finding(
                operation.job,
                f"operation {operation.id} is fixed on {decided.machine} while {other.id} is;"
                " move one of them",
                operation.id,
            )
            continue
        if end >= free:
            ends[decided.machine] = end, operation
        for name in operation.predecessors:
            before = problem.operations_by_id[name]
            if before.fixed is None:
                yield Finding(
                    operation.job,
                    f"operation {operation.id} is fixed, but {name} before it is not; fix both",
                )
                line = f"operation {name} is not fixed, but {operation.id} after it is"
                yield Finding(before.job, line)


def _over_capacity(problem: Problem) -> Iterator[Finding]:
    for operation in problem.operations:
        most = operation.batch_parts
        if operation.batch is not None and most is not None and operation.parts > most:
            yield Finding(
                operation.job,
                f"operation {operation.id} has {operation.parts} parts; its batch holds {most};"
                " split the lot",
            )


def _cycle(operations: Iterable[Operation]) -> list[str]:
    """Return operations that wait for each other, each for the one after it; empty if none do."""
    waits = {o.id: set(o.predecessors) for o in operations}
    after: dict[str, list[str]] = {name: [] for name in waits}
    for name, before in waits.items():
        for predecessor in before:
            after[predecessor].append(name)
    ready = [name for name, before in waits.items() if not before]
    while ready:
        done = ready.pop()
        for name in after[done]:
            waits[name].discard(done)
            if not waits[name]:
                ready.append(name)
        del waits[done]
    if not waits:
        return []
    way = [next(iter(waits))]
    while True:
        following = min(waits[way[-1]] & waits.keys())
        if following in way:
            return way[way.index(following) :]
        way.append(following)
