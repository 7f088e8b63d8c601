"""Why an order is late: every tick is accounted for, and every cure that is told was tried."""

from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plan.line import NOW
from tests.plan.problems import FEATURES, random_problem

from genba.plan.problem import (
    Attendance,
    Calendar,
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
from genba.plan.report.lateness import LateOrder, late_orders
from genba.plan.report.waiting import Cause, Chains
from genba.plan.schedule import Plan
from genba.plan.timing.decode import Decoder, decode
from genba.plan.values import completions

MINUTE, HOUR = 60, 3600


def shop(*lots: tuple[str, int, int], **more: object) -> Problem:
    """One saw; lots by (order, minutes of work, due in minutes)."""
    fields: dict = {
        "machines": (Machine("saw"),),
        "jobs": tuple(
            Job(f"{name}-01", due=due * MINUTE, order=name, weight=1.0) for name, _, due in lots
        ),
        "operations": tuple(
            Operation(f"{name}-01/cut", f"{name}-01", (Mode("saw", minutes * MINUTE),), parts=10)
            for name, minutes, _ in lots
        ),
        "zero": NOW,
        **more,
    }
    return Problem(**fields)


def planned(problem: Problem) -> Plan:
    """Time the operations as they stand in the problem."""
    return decode(problem, [operation.id for operation in problem.operations])


def only_late(problem: Problem) -> LateOrder:
    (late,) = late_orders(problem, planned(problem))
    return late


def causes(problem: Problem, job: str) -> list[tuple[Cause, int, str]]:
    chain = Chains(problem, planned(problem)).chain(job)
    return [(link.cause, link.ticks // MINUTE, link.resource) for link in chain]


# -- the chain --------------------------------------------------------------------------------


def test_a_busy_machine_is_named_with_the_lots_that_had_it() -> None:
    problem = shop(("O-1", 60, 500), ("O-2", 30, 500), ("O-3", 20, 80))
    late = only_late(problem)
    assert (late.order, late.jobs, late.late) == ("O-3", ("O-3-01",), 30 * MINUTE)
    assert late.reason == "waits 1 h 30 min for saw, busy with O-1-01 and O-2-01"
    assert late.steps == (
        "Mon 5 Jan 07:50: O-3-01/cut on saw is done after 1 h 30 min for saw, busy with O-1-01 and "
        "O-2-01; 20 min of work and trips",
    )


def test_a_set_up_is_told_apart_from_the_work_before_it() -> None:
    matrix = SetupMatrix("saw", ("a", "b"), ((0, 600), (600, 0)), (600, 600))
    problem = shop(("O-1", 60, 500), ("O-2", 30, 80), setups=(matrix,))
    operations = tuple(
        replace(o, modes=(replace(o.modes[0], family=family),))
        for o, family in zip(problem.operations, "ab", strict=True)
    )
    problem = replace(
        problem,
        operations=operations,
        machines=(Machine("saw", setup="saw", setup_needs_job=True),),
    )
    assert causes(problem, "O-2-01") == [
        (Cause.MACHINE, 70, "saw"),
        (Cause.SETUP, 10, "saw"),
        (Cause.WORK, 30, "saw"),
    ]


def test_closed_time_is_told_before_and_within_the_work() -> None:
    calendar = Calendar(
        "day", ((10 * MINUTE, 20 * MINUTE), (50 * MINUTE, 99 * MINUTE)), interruptible=True
    )
    problem = shop(
        ("O-1", 15, 30), calendars=(calendar,), machines=(Machine("saw", calendar="day"),)
    )
    assert causes(problem, "O-1-01") == [
        (Cause.CLOSED, 10, "saw"),
        (Cause.WORK, 10, "saw"),
        (Cause.CLOSED, 30, "saw"),
        (Cause.WORK, 5, "saw"),
    ]
    assert only_late(problem).reason == "waits 40 min while saw is closed"


def test_work_that_does_not_fit_before_closing_waits_for_the_next_opening() -> None:
    calendar = Calendar("day", ((0, 20 * MINUTE), (50 * MINUTE, 99 * MINUTE)))
    problem = shop(
        ("O-1", 30, 30), calendars=(calendar,), machines=(Machine("saw", calendar="day"),)
    )
    assert {cause for cause, _, _ in causes(problem, "O-1-01")} == {Cause.CLOSED, Cause.WORK}


def test_a_person_and_a_tool_that_others_have_are_named() -> None:
    crew = (Staff("crew", frozenset({"sawing"})),)
    saws = (Machine("saw"), Machine("other"))
    ways = {"skill": "sawing", "attendance": Attendance.WHOLE}
    problem = shop(("O-1", 60, 500), ("O-2", 30, 80), machines=saws, staff=crew)
    first, second = problem.operations
    first = replace(first, modes=(replace(first.modes[0], machine="other", **ways),))
    second = replace(second, modes=(replace(second.modes[0], **ways),))
    late = only_late(replace(problem, operations=(first, second)))
    assert late.reason == ("waits 1 h for somebody with the skill 'sawing'; all are with O-1-01")
    first = replace(first, modes=(Mode("other", 60 * MINUTE, tools=("jig",)),))
    second = replace(second, modes=(Mode("saw", 30 * MINUTE, tools=("jig",)),))
    late = only_late(replace(problem, operations=(first, second), tools={"jig": 1}))
    assert late.reason == "waits 1 h for the tool jig, in use for O-1-01"
    assert "with another jig" in {cure.change for cure in late.cures}


def test_a_machine_that_is_down_is_named() -> None:
    late = only_late(shop(("O-1", 30, 60), machines=(Machine("saw", free_from=HOUR),)))
    assert late.reason == "waits 1 h until saw takes work again"


def test_late_material_is_told_and_what_having_it_would_bring() -> None:
    problem = shop(("O-1", 30, 60))
    jobs = (replace(problem.jobs[0], release=2 * HOUR),)
    late = only_late(replace(problem, jobs=jobs))
    assert late.reason == (
        "its work and trips alone take 30 min after its release, so it cannot be in time"
    )
    assert "(released Mon 5 Jan 08:00)" in late.steps[0]
    assert late.cures[0].text == (
        "with the material of O-1 here now: 2 h earlier, in time (0 instead of 1 orders late)"
    )


def fetched(vehicles: int, due: int, places: int | None = None) -> Problem:
    """Two lots far apart from the saw, fetched by so many vehicles."""
    times = ((0, 600), (600, 0))
    fleet = tuple(Vehicle(f"amr-{n + 1}", "amr", "store") for n in range(vehicles))
    problem = shop(("O-1", 5, 500), ("O-2", 5, due), machines=(Machine("saw", places=places),))
    return replace(
        problem,
        jobs=tuple(replace(job, origin="store") for job in problem.jobs),
        transport=Transport(("store", "saw"), {"amr": times}, {"amr": 60}, fleet),
    )


def test_a_vehicle_that_moves_others_is_named() -> None:
    late = only_late(fetched(1, due=25))
    assert late.reason == "waits 21 min for amr-1, which moves O-1-01"
    told = {cure.change: cure.text for cure in late.cures}
    assert "16 min earlier, in time" in told["with another vehicle like amr-1"]


def test_a_station_that_is_full_is_named_with_who_stands_there() -> None:
    late = only_late(fetched(2, due=20, places=1))
    assert Cause.PLACE in {link.cause for link in late.chain}
    assert "for a place at saw, taken by O-1-01" in late.reason


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(FEATURES)))
def test_every_tick_until_the_end_is_accounted_for(seed: int, features: set[str]) -> None:
    problem = random_problem(seed, sorted(features))
    order = [operation.id for operation in problem.operations]
    Random(seed).shuffle(order)
    plan = decode(problem, order)
    chains = Chains(problem, plan)
    for job, end in completions(problem, plan).items():
        links = chains.chain(job)
        assert links[-1].end == end
        for before, after in pairwise(links):
            assert before.end == after.start
        fixed = problem.operations_by_id[links[0].operation or ""].fixed if links else None
        assert links[0].start == (0 if fixed is None else fixed.start)


# -- what is late -----------------------------------------------------------------------------


def test_what_is_in_time_is_not_told() -> None:
    problem = shop(("O-1", 60, 60), ("O-2", 30, 500))
    assert late_orders(problem, planned(problem)) == ()


def test_lots_of_an_order_are_told_once_by_the_latest() -> None:
    problem = shop(("O-1", 60, 30), ("O-2", 30, 60), ("O-3", 30, 60))
    jobs = tuple(replace(job, order="O-9") for job in problem.jobs[1:])
    (late, _) = late_orders(
        replace(problem, jobs=(replace(problem.jobs[0], weight=0.1), *jobs)), planned(problem)
    )
    assert (late.order, late.jobs, late.end) == ("O-9", ("O-3-01", "O-2-01"), 2 * HOUR)


def test_the_order_that_weighs_most_comes_first() -> None:
    problem = shop(("O-1", 60, 30), ("O-2", 30, 60))
    assert [o.order for o in late_orders(problem, planned(problem))] == ["O-1", "O-2"]
    heavy = tuple(replace(j, weight=9.0) if j.order == "O-2" else j for j in problem.jobs)
    changed = replace(problem, jobs=heavy)
    assert [o.order for o in late_orders(changed, planned(changed))] == ["O-2", "O-1"]


# -- cures ------------------------------------------------------------------------------------


def cures_of(problem: Problem) -> dict[str, str]:
    """Return what is told of each change, without its name."""
    late = late_orders(problem, planned(problem))[-1]
    return {cure.change: cure.text.removeprefix(f"{cure.change}: ") for cure in late.cures}


def test_going_first_is_tried_and_what_it_costs_others_is_told() -> None:
    problem = shop(("O-1", 60, 70), ("O-2", 30, 80))
    cures = cures_of(problem)
    assert cures["with O-2 before others"] == "1 h earlier, in time"
    assert cures["with a second saw"] == "1 h earlier, in time (0 instead of 1 orders late)"
    first = late_orders(problem, planned(problem))[0].cures[0]
    assert first.change == "with a second saw"


def test_another_shift_is_tried_where_there_is_room_for_one() -> None:
    calendar = Calendar("day", ((0, HOUR), (24 * HOUR, 30 * HOUR)), interruptible=True)
    machines = (Machine("saw", calendar="day"),)
    problem = shop(("O-1", 60, 70), ("O-2", 30, 180), calendars=(calendar,), machines=machines)
    assert cures_of(problem)["with another shift on saw"] == (
        "23 h earlier, in time (0 instead of 1 orders late)"
    )
    assert "with another shift on saw" not in cures_of(shop(("O-1", 60, 70), ("O-2", 30, 80)))


def test_a_split_lot_passes_two_machines_at_once() -> None:
    problem = shop(("O-1", 60, 45), machines=(Machine("saw"), Machine("other")))
    (cut,) = problem.operations
    both = (*cut.modes, replace(cut.modes[0], machine="other"))
    cures = cures_of(replace(problem, operations=(replace(cut, modes=both),)))
    assert cures["with O-1-01 split in two"] == (
        "30 min earlier, in time (0 instead of 1 orders late)"
    )


def test_one_person_more_is_tried() -> None:
    problem = shop(
        ("O-1", 60, 500), ("O-2", 30, 80), machines=(Machine("saw"), Machine("other")),
        staff=(Staff("crew", frozenset({"sawing"})),),
    )  # fmt: skip
    ways = {"skill": "sawing", "attendance": Attendance.WHOLE}
    first, second = problem.operations
    first = replace(first, modes=(replace(first.modes[0], machine="other", **ways),))
    second = replace(second, modes=(replace(second.modes[0], **ways),))
    cures = cures_of(replace(problem, operations=(first, second)))
    assert cures["with one person more with the skill 'sawing'"].startswith("1 h earlier, in time")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(FEATURES)))
def test_a_cure_is_told_only_where_it_helps(seed: int, features: set[str]) -> None:
    problem = random_problem(seed, sorted(features))
    jobs = tuple(replace(job, due=20) for job in problem.jobs)
    problem = replace(problem, jobs=jobs)
    plan = Decoder(problem).decode([operation.id for operation in problem.operations])
    for late in late_orders(problem, plan, cures_for=2):
        for cure in late.cures:
            assert cure.gain > 0
            assert cure.end == late.end - cure.gain
            assert cure.in_time == (cure.end <= late.due)


def test_cures_are_tried_for_as_many_as_asked() -> None:
    problem = shop(("O-1", 60, 70), ("O-2", 30, 80), ("O-3", 30, 80))
    for cures_for in (0, 1, 2):
        found = late_orders(problem, planned(problem), cures_for=cures_for)
        assert [bool(order.cures) for order in found] == [cures_for > n for n in (0, 1)]
