"""Set-points go and come back in bounded steps, and whose they are is known."""

import hypothesis.strategies as st
from hypothesis import given

from genba.control.handover import Handover
from genba.plant import DataType, Signal, SignalKind

HEAT = Signal(
    id="oven.heat", equipment="oven", connection="c", address="h", kind=SignalKind.SETPOINT,
    unit="Cel",
)  # fmt: skip
COUNT = HEAT.model_copy(update={"id": "oven.count", "type": DataType.INT})


def test_what_was_in_force_before_comes_back_in_bounded_steps() -> None:
    points = Handover([(HEAT, 5.0)])
    points.shown(HEAT.id, 190.0)
    points.asked({HEAT.id: 202.0})
    assert not points.shown(HEAT.id, 202.0)
    way = []
    while back := points.way_back():
        way.append(back[HEAT.id])
        points.asked(back)
        assert not points.shown(HEAT.id, float(back[HEAT.id]))
    assert way == [197.0, 192.0, 190.0]


def test_what_somebody_else_wrote_is_the_base_from_then_on() -> None:
    points = Handover([(HEAT, 5.0)])
    points.shown(HEAT.id, 190.0)
    points.asked({HEAT.id: 195.0})
    points.shown(HEAT.id, 195.0)
    assert points.shown(HEAT.id, 185.0)
    assert points.plain == {HEAT.id: 185.0}
    assert points.way_back() == {}


def test_what_control_left_before_a_restart_is_no_new_base() -> None:
    points = Handover([(HEAT, 5.0)], {HEAT.id: 190.0, "oven.other": 1.0})
    assert not points.shown(HEAT.id, 200.0)
    assert points.plain == {HEAT.id: 190.0}
    assert points.way_back() == {HEAT.id: 195.0}


def test_whole_numbers_stay_whole_and_arrive() -> None:
    points = Handover([(COUNT, 0.3)])
    points.shown(COUNT.id, 7)
    points.asked({COUNT.id: 9})
    points.shown(COUNT.id, 9)
    assert points.way_back() == {COUNT.id: 8}


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.1, 1e5))
def test_no_step_is_longer_than_allowed_and_each_leads_nearer(
    own: float, now: float, step: float
) -> None:
    points = Handover([(HEAT, step)], {HEAT.id: own})
    points.shown(HEAT.id, now)
    for value in points.way_back().values():
        assert abs(value - now) <= step * (1 + 1e-9) + 1e-6 * abs(now)
        assert abs(value - own) < abs(now - own)
