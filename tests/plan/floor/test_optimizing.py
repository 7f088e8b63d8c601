"""The optimizing planner follows only plans that were allowed, and asks for new ones in time."""

from dataclasses import replace

import pytest
from tests.plan.line import HOUR, NOW, PLANT, lot, machine, situation

from genba.errors import PlanError
from genba.plan import Situation
from genba.plan.floor.desk import Answer, Question
from genba.plan.floor.instructions import Instructions, Step
from genba.plan.floor.optimizing import LEAST_S, OLD_S, OptimizingPlanner
from genba.plant import US, Evidence

SEEN = (Evidence("saw-1.state", NOW, 4),)


class SlowDesk:
    """A desk whose answers the test lays down."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.ready: Answer | PlanError | None = None
        self.busy = False
        self.closed = False

    def ask(self, question: Question) -> None:
        self.asked.append(question)

    def answer(self) -> Answer | None:
        ready, self.ready = self.ready, None
        if isinstance(ready, PlanError):
            raise ready
        return ready

    def close(self) -> None:
        self.closed = True


def answer(number: int = 1, **more: object) -> Answer:
    step = Step("L1", 0, "saw-1", NOW, NOW + HOUR)
    fields = {
        "better_by": 5.0, "price": 20.0, "gap": 0.02, "moved": 3, "planned": 10,
        "changes": ("L1 goes to saw-1",), "late": (), "left_out": (), "found_by": "rules",
        "seconds": 0.1, "seed": 1, **more,
    }  # fmt: skip
    return Answer(number, Instructions(f"P-{number}", NOW, (step,)), **fields)


def picture(at_s: float = 0.0, **more: object) -> Situation:
    seen = situation(
        [lot("L1", place="saw-1", due=NOW + HOUR)],
        machines=tuple(machine(n, evidence=SEEN) for n in ("saw-1", "saw-2", "oven")),
        **more,
    )
    return replace(seen, time=NOW + round(at_s * US))


@pytest.fixture
def desk() -> SlowDesk:
    return SlowDesk()


@pytest.fixture
def planner(desk: SlowDesk) -> OptimizingPlanner:
    return OptimizingPlanner(PLANT, desk)


def with_plan(planner: OptimizingPlanner, desk: SlowDesk) -> None:
    planner.propose(picture())
    desk.ready = answer()
    planner.propose(picture(5))
    planner.accept("P-1")


def test_without_a_plan_it_decides_on_plans_only(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    assert planner.propose(picture()) == []
    assert planner.kinds == {"replan"}
    assert [q.why for q in desk.asked] == ["there is no plan"]


def test_a_plan_is_offered_and_not_followed_before_it_is_allowed(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    desk.ready = answer()
    (offer,) = planner.propose(picture())
    assert (offer.kind, offer.writes, offer.context["plan"]) == ("replan", (), "P-1")
    assert offer.evidence
    assert planner.in_force is None
    planner.accept("P-1")
    assert planner.kinds == {"replan", "dispatch", "transport"}
    assert [p.kind for p in planner.propose(picture(5)) if p.kind == "dispatch"] == ["dispatch"]


def test_a_plan_that_nobody_offered_is_not_accepted(planner: OptimizingPlanner) -> None:
    planner.accept("P-7")
    assert planner.in_force is None


def test_an_older_plan_does_not_replace_a_newer_one(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    for number in (1, 2):
        desk.ready = answer(number)
        planner.propose(picture())
    planner.accept("P-2")
    planner.accept("P-1")
    assert planner.in_force is not None
    assert planner.in_force.number == 2


def test_a_plan_that_is_no_better_is_not_offered(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    with_plan(planner, desk)
    desk.ready = answer(2, better_by=0.0)
    assert [p for p in planner.propose(picture(10)) if p.kind == "replan"] == []
    assert planner.in_force is not None
    assert planner.in_force.number == 1


def test_the_same_plan_with_new_times_needs_no_ones_yes(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    with_plan(planner, desk)
    desk.ready = answer(2, moved=0, better_by=0.0)
    assert [p for p in planner.propose(picture(10)) if p.kind == "replan"] == []
    assert planner.in_force is not None
    assert planner.in_force.number == 2


def test_a_breakdown_brings_a_question_at_once_and_time_brings_one_later(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    with_plan(planner, desk)
    asked = len(desk.asked)
    planner.propose(picture(LEAST_S + 1))
    assert len(desk.asked) == asked
    down = (machine("saw-1", able=False), machine("saw-2"), machine("oven"))
    planner.propose(replace(picture(LEAST_S + 2), machines=down))
    assert desk.asked[-1].why == "saw-1 is down"
    assert desk.asked[-1].in_force is not None
    planner.propose(replace(picture(LEAST_S + 10 + PLANT.planning.every_s), machines=down))
    assert "min old" in desk.asked[-1].why


def test_nothing_is_asked_while_the_desk_is_busy(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    desk.busy = True
    planner.propose(picture())
    assert desk.asked == []


def test_an_old_plan_is_followed_no_more(planner: OptimizingPlanner, desk: SlowDesk) -> None:
    with_plan(planner, desk)
    assert planner.propose(picture(OLD_S + 1)) == []
    assert planner.kinds == {"replan"}


def test_a_desk_that_fails_is_told_once(planner: OptimizingPlanner, desk: SlowDesk) -> None:
    with_plan(planner, desk)
    desk.ready = PlanError("the planning process ended with code 9")
    with pytest.raises(PlanError, match="code 9"):
        planner.propose(picture(10))
    desk.ready = PlanError("the planning process ended with code 9")
    assert [p.kind for p in planner.propose(picture(20)) if p.kind == "dispatch"] == ["dispatch"]
    planner.close()
    assert desk.closed


def test_an_offer_that_was_late_for_its_tick_is_made_again_but_not_for_ever(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    desk.ready = answer()
    offers = [planner.propose(picture(5 * tick)) for tick in range(6)]
    ids = [offer[0].id for offer in offers if offer]
    assert len(ids) == 3
    assert len(set(ids)) == 3
    planner.accept("P-1")
    assert planner.in_force is not None


def test_an_answer_is_heard_before_the_next_question_is_asked(
    planner: OptimizingPlanner, desk: SlowDesk
) -> None:
    planner.propose(picture())
    desk.ready = answer()
    (offer,) = planner.propose(picture(LEAST_S + 1))
    assert offer.kind == "replan"
    assert len(desk.asked) == 1
