"""A plant and its orders become a problem; what cannot be planned is said in one line each."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation, vehicle

from genba.errors import PlanError
from genba.plan import Lot, LotPhase, Situation
from genba.plan.demand.from_plant import OVERDUE_S, REPAIR_S, problem_of
from genba.plan.demand.openings import advance
from genba.plan.problem import Fixed, Problem, Staff, Vehicle
from genba.plan.schedule import LeftOut
from genba.plant import (
    US,
    Break,
    Calendar,
    Day,
    Order,
    Person,
    Plant,
    Shift,
    Tariff,
    parse_time,
)

WEEK = tuple(Day)[:5]
DAY_SHIFT = Calendar(
    id="day",
    timezone="America/New_York",
    shifts=(
        Shift(
            id="day", days=WEEK, start=dt.time(6), end=dt.time(14),
            breaks=(Break(start=dt.time(10), end=dt.time(10, 30)),),
        ),
    ),
    holidays=(dt.date(2026, 1, 6),),
)  # fmt: skip


def order(name: str, product: str = "A", quantity: int = 40, **more: object) -> Order:
    fields = {"release": NOW, "due": NOW + 8 * HOUR, **more}
    return Order(id=name, product=product, quantity=quantity, **fields)


def changed(plant: Plant = PLANT, **parts: object) -> Plant:
    """Build a plant anew; a copy would remember the old one's ids."""
    return Plant(**{name: getattr(plant, name) for name in Plant.model_fields} | parts)


def working(name: str, calendar: Calendar, plant: Plant = PLANT) -> Plant:
    """Let a machine work by a calendar."""
    equipment = tuple(
        unit.model_copy(update={"calendar": calendar.id}) if unit.id == name else unit
        for unit in plant.equipment
    )
    known = (*(c for c in plant.calendars if c.id != calendar.id), calendar)
    return changed(plant, equipment=equipment, calendars=known)


def step_of(product: str, step: int, plant: Plant = PLANT, **parts: object) -> Plant:
    """Change one operation of a product."""
    products = []
    for made in plant.products:
        if made.id == product:
            routing = list(made.routing)
            routing[step] = routing[step].model_copy(update=parts)
            made = made.model_copy(update={"routing": tuple(routing)})
        products.append(made)
    return changed(plant, products=tuple(products))


def floor(lots: list[Lot], **more: object) -> Situation:
    """Return a situation in which all three vehicles are seen."""
    vehicles = (vehicle("amr-1", "p1"), vehicle("amr-2", "p2"), vehicle("hoist", "n2"))
    return situation(lots, **{"vehicles": vehicles, **more})


def planned(plant: Plant = PLANT, *orders: Order, **more: object) -> Problem:
    problem, left_out = problem_of(plant, orders or (order("O-1"),), NOW, **more)
    assert left_out == ()
    return problem


def only_reason(plant: Plant, *orders: Order, **more: object) -> LeftOut:
    """Plan O-9 with the others; it alone is left out, and O-1 is planned all the same."""
    problem, left_out = problem_of(plant, (order("O-1", "B"), *orders), NOW, **more)
    assert {job.order for job in problem.jobs} == {"O-1"}
    (reason,) = left_out
    assert "\n" not in reason.reason
    return reason


def test_an_order_becomes_lots_with_the_operations_of_its_routing() -> None:
    problem = planned(PLANT, order("O-1", quantity=50, weight=2.0, due=NOW + 3 * HOUR))
    assert [(job.id, job.order, job.weight, job.due) for job in problem.jobs] == [
        (f"O-1-{n:02d}", "O-1", 2.0, 3 * 3600) for n in (1, 2, 3)
    ]
    assert [o.id for o in problem.operations_of["O-1-01"]] == ["O-1-01/cut", "O-1-01/bake"]
    cut, bake = problem.operations_of["O-1-01"]
    assert [(mode.machine, mode.ticks) for mode in cut.modes] == [
        ("saw-1", 17 * 60),
        ("saw-2", 17 * 60),
    ]
    assert bake.predecessors == (cut.id,)
    assert problem.zero == NOW
    assert (problem.jobs[0].origin, problem.jobs[0].destination) == ("store", "dock")


def test_a_batch_takes_its_time_whatever_is_in_it_and_names_who_may_come_along() -> None:
    problem = planned(PLANT, order("O-1", "A", 10), order("O-2", "B", 20))
    one, other = (problem.operations_by_id[f"{name}-01/bake"] for name in ("O-1", "O-2"))
    assert one.batch == other.batch == "bake/hot"
    assert (one.parts, one.batch_parts, one.modes[0].ticks) == (10, 40, 3600)
    assert problem.operations_by_id["O-1-01/cut"].batch is None


def test_set_ups_come_from_the_most_specific_row_and_need_the_lot() -> None:
    problem = planned(PLANT, order("O-1", "A"), order("O-2", "B"))
    matrix = problem.setups_by_id["saw-2"]
    assert (matrix.ticks("fa", "fb"), matrix.ticks("fb", "fa")) == (300, 1200)
    assert (matrix.ticks("fa", "fa"), matrix.ticks(None, "fb")) == (0, 1200)
    saw, oven = problem.machines_by_id["saw-2"], problem.machines_by_id["oven"]
    assert (saw.setup, saw.setup_needs_job, saw.places) == ("saw-2", True, 3)
    assert oven.setup is None


def test_a_station_without_a_buffer_still_holds_the_lot_in_work() -> None:
    equipment = tuple(
        unit.model_copy(update={"input_buffer_lots": 0}) if unit.id == "oven" else unit
        for unit in PLANT.equipment
    )
    assert planned(changed(equipment=equipment)).machines_by_id["oven"].places == 1


def test_calendars_are_local_with_breaks_and_holidays() -> None:
    problem = planned(working("saw-1", DAY_SHIFT))
    calendar = problem.calendars_by_id["day"]
    # NOW is 01:00 in New York, on a Monday; Tuesday is a holiday.
    assert calendar.windows[:3] == (
        (5 * 3600, 9 * 3600),
        (9 * 3600 + 1800, 13 * 3600),
        (53 * 3600, 57 * 3600),
    )
    assert calendar.interruptible
    assert problem.machines_by_id["saw-2"].calendar is None


def test_a_batch_is_not_interrupted() -> None:
    problem = planned(working("oven", DAY_SHIFT))
    name = problem.machines_by_id["oven"].calendar
    assert name == "day:whole"
    assert not problem.calendars_by_id[name].interruptible


def test_calendars_last_long_enough_for_all_the_work() -> None:
    short = DAY_SHIFT.model_copy(
        update={"shifts": (DAY_SHIFT.shifts[0].model_copy(update={"days": (Day.MON,)}),)}
    )
    orders = [order(f"O-{n}", quantity=200) for n in range(40)]
    problem = planned(working("saw-2", short, working("saw-1", short)), *orders)
    needed = sum(o.modes[0].ticks for o in problem.operations if o.id.endswith("cut")) / 2
    assert sum(end - start for start, end in problem.calendars_by_id["day"].windows) > needed


def test_people_are_needed_for_set_ups_only_where_people_are_named() -> None:
    ways = tuple(
        way.model_copy(update={"skill": "sawing"})
        for way in PLANT.products[0].routing[0].alternatives
    )
    plant = step_of("A", 0, alternatives=ways)
    assert planned(plant).operations[0].modes[0].skill is None
    people = (Person(id="crew", skills=("sawing",), count=2, calendar="day"),)
    staffed = changed(plant, people=people, calendars=(DAY_SHIFT,))
    problem = planned(staffed)
    assert problem.operations[0].modes[0].skill == "sawing"
    assert problem.staff == (Staff("crew", frozenset({"sawing"}), 2, "day"),)


def test_tools_are_counted() -> None:
    problem = planned(PLANT, order("O-1", "C"))
    assert problem.tools == {"clamp": 1}
    assert problem.operations[0].modes[0].tools == ("clamp",)


def test_transport_takes_the_fastest_way_of_each_kind() -> None:
    transport = planned().transport
    assert transport is not None
    assert transport.ticks("amr", "store", "saw-2") == 20
    assert transport.ticks("amr", "dock", "store") == 100
    assert transport.ticks("amr", "dock", "oven") == 100 + 30
    assert transport.ticks("hoist", "saw-2", "oven") == 10
    assert transport.ticks("hoist", "store", "saw-1") is None
    assert transport.handling == {"amr": 40, "hoist": 40}
    assert transport.vehicles == (
        Vehicle("amr-1", "amr", "node:p1"),
        Vehicle("amr-2", "amr", "node:p2"),
        Vehicle("hoist", "hoist", "saw-2"),
    )


def test_vehicles_that_are_not_alike_are_kinds_of_their_own() -> None:
    first, second, _ = PLANT.vehicles
    fast = second.model_copy(update={"speed_m_s": 2.0})
    transport = planned(changed(vehicles=(first, fast))).transport
    assert transport is not None
    assert transport.ticks("amr, 2 m/s, 20 s", "store", "saw-2") == 10
    assert transport.ticks("amr, 1 m/s, 20 s", "store", "saw-2") == 20


def test_a_plant_without_vehicles_has_no_transport() -> None:
    problem = planned(changed(vehicles=()))
    assert problem.transport is None
    assert (problem.jobs[0].origin, problem.jobs[0].destination) == (None, None)


def test_ticks_round_work_up_and_working_time_inwards() -> None:
    problem = planned(working("saw-1", DAY_SHIFT), order("O-1", quantity=1), tick_s=7.0)
    assert problem.operations[0].modes[0].ticks == 9  # 60 s
    start, end = problem.calendars_by_id["day"].windows[0]
    assert start * 7 >= 5 * 3600 > (start - 1) * 7
    assert end * 7 <= 9 * 3600 < (end + 1) * 7


def test_calibrated_times_replace_planned_ones() -> None:
    factors = {"saw-1": 1.5, ("saw-2", "cut"): 0.5, "saw-2": 9.0}
    modes = planned(PLANT, order("O-1", quantity=10), factors=factors).operations[0].modes
    assert [mode.ticks for mode in modes] == [900, 300]
    with pytest.raises(PlanError, match=r"time factor 0 of saw-1 cannot be"):
        problem_of(PLANT, [order("O-1")], NOW, factors={"saw-1": 0.0})


def test_energy_has_a_price_by_the_hour_where_power_is_known() -> None:
    prices = tuple(0.1 if hour < 8 else 0.2 for hour in range(24))
    tariff = Tariff(id="grid", price_per_kwh=prices, carbon_g_per_kwh=prices, peak_limit_kw=50)
    plant = changed(tariffs=(tariff,), timezone="America/New_York")
    problem = planned(plant, power_kw={"oven": 30.0})
    # It is 01:00 there.
    assert problem.energy.prices[:2] == ((0, 7 * 3600, 0.1), (7 * 3600, 23 * 3600, 0.2))
    assert problem.energy.cap_kw == 50
    assert [o.modes[0].power_kw for o in problem.operations_of["O-1-01"]] == [0.0, 30.0]
    assert planned(plant).energy.prices == ()


# -- what cannot be planned -------------------------------------------------------------------


def test_an_unknown_product_is_left_out_with_the_near_name() -> None:
    reason = only_reason(PLANT, order("O-9", "D"))
    assert reason == LeftOut(
        "O-9",
        "order O-9 is for 'D', which the plant does not make; choose one of A, B, C, or add it",
    )


def test_an_order_that_nobody_could_mean_is_left_out() -> None:
    reason = only_reason(PLANT, order("O-9", quantity=10**9))
    assert reason.reason.startswith("order O-9 would be 50,000,000 lots of 20 A; correct its")


def test_machines_without_working_time_are_told_and_planned_without() -> None:
    closed = Calendar(id="never", shifts=())
    problem, left_out = problem_of(working("saw-1", closed), [order("O-1")], NOW)
    assert {m.machine for o in problem.operations for m in o.modes} == {"saw-2", "oven"}
    assert left_out == (
        LeftOut(
            "saw-1",
            "the calendar 'never' of saw-1 has no working time, add shifts; planned without",
        ),
    )


def test_an_order_whose_only_machine_has_no_working_time_is_left_out() -> None:
    problem, left_out = problem_of(
        working("oven", Calendar(id="never", shifts=())), [order("O-1"), order("O-2")], NOW
    )
    assert problem.jobs == ()
    assert [told.id for told in left_out] == ["O-1", "O-2", "oven"]
    assert left_out[0].reason == (
        "order O-1: no machine can do 'bake' of A: the calendar 'never' of oven has no working "
        "time, add shifts"
    )


def test_a_skill_that_nobody_at_work_has_is_named() -> None:
    ways = tuple(
        way.model_copy(update={"skill": "sawing"})
        for way in PLANT.products[0].routing[0].alternatives
    )
    people = (Person(id="crew", skills=("baking",)),)
    reason = only_reason(step_of("A", 0, changed(people=people), alternatives=ways), order("O-9"))
    assert "saw-1 needs the skill 'sawing', and nobody at work has it, add a person" in str(reason)


def test_a_lot_that_no_batch_holds_is_named() -> None:
    reason = only_reason(step_of("A", 1, batch_parts=12), order("O-9"))
    assert "a batch on oven holds 12 parts and a lot up to 20, lower lot_size" in reason.reason


def test_a_batch_longer_than_any_shift_is_named() -> None:
    (bake,) = PLANT.products[0].routing[1].alternatives
    long = step_of("A", 1, alternatives=(bake.model_copy(update={"cycle_s": 5 * 3600.0}),))
    reason = only_reason(working("oven", DAY_SHIFT, long), order("O-9"))
    assert (
        "it takes 5 h in one piece on oven, whose longest stretch of working time is 4 h, "
        "lengthen a shift" in reason.reason
    )


def test_a_machine_that_no_vehicle_can_come_to_is_named() -> None:
    layout = PLANT.layout.model_copy(
        update={"edges": tuple(e for e in PLANT.layout.edges if e.id != "e23")}
    )
    problem, left_out = problem_of(changed(layout=layout), [order("O-1")], NOW)
    assert problem.jobs == ()
    assert left_out[0].reason == (
        "order O-1: no vehicle can go from saw-1 or saw-2 to oven for 'bake' of A; "
        "add an edge to the layout"
    )


def test_a_machine_off_the_layout_is_told_and_planned_without() -> None:
    nodes = tuple(
        node.model_copy(update={"station": None}) if node.station == "saw-1" else node
        for node in PLANT.layout.nodes
    )
    layout = PLANT.layout.model_copy(update={"nodes": nodes})
    problem, left_out = problem_of(changed(layout=layout), [order("O-1")], NOW)
    assert [job.id for job in problem.jobs] == ["O-1-01", "O-1-02"]
    assert [told.id for told in left_out] == ["saw-1"]
    assert "add a node with station: saw-1" in left_out[0].reason


def test_a_horizon_that_is_none_is_refused() -> None:
    with pytest.raises(PlanError, match="leaves no time to plan"):
        problem_of(PLANT, [order("O-1")], NOW, horizon_s=0)


# -- a running plant --------------------------------------------------------------------------


def test_lots_on_the_floor_are_planned_from_where_they_are() -> None:
    lots = [
        lot("O-1-01", order="O-1", step=1, place="saw-2", weight=3.0, due=NOW + HOUR),
        lot("O-1-02", order="O-1", quantity=7),
        lot("O-1-03", order="O-1", step=2, place="oven"),
        lot("O-1-04", order="O-1", phase=LotPhase.DONE, place="dock"),
    ]
    problem = planned(
        PLANT, order("O-1", quantity=60), order("O-2", quantity=5), situation=floor(lots)
    )
    assert [job.id for job in problem.jobs] == ["O-1-01", "O-1-02", "O-2-01"]
    first = problem.jobs_by_id["O-1-01"]
    assert (first.origin, first.weight, first.due) == ("saw-2", 3.0, 3600)
    assert [o.id for o in problem.operations_of["O-1-01"]] == ["O-1-01/bake"]
    assert problem.operations_by_id["O-1-02/cut"].modes[0].ticks == 7 * 60


def test_what_runs_is_fixed_until_it_should_end() -> None:
    lots = [lot("O-1-01", place="saw-1", phase=LotPhase.IN_WORK)]
    machines = (
        machine("saw-1", free_at=NOW + 900 * US, work=("O-1-01",), family="fa", ready=False),
        machine("saw-2", family="fb"),
        machine("oven"),
    )
    problem = planned(PLANT, order("O-2", "B", 5), situation=floor(lots, machines=machines))
    cut = problem.operations_by_id["O-1-01/cut"]
    assert cut.fixed == Fixed("saw-1", 0, 0, 900)
    assert [(mode.machine, mode.ticks, mode.skill) for mode in cut.modes] == [("saw-1", 900, None)]
    assert problem.machines_by_id["saw-1"].family == "fa"
    assert problem.machines_by_id["saw-2"].family == "fb"


def test_what_runs_pauses_while_its_calendar_is_closed() -> None:
    # 01:00 in New York: the saw works from 06:00.
    lots = [lot("O-1-01", place="saw-1", phase=LotPhase.IN_WORK)]
    machines = (machine("saw-1", free_at=NOW + 900 * US, work=("O-1-01",)), machine("oven"))
    problem = planned(
        working("saw-1", DAY_SHIFT), order("O-2"), situation=floor(lots, machines=machines)
    )
    fixed = problem.operations_by_id["O-1-01/cut"].fixed
    assert fixed is not None
    assert fixed.end == 5 * 3600 + 900


def test_a_batch_that_runs_is_fixed_as_one() -> None:
    lots = [
        lot(name, step=1, place="oven", phase=LotPhase.IN_WORK) for name in ("O-1-01", "O-1-02")
    ]
    machines = (machine("oven", free_at=NOW + HOUR, work=("O-1-01", "O-1-02")),)
    problem = planned(PLANT, order("O-2"), situation=floor(lots, machines=machines))
    baked = [problem.operations_by_id[f"{name}/bake"].fixed for name in ("O-1-01", "O-1-02")]
    assert baked == [Fixed("oven", 0, 0, 3600)] * 2


def test_overdue_work_is_about_to_end() -> None:
    lots = [lot("O-1-01", place="saw-1", phase=LotPhase.IN_WORK)]
    machines = (machine("saw-1", free_at=NOW - HOUR, work=("O-1-01",)), machine("oven"))
    problem = planned(PLANT, order("O-2"), situation=floor(lots, machines=machines))
    assert problem.operations_by_id["O-1-01/cut"].fixed == Fixed("saw-1", 0, 0, int(OVERDUE_S))


def test_machines_that_are_down_or_busy_with_others_take_nothing_new() -> None:
    machines = (
        machine("saw-1", able=False, down_since=NOW - HOUR),
        machine("saw-2", work=("X-1",), free_at=NOW + 600 * US),
        machine("oven"),
    )
    seen = floor([], machines=machines)
    found = planned(PLANT, order("O-1"), situation=seen).machines_by_id
    assert [found[name].free_from for name in ("saw-1", "saw-2", "oven")] == [REPAIR_S, 600, 0]
    known = planned(PLANT, order("O-1"), situation=seen, repair_s={"saw-1": 60.0}).machines_by_id
    assert known["saw-1"].free_from == 60


def test_a_lot_on_its_way_begins_where_it_is_taken() -> None:
    lots = [
        lot("O-1-01", place="amr-1", phase=LotPhase.MOVING, heading="saw-2"),
        lot("O-1-02", heading="saw-1"),
    ]
    vehicles = (
        vehicle("amr-1", "n1", free=False, loads=("O-1-01",)),
        vehicle("amr-2", "p2"),
        vehicle("hoist", "n2"),
    )
    problem = planned(PLANT, order("O-2"), situation=floor(lots, vehicles=vehicles))
    carried, fetched = problem.jobs_by_id["O-1-01"], problem.jobs_by_id["O-1-02"]
    assert (carried.origin, carried.release) == ("saw-2", 10 + 40)
    assert (fetched.origin, fetched.release) == ("saw-1", 10 + 40)
    assert problem.transport is not None
    assert problem.transport.vehicles == (
        Vehicle("amr-1", "amr", "saw-2", free_from=10 + 20),
        Vehicle("amr-2", "amr", "node:p2"),
        Vehicle("hoist", "hoist", "saw-2"),
    )


def test_a_vehicle_that_is_not_seen_is_planned_without() -> None:
    seen = floor([], vehicles=(vehicle("amr-1", "p1"), vehicle("amr-2", None)))
    problem, left_out = problem_of(changed(vehicles=PLANT.vehicles[:2]), [order("O-1")], NOW, seen)
    assert problem.transport is not None
    assert [v.id for v in problem.transport.vehicles] == ["amr-1"]
    assert left_out == (
        LeftOut(
            "amr-2",
            "vehicle amr-2 is not seen, and planned without; mend its connection",
        ),
    )


# -- what always holds ------------------------------------------------------------------------

WINDOWS = st.lists(st.integers(1, 50), min_size=2, max_size=12).map(
    lambda steps: tuple(
        (sum(steps[: i + 1]), sum(steps[: i + 2])) for i in range(0, len(steps) - 1, 2)
    )
)


@given(WINDOWS, st.integers(0, 200), st.integers(1, 200))
def test_work_ends_when_as_many_ticks_were_open(
    windows: tuple[tuple[int, int], ...], start: int, ticks: int
) -> None:
    open_ticks = [t for a, b in windows for t in range(a, b) if t >= start]
    expected = open_ticks[ticks - 1] + 1 if ticks <= len(open_ticks) else None
    assert advance(windows, start, ticks) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCX"), st.integers(1, 99), st.integers(-9, 9)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_every_order_is_planned_whole_or_left_out(rows: list[tuple[str, int, int]]) -> None:
    orders = [
        order(f"O-{n}", product, quantity, due=parse_time("2026-01-05T12:00:00Z") + hours * HOUR)
        for n, (product, quantity, hours) in enumerate(rows)
    ]
    problem, left_out = problem_of(PLANT, orders, NOW)
    told = {item.id for item in left_out}
    for given_order in orders:
        jobs = [job for job in problem.jobs if job.order == given_order.id]
        parts = sum(problem.operations_of[job.id][0].parts for job in jobs)
        assert parts == (0 if given_order.id in told else given_order.quantity)
