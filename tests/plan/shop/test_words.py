"""From the problem's words to arrays, and back."""

import pytest

from genba.errors import PlanError
from genba.plan.problem import Calendar, Job, Machine, Mode, Operation, Problem
from genba.plan.shop import assignments_of, shop_of_modes, shop_of_problem, solve_shop


def two_jobs(*machines: Machine) -> Problem:
    return Problem(
        machines=machines,
        jobs=(Job("A"), Job("B", release=4)),
        operations=(
            Operation("b1", "B", (Mode("m1", 3),)),
            Operation("a1", "A", (Mode("m1", 5), Mode("m2", 6))),
            Operation("a2", "A", (Mode("m2", 2), Mode("m2", 1)), predecessors=("a1",)),
        ),
    )


def test_a_schedule_comes_back_under_the_ids_of_its_problem() -> None:
    problem = two_jobs(Machine("m1"), Machine("m2", free_from=9))
    found = solve_shop(shop_of_problem(problem), time_limit_s=60, workers=1, iterations=200)
    told = {a.operation: (a.machine, a.start, a.end) for a in assignments_of(problem, found)}
    assert told == {"a1": ("m1", 0, 5), "a2": ("m2", 9, 10), "b1": ("m1", 5, 8)}


def test_a_problem_with_more_than_a_plain_shop_is_refused() -> None:
    problem = Problem(
        machines=(Machine("m1", calendar="day"), Machine("m2")),
        jobs=two_jobs().jobs,
        operations=two_jobs().operations,
        calendars=(Calendar("day", ((0, 100),)),),
    )
    with pytest.raises(PlanError, match="more than a flexible job shop"):
        shop_of_problem(problem)


def test_an_operation_on_an_unknown_machine_is_named() -> None:
    with pytest.raises(PlanError, match="operation a1: there is no machine m2"):
        shop_of_problem(two_jobs(Machine("m1")))


def test_an_operation_without_a_machine_is_named() -> None:
    with pytest.raises(PlanError, match="operation 1 has no machine"):
        shop_of_modes(1, [[[(0, 1)], []]])


def test_a_machine_number_out_of_range_is_refused() -> None:
    with pytest.raises(PlanError, match="beyond 0 to 0"):
        shop_of_modes(1, [[[(1, 1)]]])
