from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.problems import random_problem
from tests.plan.shops import plain_shop

from genba.errors import PlanError
from genba.plan.bounds.assign import solve_by_assignment
from genba.plan.checks.validate import violations
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Fixed, Job, Machine, Mode, Operation, Problem, Transport, Vehicle
from genba.plan.repair.difference import difference
from genba.plan.repair.disturbance import (
    Disturbance,
    LateMaterial,
    MachineDown,
    RushJob,
    Scrap,
    SlowWork,
    VehicleDown,
)
from genba.plan.repair.prepared import prepare
from genba.plan.repair.repair import Repair, repair
from genba.plan.schedule import Assignment, Plan
from genba.plan.timing.decode import Decoder, decode
from genba.plan.values import values_of


def rush(release: int, *machines: str, ticks: int = 4) -> RushJob:
    steps = tuple(
        Operation(f"RUSH.{i}", "RUSH", (Mode(m, ticks),), (f"RUSH.{i - 1}",) if i else ())
        for i, m in enumerate(machines)
    )
    return RushJob(Job("RUSH", release, due=release + 10, weight=5.0), steps)


def disturbances(problem: Problem, kind: int, now: int) -> list[Disturbance]:
    machine, job = problem.machines[kind % len(problem.machines)].id, problem.jobs[-1].id
    able = {m.id for m in problem.machines}
    choices: list[list[Disturbance]] = [
        [MachineDown(machine, now, now + 9)],
        [MachineDown(machine, now + 3, now + 7), MachineDown(machine, now + 5, now + 12)],
        [rush(now, *sorted(able)[:2])],
        [LateMaterial(job, now + 15)],
        [SlowWork(1.5, machine=machine)],
        [Scrap(job, 1, again="AGAIN")],
        [
            MachineDown(machine, now - 2, now + 4),
            LateMaterial(job, now + 5),
            rush(now + 2, machine),
        ],
    ]
    return choices[kind % len(choices)]


def legal(done: Repair) -> list[str]:
    return violations(done.problem, done.plan, done.objective)


def unchanged(plan: Plan, done: Repair, now: int) -> bool:
    """Whether what began before stays, but for pauses."""
    after = done.plan.by_operation
    return all(
        (a.machine, a.start) == (after[a.operation].machine, after[a.operation].start)
        for a in plan.assignments
        if a.setup_start < now
    )


@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(0, 25))
@settings(max_examples=60, deadline=None)
def test_every_repair_of_a_plain_shop_is_legal_and_keeps_the_past(
    seed: int, kind: int, now: int
) -> None:
    problem = plain_shop(seed)
    plan = solve_by_assignment(problem, rounds=2)
    told: list[Plan] = []
    done = repair(
        problem, plan, disturbances(problem, kind, now), now, rounds=150, on_repaired=told.append
    )
    assert [violations(done.problem, p, done.objective) for p in told] == [[]] * len(told)
    assert unchanged(plan, done, now)
    values = [done.objective.value(dict(p.values)) for p in told]
    assert values == sorted(values, reverse=True)
    assert done.plan is told[-1]


@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(0, 60))
@settings(max_examples=25, deadline=None)
def test_every_repair_of_a_general_problem_is_legal_and_keeps_the_past(
    seed: int, kind: int, now: int
) -> None:
    problem = random_problem(seed, jobs=3)
    plan = decode(problem, [o.id for o in problem.operations])
    broken = disturbances(problem, kind, now)
    if kind != 5 and any(isinstance(one, RushJob) for one in broken) and problem.transport:
        broken = [MachineDown(problem.machines[0].id, now, now + 20)]
    done = repair(problem, plan, broken, now, rounds=15)
    assert legal(done) == []
    assert unchanged(plan, done, now)


def row(*ticks: int, machines: tuple[str, ...] = ("A", "B")) -> tuple[Problem, Plan]:
    """Return jobs of one operation each, planned on A one after the other, and able on all."""
    problem = Problem(
        tuple(Machine(m) for m in machines),
        tuple(Job(f"J{i}") for i in range(len(ticks))),
        tuple(
            Operation(f"O{i}", f"J{i}", tuple(Mode(m, t) for m in machines), parts=10)
            for i, t in enumerate(ticks)
        ),
    )
    starts = [sum(ticks[:i]) for i in range(len(ticks))]
    plan = Plan(
        tuple(
            Assignment(f"O{i}", "A", s, s, s + t)
            for i, (s, t) in enumerate(zip(starts, ticks, strict=True))
        )
    )
    return problem, replace(plan, values=values_of(problem, plan))


def starts(done: Repair) -> dict[str, tuple[str, int, int]]:
    return {a.operation: (a.machine, a.start, a.end) for a in done.plan.assignments}


def test_what_runs_on_a_machine_that_stops_pauses_and_goes_on() -> None:
    problem, plan = row(10, 10, machines=("A",))
    done = repair(problem, plan, [MachineDown("A", 4, 9)], 4, rounds=0)
    assert starts(done) == {"O0": ("A", 0, 15), "O1": ("A", 15, 25)}
    assert legal(done) == []


def test_a_repaired_plan_can_be_repaired_again() -> None:
    problem, plan = row(10, 10, 10, machines=("A",))
    once = repair(problem, plan, [MachineDown("A", 15, 20)], 2, rounds=0)
    twice = repair(once.problem, once.plan, [MachineDown("A", 40, 45)], 5, rounds=0)
    assert legal(twice) == []
    assert not any(end > 15 and start < 20 for _, start, end in starts(twice).values())
    assert not any(end > 40 and start < 45 for _, start, end in starts(twice).values())


def test_what_is_held_up_goes_elsewhere_where_that_pays() -> None:
    problem, plan = row(10, 10)
    stay = Objective(((Goal.STABILITY, 1.0),), reference=plan)
    moved = repair(problem, plan, [MachineDown("A", 10, 500)], 10, rounds=0)
    stays = repair(problem, plan, [MachineDown("A", 10, 500)], 10, stay, rounds=0)
    assert starts(moved)["O1"] == ("B", 10, 20)
    assert starts(stays)["O1"] == ("A", 500, 510)
    assert moved.moved == ("O1",)
    assert moved.price == 11.0  # another machine 10, another predecessor 1


def test_a_rush_job_goes_in_at_once_where_its_due_date_weighs_most() -> None:
    problem, plan = row(10, 10, 10, machines=("A",))
    done = repair(problem, plan, [rush(3, "A", ticks=5)], 3, rounds=0)
    assert starts(done)["RUSH.0"] == ("A", 10, 15)
    assert starts(done)["O2"] == ("A", 25, 35)


def test_nothing_begins_behind_fixed_work_before_its_machine_is_free() -> None:
    problem, _ = row(10, 10, machines=("A",))
    first = replace(problem.operations[0], fixed=Fixed("A", 0, 0, 10))
    problem = replace(
        problem, machines=(Machine("A", free_from=30),), operations=(first, problem.operations[1])
    )
    for fill_gaps in (True, False):
        plan = Decoder(problem).decode(["O1", "O0"], fill_gaps=fill_gaps)
        assert plan.by_operation["O1"].start == 30


def test_a_late_job_lets_others_pass() -> None:
    problem, plan = row(10, 10, 10, machines=("A",))
    done = repair(problem, plan, [LateMaterial("J1", 60)], 5, rounds=0)
    assert starts(done)["O1"] == ("A", 60, 70)
    assert starts(done)["O2"][1] <= 20


def test_lost_parts_shorten_what_follows_and_are_made_again() -> None:
    problem, plan = row(10, 10, machines=("A",))
    done = repair(problem, plan, [Scrap("J1", 4, again="J1+")], 5, rounds=0)
    assert starts(done)["O1"] == ("A", 10, 16)
    assert starts(done)["J1+.0"][2] - starts(done)["J1+.0"][1] == 4
    assert done.problem.operations_by_id["J1+.0"].parts == 4


def test_slow_work_takes_longer_from_now_on() -> None:
    problem, plan = row(10, 10, machines=("A",))
    done = repair(problem, plan, [SlowWork(1.25, machine="A")], 5, rounds=0)
    assert starts(done) == {"O0": ("A", 0, 10), "O1": ("A", 10, 23)}


def test_what_is_fenced_stays_though_it_could_be_better_elsewhere() -> None:
    problem, plan = row(10, 10, 10)
    done = repair(problem, plan, [rush(0, "A")], 5, fence=15, rounds=50)
    assert starts(done)["O1"] == ("A", 10, 20)
    assert all(start >= 15 for name, (_, start, _) in starts(done).items() if name > "O1")
    assert done.problem.operations_by_id["O1"].fixed == Fixed("A", 10, 10, 20)


def test_a_fence_does_not_hold_what_has_become_impossible() -> None:
    problem, plan = row(10, 10, machines=("A",))
    done = repair(problem, plan, [MachineDown("A", 12, 40)], 5, fence=15, rounds=0)
    assert starts(done)["O1"] == ("A", 40, 50)


def test_no_more_operations_are_moved_than_allowed() -> None:
    problem = plain_shop(3, jobs=40, steps=6, machines=5)
    plan = solve_by_assignment(problem, rounds=2)
    flow = Objective(((Goal.FLOW, 1.0),), reference=plan)
    free = repair(problem, plan, [MachineDown("M1", 30, 50)], 30, flow, most_moved=1.0, rounds=600)
    tied = repair(problem, plan, [MachineDown("M1", 30, 50)], 30, flow, most_moved=0.1, rounds=600)
    forced = repair(problem, plan, [MachineDown("M1", 30, 50)], 30, flow, rounds=0)
    assert len(tied.moved) <= max(len(forced.moved), len(problem.operations) // 10)
    assert free.plan.values[Goal.FLOW] < tied.plan.values[Goal.FLOW]


def test_a_prepared_plan_gives_the_same_repair() -> None:
    problem = plain_shop(3, jobs=40, steps=6, machines=5)
    plan = solve_by_assignment(problem, rounds=2)
    down = [MachineDown("M1", 30, 50)]
    one = repair(problem, plan, down, 30, rounds=100)
    other = repair(problem, plan, down, 30, rounds=100, prepared=prepare(problem, plan))
    assert one.plan.assignments == other.plan.assignments


def test_a_vehicle_that_is_down_leaves_its_trips_to_the_others() -> None:
    ways = ((0, 5), (5, 0))
    fleet = (Vehicle("V1", "amr", "A"), Vehicle("V2", "amr", "A"))
    problem = Problem(
        (Machine("A"), Machine("B")),
        (Job("J"), Job("K")),
        tuple(
            operation
            for job in "JK"
            for operation in (
                Operation(f"{job}.0", job, (Mode("A", 10),)),
                Operation(f"{job}.1", job, (Mode("B", 10),), (f"{job}.0",)),
            )
        ),
        transport=Transport(("A", "B"), {"amr": ways}, vehicles=fleet),
    )
    plan = decode(problem, [o.id for o in problem.operations])
    done = repair(problem, plan, [VehicleDown("V1", 1000)], 3, rounds=20)
    assert legal(done) == []
    assert {leg.vehicle for leg in done.plan.legs if leg.empty_start < 1000} <= {"V2"}


def test_the_difference_is_told_in_words_with_its_price() -> None:
    problem, plan = row(10, 10)
    done = repair(problem, plan, [MachineDown("A", 10, 500), rush(12, "B")], 10, rounds=0)
    told = [str(change) for change in done.difference.changes]
    assert any(line.startswith("O1: A -> B") for line in told)
    assert any(line.startswith("RUSH.0: new, on B at") for line in told)
    assert done.price == pytest.approx(done.plan.values[Goal.STABILITY])
    assert difference(plan, plan).changes == ()


def test_what_is_not_there_is_refused() -> None:
    problem, plan = row(10, 10)
    with pytest.raises(PlanError, match="machine Z"):
        repair(problem, plan, [MachineDown("Z", 1, 5)], 1)
    with pytest.raises(PlanError, match="job Z"):
        repair(problem, plan, [LateMaterial("Z", 5)], 1)
    with pytest.raises(PlanError, match="cannot be lost"):
        repair(problem, plan, [Scrap("J0", 11)], 1)
    with pytest.raises(PlanError, match="before now"):
        repair(problem, plan, [], 10, fence=5)
    with pytest.raises(PlanError, match="down from"):
        MachineDown("A", 5, 5)
