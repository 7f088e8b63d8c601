"""Random scheduling problems, small enough to look at: for property tests and comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from genba.plan.problem import (
    Attendance,
    Calendar,
    Energy,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    SetupMatrix,
    Staff,
    Transport,
    Vehicle,
)

FEATURES = (
    "alternatives",
    "releases",
    "calendars",
    "breaks",
    "setups",
    "detached",
    "staff",
    "tools",
    "batches",
    "places",
    "transport",
    "fleet",
    "power",
    "energy",
    "assembly",
    "fixed",
)
"""What a problem may have; "breaks" are interruptible calendars, "fleet" counted vehicles."""

HORIZON = 2000
FAMILIES = ("red", "green", "blue")


def flexible_shop(
    jobs: int = 6,
    machines: int = 4,
    steps: int = 4,
    able: int = 2,
    seed: int = 0,
    longest: int = 30,
) -> Problem:
    """Make a plain flexible job shop: linear routings, ``able`` machines for each operation."""
    random = Random(seed)
    operations = []
    for job in range(jobs):
        before: tuple[str, ...] = ()
        for step in range(steps):
            name = f"j{job}.{step}"
            chosen = random.sample(range(machines), min(able, machines))
            modes = tuple(Mode(f"m{m}", random.randint(1, longest)) for m in chosen)
            operations.append(Operation(name, f"j{job}", modes, before))
            before = (name,)
    return Problem(
        tuple(Machine(f"m{m}") for m in range(machines)),
        tuple(Job(f"j{job}") for job in range(jobs)),
        tuple(operations),
    )


def setup_shop(jobs: int = 50, machines: int = 4, steps: int = 3, seed: int = 0) -> Problem:
    """Make a flexible shop with set-up families and due dates that are hard to keep."""
    random = Random(seed)
    plain = flexible_shop(jobs, machines, steps, 2, seed, longest=20)
    families = tuple(f"f{i}" for i in range(6))
    times = tuple(tuple(0 if a == b else random.randint(5, 25) for b in range(6)) for a in range(6))
    matrix = SetupMatrix("change", families, times, (10,) * 6)
    operations = tuple(
        replace(
            operation,
            modes=tuple(
                replace(mode, family=families[random.randrange(6)]) for mode in operation.modes
            ),
        )
        for operation in plain.operations
    )
    load = sum(min(m.ticks for m in o.modes) for o in operations) // machines
    due_jobs = tuple(
        replace(job, due=random.randint(load // 4, load), weight=float(random.randint(1, 5)))
        for job in plain.jobs
    )
    shop = tuple(replace(machine, setup="change") for machine in plain.machines)
    return replace(plain, machines=shop, jobs=due_jobs, operations=operations, setups=(matrix,))


def random_problem(seed: int, features: Sequence[str] = FEATURES, jobs: int = 4) -> Problem:
    """Make a small problem that has the features; it can always be planned whole."""
    return _Maker(Random(seed), frozenset(features), jobs).problem()


def scaled(problem: Problem, factor: int) -> Problem:
    """Return the same problem with all times multiplied by a whole number."""

    def times(matrix: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(t * factor if t > 0 else t for t in row) for row in matrix)

    transport = problem.transport
    if transport is not None:
        transport = replace(
            transport,
            times={kind: times(matrix) for kind, matrix in transport.times.items()},
            handling={kind: ticks * factor for kind, ticks in transport.handling.items()},
            vehicles=tuple(replace(v, free_from=v.free_from * factor) for v in transport.vehicles),
        )
    return replace(
        problem,
        machines=tuple(replace(m, free_from=m.free_from * factor) for m in problem.machines),
        jobs=tuple(
            replace(j, release=j.release * factor, due=None if j.due is None else j.due * factor)
            for j in problem.jobs
        ),
        operations=tuple(
            replace(
                o,
                modes=tuple(replace(m, ticks=m.ticks * factor) for m in o.modes),
                fixed=o.fixed
                and Fixed(
                    o.fixed.machine,
                    o.fixed.setup_start * factor,
                    o.fixed.start * factor,
                    o.fixed.end * factor,
                ),
            )
            for o in problem.operations
        ),
        calendars=tuple(
            replace(c, windows=tuple((s * factor, e * factor) for s, e in c.windows))
            for c in problem.calendars
        ),
        setups=tuple(
            replace(s, times=times(s.times), first=tuple(t * factor for t in s.first))
            for s in problem.setups
        ),
        transport=transport,
        energy=replace(
            problem.energy,
            prices=tuple((s * factor, e * factor, p) for s, e, p in problem.energy.prices),
        ),
    )


def renamed(problem: Problem) -> Problem:
    """Return the same problem with other ids for jobs, operations and machines."""

    def new(name: str) -> str:
        return f"x-{name}-y"

    return replace(
        problem,
        machines=tuple(
            replace(m, id=new(m.id), location=m.at if problem.transport else None)
            for m in problem.machines
        ),
        jobs=tuple(replace(j, id=new(j.id)) for j in problem.jobs),
        operations=tuple(
            replace(
                o,
                id=new(o.id),
                job=new(o.job),
                predecessors=tuple(map(new, o.predecessors)),
                modes=tuple(replace(m, machine=new(m.machine)) for m in o.modes),
                fixed=o.fixed and replace(o.fixed, machine=new(o.fixed.machine)),
            )
            for o in problem.operations
        ),
    )


@dataclass(frozen=True)
class _Maker:
    random: Random
    features: frozenset[str]
    count: int

    def problem(self) -> Problem:
        has = self.features.__contains__
        machines = tuple(self._machine(number) for number in range(3))
        operations = self._operations(machines)
        problem = Problem(
            machines,
            tuple(self._job(number) for number in range(self.count)),
            operations,
            calendars=self._calendars(),
            setups=(self._matrix(),) if has("setups") else (),
            staff=self._staff() if has("staff") else (),
            tools={"jig": 1, "gauge": 2} if has("tools") else {},
            transport=self._transport() if has("transport") else None,
            energy=Energy(
                ((0, 60, 0.3), (60, 200, 0.1), (200, HORIZON, 0.2)) if has("energy") else (),
                9.0 if has("power") else None,
            ),
            tick_s=60.0,
        )
        return self._with_fixed(problem) if has("fixed") else problem

    def _machine(self, number: int) -> Machine:
        random, has = self.random, self.features.__contains__
        calendar = random.choice([None, "day"]) if has("calendars") else None
        if has("breaks"):
            calendar = random.choice([calendar, "shift"])
        return Machine(
            f"m{number}",
            calendar,
            "change" if has("setups") else None,
            random.choice([None, "red"]) if has("setups") else None,
            setup_needs_job=random.random() < (0.5 if has("detached") else 1.0),
            free_from=random.choice([0, 0, 7]),
            places=random.choice([None, 1, 2]) if has("places") else None,
        )

    def _calendars(self) -> tuple[Calendar, ...]:
        day = tuple((start, start + 60) for start in range(0, 100 * HORIZON, 90))
        shift = tuple((start, start + 25) for start in range(5, 100 * HORIZON, 40))
        return Calendar("day", day), Calendar("shift", shift, interruptible=True)

    def _matrix(self) -> SetupMatrix:
        rows = tuple(
            tuple(0 if a == b else self.random.randint(0, 9) for b in range(3)) for a in range(3)
        )
        return SetupMatrix("change", FAMILIES, rows, (4, 5, 6))

    def _staff(self) -> tuple[Staff, ...]:
        has = self.features.__contains__
        second = "day" if has("calendars") else None
        third = "shift" if has("breaks") else None
        return (
            Staff("anna", frozenset({"mill", "turn"})),
            Staff("two", frozenset({"mill"}), 2, second),
            Staff("night", frozenset({"turn"}), 1, third),
        )

    def _transport(self) -> Transport:
        locations = ("m0", "m1", "m2", "store")
        apart = self.random.randint(1, 6)
        grid = tuple(tuple(abs(a - b) * apart for b in range(4)) for a in range(4))
        slow = tuple(tuple(abs(a - b) * apart * 2 for b in range(4)) for a in range(4))
        vehicles = (
            (Vehicle("v0", "amr", "store"), Vehicle("v1", "hoist", "m1", 3))
            if "fleet" in self.features
            else ()
        )
        return Transport(locations, {"amr": grid, "hoist": slow}, {"amr": 1}, vehicles)

    def _job(self, number: int) -> Job:
        random, has = self.random, self.features.__contains__
        return Job(
            f"j{number}",
            random.randint(0, 30) if has("releases") else 0,
            random.choice([None, random.randint(10, 150)]),
            float(random.randint(1, 4)),
            random.choice([None, "store"]) if has("transport") else None,
            random.choice([None, "store"]) if has("transport") else None,
        )

    def _operations(self, machines: Sequence[Machine]) -> tuple[Operation, ...]:
        random, has = self.random, self.features.__contains__
        found: list[Operation] = []
        for number in range(self.count):
            before: tuple[str, ...] = ()
            for step in range(random.randint(1, 3)):
                count = random.randint(1, 2) if has("alternatives") else 1
                chosen = random.sample(machines, count)
                batch = "oven" if has("batches") and random.random() < 0.4 else None
                family = random.choice(FAMILIES) if batch is None else "red"
                modes = tuple(self._mode(machine, family) for machine in chosen)
                name, waits = f"j{number}.{step}", before
                if has("assembly") and found and random.random() < 0.3:
                    waits = tuple(dict.fromkeys((*before, random.choice(found).id)))
                found.append(
                    Operation(
                        name,
                        f"j{number}",
                        modes,
                        waits,
                        random.randint(1, 3),
                        batch,
                        None if batch is None else random.choice([4, 6]),
                    )
                )
                before = (name,)
        return tuple(found)

    def _mode(self, machine: Machine, family: str) -> Mode:
        random, has = self.random, self.features.__contains__
        skill = random.choice([None, "mill", "turn"]) if has("staff") else None
        return Mode(
            machine.id,
            random.randint(1, 16),
            family if has("setups") else None,
            random.choice([(), ("jig",), ("gauge",)]) if has("tools") else (),
            skill,
            random.choice([Attendance.SETUP, Attendance.WHOLE]),
            float(random.randint(0, 6)) if has("power") or has("energy") else 0.0,
        )

    def _with_fixed(self, problem: Problem) -> Problem:
        """Let the first operation of the first job run already, if it can."""
        first = problem.operations[0]
        mode = first.modes[0]
        fixed = Fixed(mode.machine, -4, -2, 9)
        released = replace(problem.jobs[0], release=0)
        return replace(
            problem,
            jobs=(released, *problem.jobs[1:]),
            operations=(replace(first, fixed=fixed), *problem.operations[1:]),
        )
