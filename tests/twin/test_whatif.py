"""What-if answers: each change does what it says, and how sure a difference is is told."""

import dataclasses

import numpy as np
import pytest
from tests.twin.small_lines import HOUR, NOW, ahead, carried, crew, lot, serial, state

from genba.errors import TwinError
from genba.plant import US, Calendar, Day, Shift
from genba.twin.asking import EXAMPLES, moment, parse_change
from genba.twin.changes import (
    Change,
    ExtraHours,
    LotsScaled,
    MachineAdded,
    MachineDown,
    MachineSpeed,
    MorePeople,
    OrderLate,
    RushOrder,
    Situation,
    VehicleAdded,
    VehicleRemoved,
    changed,
)
from genba.twin.distribution import lognormal
from genba.twin.line import Line, Tariff
from genba.twin.policy import PlannedJob
from genba.twin.state import LotPhase, State, VehicleNow
from genba.twin.whatif import student, what_if

SHIFT = Calendar(
    id="early",
    shifts=(Shift(id="s", days=tuple(Day), start="06:00", end="14:00"),),  # type: ignore[arg-type]
)


def plant() -> Line:
    """A bottleneck with scatter, in one shift a day, one vehicle."""
    line = serial([60, 120, 30], factor=lognormal(1.0, 0.1), calendars=(SHIFT,), crews=(crew(),))
    machines = {m.id: dataclasses.replace(m, calendar="early") for m in line.machines}
    return carried(line.with_machines(machines), 40, 10)


def start() -> State:
    return state(*(lot(f"O{n}-01", order=f"O{n}", due=NOW + (n + 1) * HOUR) for n in range(40)))


@pytest.mark.parametrize(
    ("change", "measure", "sign"),
    [
        (MachineDown("m1", NOW + 4 * HOUR), "output", -1),
        (MachineDown("m1", NOW + 4 * HOUR, NOW + 2 * HOUR), "output", -1),
        (MachineSpeed("m1", 1.5), "output", 1),
        (MachineSpeed("m1", 0.5), "output", -1),
        (MachineAdded("m1"), "output", 1),
        (ExtraHours((NOW + 8 * HOUR, NOW + 12 * HOUR)), "output", 1),
        (MachineAdded("m1"), "tardiness_h", -1),
        (RushOrder("A", 10, NOW + HOUR // 2, 5.0), "tardiness_h", 1),
        (OrderLate("O0", NOW + 6 * HOUR), "tardiness_h", 1),
    ],
)
def test_a_change_moves_what_it_should_and_clearly(change: Change, measure: str, sign: int) -> None:
    found = what_if(plant(), start(), [change], 24 * 3600.0, n=12)
    told = found.measures[measure]
    assert np.sign(told.difference) == sign
    assert told.is_clear
    assert told.low <= told.difference <= told.high


def test_a_change_that_changes_nothing_is_exactly_no_difference() -> None:
    # Common random numbers: the same chance in both, so not even noise is left.
    found = what_if(plant(), start(), [MorePeople("people", 3)], 24 * 3600.0, n=5)
    intervals = [(m.low, m.high) for m in found.measures.values()]
    assert intervals == [(0.0, 0.0)] * 5


def test_common_random_numbers_narrow_the_interval() -> None:
    late = state(*(lot(f"l{n:02}", due=NOW) for n in range(12)))
    found = what_if(plant(), late, [MachineSpeed("m1", 1.05)], 8 * 3600.0, n=40)
    paired = found.measures["tardiness_h"].high - found.measures["tardiness_h"].low
    apart = np.sqrt(found.base.tardiness_h.var() + found.changed.tardiness_h.var()) / np.sqrt(40)
    assert paired < 0.5 * 2 * student(0.95, 39) * apart


def test_vehicles_can_be_added_and_taken_away_with_what_they_carry() -> None:
    line = plant()
    more = changed(Situation(line, start()), [VehicleAdded("amr")])
    assert [v.id for v in more.line.vehicles] == ["v0", "amr-more"]
    moving = state(
        lot("a", phase=LotPhase.MOVING, place="store"),
        vehicles=(VehicleNow("v0", at="store", lot="a", heading="m0", carries=True, left_s=5),),
    )
    fewer = changed(Situation(more.line, moving), [VehicleRemoved("v0")])
    assert fewer.state.lots[0].phase is LotPhase.WAITING
    assert what_if(more.line, moving, [VehicleRemoved("v0")], 24 * 3600.0, n=2).changed.lots[0] == 1
    with pytest.raises(TwinError, match="only vehicle"):
        changed(Situation(line, start()), [VehicleRemoved("v0")])


def test_halved_lots_keep_all_parts_and_the_plan_of_where_they_come_from() -> None:
    lots = state(lot("a", 9), lot("b", 4), ahead("c", 100.0, 7), lot("d", 5, step=1, place="m1"))
    plan = (PlannedJob("a", 0, "m0", NOW), PlannedJob("d", 1, "m1", NOW))
    after = changed(Situation(plant(), lots, plan), [LotsScaled(0.5)])
    assert sum(x.quantity for x in after.state.lots) == 25
    assert sorted(x.quantity for x in after.state.lots if x.order == "a") == [4, 5]
    assert [x.quantity for x in after.state.lots if x.order == "d"] == [5]
    assert [job.lot for job in after.schedule] == ["d", "a/1", "a/2"]
    doubled = changed(Situation(plant(), start()), [LotsScaled(2.0)])
    assert len(doubled.state.lots) == 40, "lots of different orders are not joined"


def test_every_example_is_understood() -> None:
    line = plant()
    names = {
        "mill-2": "m1", "amr-2": "v0", "machinists": "people", "JA17-S": "A", "O-1005": "O3",
    }  # fmt: skip
    for example in EXAMPLES:
        text = example
        for reference, here in names.items():
            text = text.replace(reference, here)
        assert str(parse_change(text, line, start()))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("m1 down until 2026-01-08T06:00", MachineDown("m1", NOW + 72 * HOUR)),
        ("m1  is down until thu 06:00", MachineDown("m1", NOW + 72 * HOUR)),
        ("m1 down until 07:30", MachineDown("m1", NOW + 3 * HOUR // 2)),
        ("m1 down until 05:00", MachineDown("m1", NOW + 23 * HOUR)),
        ("m1 down for 90m", MachineDown("m1", NOW + 3 * HOUR // 2)),
        ("m1 10% slower", MachineSpeed("m1", 0.9)),
        ("double lots of A", LotsScaled(2.0, "A")),
        ("lots x 0.25", LotsScaled(0.25)),
        ("extra shift of early sat 06:00 to 14:00",
         ExtraHours((NOW + 120 * HOUR, NOW + 128 * HOUR), "early")),
        ("remove 1 people", MorePeople("people", -1)),
        ("rush order 7 A by in 4h", RushOrder("A", 7, NOW + 4 * HOUR)),
    ],
)  # fmt: skip
def test_texts_are_read(text: str, change: Change) -> None:
    assert parse_change(text, plant(), start()) == change


def test_times_without_a_zone_are_the_plants() -> None:
    line = dataclasses.replace(plant(), tariff=Tariff("Asia/Tokyo"))
    assert moment("2026-01-05T16:00", line, NOW) == NOW + HOUR
    assert moment("16:00", line, NOW) == NOW + HOUR
    assert moment("2026-01-05T07:00Z", line, NOW) == NOW + HOUR


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m9 down until 07:00", "there is no machine 'm9'; there are m"),
        ("mm1 down until 07:00", "m1"),
        ("add vehicle hoist", "there is no vehicle or kind 'hoist'; there are amr"),
        ("m1 down until whenever", "'whenever' is not a time"),
        ("m1 down until 2020-01-01", "over already"),
        ("m1 150% slower", "less than 100%"),
        ("lots x 0", "above 0"),
        ("rush order 0 A by 12:00", "1 or more"),
        ("remove 9 people", "only 1 people"),
        ("make it better", "is not understood; write it like one of"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_mend(text: str, said: str) -> None:
    line = plant()
    with pytest.raises(TwinError, match=said):
        changed(Situation(line, start()), [parse_change(text, line, start())])


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(TwinError, match="name a change"):
        what_if(plant(), start(), [], 3600.0)
    with pytest.raises(TwinError, match="2 or more"):
        what_if(plant(), start(), [MachineSpeed("m1", 2.0)], 3600.0, n=1)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (99, 1.984)]
)
def test_student_quantiles_are_those_of_the_tables(freedom: int, expected: float) -> None:
    assert student(0.95, freedom) == pytest.approx(expected, rel=0.01)


def test_extra_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(TwinError, match="before they begin"):
        changed(Situation(plant(), start()), [ExtraHours((NOW + US, NOW))])
