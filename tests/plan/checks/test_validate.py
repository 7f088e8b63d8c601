"""The checker finds each kind of violation, and nothing in a plan that has none."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from genba.plan import (
    Assignment,
    Attendance,
    Calendar,
    Energy,
    Fixed,
    Goal,
    Job,
    LeftOut,
    Leg,
    Machine,
    Mode,
    Objective,
    Operation,
    Plan,
    Problem,
    SetupMatrix,
    Staff,
    Status,
    Transport,
    Vehicle,
    values_of,
    violations,
)


def plan(*assignments: Assignment, **about: object) -> Plan:
    return Plan(tuple(assignments), **about)  # type: ignore[arg-type]


def one_machine(*modes: Mode, **about: object) -> Problem:
    """Jobs a, b, ... of one operation each on the machines of their modes."""
    names = "abcdefg"[: len(modes)]
    machines = about.pop("machines", (Machine("m"), Machine("n")))
    return Problem(
        machines,  # type: ignore[arg-type]
        tuple(Job(name) for name in names),
        tuple(Operation(name, name, (mode,)) for name, mode in zip(names, modes, strict=True)),
        **about,  # type: ignore[arg-type]
    )


def found(problem: Problem, candidate: Plan, words: str) -> None:
    """Assert that one of the violations has the words."""
    assert any(words in line for line in violations(problem, candidate)), violations(
        problem, candidate
    )


LINE = one_machine(Mode("m", 5), Mode("m", 3))
GOOD = plan(Assignment("a", "m", 0, 0, 5), Assignment("b", "m", 5, 5, 8))


def test_a_legal_plan_has_no_violations() -> None:
    assert violations(LINE, replace(GOOD, values=values_of(LINE, GOOD))) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: replace(p, assignments=p.assignments[:1]), "b is neither planned nor left out"),
        (lambda p: replace(p, assignments=(*p.assignments, p.assignments[0])), "planned 2 times"),
        (lambda p: plan(*p.assignments, Assignment("z", "m", 9, 9, 9)), "z is not in the problem"),
        (lambda p: moved(p, "b", machine="zz"), "which does not exist"),
        (lambda p: moved(p, "b", machine="n"), "cannot be done on machine n"),
        (lambda p: moved(p, "b", start=9, setup_start=9), "ends before it starts"),
        (lambda p: moved(p, "b", end=9), "takes 3 working ticks"),
        (lambda p: moved(p, "b", setup_start=4), "takes 0 working ticks"),
        (lambda p: moved(p, "b", setup_start=3, start=3, end=6), "before the end of a"),
    ],
)
def test_coverage_and_times_are_checked(change: Callable[[Plan], Plan], words: str) -> None:
    found(LINE, change(GOOD), words)


def moved(candidate: Plan, operation: str, **about: object) -> Plan:
    return replace(
        candidate,
        assignments=tuple(
            replace(a, **about) if a.operation == operation else a for a in candidate.assignments
        ),
    )


def test_an_operation_may_be_missing_if_the_plan_says_so() -> None:
    without = replace(GOOD, assignments=GOOD.assignments[:1])
    assert violations(LINE, replace(without, left_out=(LeftOut("b", "no time"),))) == []


def test_a_machine_takes_nothing_before_it_is_free() -> None:
    busy = replace(LINE, machines=(Machine("m", free_from=2), Machine("n")))
    found(busy, GOOD, "before it is free")


def test_releases_and_predecessors_are_kept() -> None:
    late = replace(LINE, jobs=(Job("a"), Job("b", release=6)))
    found(late, GOOD, "before its release at 6")
    chained = replace(
        LINE, operations=(LINE.operations[0], replace(LINE.operations[1], predecessors=("a",)))
    )
    assert violations(chained, GOOD) == []
    found(chained, moved(GOOD, "a", setup_start=20, start=20, end=25), "before a ends")
    out = replace(GOOD, assignments=GOOD.assignments[1:], left_out=(LeftOut("a", "no time"),))
    found(chained, out, "a before it is not")


MATRIX = SetupMatrix("s", ("x", "y"), ((0, 4), (6, 0)), (1, 2))


def test_setups_depend_on_what_was_before() -> None:
    problem = one_machine(
        Mode("m", 5, "x"),
        Mode("m", 3, "y"),
        machines=(Machine("m", setup="s", family="y"),),
        setups=(MATRIX,),
    )
    good = plan(Assignment("a", "m", 0, 6, 11), Assignment("b", "m", 11, 15, 18))
    assert violations(problem, good) == []
    found(problem, moved(good, "b", setup_start=12), "from x takes 4 working ticks")
    unknown = replace(problem, machines=(Machine("m", setup="s"),))
    found(unknown, good, "from None takes 1 working ticks")


def test_a_setup_that_needs_the_job_waits_for_it() -> None:
    problem = one_machine(Mode("m", 5, "x"), machines=(Machine("m", setup="s"),), setups=(MATRIX,))
    problem = replace(problem, jobs=(Job("a", release=7),))
    before = plan(Assignment("a", "m", 6, 7, 12))
    assert violations(problem, before) == []
    attached = replace(problem, machines=(Machine("m", setup="s", setup_needs_job=True),))
    found(attached, before, "before its release")


def test_work_stays_within_calendars() -> None:
    hard = Calendar("c", ((0, 10), (20, 30)))
    problem = one_machine(Mode("m", 8), machines=(Machine("m", "c"),), calendars=(hard,))
    assert violations(problem, plan(Assignment("a", "m", 1, 1, 9))) == []
    found(problem, plan(Assignment("a", "m", 5, 5, 23)), "one window")
    found(problem, plan(Assignment("a", "m", 12, 12, 20)), "working ticks")
    soft = replace(problem, calendars=(replace(hard, interruptible=True),))
    assert violations(soft, plan(Assignment("a", "m", 5, 5, 23))) == []
    found(soft, plan(Assignment("a", "m", 5, 5, 22)), "takes 8 working ticks")


def batch_problem(parts: int = 2) -> Problem:
    problem = one_machine(Mode("m", 5), Mode("m", 3))
    operations = tuple(
        replace(o, batch="oven", parts=parts, batch_parts=4) for o in problem.operations
    )
    return replace(problem, operations=operations)


def test_batches_share_times_word_family_and_room() -> None:
    together = plan(Assignment("a", "m", 0, 0, 5), Assignment("b", "m", 0, 0, 5))
    assert violations(batch_problem(), together) == []
    found(batch_problem(parts=3), together, "has 6 parts; it holds 4")
    found(LINE, together, "before the end of a")
    found(batch_problem(), moved(together, "b", end=3), "before the end of")
    short = moved(moved(together, "a", end=3), "b", end=3)
    found(batch_problem(), short, "takes 5 working ticks")
    first = batch_problem()
    mixed = replace(
        first,
        operations=(
            first.operations[0],
            replace(first.operations[1], modes=(Mode("m", 3, "x"),)),
        ),
    )
    found(mixed, together, "mixes set-up families")


def staffed(**about: object) -> Problem:
    mode = Mode("m", 5, skill="mill", attendance=Attendance.WHOLE)
    group: dict[str, object] = {"skills": frozenset({"mill"}), **about}
    return one_machine(
        mode,
        replace(mode, machine="n"),
        staff=(Staff("anna", **group), Staff("bob", frozenset())),  # type: ignore[arg-type]
        calendars=(Calendar("day", ((0, 6), (6, 50))),),
    )


def test_people_have_the_skill_are_there_and_do_one_thing_at_a_time() -> None:
    good = plan(Assignment("a", "m", 0, 0, 5, "anna"), Assignment("b", "n", 5, 5, 10, "anna"))
    assert violations(staffed(), good) == []
    found(staffed(), moved(good, "a", staff=None), "nobody with skill mill")
    found(staffed(), moved(good, "a", staff="bob"), "bob lacks mill")
    found(staffed(), moved(good, "a", staff="carl"), "unknown")
    same_time = moved(good, "b", setup_start=4, start=4, end=9)
    found(staffed(), same_time, "staff anna: 2 wanted at 4")
    assert violations(staffed(count=2), same_time) == []
    found(staffed(calendar="day"), good, "anna is not there all the time")


def test_tools_are_counted() -> None:
    problem = one_machine(Mode("m", 5, tools=("jig",)), Mode("n", 5, tools=("jig",)))
    problem = replace(problem, tools={"jig": 1})
    both = plan(Assignment("a", "m", 0, 0, 5), Assignment("b", "n", 4, 4, 9))
    found(problem, both, "tool jig: 2 wanted at 4")
    assert violations(replace(problem, tools={"jig": 2}), both) == []


def test_power_stays_below_its_cap() -> None:
    problem = one_machine(Mode("m", 5, power_kw=3.0), Mode("n", 5, power_kw=2.0))
    both = plan(Assignment("a", "m", 0, 0, 5), Assignment("b", "n", 4, 4, 9))
    assert violations(replace(problem, energy=Energy(cap_kw=5.0)), both) == []
    found(replace(problem, energy=Energy(cap_kw=4.9)), both, "power: 5 wanted at 4")


def test_fixed_operations_are_not_moved_and_not_blamed() -> None:
    fixed = Fixed("m", -3, -1, 6)
    problem = replace(
        LINE, operations=(replace(LINE.operations[0], fixed=fixed), LINE.operations[1])
    )
    good = plan(Assignment("a", "m", -3, -1, 6), Assignment("b", "m", 6, 6, 9))
    assert violations(problem, good) == []
    found(problem, moved(good, "a", end=5), "is fixed, and was moved")


def test_a_full_station_takes_no_other_job() -> None:
    problem = Problem(
        (Machine("m", places=1), Machine("n")),
        (Job("a"), Job("b")),
        (
            Operation("a1", "a", (Mode("m", 2),)),
            Operation("a2", "a", (Mode("n", 2),), ("a1",)),
            Operation("b1", "b", (Mode("m", 2),)),
        ),
    )
    waits = plan(
        Assignment("a1", "m", 0, 0, 2),
        Assignment("a2", "n", 5, 5, 7),
        Assignment("b1", "m", 3, 3, 5),
    )
    found(problem, waits, "station m holds 2 jobs when b comes at 3")
    assert violations(problem, moved(waits, "b1", setup_start=5, start=5, end=7)) == []


MOVED = Problem(
    (Machine("m"), Machine("n")),
    (Job("a", origin="store", destination="store"),),
    (Operation("a1", "a", (Mode("m", 2),)), Operation("a2", "a", (Mode("n", 2),), ("a1",))),
    transport=Transport(
        ("m", "n", "store"),
        {"amr": ((0, 3, 4), (3, 0, 5), (4, 5, 0)), "fork": ((0, -1, -1), (-1, 0, -1), (-1, -1, 0))},
        {"amr": 1},
        (Vehicle("v", "amr", "store"), Vehicle("w", "fork", "store")),
    ),
)
TRIPS = plan(
    Assignment("a1", "m", 5, 5, 7),
    Assignment("a2", "n", 11, 11, 13),
    legs=(
        Leg("a", "a1", "v", "amr", "store", "m", 0, 0, 5),
        Leg("a", "a2", "v", "amr", "m", "n", 7, 7, 11),
        Leg("a", None, "v", "amr", "n", "store", 13, 13, 19),
    ),
)


def leg(number: int, **about: object) -> Plan:
    legs = list(TRIPS.legs)
    legs[number] = replace(legs[number], **about)  # type: ignore[arg-type]
    return replace(TRIPS, legs=tuple(legs))


def test_a_job_that_is_brought_everywhere_in_time_is_legal() -> None:
    assert violations(MOVED, replace(TRIPS, values=values_of(MOVED, TRIPS))) == []
    assert values_of(MOVED, TRIPS)[Goal.MAKESPAN] == 19


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (leg(1, origin="store"), "the job is at m"),
        (leg(1, start=6, end=10), "the job is ready at 7"),
        (leg(1, end=12), "takes 5 ticks; a amr needs 4"),
        (leg(1, start=8, end=12), "a is there from 12"),
        (leg(1, vehicle="zz"), "which does not exist"),
        (leg(1, vehicle="w"), "vehicle w is not a amr"),
        (leg(1, kind="fork", vehicle="w"), "a fork cannot go there"),
        (leg(1, empty_start=4), "it is busy until 5"),
        (leg(2, empty_start=14), "leaves after it has picked it up"),
        (leg(0, job="z"), "job z, which does not exist"),
        (leg(0, operation="zz"), "not an operation of it"),
        (replace(TRIPS, legs=TRIPS.legs[:2]), "a ends at n; it is wanted at store"),
        (replace(TRIPS, legs=TRIPS.legs[1:]), "a is at store when a1 wants it at m"),
    ],
)
def test_trips_are_checked(candidate: Plan, words: str) -> None:
    found(MOVED, candidate, words)


def test_a_vehicle_needs_time_to_come() -> None:
    away = replace(
        MOVED,
        transport=replace(MOVED.transport, vehicles=(Vehicle("v", "amr", "m"),)),  # type: ignore[type-var]
    )
    found(away, TRIPS, "cannot be at store for job a in time")


def test_transport_is_only_where_there_is_some() -> None:
    found(replace(MOVED, transport=None), TRIPS, "the problem has no transport")


def test_values_bounds_and_gaps_are_counted_again() -> None:
    found(LINE, replace(GOOD, values={Goal.MAKESPAN: 7.0}), "says makespan 7; it is 8")
    found(LINE, replace(GOOD, gap=-0.1), "gap -0.1 is negative")
    makespan = Objective()
    assert violations(LINE, replace(GOOD, bound=8.0, status=Status.OPTIMAL), makespan) == []
    above = violations(LINE, replace(GOOD, bound=9.0), makespan)
    assert any("the bound 9 is above the value 8" in line for line in above)
    claimed = violations(LINE, replace(GOOD, bound=7.0, status=Status.OPTIMAL), makespan)
    assert any("called optimal" in line for line in claimed)


@pytest.mark.parametrize("goal", [Goal.TARDINESS, Goal.SETUPS, Goal.ENERGY, Goal.FLOW])
def test_each_value_is_counted(goal: Goal) -> None:
    problem = replace(
        one_machine(
            Mode("m", 5, "x", power_kw=2.0),
            Mode("m", 3, "y", power_kw=1.0),
            machines=(Machine("m", setup="s"),),
            setups=(MATRIX,),
            energy=Energy(((0, 4, 0.5), (4, 30, 0.25))),
        ),
        jobs=(Job("a", due=2, weight=2.0), Job("b", due=10)),
        tick_s=3600.0,
    )
    good = plan(Assignment("a", "m", 0, 1, 6), Assignment("b", "m", 6, 10, 13))
    expected = {
        Goal.TARDINESS: 2 * 4 + 3,
        Goal.SETUPS: 1 + 4,
        Goal.ENERGY: 2 * (3 * 0.5 + 2 * 0.25) + 3 * 0.25,
        Goal.FLOW: 6 + 13,
    }
    values = values_of(problem, good)
    assert values[goal] == pytest.approx(expected[goal])
    assert violations(problem, replace(good, values=values)) == []
    found(problem, replace(good, values={**values, goal: values[goal] + 1}), f"says {goal}")


def test_stability_counts_machines_neighbors_and_shifts() -> None:
    problem = one_machine(Mode("m", 5), Mode("m", 3))
    both = tuple(
        replace(o, modes=(*o.modes, replace(o.modes[0], machine="n"))) for o in problem.operations
    )
    problem = replace(problem, operations=both)
    objective = Objective(((Goal.STABILITY, 1.0),), reference=GOOD)
    other = plan(Assignment("a", "m", 0, 0, 5), Assignment("b", "n", 0, 0, 3))
    values = values_of(problem, other, objective)
    assert values[Goal.STABILITY] == pytest.approx(10 + 1 + 0.005)
    assert violations(problem, replace(other, values=values), objective) == []
