"""A machine's shelf: nothing runs that did not pass, and what ran before comes back as it was."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.learn.edge import models
from tests.learn.edge.models import graph, release, where_above

from genba.errors import LearnError
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import MOST_STARTS, Node, Slot
from genba.learn.edge.runner import WORST_FAULTS, Answer, Runner
from genba.learn.edge.window import US
from genba.learn.registry.history import What

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
FIRST, SECOND = release(KEY), release(KEY, version="2")


def node_at(folder: Path) -> Node:
    return Node(folder, "cell", TRUST, lambda: 1, models.COLUMNS)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return node_at(tmp_path)


def in_force(node: Node, content: bytes) -> str:
    """Bring a release into force without a trial; return its address."""
    report = node.receive(content)
    assert report.passed, report.why
    node.activate(report.address)
    node.confirm("watch")
    return report.address


class Press:
    """A press whose signals stand at a level, and a model that watches it."""

    def __init__(self, node: Node, trial_answers: int = 5) -> None:
        self.runner = Runner(node, "watch", trial_answers=trial_answers)
        self.now = 0

    def run(self, steps: int, level: float = 0.5) -> list[Answer]:
        told: list[Answer] = []
        for _ in range(steps):
            self.now += US
            told += self.runner.tick(self.now, lambda _: level)
        return told


@pytest.fixture
def press() -> Iterator[Callable[..., Press]]:
    made: list[Press] = []

    def make(node: Node, trial_answers: int = 5) -> Press:
        made.append(Press(node, trial_answers))
        return made[-1]

    yield make
    for one in made:
        one.runner.close()


def test_a_release_goes_from_received_over_trial_into_force_and_back_byte_for_byte(
    node: Node, tmp_path: Path
) -> None:
    first = in_force(node, FIRST)
    second = in_force(node, SECOND)
    assert node.slot("watch") == Slot(force=second, before=first)
    node.roll_back("watch", "ada wants it", "ada")
    assert node.slot("watch") == Slot(force=first)
    assert node.content(first) == FIRST
    again = node_at(tmp_path)
    assert again.slot("watch") == Slot(force=first)
    told = again.history.events()
    assert [event.what.value for event in told] == [
        "received", "trial", "started", "received", "trial", "started", "stopped", "rolled_back",
        "started",
    ]  # fmt: skip
    assert [event.data["address"] for event in told[-3:]] == [first, second, first]
    assert {event.where for event in told} == {"cell"}


def test_what_did_not_pass_cannot_be_activated(node: Node) -> None:
    report = node.receive(release(KEY, graph(twist=models.nan)))
    assert not report.passed
    with pytest.raises(LearnError, match="did not pass"):
        node.activate(report.address)
    assert node.slots() == {}
    assert node.history.events()[0].what is What.REFUSED


def test_a_release_that_was_altered_on_the_shelf_does_not_run(node: Node, tmp_path: Path) -> None:
    first = in_force(node, FIRST)
    path = tmp_path / "shelf" / f"{first}.bundle"
    path.write_bytes(FIRST[:-1] + b"\x00")
    with pytest.raises(LearnError):
        node.bundle(first)


def test_going_back_to_what_was_altered_is_refused_and_changes_nothing(
    node: Node, tmp_path: Path
) -> None:
    first, second = in_force(node, FIRST), in_force(node, SECOND)
    (tmp_path / "shelf" / f"{first}.bundle").write_bytes(SECOND)
    with pytest.raises(LearnError, match="altered"):
        node.roll_back("watch", "back")
    assert node.slot("watch").force == second


def test_what_was_on_trial_when_the_process_ended_does_not_come_back(
    node: Node, tmp_path: Path
) -> None:
    first = in_force(node, FIRST)
    node.activate(node.receive(SECOND).address)
    again = node_at(tmp_path)
    assert again.slot("watch") == Slot(force=first)


def test_what_is_in_force_goes_back_where_processes_die_soon_after_their_start(
    node: Node, tmp_path: Path
) -> None:
    first, second = in_force(node, FIRST), in_force(node, SECOND)
    node.well()
    for _ in range(MOST_STARTS):
        assert node_at(tmp_path).slot("watch").force == second
    assert node_at(tmp_path).slot("watch").force == first
    for _ in range(2 * MOST_STARTS):
        good = node_at(tmp_path)
        good.well()
        assert good.slot("watch").force == first


def test_asking_twice_to_go_back_from_one_release_goes_back_once(node: Node) -> None:
    first, second = in_force(node, FIRST), in_force(node, SECOND)
    for _ in range(2):
        node.roll_back("watch", "back", address=second)
    assert node.slot("watch").force == first


def test_what_is_in_force_can_go_back_while_another_is_on_trial(node: Node) -> None:
    first, second = in_force(node, FIRST), in_force(node, SECOND)
    third = node.receive(release(KEY, version="3")).address
    node.activate(third)
    node.roll_back("watch", "drift", address=second)
    assert node.slot("watch") == Slot(force=first, trial=third)


def test_orders_count_up(node: Node, tmp_path: Path) -> None:
    assert node.accept_number("key", 5)
    assert not node.accept_number("key", 5)
    assert not node_at(tmp_path).accept_number("key", 4)


def test_a_trial_that_goes_well_ends_in_force_and_answers_all_along(
    node: Node, press: Callable[..., Press]
) -> None:
    first = in_force(node, FIRST)
    watched = press(node)
    told = watched.run(10)
    assert {answer.address for answer in told} == {first}
    second = node.receive(SECOND).address
    node.activate(second)
    told = watched.run(12)
    assert len(told) == 12
    assert [answer.value for answer in told] == [0.5] * 12
    assert {answer.address for answer in told[:4]} == {first}, "on trial it only looks on"
    assert told[-1].address == second
    assert node.slot("watch") == Slot(force=second, before=first)


def test_where_nothing_is_in_force_a_release_answers_during_its_trial(
    node: Node, press: Callable[..., Press]
) -> None:
    node.activate(node.receive(FIRST).address)
    told = press(node).run(12)
    assert len(told) == 9, "all but while the window fills"
    assert node.slot("watch").force is not None


def test_where_what_is_in_force_does_not_know_a_release_on_trial_says_nothing_either(
    node: Node, press: Callable[..., Press]
) -> None:
    in_force(node, FIRST)
    watched = press(node, 200)
    watched.run(3)
    other = release(
        KEY, columns=["press.force", "press.force"], probes=models.rows(), version="other"
    )
    node.activate(node.receive(other).address)
    watched.runner.follow()
    told = []
    for _ in range(8):
        watched.now += US
        values = {"press.force": 0.5, "press.heat": float("nan")}
        told += watched.runner.tick(watched.now, values.__getitem__)
    assert told == []


LATE = {
    "no number": where_above(2.0, models.nan),
    "drifting": where_above(2.0, models.plus(50.0)),
    "failing": models.failing_above(2.0),
    "out of bounds": where_above(2.0, models.plus(5000.0)),
}


@pytest.mark.parametrize("name", LATE)
def test_what_goes_bad_on_trial_is_taken_back_and_the_one_before_answers(
    node: Node, press: Callable[..., Press], name: str
) -> None:
    first = in_force(node, FIRST)
    watched = press(node, 200)
    watched.run(5)
    report = node.receive(release(KEY, graph(twist=LATE[name])))
    assert report.passed, report.why
    node.activate(report.address)
    watched.run(40, level=0.5)
    told = watched.run(60, level=5.0)
    assert node.slot("watch") == Slot(force=first)
    assert np.isfinite([answer.value for answer in told]).all()
    assert all(abs(answer.value) <= 1000 for answer in told)
    assert told[-1].address == first
    last = node.history.events()[-1]
    assert (last.what, last.data["address"]) == (What.ROLLED_BACK, report.address)


def test_what_turns_late_in_its_trial_does_not_hide_behind_what_it_said_before(
    node: Node, press: Callable[..., Press]
) -> None:
    first = in_force(node, FIRST)
    late = release(KEY, graph(twist=LATE["drifting"]), version="late")
    node.activate(node.receive(late).address)
    watched = press(node, 120)
    watched.run(100, level=0.5)
    watched.run(25, level=5.0)
    assert node.slot("watch") == Slot(force=first)
    assert "drift: 0.0% of findings differ" in node.taken_back["watch"]


def test_what_goes_bad_in_force_is_taken_back_after_three_faults_none_of_which_gets_out(
    node: Node, press: Callable[..., Press]
) -> None:
    first = in_force(node, FIRST)
    in_force(node, release(KEY, graph(twist=where_above(2.0, models.nan))))
    watched = press(node)
    assert len(watched.run(10, level=0.5)) == 7
    told = watched.run(20, level=9.0)
    assert node.slot("watch").force == first
    assert watched.runner.withheld == WORST_FAULTS
    assert all(np.isfinite(answer.value) for answer in told)
    assert told[-1].address == first
    assert told[-1].value == 9.0


def test_an_unknown_signal_gives_no_answer_and_is_no_fault(
    node: Node, press: Callable[..., Press]
) -> None:
    in_force(node, FIRST)
    watched = press(node)
    watched.run(10)
    assert watched.run(10, level=float("nan")) == []
    assert watched.runner.withheld == 0
    assert node.slot("watch").force is not None
