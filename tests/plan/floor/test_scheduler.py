"""Plans of a running plant stay close to what is followed, and know it when the plant moved on."""

from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation

from genba.plan import Lot, Situation
from genba.plan.floor.desk import Answer, Question
from genba.plan.floor.scheduler import Scheduler

STEPS = 30


def seen(*lots: Lot, down: str = "") -> Situation:
    machines = (
        machine(name, able=name != down, ready=name != down) for name in ("saw-1", "saw-2", "oven")
    )
    return situation(list(lots), machines=tuple(machines))


def planned(at: Situation, before: Answer | None = None) -> Answer:
    in_force = None if before is None else before.instructions
    return Scheduler(PLANT, steps=STEPS).plan(Question(at, in_force, "a test asks", 1))


def machines(answer: Answer) -> dict[tuple[str, int], str]:
    return {(step.lot, step.number): step.machine for step in answer.instructions.steps}


def test_a_lot_stays_at_the_machine_where_it_stands() -> None:
    there = lot("L1", place="saw-2", due=NOW + 4 * HOUR)
    assert machines(planned(seen(there)))["L1", 0] == "saw-2"


def test_the_plan_in_force_keeps_its_machine_though_alternatives_come_back() -> None:
    there = lot("L1", place="saw-2", due=NOW + HOUR)
    before = planned(seen(there))
    # While saw-2 is down the lot may go to saw-1 again. That is a change of the plan, and told.
    after = planned(seen(there, down="saw-2"), before)
    assert machines(after)["L1", 0] == "saw-1"
    assert after.moved >= 1
    assert after.better_by > 0
    assert any("saw-1" in change for change in after.changes)


def test_a_plan_that_nothing_can_better_moves_nothing() -> None:
    lots = [lot(f"L{n}", place="store", due=NOW + n * HOUR) for n in (2, 3)]
    before = planned(seen(*lots))
    after = planned(seen(*lots), before)
    assert after.moved == 0
    assert machines(after) == machines(before)
