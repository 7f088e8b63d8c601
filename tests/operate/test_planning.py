"""What an advanced planner does not do in time, the plain one does, in the same tick."""

import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.plan.line import NOW, PLANT, lot, situation

from genba.operate.planning import Planned, Planning, deadline_s
from genba.plan import EarliestDueDate, Situation
from genba.plant import Proposal, Write

PICTURE = situation([lot("L1", place="saw-1"), lot("L2")])


class Clever:
    """A planner whose answer the test chooses."""

    name = "clever"

    def __init__(self, answer: Callable[[], object], kinds: set[str]) -> None:
        self._answer = answer
        self.kinds = frozenset(kinds)

    def propose(self, _: Situation) -> Sequence[Proposal]:
        return self._answer()  # type: ignore[return-value]


def proposal(**more: object) -> Proposal:
    fields = {
        "id": "clever-1",
        "time": NOW,
        "kind": "dispatch",
        "equipment": "saw-2",
        "writes": (Write("saw-2.job_request", 1, "1"),),
        "reason": "it is clever",
        "source": "clever 1.0",
        **more,
    }
    return Proposal(**fields)


def planning(
    answer: Callable[[], object],
    kinds: tuple[str, ...] = ("dispatch", "transport"),
    within_s: float = 5.0,
) -> Planning:
    return Planning(EarliestDueDate(PLANT), [Clever(answer, set(kinds))], within_s)


def sources(planned: Planned) -> set[str]:
    return {p.source for p in planned.proposals}


async def test_a_good_answer_is_used_and_the_plain_planner_is_silent() -> None:
    net = planning(lambda: [proposal()])
    assert (await net.propose(PICTURE)).proposals == (proposal(),)
    assert net.fallbacks == 0


async def test_kinds_that_nobody_else_makes_stay_with_the_plain_planner() -> None:
    planned = await planning(lambda: [proposal()], ("dispatch",)).propose(PICTURE)
    assert {(p.kind, p.source) for p in planned.proposals} == {
        ("dispatch", "clever 1.0"),
        ("transport", "plain"),
    }


def _raise() -> object:
    raise ArithmeticError("singular matrix")


def _leave() -> object:
    raise SystemExit(3)


def _stop_iterating() -> object:
    return next(iter([]))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (_raise, "singular matrix"),
        (_leave, "SystemExit"),
        (_stop_iterating, "StopIteration"),
        (lambda: [proposal(context=None)], "context"),
        (lambda: [proposal(context={"lot": ["L1"]})], "context"),
        (lambda: [proposal(writes=[Write("saw-2.job_request", 1, "1")])], "writes"),
        (lambda: [proposal(writes=(Write("saw-2.job_request", [1], "1"),))], "writes"),
        (lambda: [proposal(time="now")], "time"),
        (lambda: [proposal(time=-(10**400))], "time"),
        (lambda: [proposal(equipment=["saw-2"])], "unhashable"),
        (lambda: None, "no sequence"),
        (lambda: [proposal(), "stop"], "no sequence"),
        (lambda: (p for p in [proposal()]), "no sequence"),
        (lambda: [proposal(), proposal(equipment="oven")], "same id"),
        (lambda: [proposal(), proposal(id="clever-2")], "two things of the same equipment"),
        (lambda: [proposal(kind="heartbeat")], "kind 'heartbeat'"),
        (lambda: [proposal(actor="ann")], "speaks for 'ann'"),
    ],
)
async def test_nonsense_is_replaced_in_the_same_tick(
    answer: Callable[[], object], why: str
) -> None:
    net = planning(answer)
    planned = await net.propose(PICTURE)
    assert sources(planned) == {"plain"}
    assert {p.kind for p in planned.proposals} == {"dispatch", "transport"}
    assert why in planned.judgements[0].finding.text
    assert planned.judgements[0].stands
    # Said once, not in every tick.
    assert (await net.propose(PICTURE)).judgements == ()
    assert net.fallbacks == 2


async def test_a_planner_changes_nothing_of_what_the_plain_one_sees() -> None:
    class Vandal(Clever):
        def propose(self, seen: Situation) -> Sequence[Proposal]:
            seen.machines_by_id.clear()  # type: ignore[attr-defined]
            raise ValueError("done")

    picture = situation([lot("L1", place="saw-1"), lot("L2")])
    expected = EarliestDueDate(PLANT).propose(picture)
    net = Planning(EarliestDueDate(PLANT), [Vandal(list, {"dispatch"})], 5.0)
    assert list((await net.propose(picture)).proposals) == expected


def test_a_planner_that_never_comes_back_does_not_keep_genba_from_ending() -> None:
    program = """
import asyncio, threading
from tests.operate.test_planning import PICTURE, planning
print(len(asyncio.run(planning(threading.Event().wait, within_s=0.05).propose(PICTURE)).proposals))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert int(ended.stdout) > 0


async def test_a_late_planner_is_not_waited_for_and_comes_back(
    eventually: Callable[..., Awaitable[None]],
) -> None:
    go, calls = threading.Event(), []

    def slow() -> list[Proposal]:
        calls.append(1)
        go.wait(10)
        return [proposal()]

    net = planning(slow, within_s=0.05)
    late = await net.propose(PICTURE)
    assert sources(late) == {"plain"}
    assert "deadline" in late.judgements[0].finding.text
    # It is not asked again while it still works.
    assert sources(await net.propose(PICTURE)) == {"plain"}
    assert len(calls) == 1
    go.set()

    await eventually(net._busy["clever"].done)
    assert sources(await net.propose(PICTURE)) == {"clever 1.0"}


async def test_its_return_is_said() -> None:
    answers = iter([None, [proposal()]])
    net = planning(lambda: next(answers))
    await net.propose(PICTURE)
    planned = await net.propose(PICTURE)
    assert planned.judgements[0].clears
    assert sources(planned) == {"clever 1.0"}


def test_the_plain_planner_stands_in_for_refused_equipment_only() -> None:
    net = planning(lambda: [])
    found = net.stand_in(PICTURE, frozenset({"saw-1"}))
    assert [p.equipment for p in found] == ["saw-1"]
    assert net.fallbacks == 1


def test_the_deadline_is_half_a_tick_of_the_wall_clock() -> None:
    assert deadline_s(1.0, 1.0) == 0.5
    assert deadline_s(5.0, 120.0) == pytest.approx(1 / 48)
    assert deadline_s(60.0, 1.0) == 1.0
    assert deadline_s(1.0, float("inf")) == 60.0


async def test_planners_work_at_the_same_time() -> None:
    """Each waits for the other: one after the other, none would ever be ready."""
    meeting = threading.Barrier(2, timeout=10.0)

    def dispatch() -> object:
        meeting.wait()
        return [proposal()]

    def transport() -> object:
        meeting.wait()
        return []

    first, second = Clever(dispatch, {"dispatch"}), Clever(transport, {"transport"})
    second.name = "other"
    net = Planning(EarliestDueDate(PLANT), [first, second], 10.0)
    assert (await net.propose(PICTURE)).proposals == (proposal(),)
    assert net.fallbacks == 0
