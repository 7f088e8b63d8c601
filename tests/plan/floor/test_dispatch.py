"""The plain planner starts the right jobs and wants the right moves."""

import pytest
from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation

from genba.plan import EarliestDueDate, LotPhase, Situation
from genba.plant import US, Proposal


def plan(picture: Situation) -> list[Proposal]:
    return EarliestDueDate(PLANT).propose(picture)


def jobs(picture: Situation) -> dict[str, dict[str, object]]:
    return {
        p.equipment: {write.signal.split(".")[1]: write.value for write in p.writes}
        for p in plan(picture)
        if p.kind == "dispatch"
    }


def moves(picture: Situation) -> dict[object, object]:
    return {
        p.context["lot"]: p.context["destination"]
        for p in plan(picture)
        if p.context.get("task") == "move"
    }


def machines(**changed: dict[str, object]) -> tuple[object, ...]:
    names = {"saw-1": {}, "saw-2": {}, "oven": {}} | {
        k.replace("_", "-"): v for k, v in changed.items()
    }
    return tuple(machine(name, **fields) for name, fields in names.items())


def test_the_job_of_the_lot_that_is_due_first() -> None:
    lots = [
        lot("L1", place="saw-1", due=NOW + 9 * HOUR),
        lot("L2", place="saw-1", product="B", due=NOW + 2 * HOUR, quantity=7),
    ]
    found = jobs(situation(lots, machines=machines(saw_1={"request": 41})))
    assert found == {
        "saw-1": {
            "job_lots": "L2",
            "job_operation": "B/cut",
            "job_quantity": 7,
            "job_request": 42,
        }
    }


def test_among_about_equally_urgent_lots_no_setup_goes_first() -> None:
    lots = [
        lot("L1", place="saw-1", product="B", due=NOW + 5 * HOUR),
        lot("L2", place="saw-1", product="A", due=NOW + 6 * HOUR),
    ]
    set_up = situation(lots, machines=machines(saw_1={"family": "fa"}))
    assert jobs(set_up)["saw-1"]["job_lots"] == "L2"
    late = [lots[0], lot("L2", place="saw-1", product="A", due=NOW + 12 * HOUR)]
    set_up = situation(late, machines=machines(saw_1={"family": "fa"}))
    assert jobs(set_up)["saw-1"]["job_lots"] == "L1"


@pytest.mark.parametrize(
    "why",
    [{"held": True}, {"heading": "saw-2"}, {"phase": LotPhase.IN_WORK}, {"step": 1}],
)
def test_a_lot_that_is_not_ready_starts_no_job(why: dict[str, object]) -> None:
    assert jobs(situation([lot("L1", place="saw-1", **why)])) == {}


def test_a_machine_that_is_not_ready_gets_no_job() -> None:
    lots = [lot("L1", place="saw-1")]
    assert jobs(situation(lots, machines=machines(saw_1={"ready": False}))) == {}


def test_a_tool_serves_one_machine_at_a_time() -> None:
    lots = [lot("L1", place="saw-1", product="C"), lot("L2", place="saw-2", product="C")]
    assert list(jobs(situation(lots))) == ["saw-1"]
    busy = machines(saw_1={"ready": False, "tools": ("clamp",)})
    assert jobs(situation(lots, machines=busy)) == {}


def test_a_batch_takes_lots_of_one_family_up_to_its_size() -> None:
    lots = [
        lot("L1", place="oven", step=1, quantity=15),
        lot("L2", place="oven", step=1, quantity=15, product="B"),
        lot("L3", place="oven", step=1, quantity=15),
        lot("L4", place="oven", step=1, quantity=10),
    ]
    assert jobs(situation(lots))["oven"]["job_lots"] == "L1,L2,L4"
    assert jobs(situation(lots))["oven"]["job_quantity"] == 40


def test_a_batch_with_room_waits_for_what_is_coming_but_not_for_long() -> None:
    waiting = lot("L1", place="oven", step=1, since=NOW - 600 * US)
    coming = lot("L2", place="amr-1", step=1, phase=LotPhase.MOVING, heading="oven")
    in_work = lot("L3", place="saw-1", phase=LotPhase.IN_WORK)
    assert jobs(situation([waiting, coming])) == {}
    assert jobs(situation([waiting, in_work])) == {}
    assert "oven" in jobs(situation([waiting, lot("L4")]))
    patient = lot("L1", place="oven", step=1, since=NOW - 1600 * US)
    assert "oven" in jobs(situation([patient, coming]))


def test_a_lot_goes_where_it_would_be_done_first() -> None:
    busy = machines(saw_1={"free_at": NOW + 2 * HOUR})
    assert moves(situation([lot("L1")], machines=busy)) == {"L1": "saw-2"}
    # On saw-2 the change-over from fa to fb takes 300 s, on saw-1 any takes 1200 s.
    set_up = machines(saw_1={"family": "fa"}, saw_2={"family": "fa"})
    assert moves(situation([lot("L1", product="B")], machines=set_up)) == {"L1": "saw-2"}
    same = machines(saw_1={"family": "fb"}, saw_2={"family": "fa"})
    assert moves(situation([lot("L1", product="B")], machines=same)) == {"L1": "saw-1"}


def test_a_lot_that_can_be_worked_on_where_it_is_stays() -> None:
    assert moves(situation([lot("L1", place="saw-1")])) == {}


def test_a_finished_lot_goes_to_the_dock() -> None:
    assert moves(situation([lot("L1", place="oven", step=2)])) == {"L1": "dock"}


def test_nothing_goes_to_a_machine_that_is_down_and_lots_leave_it_in_time() -> None:
    down = machines(saw_1={"able": False, "ready": False, "down_since": NOW - 600 * US})
    assert moves(situation([lot("L1")], machines=down)) == {"L1": "saw-2"}
    assert moves(situation([lot("L1", place="saw-1")], machines=down)) == {}
    long = machines(saw_1={"able": False, "ready": False, "down_since": NOW - 1900 * US})
    assert moves(situation([lot("L1", place="saw-1")], machines=long)) == {"L1": "saw-2"}


def test_no_lot_is_sent_to_a_station_without_a_place() -> None:
    full = {"station": ("X1", "X2"), "work": ("X3",), "ready": False}
    on_the_way = lot("L1", place="saw-1", step=1)
    assert moves(situation([on_the_way], machines=machines(oven=full))) == {}
    two = {"station": ("X1",), "work": ("X3",), "ready": False}
    assert moves(situation([on_the_way], machines=machines(oven=two))) == {"L1": "oven"}
    other = lot("L9", place="amr-1", step=1, phase=LotPhase.MOVING, heading="oven")
    assert moves(situation([on_the_way, other], machines=machines(oven=two))) == {}


def test_a_lot_that_was_just_set_down_holds_its_place_before_the_scanner_says_so() -> None:
    two = {"station": ("X1",), "work": ("X3",), "ready": False}
    set_down = lot("L9", place="oven", step=1, held=True)
    waiting = lot("L1", place="saw-1", step=1)
    assert moves(situation([waiting, set_down], machines=machines(oven=two))) == {}


def test_a_fresh_lot_leaves_a_place_for_those_under_way() -> None:
    one_left = {"station": ("X1",), "work": ("X2",), "ready": False}
    both = machines(saw_1=one_left, saw_2=one_left)
    assert moves(situation([lot("L1")], machines=both)) == {}


def test_a_lot_that_blocks_a_full_station_is_parked_in_the_store() -> None:
    full = {"station": ("L1", "X1", "X2"), "ready": False}
    oven = {"station": ("Y1", "Y2"), "work": ("Y3",), "ready": False}
    both = machines(saw_1=full, oven=oven)
    stuck = lot("L1", place="saw-1", step=1, since=NOW - 1000 * US)
    assert moves(situation([stuck], machines=both)) == {"L1": "store"}
    fresh = lot("L1", place="saw-1", step=1, since=NOW - 100 * US)
    assert moves(situation([fresh], machines=both)) == {}


def test_the_same_situation_gives_the_same_plan() -> None:
    lots = [lot(f"L{n}", product="AB"[n % 2]) for n in range(6)]
    assert plan(situation(lots)) == plan(situation(lots))
