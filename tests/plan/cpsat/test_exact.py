"""Each feature of the problem in an instance so small that the best plan can be counted by hand."""

from dataclasses import replace

import pytest
from tests.plan.problems import random_problem, scaled

from genba.plan.checks.examine import examine
from genba.plan.checks.validate import violations
from genba.plan.cpsat import solve_exactly
from genba.plan.objective import MAKESPAN, Goal, Objective
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
from genba.plan.schedule import Plan, Status
from genba.plan.timing.decode import Decoder
from genba.plan.values import values_of

FAMILIES = SetupMatrix("change", ("red", "green"), ((0, 5), (5, 0)), (0, 0))


def solved(problem: Problem, *goals: Goal, **settings: object) -> Plan:
    """Solve to the end, and check all that the plan says of itself."""
    pairs = tuple((goal, 1.0) for goal in goals) or MAKESPAN.goals
    objective = Objective(pairs, **settings)  # type: ignore[arg-type]
    plan = solve_exactly(problem, objective, time_limit_s=30.0)
    assert plan is not None
    assert violations(problem, plan, objective) == []
    assert plan.status is Status.OPTIMAL
    return plan


def makespan(problem: Problem) -> float:
    return solved(problem).values[Goal.MAKESPAN]


def shop(
    *jobs: list[Mode] | list[tuple[Mode, ...]], machines: tuple[Machine, ...], **more: object
) -> Problem:
    """Make a problem of jobs that are lists of modes, one operation each."""
    operations = []
    for number, job in enumerate(jobs):
        before: tuple[str, ...] = ()
        for step, modes in enumerate(job):
            name = f"{number}.{step}"
            listed = modes if isinstance(modes, tuple) else (modes,)
            operations.append(Operation(name, f"j{number}", listed, before))
            before = (name,)
    names = tuple(Job(f"j{number}") for number in range(len(jobs)))
    return Problem(machines, names, tuple(operations), **more)  # type: ignore[arg-type]


def with_jobs(problem: Problem, *jobs: Job) -> Problem:
    return replace(problem, jobs=jobs)


M, N = Machine("m"), Machine("n")


def test_alternatives_share_the_work() -> None:
    either = (Mode("m", 4), Mode("n", 6))
    assert makespan(shop([either], [either], machines=(M, N))) == 6


def test_an_assembly_waits_for_its_parts() -> None:
    parts = shop([Mode("m", 4)], [Mode("n", 7)], [Mode("m", 2)], machines=(M, N))
    first, second, whole = parts.operations
    tree = replace(parts, operations=(first, second, replace(whole, predecessors=("0.0", "1.0"))))
    assert makespan(tree) == 9


def test_families_are_put_together() -> None:
    machine = Machine("m", setup="change")
    jobs = [[Mode("m", 3, family)] for family in ("red", "green", "red")]
    plan = solved(shop(*jobs, machines=(machine,), setups=(FAMILIES,)))
    assert plan.values[Goal.MAKESPAN] == 14
    assert plan.values[Goal.SETUPS] == 5


@pytest.mark.parametrize(("needs_job", "end"), [(False, 13), (True, 18)])
def test_a_setup_may_come_before_the_job_only_where_it_does_not_need_it(
    needs_job: bool, end: int
) -> None:
    machine = Machine("m", setup="change", family="red", setup_needs_job=needs_job)
    one = shop([Mode("m", 3, "green")], machines=(machine,), setups=(FAMILIES,))
    assert makespan(with_jobs(one, Job("j0", release=10))) == end


@pytest.mark.parametrize(("interruptible", "end"), [(False, 14), (True, 9)])
def test_only_work_that_can_be_interrupted_goes_on_after_a_break(
    interruptible: bool, end: int
) -> None:
    day = Calendar("day", ((0, 5), (8, 20)), interruptible)
    assert makespan(shop([Mode("m", 6)], machines=(Machine("m", "day"),), calendars=(day,))) == end


def test_work_does_not_cross_from_one_window_to_one_that_touches_it() -> None:
    day = Calendar("day", ((0, 5), (5, 20)))
    assert makespan(shop([Mode("m", 6)], machines=(Machine("m", "day"),), calendars=(day,))) == 11


def test_setup_and_processing_stand_in_one_window() -> None:
    day = Calendar("day", ((0, 7), (9, 30)))
    machine = Machine("m", "day", "change", "red")
    one = shop([Mode("m", 3, "green")], machines=(machine,), calendars=(day,), setups=(FAMILIES,))
    assert makespan(one) == 17


@pytest.mark.parametrize(("attendance", "end"), [(Attendance.SETUP, 14), (Attendance.WHOLE, 18)])
def test_one_person_serves_two_machines_one_after_the_other(
    attendance: Attendance, end: int
) -> None:
    machines = (
        Machine("m", setup="change", family="red"),
        Machine("n", setup="change", family="red"),
    )
    jobs = [[Mode(m.id, 4, "green", skill="turn", attendance=attendance)] for m in machines]
    group = Staff("anna", frozenset({"turn"}))
    assert makespan(shop(*jobs, machines=machines, setups=(FAMILIES,), staff=(group,))) == end


def test_the_person_who_is_there_is_taken() -> None:
    groups = (
        Staff("anna", frozenset({"turn"}), calendar="late"),
        Staff("otto", frozenset({"turn"}), calendar="early"),
        Staff("emil", frozenset({"mill"})),
    )
    calendars = Calendar("early", ((0, 8),)), Calendar("late", ((10, 30),))
    job = [Mode("m", 5, skill="turn", attendance=Attendance.WHOLE)]
    plan = solved(shop(job, machines=(M,), staff=groups, calendars=calendars))
    assert plan.values[Goal.MAKESPAN] == 5
    assert plan.assignments[0].staff == "otto"


@pytest.mark.parametrize(("count", "end"), [(1, 10), (2, 5)])
def test_tools_are_shared(count: int, end: int) -> None:
    jobs = [Mode("m", 5, tools=("jig",))], [Mode("n", 5, tools=("jig",))]
    assert makespan(shop(*jobs, machines=(M, N), tools={"jig": count})) == end


def test_a_batch_holds_so_many_parts_and_takes_the_longest_time() -> None:
    lots = shop([Mode("m", 10)], [Mode("m", 7)], [Mode("m", 7)], machines=(M,))
    oven = replace(
        lots,
        operations=tuple(replace(o, batch="oven", batch_parts=4, parts=2) for o in lots.operations),
    )
    assert makespan(oven) == 17
    assert makespan(lots) == 24


@pytest.mark.parametrize(("places", "end"), [(None, 13), (1, 14)])
def test_a_full_station_blocks_the_one_before(places: int | None, end: int) -> None:
    machines = Machine("m", places=places), Machine("n", places=places)
    jobs = [[Mode("m", 2), Mode("n", 10)], [Mode("m", 2), Mode("n", 1)], [Mode("m", 9)]]
    assert makespan(shop(*jobs, machines=machines)) == end


def test_trips_take_driving_and_handling() -> None:
    way = Transport(("m", "n"), {"amr": ((0, 3), (3, 0))}, {"amr": 1})
    assert makespan(shop([Mode("m", 5), Mode("n", 5)], machines=(M, N), transport=way)) == 14


@pytest.mark.parametrize(("count", "end"), [(1, 11), (2, 5)])
def test_vehicles_drive_back_without_a_load(count: int, end: int) -> None:
    way = Transport(
        ("store", "m", "n"),
        {"amr": ((0, 3, 3), (3, 0, 1), (3, 1, 0))},
        vehicles=tuple(Vehicle(f"v{n}", "amr", "store") for n in range(count)),
    )
    lots = shop([Mode("m", 2)], [Mode("n", 2)], machines=(M, N), transport=way)
    at_store = Job("j0", origin="store"), Job("j1", origin="store")
    assert makespan(with_jobs(lots, *at_store)) == end


def test_a_job_is_done_when_it_is_home() -> None:
    way = Transport(("store", "m"), {"amr": ((0, 3), (4, 0))}, vehicles=(Vehicle("v", "amr", "m"),))
    one = shop([Mode("m", 2)], machines=(M,), transport=way)
    home = with_jobs(one, Job("j0", origin="store", destination="store", due=5))
    plan = solved(home, Goal.TARDINESS)
    assert plan.values[Goal.TARDINESS] == 4 + 3 + 2 + 4 - 5


def test_what_is_fixed_stays_and_the_rest_goes_round_it() -> None:
    lots = shop([Mode("m", 4)], [Mode("m", 3)], machines=(M,))
    first, second = lots.operations
    fixed = replace(first, fixed=Fixed("m", 2, 2, 6))
    assert makespan(replace(lots, operations=(fixed, second))) == 9


def test_a_machine_takes_nothing_before_it_is_free() -> None:
    assert makespan(shop([Mode("m", 3)], machines=(Machine("m", free_from=4),))) == 7


def test_energy_is_bought_when_it_is_cheap() -> None:
    day = Calendar("day", ((0, 20),))
    prices = Energy(((0, 10, 1.0), (10, 20, 0.5)))
    one = shop(
        [Mode("m", 4, power_kw=2.0)],
        machines=(Machine("m", "day"),),
        calendars=(day,),
        energy=prices,
        tick_s=3600.0,
    )
    assert solved(one, Goal.ENERGY).values[Goal.ENERGY] == pytest.approx(4.0)
    assert solved(one, Goal.MAKESPAN, Goal.ENERGY).values[Goal.ENERGY] == pytest.approx(8.0)


def test_power_stays_under_the_cap() -> None:
    jobs = [[Mode("m", 5, power_kw=3.0)], [Mode("n", 5, power_kw=3.0)]]
    assert makespan(shop(*jobs, machines=(M, N), energy=Energy(cap_kw=5.0))) == 10
    assert makespan(shop(*jobs, machines=(M, N), energy=Energy(cap_kw=6.0))) == 5


def test_the_weightier_job_is_in_time() -> None:
    lots = shop([Mode("m", 5)], [Mode("m", 5)], machines=(M,))
    due = with_jobs(lots, Job("j0", due=5, weight=1.0), Job("j1", due=5, weight=3.0))
    assert solved(due, Goal.TARDINESS).values[Goal.TARDINESS] == 5


def test_goals_in_order_let_the_next_only_break_ties() -> None:
    machine = Machine("m", setup="change", family="red")
    modes = [[Mode("m", 4, "green")], [Mode("m", 4, "red")]]
    lots = shop(*modes, machines=(machine,), setups=(FAMILIES,))
    due = with_jobs(lots, Job("j0", due=9), Job("j1", due=30))
    in_time = solved(due, Goal.TARDINESS, Goal.SETUPS, ordered=True)
    assert (in_time.values[Goal.TARDINESS], in_time.values[Goal.SETUPS]) == (0, 10)
    few = solved(due, Goal.SETUPS, Goal.TARDINESS, ordered=True)
    assert (few.values[Goal.TARDINESS], few.values[Goal.SETUPS]) == (4, 5)


def test_stability_keeps_the_plan_that_there_is() -> None:
    either = (Mode("m", 4), Mode("n", 6))
    lots = shop([either], [either], machines=(M, N))
    before = Decoder(lots).decode(["1.0", "0.0"], {"1.0": 0, "0.0": 0})
    plan = solved(lots, Goal.STABILITY, reference=before)
    assert plan.values[Goal.STABILITY] == 0
    assert plan.by_machine["m"] == before.by_machine["m"]


def test_a_problem_that_cannot_be_planned_gives_no_plan() -> None:
    day = Calendar("day", ((0, 5),))
    one = shop([Mode("m", 6)], machines=(Machine("m", "day"),), calendars=(day,))
    assert solve_exactly(one, MAKESPAN, time_limit_s=5.0) is None


@pytest.mark.parametrize("goal", [Goal.MAKESPAN, Goal.FLOW])
@pytest.mark.parametrize("seed", range(3))
def test_random_plans_are_legal_and_no_worse_than_the_hint(seed: int, goal: Goal) -> None:
    problem, _ = examine(random_problem(seed, jobs=3))
    objective = Objective(((goal, 1.0),))
    hint = Decoder(problem).decode([o.id for o in problem.operations])
    plan = solve_exactly(problem, objective, time_limit_s=30.0, work_limit_s=0.5, hint=hint)
    assert plan is not None
    assert violations(problem, plan, objective) == []
    assert plan.values[goal] <= values_of(problem, hint)[goal]


@pytest.mark.parametrize("seed", range(3))
def test_times_that_are_multiplied_multiply_the_best_value(seed: int) -> None:
    features = ("alternatives", "setups", "detached", "staff", "tools", "releases", "fixed")
    problem, _ = examine(random_problem(seed, features, jobs=3))
    assert makespan(scaled(problem, 3)) == 3 * makespan(problem)
