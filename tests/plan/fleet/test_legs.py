"""What a schedule has transported when becomes tasks of the fleet."""

from dataclasses import replace

import pytest
from tests.plan.fleet.layouts import amr
from tests.plan.fleet.test_planner import stations

from genba.plan.fleet.fleet_plan import plan_fleet
from genba.plan.fleet.legs import tasks_of
from genba.plan.fleet.network import Network
from genba.plan.fleet.tasks import Carrier
from genba.plan.problem import Job, Machine, Problem
from genba.plan.schedule import Leg, Plan
from genba.plant import US

PROBLEM = Problem(
    machines=(Machine("a"), Machine("b")),
    jobs=(Job("J", weight=2.0), Job("K")),
    operations=(),
    tick_s=10.0,
    zero=1000 * US,
)
LATER = Leg("J", "J/2", "v", "amr", "a", "b", empty_start=4, start=5, end=9)
FIRST = Leg("K", None, "v", "amr", "b", "c", empty_start=0, start=2, end=4)
NOWHERE = Leg("K", "K/1", None, "amr", "b", "b", empty_start=0, start=1, end=1)


def test_legs_become_tasks_with_their_times_and_weights() -> None:
    first, later = tasks_of(Plan((), legs=(LATER, FIRST, NOWHERE)), PROBLEM)
    assert (first.id, first.lot, first.origin, first.destination) == ("K", "K", "b", "c")
    assert (later.id, later.weight, later.ready_s, later.due_s) == ("J@J/2", 2.0, 1050.0, 1090.0)


def test_a_vehicle_is_there_when_the_schedule_has_the_lot_ready() -> None:
    leg = replace(LATER, start=20, end=24)
    carrier = Carrier(amr("v"), "n2-0", 1000.0)
    plan = plan_fleet(
        Network(stations("a", "b", "c")), [carrier], tasks_of(Plan((), legs=(leg,)), PROBLEM)
    )
    ends = plan.itineraries["v"].stop_ends_s()
    assert ends["J@J/2", "pick"] == pytest.approx(1210.0)
