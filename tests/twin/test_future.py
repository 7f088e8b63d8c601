"""The simulation does what a line does: checked by hand, and against laws that always hold."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.twin.small_lines import HOUR, NOW, ahead, carried, crew, lot, serial, state, way

from genba.errors import TwinError
from genba.plant import US, Calendar, Day, Shift
from genba.twin.distribution import constant, exponential, lognormal, weibull
from genba.twin.future import futures
from genba.twin.line import Line, Machine, Power, Product, Step, Stop, Stoppage, Tariff
from genba.twin.policy import Outage, PlannedJob
from genba.twin.records import STATES
from genba.twin.rules import BEND_S, EARLY_S
from genba.twin.state import LotPhase, LotState, MachineNow

DAY_S = 86_400.0
WEEK = tuple(Day)


def done(line: Line, *lots: LotState, horizon_s: float = DAY_S, **more: object) -> list[float]:
    """Seconds at which each lot is done, in one future."""
    return futures(line, state(*lots), horizon_s, n=1, **more).done_s[0].tolist()


def test_lots_follow_each_other_through_a_serial_line_as_computed_by_hand() -> None:
    # Ten parts: 100 s on m0, 300 s on m1. m1 is the bottleneck.
    assert done(serial([10, 30]), lot("a"), lot("b"), lot("c")) == [400, 700, 1000]


def test_a_full_station_blocks_the_machine_before_it() -> None:
    # One place each: a holds m1 until 1100, so b keeps its place at m0, and c cannot enter.
    line = serial([10, 100, 10], places=1)
    assert done(line, lot("a"), lot("b"), lot("c")) == [1200, 2200, 3200]
    result = futures(line, state(lot("a"), lot("b"), lot("c")), 3200.0, n=1)
    blocked = result.seconds[0, 0, STATES.index("blocked")]
    # m0 works 100 s for each lot; b is finished at 200 and leaves at 1100, c at 1200 and 2100.
    assert blocked == pytest.approx((1100 - 200) + (2100 - 1200))


def test_the_earlier_due_date_goes_first_but_a_family_saves_a_setup_within_its_window() -> None:
    families = {(None, "x"): 600.0, (None, "y"): 600.0, ("x", "y"): 600.0, ("y", "x"): 600.0}
    machine = Machine("m0", setups=families, families=("x", "y"))
    products = tuple(
        Product(name, 10, (Step("op", (way("m0", 10, family=family),)),))
        for name, family in (("X", "x"), ("Y", "y"))
    )
    line = Line("two-families", (machine,), products)
    first = lot("first", product="X", due=NOW + 1 * HOUR)
    other = lot("other", product="Y", due=NOW + 2 * HOUR)
    same = lot("same", product="X", due=NOW + 3 * HOUR)
    late = lot("late", product="X", due=NOW + 30 * HOUR)
    # Set-up 600, first 100, same 100 without set-up, then a set-up for `other`, then one back.
    assert done(line, first, other, same, late) == [700, 1500, 800, 2200]
    # Within half an hour it saves none.
    narrow = dataclasses.replace(line, family_window_s=1800.0)
    assert done(narrow, first, other, same, late) == [700, 1400, 2100, 2200]


def test_a_batch_takes_what_fits_and_waits_for_what_is_on_its_way() -> None:
    steps = (
        Step("cut", (way("saw", 60),)),
        Step("bake", (way("oven", 3600),), batch_parts=20),
    )
    line = Line("oven", (Machine("saw"), Machine("oven")), (Product("A", 10, steps),))
    # Cut at 600, 1200, 1800. The first waits for the second (1200 < 600 + 1500), which fill it.
    assert done(line, lot("a"), lot("b"), lot("c")) == [4800, 4800, 8400]


def test_a_setup_waits_for_a_person_and_a_person_serves_one_machine_at_a_time() -> None:
    machines = tuple(
        Machine(f"m{n}", setups={(None, "f"): 1000.0}, families=("f",)) for n in range(2)
    )
    products = tuple(
        Product(f"P{n}", 10, (Step("op", (way(f"m{n}", 10, family="f", skill="setting"),)),))
        for n in range(2)
    )
    line = Line("shared-setter", machines, products, crews=(crew(),))
    lots = lot("a", product="P0"), lot("b", product="P1")
    assert done(line, *lots) == [1100, 2100]
    assert done(dataclasses.replace(line, crews=(crew(2),)), *lots) == [1100, 1100]


def test_a_tool_is_on_one_machine_at_a_time() -> None:
    ways = tuple(way(f"m{n}", 10, tools=("mold",)) for n in range(2))
    line = Line(
        "one-mold",
        (Machine("m0"), Machine("m1")),
        (Product("A", 10, (Step("op", ways),)),),
        tools={"mold": 1},
    )
    assert done(line, lot("a"), lot("b")) == [100, 200]
    assert done(dataclasses.replace(line, tools={"mold": 2}), lot("a"), lot("b")) == [100, 100]


def test_work_pauses_while_the_calendar_is_closed_but_a_batch_goes_on() -> None:
    shift = Calendar(
        id="early",
        shifts=(Shift(id="s", days=WEEK, start="06:00", end="14:00"),),  # type: ignore[arg-type]
    )
    plain = Line(
        "shift",
        (Machine("m0", calendar="early"),),
        (Product("A", 10, (Step("op", (way("m0", 3600),)),)),),
        calendars=(shift,),
    )
    # Eight of ten hours until 14:00; it goes on at 06:00 for two hours.
    assert done(plain, lot("a"), horizon_s=2 * DAY_S) == [26 * 3600]
    batch = dataclasses.replace(
        plain,
        products=(Product("A", 10, (Step("op", (way("m0", 36_000),), batch_parts=10),)),),
    )
    assert done(batch, lot("a"), horizon_s=2 * DAY_S) == [10 * 3600]
    result = futures(plain, state(lot("a")), DAY_S, n=1)
    assert result.seconds[0, 0, STATES.index("run")] == 8 * 3600
    assert result.seconds[0, 0, STATES.index("off")] == 16 * 3600


def test_a_machine_breaks_down_by_its_running_time_and_waits_for_the_repairer() -> None:
    stoppage = Stoppage(constant(150.0), constant(500.0), skill="setting")
    line = serial([10], crews=(crew(),))
    line = line.with_machines({"m0": dataclasses.replace(line.machines[0], stoppages=(stoppage,))})
    # Runs 0-100, idle until 1000, runs 50 s more, is down for 500 s, and runs the other 50 s.
    assert done(line, lot("a"), ahead("b", 1000.0)) == [100, 1600]


def test_planned_service_does_not_tear_a_batch_apart() -> None:
    service = Stoppage(constant(50.0), constant(500.0), Stop.SERVICE)
    line = Line(
        "oven",
        (Machine("m0", stoppages=(service,)),),
        (Product("A", 10, (Step("op", (way("m0", 100),), batch_parts=10),)),),
    )
    assert done(line, lot("a"), lot("b")) == [100, 700]


def test_a_vehicle_fetches_and_brings_each_lot() -> None:
    line = carried(serial([10]), travel_s=50, handling_s=20)
    # To m0: pick up at 20 (it stands at the store), 50 driving, 20 setting down: 90. Done at 190.
    # It is at home again, and comes 50, picks up 20 (260), drives 50, sets down 20: 330.
    assert done(line, lot("a")) == [330]
    assert futures(line, state(lot("a")), DAY_S, n=1).moves.tolist() == [2]


def test_a_second_vehicle_shortens_what_one_alone_must_carry() -> None:
    lots = [lot(f"l{n}") for n in range(6)]
    one = done(carried(serial([1]), 200, 20), *lots)
    two = done(carried(serial([1]), 200, 20, vehicles=2), *lots)
    assert max(two) < 0.7 * max(one)


def test_energy_is_power_times_time_in_each_state_and_costs_what_the_hour_costs() -> None:
    power = Power(off=0.0, idle=1.0, setup=2.0, run=10.0, down=0.5)
    prices = tuple(0.10 if hour < 7 else 0.30 for hour in range(24))
    line = serial([360.0], tariff=Tariff("UTC", prices))
    line = line.with_machines({"m0": dataclasses.replace(line.machines[0], power=power)})
    # Runs an hour at 0.10 (06:00 to 07:00), then is idle for an hour at 0.30.
    result = futures(line, state(lot("a")), 2 * 3600.0, n=1)
    assert result.energy_kwh[0] == pytest.approx(11.0)
    assert result.cost[0] == pytest.approx(10 * 0.10 + 1 * 0.30)


def test_lateness_counts_by_weight_also_for_what_is_not_done() -> None:
    line = serial([360.0])
    lots = lot("a", due=NOW, weight=2.0), lot("b", due=NOW + HOUR)
    result = futures(line, state(*lots), 1.5 * 3600.0, n=1)
    assert result.tardiness_h[0] == pytest.approx(2 * 1.0 + 0.5)
    assert math.isinf(result.done_s[0, 1])


def test_scrap_takes_parts_and_a_lot_without_parts_is_not_delivered() -> None:
    line = serial([1.0, 1.0])
    ways = {key: dataclasses.replace(w, scrap=0.1) for key, w in line.ways.items()}
    lots = [lot(f"l{n}", 100) for n in range(50)]
    result = futures(line.with_ways(ways), state(*lots), 10 * DAY_S, n=20)
    assert result.output.mean() / 5000 == pytest.approx(0.81, abs=0.01)
    assert (result.output + result.scrapped == 5000).all()
    everything = {key: dataclasses.replace(w, scrap=1.0) for key, w in line.ways.items()}
    lost = futures(line.with_ways(everything), state(*lots), 10 * DAY_S, n=1)
    assert (lost.output[0], lost.lots[0], lost.scrapped[0]) == (0, 0, 5000)


def test_an_outage_stops_what_runs_and_sends_what_waits_to_another_machine() -> None:
    ways = tuple(way(f"m{n}", 10) for n in range(2))
    line = Line("pair", (Machine("m0"), Machine("m1")), (Product("A", 10, (Step("op", ways),)),))
    out = (Outage("m0", NOW + 50 * US, NOW + 100_000 * US),)
    lots = [lot(name) for name in "abcd"]
    # a runs on m0, is stopped after 50 s and ends late; what waited there goes to m1 after 1800 s.
    times = futures(line, state(*lots), 2 * DAY_S, n=1, outages=out).done_s[0].tolist()
    assert times == [100_050, 100, pytest.approx(1950), 200]


def test_a_vehicle_that_is_out_goes_on_afterwards() -> None:
    line = carried(serial([10]), travel_s=50, handling_s=20)
    # Picked up after 20 s, there after 90, done after 190; the vehicle is home again by then.
    whole = 20 + 70 + 100 + 70 + 70
    assert done(line, lot("a")) == [whole]
    for begin_s, end_s, late_s in ((60, 360, 300), (-50, 100, 100)):
        out = (Outage("v0", NOW + begin_s * US, NOW + end_s * US),)
        assert done(line, lot("a"), outages=out) == [whole + late_s]
    with pytest.raises(TwinError, match="'v9'"):
        done(line, lot("a"), outages=(Outage("v9", NOW, NOW + US),))


def test_scrap_that_is_told_is_not_drawn() -> None:
    line = serial([1, 1])
    ways = {key: dataclasses.replace(w, scrap=0.5) for key, w in line.ways.items()}
    told = {("a", 0): 3, ("a", 1): 0, ("b", 0): 99}
    result = futures(
        line.with_ways(ways), state(lot("a"), lot("b"), lot("c")), DAY_S, n=20, scrapped=told
    )
    # a loses 3 parts, b all that it has; c by chance.
    assert set((result.output - 7).tolist()) > {0, 1, 2}
    assert (result.output >= 7).all()
    assert (result.lots <= 2).all()
    with pytest.raises(TwinError, match="'z'"):
        futures(line, state(lot("a")), DAY_S, n=1, scrapped={("z", 0): 1})


def test_a_plan_says_on_which_machine_and_in_which_order() -> None:
    ways = tuple(way(f"m{n}", 10) for n in range(2))
    line = Line("pair", (Machine("m0"), Machine("m1")), (Product("A", 10, (Step("op", ways),)),))
    plan = tuple(
        PlannedJob(name, 0, "m1", NOW + start * US)
        for name, start in (("c", 0), ("b", 100), ("a", 200))
    )
    assert done(line, lot("a"), lot("b"), lot("c"), schedule=plan) == [300, 200, 100]


def test_what_a_plan_leaves_out_is_decided_by_rules() -> None:
    plan = (PlannedJob("b", 0, "m0", NOW),)
    assert done(serial([10, 10]), lot("a"), lot("b"), schedule=plan) == [300, 200]


def test_a_machine_waits_for_the_planned_lot_only_where_it_is_about_to_come() -> None:
    plan = (
        PlannedJob("b", 0, "m0", NOW),
        PlannedJob("b", 1, "m1", NOW + 100 * US),
        PlannedJob("a", 1, "m1", NOW + 200 * US),
    )
    # a stands at m1 already, but b is planned before it and comes there in 20 s: a quarter of the
    # 100 s that a takes is worth more.
    waiting = lot("a", step=1, place="m1")
    assert done(serial([2, 10]), waiting, lot("b"), schedule=plan) == [220, 120]
    assert done(serial([5, 10]), waiting, lot("b"), schedule=plan) == [100, 200]


def test_a_machine_does_not_wait_on_and_on_for_work_that_is_overdue() -> None:
    plan = (
        PlannedJob("b", 0, "m0", NOW),
        PlannedJob("b", 1, "m1", NOW + 100 * US),
        PlannedJob("a", 1, "m1", NOW + 200 * US),
    )
    line = serial([2, 10])
    slow = {key: dataclasses.replace(w, factor=constant(5.0)) for key, w in line.ways.items()
            if w.machine == "m0"}  # fmt: skip
    waiting = lot("a", step=1, place="m1")
    # b should come after 20 s and comes after 100; m1 looks again after 60, and takes a.
    assert done(line.with_ways(slow), waiting, lot("b"), schedule=plan) == [160, 260]


def test_a_planned_lot_enters_the_floor_some_time_before_its_start() -> None:
    plan = (PlannedJob("a", 0, "m0", NOW + 9000 * US),)
    assert done(serial([10]), lot("a"), schedule=plan) == [9000 - EARLY_S + 100]


@pytest.mark.parametrize(
    ("same_s", "first_is_there", "times"),
    [
        (1000.0, True, [700, 800, 1500]),  # the plan holds
        (1000.0, False, [900, 800, 100]),  # it bends: no set-up first
        (1000.0 + BEND_S, False, [900, 700, 1600]),  # that is too far ahead
    ],
)
def test_where_the_order_of_a_plan_bends_what_needs_no_setup_goes_first(
    same_s: float, first_is_there: bool, times: list[float]
) -> None:
    families = {(b, a): 600.0 for b in (None, "x", "y") for a in ("x", "y") if a != b}
    machine = Machine("m0", setups=families, families=("x", "y"))
    feeder = Machine("feeder")
    steps = {f: (Step("op", (way("m0", 10, family=f),)),) for f in ("x", "y")}
    fed = (Step("feed", (way("feeder", 80),)), *steps["y"])
    products = (Product("X", 10, steps["x"]), Product("Y", 10, steps["y"]), Product("F", 10, fed))
    line = Line("bending", (machine, feeder), products)
    first = lot("first", product="Y" if first_is_there else "F")
    plan = tuple(
        PlannedJob(name, int(name == "first" and not first_is_there), "m0", NOW + round(at * US))
        for name, at in (("first", 0.0), ("other", 1.0), ("same", same_s))
    )
    others = (lot("other", product="Y"), lot("same", product="X", place="m0"))
    start = state(first, *others, machines=(MachineNow("m0", family="x"),))
    assert futures(line, start, DAY_S, n=1, schedule=plan).done_s[0].tolist() == times


def random_line() -> Line:
    """A line with everything at once."""
    power = Power(0.1, 0.5, 1.0, 5.0, 0.2)
    setups = {(b, a): 300.0 for b in (None, "f", "g") for a in ("f", "g") if a != b}
    stops = (Stoppage(weibull(4000, 1.5), lognormal(600, 0.5), skill="repair", spoils=0.5),)
    machines = (
        Machine("m0", places=3, setups=setups, stoppages=stops, power=power, families=("f", "g")),
        Machine("m1", places=3, setups=setups, stoppages=stops, power=power, families=("f", "g")),
        Machine("oven", places=4, power=power),
        Machine("m3", places=2, stoppages=stops, power=power),
    )
    noise = {"factor": lognormal(1.0, 0.2), "part_cv": 0.1, "scrap": 0.05}
    products = tuple(
        Product(
            name,
            10,
            (
                Step("cut", tuple(
                    way(m, 20, family=family, skill="setting", **noise) for m in ("m0", "m1")
                )),
                Step("bake", (way("oven", 1800, **noise),), batch_parts=25),
                Step("recut", (way("m1", 15, family=family, skill="setting", **noise),)),
                Step("pack", (way("m3", 10, overhead_s=exponential(30), tools=("jig",), **noise),)),
            ),
        )
        for name, family in (("A", "f"), ("B", "g"))
    )  # fmt: skip
    people = (crew(1, "setting"), dataclasses.replace(crew(1, "repair"), id="repairers"))
    line = Line("all", machines, products, crews=people, tools={"jig": 1})
    return carried(line, 60, 15, vehicles=2)


lots_strategy = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.integers(1, 20), st.integers(0, 20_000), st.integers(0, 60_000)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lots=lots_strategy, seed=st.integers(0, 2**32))
def test_nothing_is_lost_and_every_second_is_accounted_for(
    lots: list[tuple[str, int, int, int]], seed: int
) -> None:
    start = state(
        *(
            ahead(f"l{n}", release, quantity, product=product, due=NOW + due * US)
            for n, (product, quantity, release, due) in enumerate(lots)
        )
    )
    result = futures(random_line(), start, 5 * DAY_S, n=2, seed=seed)
    total = sum(quantity for _, quantity, _, _ in lots)
    assert np.isfinite(result.done_s).all(), "every lot gets through in five days"
    assert (result.output + result.scrapped == total).all()
    assert result.seconds.sum(axis=2) == pytest.approx(5 * DAY_S)
    assert (result.seconds >= 0).all()
    for n, (_, _, release, _) in enumerate(lots):
        assert (result.done_s[:, n] > release).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lots=lots_strategy, seed=st.integers(0, 2**32), data=st.data())
def test_whatever_a_plan_says_every_lot_gets_through(
    lots: list[tuple[str, int, int, int]], seed: int, data: st.DataObject
) -> None:
    line = random_line()
    start = state(*(ahead(f"l{n}", r, q, product=p) for n, (p, q, r, _) in enumerate(lots)))
    plan = tuple(
        PlannedJob(item.id, number, data.draw(st.sampled_from(step.ways)).machine, NOW + at * US)
        for item in start.lots
        for number, step in enumerate(line.products_by_id[item.product].steps)
        if (at := data.draw(st.integers(-1000, 40_000))) % 5
    )
    found = futures(line, start, 5 * DAY_S, n=2, seed=seed, schedule=plan)
    assert np.isfinite(found.done_s).all()


def test_a_machine_does_not_wait_for_a_lot_that_it_keeps_from_coming() -> None:
    # Two places: b and c stand there; a, planned before them, cannot come before one is gone.
    line = serial([10], places=2)
    waiting = [lot(name, place="m0") for name in "bc"]
    plan = tuple(PlannedJob(name, 0, "m0", NOW + n * US) for n, name in enumerate("abc"))
    assert done(line, lot("a"), *waiting, schedule=plan) == [300, 100, 200]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lots=lots_strategy, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_future_and_other_names_of_seeds_another(
    lots: list[tuple[str, int, int, int]], seed: int
) -> None:
    start = state(
        *(ahead(f"l{n}", r, q, product=p, due=NOW + d * US) for n, (p, q, r, d) in enumerate(lots))
    )
    line = random_line()
    one = futures(line, start, 3 * DAY_S, n=3, seed=seed)
    again = futures(line, start, 3 * DAY_S, n=2, seed=seed + 1)
    assert one.done_s[1:].tolist() == again.done_s.tolist()
    assert one.done_s[0].tolist() != one.done_s[1].tolist()


def test_a_lot_takes_as_long_in_two_alternatives_whatever_else_differs() -> None:
    line = serial([10, 10], factor=lognormal(1.0, 0.5))
    alone = np.array([futures(line, state(lot("b")), DAY_S, n=1, seed=s).done_s for s in range(20)])
    after = np.array(
        [
            futures(line, state(lot("a", 1, due=NOW), lot("b")), DAY_S, n=1, seed=s).done_s[0, 1]
            for s in range(20)
        ]
    )
    waits = futures(line, state(lot("a", 1, due=NOW)), DAY_S, n=20).done_s[:, 0]
    assert (after >= alone.ravel() - 1e-6).all()
    assert (after <= alone.ravel() + waits + 1e-6).all()


def test_times_between_failures_have_the_distribution_that_was_given() -> None:
    stoppage = Stoppage(exponential(1000.0), constant(0.001))
    line = serial([1.0])
    line = line.with_machines({"m0": dataclasses.replace(line.machines[0], stoppages=(stoppage,))})
    result = futures(line, state(lot("a", 1_000_000)), 900_000.0, n=10)
    assert result.stops[:, 0].mean() == pytest.approx(900, rel=0.03)


def test_a_single_server_queues_as_theory_says() -> None:
    # M/M/1 with utilization 0.8: mean time in the system is 1 / (1 - 0.8) service times.
    rng = np.random.default_rng(7)
    line = serial([1.0], factor=exponential(1.0))
    arrivals = np.cumsum(rng.exponential(1 / 0.8, 20_000))
    lots = [ahead(f"l{n}", float(t), 1, due=NOW + n) for n, t in enumerate(arrivals)]
    result = futures(line, state(*lots), 60_000.0, n=5)
    releases = np.round(arrivals * US) / US
    assert (result.done_s - releases).mean() == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize(
    ("lots", "more", "said"),
    [
        ([lot("a", product="Z")], {}, "product 'Z'"),
        ([lot("a", step=7)], {}, "step 7"),
        ([lot("a", place="nowhere")], {}, "'nowhere'"),
        ([lot("a", phase=LotPhase.IN_WORK)], {}, "no machine or vehicle has it"),
        ([lot("a")], {"machines": (MachineNow("mx"),)}, "'mx'"),
        ([lot("a")], {"machines": (MachineNow("m0", lots=("b",)),)}, "lot 'b'"),
        ([lot("a")], {"machines": (MachineNow("m0", down=True),)}, "down_left_s"),
    ],
)
def test_a_state_that_does_not_fit_the_line_is_refused(
    lots: list[LotState], more: dict[str, object], said: str
) -> None:
    with pytest.raises(TwinError, match=said):
        futures(serial([10]), state(*lots, **more), DAY_S, n=1)
