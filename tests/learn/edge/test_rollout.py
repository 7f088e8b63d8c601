"""Whatever fails in whatever order, a bad release touches the canary group at most."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import LearnError
from genba.learn.edge.rolling import begin, drive, take_up
from genba.learn.edge.rollout import Do, Group, Plan, Rollout, Stage, State, Task
from genba.learn.registry.history import History, What

CANARY = ("a", "b")
PLAN = Plan(
    "0" * 64,
    "watch",
    (
        Group("canary", CANARY),
        Group("hall", ("c", "d", "e", "f"), most_failed=0.25, at_once=3),
        Group("all", ("g", "h", "i"), most_failed=0.34, at_once=3, approval=True),
    ),
)
NODES = [node for group in PLAN.groups for node in group.nodes]


def run(
    rollout: Rollout, fails: Callable[[str], bool], pick: Callable[[int], int]
) -> tuple[list[str], list[str]]:
    """Work a roll-out off in an order that ``pick`` chooses; return what was installed where."""
    touched: list[str] = []
    back: list[str] = []
    running: list[Task] = []
    for _ in range(200):
        if rollout.asking is not None:
            rollout.approve(rollout.asking.name, "ada")
        for task in rollout.todo():
            running.append(task)
            (touched if task.do is Do.INSTALL else back).append(task.node)
        if not running:
            return touched, back
        task = running.pop(pick(len(running)))
        bad = task.do is Do.INSTALL and fails(task.node)
        rollout.told(task, "it is bad" if bad else "")
    raise AssertionError("it never ends")


def picks(data: st.DataObject) -> Callable[[int], int]:
    return lambda count: data.draw(st.integers(0, count - 1))


@given(st.data())
def test_a_release_that_fails_everywhere_reaches_the_canary_only(data: st.DataObject) -> None:
    rollout = Rollout(PLAN)
    touched, _ = run(rollout, lambda _: True, picks(data))
    assert set(touched) <= set(CANARY)
    assert rollout.state is State.STOPPED


@settings(max_examples=300)
@given(st.data(), st.sets(st.sampled_from(NODES)))
def test_no_group_is_touched_before_those_before_it_are_settled_within_their_shares(
    data: st.DataObject, bad: set[str]
) -> None:
    rollout = Rollout(PLAN)
    touched, back = run(rollout, lambda node: node in bad, picks(data))
    stopped = False
    for group in PLAN.groups:
        failed = [n for n in group.nodes if n in bad and n in touched]
        if stopped:
            assert not set(group.nodes) & set(touched)
        stopped = stopped or len(failed) > group.most_failed * len(group.nodes)
    assert rollout.state is (State.STOPPED if stopped else State.DONE)
    running = {n for n, stage in rollout.stages.items() if stage is Stage.RUNNING}
    assert running == (set() if stopped else set(NODES) - bad)
    assert set(back) == ({n for n in touched if n not in bad} if stopped else set())
    assert len(touched) == len(set(touched))


@given(st.data(), st.sets(st.sampled_from(["c", "g"])))
def test_a_retry_touches_what_failed_and_nothing_else(data: st.DataObject, bad: set[str]) -> None:
    rollout = Rollout(PLAN)
    run(rollout, lambda node: node in bad, picks(data))
    assert set(rollout.retry()) == bad
    touched, back = run(rollout, lambda _: False, picks(data))
    assert set(touched) == bad
    assert back == []
    assert all(stage is Stage.RUNNING for stage in rollout.stages.values())


@given(st.data())
def test_a_retry_that_fails_again_is_within_the_same_share(data: st.DataObject) -> None:
    rollout = Rollout(PLAN)
    run(rollout, lambda node: node == "c", picks(data))
    rollout.retry()
    run(rollout, lambda _: True, picks(data))
    assert rollout.state is State.DONE
    assert rollout.stages["c"] is Stage.FAILED


@settings(max_examples=200)
@given(st.data(), st.sets(st.sampled_from(NODES)), st.integers(0, 60))
def test_it_is_taken_up_where_a_crash_left_it(
    data: st.DataObject, bad: set[str], events: int
) -> None:
    first = Rollout(PLAN)
    run(first, lambda node: node in bad, picks(data))
    happened = first.take_events()[:events]
    again = Rollout(PLAN)
    again.restore(happened)
    before = {node: stage for node, stage in again.stages.items() if stage is Stage.RUNNING}
    touched, _ = run(again, lambda node: node in bad, picks(data))
    assert again.state in (State.DONE, State.STOPPED)
    assert not set(touched) & set(before), "what ran before the crash is not installed again"


def test_nothing_happens_without_the_yes_that_a_group_needs() -> None:
    rollout = Rollout(Plan("0" * 64, "watch", (Group("all", ("a",), approval=True),)))
    assert rollout.todo() == []
    assert rollout.state is State.ASKING
    with pytest.raises(LearnError, match="does not wait"):
        rollout.approve("others", "ada")
    rollout.approve("all", "ada")
    assert rollout.todo() == [Task(Do.INSTALL, "a")]


def test_one_that_was_stopped_is_not_retried() -> None:
    rollout = Rollout(PLAN)
    rollout.stop("ada said so")
    with pytest.raises(LearnError, match="begin another"):
        rollout.retry()


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ((), "no group"),
        ((Group("a", ()),), "without machines"),
        ((Group("a", ("x",)), Group("b", ("x",))), "twice"),
        ((Group("a", ("x",), most_failed=2.0),), "share"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(groups: tuple[Group, ...], said: str) -> None:
    with pytest.raises(LearnError, match=said):
        Plan("0" * 64, "watch", groups)


class Machines:
    """A fleet of which some machines refuse."""

    def __init__(self, bad: set[str]) -> None:
        self.bad = bad
        self.done: list[tuple[str, str]] = []
        self.back: dict[str, str] = {}
        """Machines that took the release back by themselves, and why."""

    async def install(self, node: str, address: str) -> None:
        self.done.append(("install", node))
        if node in self.bad:
            raise LearnError(f"{node} refuses {address[:3]}")

    async def take_back(self, node: str, address: str, why: str) -> None:
        self.done.append(("take back", node))

    async def gone_back(self, nodes: Collection[str], address: str) -> dict[str, str]:
        return {node: why for node, why in self.back.items() if node in nodes}


async def test_a_driven_roll_out_is_in_the_history_and_goes_on_from_there(tmp_path: Path) -> None:
    history = History(tmp_path / "roll-outs.jsonl")
    fleet = Machines({"d"})
    rollout = begin(PLAN, history, lambda: 7, "ada")
    assert await drive(rollout, fleet, history, lambda: 8) is State.ASKING
    again = take_up(history)
    assert again is not None
    assert again.stages == rollout.stages
    assert again.reasons == {"d": "d refuses 000"}
    again.approve("all", "grace")
    assert await drive(again, fleet, history, lambda: 9) is State.DONE
    fleet.bad.clear()
    fleet.done.clear()
    third = take_up(history)
    assert third is not None
    assert third.retry() == ["d"]
    assert await drive(third, fleet, history, lambda: 9) is State.DONE
    assert fleet.done == [("install", "d")]
    assert What.APPROVED in [event.what for event in history.events()]


async def test_a_driven_roll_out_takes_back_what_it_brought(tmp_path: Path) -> None:
    history = History(tmp_path / "roll-outs.jsonl")
    fleet = Machines({"b"})
    rollout = begin(PLAN, history, lambda: 7, "ada")
    assert await drive(rollout, fleet, history, lambda: 8) is State.STOPPED
    assert fleet.done == [("install", "a"), ("install", "b"), ("take back", "a")]
    assert "b refuses" in rollout.why


async def test_a_machine_that_goes_back_later_by_itself_counts_as_failed(tmp_path: Path) -> None:
    history = History(tmp_path / "roll-outs.jsonl")
    fleet = Machines(set())
    rollout = begin(PLAN, history, lambda: 7, "ada")
    assert await drive(rollout, fleet, history, lambda: 8) is State.ASKING
    fleet.back = {"c": "watched: it drifted"}  # one of four in the hall: within its share
    again = take_up(history)
    assert again is not None
    assert await drive(again, fleet, history, lambda: 9) is State.ASKING
    assert (again.stages["c"], again.reasons["c"]) == (Stage.FAILED, "watched: it drifted")
    again.approve("all", "grace")
    assert await drive(again, fleet, history, lambda: 9) is State.DONE
    fleet.back |= {"a": "watched: three false alarms a week"}  # the canary puts up with none
    fleet.done.clear()
    third = take_up(history)
    assert third is not None
    assert await drive(third, fleet, history, lambda: 10) is State.STOPPED
    assert "false alarms" in third.why
    assert set(fleet.done) == {("take back", node) for node in NODES if node not in ("a", "c")}
    assert third.stages["a"] is Stage.FAILED
