"""Plans are made in a process of its own: it answers, it may die, and it is started again."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from tests.plan.line import HOUR, NOW, PLANT, lot, situation

from genba.errors import PlanError
from genba.operate.planning_desk import WorkerDesk
from genba.plan.floor.desk import Answer, Question

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def desk() -> Iterator[WorkerDesk]:
    desk = WorkerDesk(PLANT, within_s=0.3)
    yield desk
    desk.close()


def question(number: int, *names: str) -> Question:
    lots = [lot(name, place="store", due=NOW + 4 * HOUR) for name in names]
    return Question(situation(lots), None, "a test asks", number)


def waited(desk: WorkerDesk) -> Answer:
    """Wait for the answer; compiling on a cold cache takes its time."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        found = desk.answer()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("no answer came")


def test_a_question_is_answered_by_another_process(desk: WorkerDesk) -> None:
    desk.ask(question(1, "L1", "L2"))
    assert desk.busy
    answer = waited(desk)
    assert not desk.busy
    assert answer.number == 1
    assert {step.lot for step in answer.instructions.steps} == {"L1", "L2"}
    assert {step.machine for step in answer.instructions.steps} <= {"saw-1", "saw-2", "oven"}
    assert desk.answer() is None


def test_a_question_that_has_no_answer_says_why(desk: WorkerDesk) -> None:
    desk.ask(question(2))
    with pytest.raises(PlanError, match="nothing to plan"):
        waited(desk)


def test_a_worker_that_is_killed_is_told_and_started_again(desk: WorkerDesk) -> None:
    desk.ask(question(3, "L1"))
    process = desk._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(PlanError, match="ended with code -9"):
        waited(desk)
    desk.ask(question(4, "L1"))
    assert waited(desk).number == 4


def test_a_desk_that_is_closed_leaves_no_process_behind() -> None:
    desk = WorkerDesk(PLANT, within_s=0.3)
    desk.ask(question(1, "L1"))
    process = desk._process
    assert process is not None
    desk.close()
    assert process.poll() is not None
    desk.ask(question(2, "L1"))
    assert not desk.busy


def test_a_desk_that_was_started_has_its_worker_before_the_first_question() -> None:
    desk = WorkerDesk(PLANT, within_s=0.3)
    desk.start()
    process = desk._process
    assert process is not None
    assert process.poll() is None
    desk.ask(question(1, "L1"))
    assert desk._process is process
    desk.close()
    assert process.poll() is not None
    desk.start()
    assert desk._process is process
