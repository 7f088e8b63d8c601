"""The twin is asked what it expects of a plan, from the situation as it is."""

import pytest
from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation, vehicle

from genba.plan import LotPhase, Situation
from genba.plan.floor.foresight import foresee, schedule_of, state_of
from genba.plan.floor.instructions import Instructions, Step
from genba.plant import US, Order, PackMLMode
from genba.twin import LotPhase as TwinPhase
from genba.twin import build_line

LINE = build_line(PLANT)


def steps(*rows: tuple[str, int, str, float]) -> Instructions:
    found = [
        Step(name, number, where, NOW + round(start * US), NOW + round(start * US) + HOUR)
        for name, number, where, start in rows
    ]
    return Instructions("P", NOW, tuple(found))


def busy_floor() -> Situation:
    """One lot each in work, on a vehicle, called for, waiting, done; one machine down."""
    return situation(
        [
            lot("works", place="saw-1", phase=LotPhase.IN_WORK),
            lot("rides", place="amr-1", phase=LotPhase.MOVING, heading="saw-2"),
            lot("called", place="saw-2", phase=LotPhase.MOVING, heading="oven", step=1),
            lot("waits", place="oven", step=1),
            lot("over", place="dock", phase=LotPhase.DONE, step=2),
        ],
        machines=(
            machine("saw-1", work=("works",), station=("works",), free_at=NOW + 300 * US,
                    family="fa", mode=int(PackMLMode.PRODUCTION), ready=False),
            machine("saw-2", station=("called",)),
            machine("oven", station=("waits",), able=False, down_since=NOW),
        ),
        vehicles=(
            vehicle("amr-1", "n0", free=False, loads=("rides",)),
            vehicle("amr-2", "p2", free=False),
        ),
        upcoming=(
            Order(id="next", product="A", quantity=5, release=NOW + HOUR, due=NOW + 9 * HOUR),
        ),
    )  # fmt: skip


def test_a_situation_becomes_a_state_from_which_every_lot_gets_through() -> None:
    from genba.twin import futures

    state = state_of(PLANT, LINE, busy_floor())
    phases = {item.id: item.phase for item in state.lots}
    assert phases == {
        "works": TwinPhase.IN_WORK,
        "rides": TwinPhase.MOVING,
        "called": TwinPhase.MOVING,
        "waits": TwinPhase.WAITING,
        "next-01": TwinPhase.AHEAD,
    }
    known = {now.id: now for now in state.machines}
    assert known["saw-1"].run_left_s == 300
    assert (known["oven"].down, known["oven"].down_left_s) == (True, 1800.0)
    fetching = {now.id: now for now in state.vehicles}["amr-2"]
    assert (fetching.lot, fetching.heading, fetching.carries) == ("called", "oven", False)
    assert futures(LINE, state, 86_400.0, n=1).lots[0] == 5


def test_a_setup_that_goes_on_has_its_run_still_to_come() -> None:
    now = situation(
        [lot("a", place="saw-1", phase=LotPhase.IN_WORK, quantity=10)],
        machines=(
            machine("saw-1", work=("a",), free_at=NOW + 900 * US, mode=int(PackMLMode.SETUP)),
        ),
    )
    told = state_of(PLANT, LINE, now).machines[0]
    assert (told.setup_left_s, told.run_left_s) == (300.0, None)


def test_a_better_plan_saves_hours_and_the_twin_says_so() -> None:
    # Two lots of other families, only one of them in a hurry; the bad plan takes it last.
    hurry, calm = lot("hurry", due=NOW + HOUR, weight=3.0), lot("calm", product="B")
    lots = [hurry, calm]
    now = situation(
        lots, machines=(machine("saw-1"), machine("saw-2", able=False), machine("oven"))
    )
    good = steps(("hurry", 0, "saw-1", 0), ("calm", 0, "saw-1", 1800))
    bad = steps(("calm", 0, "saw-1", 0), ("hurry", 0, "saw-1", 1800))
    found = foresee(PLANT, LINE, now, good, bad, futures=3)
    assert found.saved_h > 0
    assert found.saved_low_h <= found.saved_h <= found.saved_high_h
    assert "h less than the plan in force" in str(found)
    same = foresee(PLANT, LINE, now, good, good, futures=3)
    assert same.saved_h == 0
    assert "not clearly different" in str(same)
    assert "the plain rules" in str(foresee(PLANT, LINE, now, good, futures=2))


def test_a_plan_that_speaks_of_lots_that_are_gone_is_followed_for_the_others() -> None:
    state = state_of(PLANT, LINE, situation([lot("here")]))
    plan = steps(("here", 0, "saw-1", 0), ("gone", 0, "saw-1", 60))
    assert [job.lot for job in schedule_of(plan, state)] == ["here"]


@pytest.mark.parametrize("place", ["amr-1", "nowhere"])
def test_a_lot_at_an_unknown_place_is_taken_to_be_at_the_source(place: str) -> None:
    state = state_of(PLANT, LINE, situation([lot("a", place=place)], vehicles=()))
    assert state.lots[0].place == "store"
