"""A state can be written, read and simulated on from; without chance it comes out the same."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.twin.small_lines import HOUR, NOW, ahead, carried, crew, lot, serial, state, way

from genba.errors import TwinError
from genba.plant import US, Order
from genba.twin.distribution import constant
from genba.twin.future import futures
from genba.twin.later import state_after
from genba.twin.line import Line, Machine, Product, Step, Stoppage
from genba.twin.state import (
    LotPhase,
    LotState,
    MachineNow,
    State,
    VehicleNow,
    restore,
    snapshot,
    state_of_orders,
)

DAY_S = 86_400.0


def certain_line() -> Line:
    """Everything at once, and nothing of it by chance."""
    setups = {(b, a): 300.0 for b in (None, "f", "g") for a in ("f", "g") if a != b}
    stops = (Stoppage(constant(1000.0), constant(400.0), skill="repair"),)
    machines = (
        Machine("m0", places=3, setups=setups, stoppages=stops, families=("f", "g")),
        Machine("oven", places=4),
        Machine("m2", places=3),
    )
    products = tuple(
        Product(
            name,
            10,
            (
                Step("cut", (way("m0", 20, family=family, skill="setting"),)),
                Step("bake", (way("oven", 900),), batch_parts=25),
                Step("pack", (way("m2", 10, tools=("jig",)),)),
            ),
        )
        for name, family in (("A", "f"), ("B", "g"))
    )
    people = (crew(1, "setting"), dataclasses.replace(crew(1, "repair"), id="repairers"))
    line = Line("certain", machines, products, crews=people, tools={"jig": 1})
    return carried(line, 60, 15, vehicles=2)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cut_s=st.integers(1, 12_000))
def test_simulating_on_from_a_state_on_the_way_ends_like_simulating_through(cut_s: int) -> None:
    lots = [ahead(f"l{n}", 200.0 * n, 10, product="AB"[n // 3 % 2]) for n in range(10)]
    line, start = certain_line(), state(*lots)
    through = futures(line, start, DAY_S, n=1).done_s[0]
    between = restore(snapshot(state_after(line, start, float(cut_s))))
    rest = futures(line, between, DAY_S - cut_s, n=1).done_s[0] + cut_s
    assert between.time == NOW + cut_s * US
    assert sorted(rest.tolist()) == pytest.approx(sorted(through.tolist()), abs=0.01)


words = st.sampled_from(["a", "mill-2", 'ä/%\n"', ""])
lots_strategy = st.builds(
    LotState,
    id=st.integers(0, 10**6).map(str),
    product=words,
    quantity=st.integers(0, 10**6),
    due=st.integers(0, 2**60),
    weight=st.floats(0.1, 1e6),
    step=st.integers(0, 50),
    place=st.none() | words,
    phase=st.sampled_from(LotPhase),
)
machines_strategy = st.builds(
    MachineNow,
    id=st.integers(0, 10**6).map(str),
    family=st.none() | words,
    lots=st.lists(words, max_size=3).map(tuple),
    run_left_s=st.none() | st.floats(0, 1e9),
    ages_s=st.lists(st.floats(0, 1e9), max_size=3).map(tuple),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lots=st.lists(lots_strategy, max_size=4, unique_by=lambda x: x.id),
    machines=st.lists(machines_strategy, max_size=3, unique_by=lambda x: x.id),
)
def test_a_state_that_was_written_reads_back_the_same(
    lots: list[LotState], machines: list[MachineNow]
) -> None:
    whole = State(NOW, tuple(lots), tuple(machines), (VehicleNow("v", ages_s=(1.5,)),))
    assert restore(snapshot(whole)) == whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"genba_twin_state": 1}',
        b'{"genba_twin_state": 99, "time": 0}',
        b"\xff",
    ],
)
def test_what_is_not_a_state_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(TwinError) as refused:
        restore(data)
    assert "\n" not in str(refused.value)


def test_a_job_that_runs_goes_on_with_what_is_left_of_it() -> None:
    line = serial([10, 10])
    working = lot("a", phase=LotPhase.IN_WORK)
    told = MachineNow("m0", lots=("a",), run_left_s=30.0)
    result = futures(line, state(working, machines=(told,)), DAY_S, n=1)
    assert result.done_s[0].tolist() == [130]
    unknown = dataclasses.replace(told, run_left_s=None, run_done_s=80.0)
    result = futures(line, state(working, machines=(unknown,)), DAY_S, n=1)
    assert result.done_s[0].tolist() == [120]


def test_a_machine_that_is_down_keeps_its_job_until_it_is_repaired() -> None:
    told = MachineNow("m0", lots=("a",), run_left_s=30.0, down=True, down_left_s=500.0)
    working = lot("a", phase=LotPhase.IN_WORK)
    result = futures(serial([10]), state(working, machines=(told,)), DAY_S, n=1)
    assert result.done_s[0].tolist() == [530]


def test_a_lot_on_a_vehicle_arrives_after_what_is_left_of_the_way() -> None:
    line = carried(serial([10]), travel_s=50, handling_s=20)
    moving = lot("a", phase=LotPhase.MOVING, place="store")
    told = VehicleNow("v0", at="store", lot="a", heading="m0", carries=True, left_s=25.0)
    result = futures(line, state(moving, vehicles=(told,)), DAY_S, n=1)
    # There at 25, done at 125. The vehicle is at m0 for less than it takes to go home: it is there.
    # Picked up at 145 or, from home, at 195; then 70 s to the dock.
    assert result.done_s[0].tolist() in ([215], [265])


def test_a_lot_at_the_source_can_be_what_a_vehicle_was_sent_for() -> None:
    line = carried(serial([10]), travel_s=50, handling_s=20)
    wanted = lot("a", phase=LotPhase.MOVING)  # no place: the source
    told = VehicleNow("v0", at="m0", lot="a", heading="m0", left_s=30.0)
    result = futures(line, state(wanted, vehicles=(told,)), DAY_S, n=1)
    assert result.done_s[0, 0] in (30 + 70 + 100 + 90, 30 + 70 + 100 + 140)


def test_orders_become_lots_of_nearly_equal_size_and_are_released_in_time() -> None:
    line = serial([10])
    order = Order(id="O", product="A", quantity=25, release=NOW + HOUR, due=NOW + 9 * HOUR)
    start = state_of_orders(line, [order], NOW)
    assert [(x.id, x.quantity, x.phase) for x in start.lots] == [
        ("O-01", 9, LotPhase.AHEAD),
        ("O-02", 8, LotPhase.AHEAD),
        ("O-03", 8, LotPhase.AHEAD),
    ]
    assert futures(line, start, DAY_S, n=1).done_s.min() == 3600 + 90
    other = Order(id="P", product="Z", quantity=1, release=NOW, due=NOW)
    with pytest.raises(TwinError, match="'Z'"):
        state_of_orders(line, [other], NOW)
