from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import random_problem
from tests.plan.shops import best_makespan, best_tardiness, plain_shop

from genba.errors import PlanError
from genba.plan.bounds.bound import certified, gap, lower_bound, makespan_bound
from genba.plan.bounds.jackson import jackson
from genba.plan.bounds.opentime import earliest_end, open_times
from genba.plan.bounds.relaxation import edges, relaxation
from genba.plan.objective import MAKESPAN, Goal, Objective
from genba.plan.problem import (
    Calendar,
    Energy,
    Fixed,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    SetupMatrix,
    Transport,
)
from genba.plan.timing.decode import Decoder
from genba.plan.values import values_of


def one_machine(*ticks: int, machine: Machine | None = None, **more: object) -> Problem:
    machine = machine or Machine("M")
    return Problem(
        machines=(machine,),
        jobs=tuple(Job(f"J{i}") for i in range(len(ticks))),
        operations=tuple(Operation(f"O{i}", f"J{i}", (Mode("M", t),)) for i, t in enumerate(ticks)),
        **more,  # type: ignore[arg-type]
    )


def proven(problem: Problem, goal: Goal = Goal.MAKESPAN) -> float:
    found = lower_bound(problem, Objective(((goal, 1.0),)))
    assert found is not None
    return found[0]


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_no_plain_shop_has_a_plan_below_the_bound(seed: int) -> None:
    problem = plain_shop(seed)
    assert proven(problem) <= best_makespan(problem)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_bound_of_a_plain_shop_is_the_same_when_it_is_read_as_a_general_one(seed: int) -> None:
    problem = plain_shop(seed)
    always = Calendar("always", ((0, 10_000),))
    general = replace(
        problem,
        machines=tuple(replace(m, calendar="always") for m in problem.machines),
        calendars=(always,),
    )
    assert proven(general) >= proven(problem)
    assert proven(general) <= best_makespan(problem)


@given(st.integers(0, 100_000))
@settings(max_examples=60, deadline=None)
def test_no_plan_of_any_problem_is_below_the_bound_of_any_goal(seed: int) -> None:
    draw = Random(seed)
    problem = random_problem(seed, jobs=3)
    decoder = Decoder(problem)
    bounds = {goal: proven(problem, goal) for goal in Goal if goal is not Goal.STABILITY}
    for _ in range(20):
        order = draw.sample([o.id for o in problem.operations], len(problem.operations))
        plan = decoder.decode(order)
        if plan.left_out:
            continue
        values = values_of(problem, plan)
        for goal, bound in bounds.items():
            assert bound <= values[goal] + 1e-9, goal


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 10.0), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_any_prices_at_all_give_a_valid_bound(seed: int, prices: list[float]) -> None:
    problem = plain_shop(seed)
    relaxed = relaxation(problem)
    begin, after = edges(relaxed, 3)
    price = np.asarray(prices)
    assert certified(relaxed, price, begin, after, open_times(problem), 0) <= best_makespan(problem)


def test_the_shares_of_two_unequal_machines_are_found_exactly() -> None:
    modes = (Mode("A", 2), Mode("B", 4))
    problem = Problem(
        machines=(Machine("A"), Machine("B")),
        jobs=tuple(Job(f"J{i}") for i in range(30)),
        operations=tuple(Operation(f"O{i}", f"J{i}", modes) for i in range(30)),
    )
    found = lower_bound(problem, MAKESPAN)
    assert found == (40.0, "shares of all machines in the work (linear program)")


def test_work_that_comes_late_is_bound_from_when_it_comes() -> None:
    modes = (Mode("A", 10), Mode("B", 10))
    problem = Problem(
        machines=(Machine("A"), Machine("B")),
        jobs=(Job("early"), *(Job(f"J{i}", release=100) for i in range(6))),
        operations=(
            Operation("E", "early", modes),
            *(Operation(f"O{i}", f"J{i}", modes) for i in range(6)),
        ),
    )
    assert proven(problem) == 130  # all work alone would prove 40 only


def test_one_machine_is_bound_with_heads_and_tails() -> None:
    heads, ticks, tails = [0, 3, 3], [4, 2, 2], [0, 9, 0]
    assert jackson(np.array(heads), np.array(ticks), np.array(tails)) == 14
    assert jackson(np.array([-5]), np.array([3]), np.array([0])) == 0


def test_closed_time_lifts_the_bound() -> None:
    shift = Calendar("shift", ((0, 10), (100, 110), (200, 210)))
    problem = one_machine(6, 6, 6, machine=Machine("M", calendar="shift"), calendars=(shift,))
    assert proven(problem) == 108  # 18 ticks of work: 10 in the first window, 8 in the second


def test_work_that_fits_no_window_ends_no_earlier_than_without_a_calendar() -> None:
    shift = Calendar("shift", ((0, 5),))
    assert earliest_end(shift, 0, 9) is None
    problem = one_machine(9, machine=Machine("M", calendar="shift"), calendars=(shift,))
    assert proven(problem) == 9


def test_set_ups_count_with_the_least_that_can_occur() -> None:
    matrix = SetupMatrix("S", ("a", "b"), ((5, 3), (4, 5)), (2, 2))
    problem = Problem(
        machines=(Machine("M", setup="S"),),
        jobs=(Job("J"), Job("K")),
        operations=(
            Operation("O", "J", (Mode("M", 10, "a"),)),
            Operation("P", "K", (Mode("M", 10, "b"),)),
        ),
        setups=(matrix,),
    )
    assert proven(problem, Goal.SETUPS) == 4  # the real best is 5: 2 at first, 3 between
    assert proven(problem) == 24


def test_a_set_up_may_have_begun_before_a_break_in_which_the_job_comes() -> None:
    shift = Calendar("shift", ((0, 30), (45, 70)), interruptible=True)
    problem = Problem(
        machines=(Machine("M", "shift", setup="S"),),
        jobs=(Job("J", release=47),),
        operations=(Operation("O", "J", (Mode("M", 1, "a"),)),),
        calendars=(shift,),
        setups=(SetupMatrix("S", ("a",), ((0,),), (7,)),),
    )
    plan = Decoder(problem).decode(["O"])
    assert (plan.assignments[0].setup_start, plan.assignments[0].end) == (25, 48)
    assert proven(problem) == 48


def test_the_way_between_machines_counts_with_the_fastest_vehicle_over_any_stop() -> None:
    slow = ((0, 9, 2), (9, 0, 9), (2, 2, 0))
    transport = Transport(("A", "B", "C"), {"amr": slow}, {"amr": 1})
    problem = Problem(
        machines=(Machine("A"), Machine("B")),
        jobs=(Job("J", destination="C"),),
        operations=(
            Operation("O", "J", (Mode("A", 10),)),
            Operation("P", "J", (Mode("B", 10),), ("O",)),
        ),
        transport=transport,
    )
    # A to C to B takes 2 + 1 + 2 + 1, less than 9 + 1; then B to C takes 9 + 1.
    assert proven(problem) == 10 + 6 + 10 + 10


def test_batches_count_with_the_share_that_an_operation_fills() -> None:
    problem = Problem(
        machines=(Machine("M"),),
        jobs=tuple(Job(f"J{i}") for i in range(8)),
        operations=tuple(
            Operation(f"O{i}", f"J{i}", (Mode("M", 60),), parts=2, batch="x", batch_parts=4)
            for i in range(8)
        ),
    )
    assert proven(problem) == 240  # four batches of two operations


def test_what_is_fixed_counts_as_it_is() -> None:
    problem = one_machine(5, 5)
    first = replace(problem.operations[0], fixed=Fixed("M", 0, 0, 7))
    assert proven(replace(problem, operations=(first, problem.operations[1]))) == 12
    both = tuple(replace(o, fixed=Fixed("M", 0, 0, 7)) for o in problem.operations)
    assert proven(replace(problem, operations=both)) == 7  # on top of each other, by decision


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_no_crowded_shop_has_less_lateness_than_the_bound(seed: int, crowd: int) -> None:
    problem = plain_shop(seed, jobs=5, machines=2)
    jobs = tuple(replace(job, due=(job.due or 0) // crowd) for job in problem.jobs)
    problem = replace(problem, jobs=jobs)
    assert proven(problem, Goal.TARDINESS) <= best_tardiness(problem)


def test_jobs_that_share_a_machine_are_later_than_each_alone() -> None:
    problem = one_machine(*[10] * 20)
    jobs = tuple(Job(f"J{i}", due=10) for i in range(20))
    best = sum(10 * i for i in range(20))
    assert 0.9 * best < proven(replace(problem, jobs=jobs), Goal.TARDINESS) <= best
    assert 0.9 * best < proven(problem, Goal.FLOW) - 200 <= best


def test_a_late_job_is_late_even_alone() -> None:
    problem = one_machine(5, 9)
    jobs = (Job("J0", due=3, weight=2.0), Job("J1", due=20))
    assert proven(replace(problem, jobs=jobs), Goal.TARDINESS) == 4.0


def test_goals_add_up_by_weight_or_only_the_first_counts() -> None:
    problem = replace(one_machine(5), jobs=(Job("J0", due=3),))
    goals = ((Goal.TARDINESS, 10.0), (Goal.MAKESPAN, 2.0))
    weighted = lower_bound(problem, Objective(goals))
    ordered = lower_bound(problem, Objective(goals, ordered=True))
    assert weighted is not None
    assert ordered is not None
    assert (weighted[0], ordered[0]) == (30.0, 2.0)


def test_prices_below_zero_leave_energy_without_a_bound() -> None:
    problem = one_machine(5, energy=Energy(prices=((0, 10, -0.1),)))
    assert lower_bound(problem, Objective(((Goal.ENERGY, 1.0),))) is None


def test_a_circle_is_refused_with_an_operation_of_it() -> None:
    problem = one_machine(5, 5)
    circle = tuple(
        replace(o, predecessors=(f"O{1 - i}",)) for i, o in enumerate(problem.operations)
    )
    with pytest.raises(PlanError, match="in a circle"):
        lower_bound(replace(problem, operations=circle), MAKESPAN)


def test_large_times_are_summed_without_overflow() -> None:
    problem = one_machine(*([1 << 44] * 40))
    assert makespan_bound(problem, relaxation(problem)).value == 40 * (1 << 44)


def test_the_gap_is_a_share_of_the_value() -> None:
    assert gap(200.0, 150.0) == 0.25
    assert gap(0.0, 0.0) == 0.0
    assert gap(10.0, None) is None
