"""A core runs models beside its loop: released by order, judged through the guard, taken back."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.learn.edge.models import failing_above, graph, release
from tests.operate.devices import MemoryDriver
from tests.operate.test_edge import START, plant

from genba.learn.edge.bundle import address_of
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.order import Act, Order
from genba.learn.registry.history import History, What
from genba.learn.registry.signature import KEY
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, VirtualClock

BOUND_S = 60.0


class Works:
    """One press under a core, stepped by hand."""

    def __init__(self, folder: Path, start: int = START) -> None:
        self.clock = VirtualClock(start)
        self.press = MemoryDriver(self.clock)
        self.press.values = {"press.force": 0.0, "press.heat": 0.0}
        self.state = StateFolder(folder)
        self.key = ReleaseKey.at(self.state.secrets / KEY, create=True)
        self.models = self.state.root / "models"
        self.box = Mailbox(self.models)
        self.history = History(self.models / "history.jsonl")
        self.core = Core(
            plant(), self.state, self.clock, drivers={"press": self.press}, judges=(), planners=(),
            trial_answers=5,
        )  # fmt: skip
        self.numbers = iter(range(1, 1000))

    async def run(self, ticks: int, level: float) -> None:
        for _ in range(ticks):
            self.press.show("press.force", level)
            self.press.show("press.heat", level)
            await self.core.step(self.clock.now() + US)

    async def order(self, act: Act, address: str, content: bytes = b"") -> dict[str, Any]:
        """Give an order, and step until it was obeyed."""
        number = next(self.numbers)
        order = Order(CORE, time.time_ns() + number, act, address, "watch", "ada wants it", "ada")
        self.box.post(order, self.key, content)
        end = time.monotonic() + BOUND_S
        while (told := self.box.reply(order.number)) is None:
            assert time.monotonic() < end, "the order was not obeyed"
            await self.run(1, 0.2)
            await asyncio.sleep(0.05)
        return dict(told)

    async def install(self, content: bytes) -> str:
        address = address_of(content)
        for act, more in ((Act.RECEIVE, content), (Act.ACTIVATE, b"")):
            told = await self.order(act, address, more)
            assert told["error"] == ""
        return address

    async def rows(self, name: str) -> list[dict[str, Any]]:
        await self.core.recorded()
        rows: list[dict[str, Any]] = self.core.historian.rows(name).to_pylist()
        return rows


@pytest.fixture
async def works(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Works] = []

    async def make(**more: Any) -> Works:
        one = Works(tmp_path / "state", **more)
        made.append(one)
        await one.core.start()
        return one

    yield make
    for one in made:
        await one.core.stop()


async def test_a_plant_without_models_has_no_process_for_them(works: Any) -> None:
    subject = await works()
    await subject.run(3, 0.2)
    assert subject.core._host._process is None
    assert not subject.models.exists()


async def test_what_a_released_model_finds_is_recorded_as_a_decision_and_raises_an_alarm(
    works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.learn.edge.standing.FINDING_S", 3.0)
    subject = await works()
    address = await subject.install(release(subject.key))
    await subject.run(12, 0.2)
    assert subject.core.health()["models"]["in_force"] == 1
    await subject.run(8, 3.0)
    (alarm,) = subject.core.alarms.standing()
    assert (alarm.equipment, alarm.kind) == ("press", "model_anomaly")
    (found,) = [f for f in subject.core.loop.findings() if f.kind == "model_anomaly"]
    assert found.source == f"watch@{address[:12]}"
    decisions = [row for row in await subject.rows("decisions") if row["equipment"] == "press"]
    assert {row["stage"] for row in decisions} == {"finding", "proposal", "verdict"}
    (proposal,) = [row for row in decisions if row["stage"] == "proposal"]
    assert json.loads(proposal["data"])["writes"] == []
    assert {signal for signal, _ in subject.press.written} <= {"press.heartbeat"}
    assert alarm.active
    await subject.run(12, 0.2)
    assert not alarm.active
    kinds = [row["kind"] for row in await subject.rows("events")]
    assert kinds.count("model_anomaly.raised") == kinds.count("model_anomaly.cleared") == 1


async def test_a_roll_back_brings_the_very_bytes_back_and_all_is_in_the_history(
    works: Any,
) -> None:
    subject = await works()
    contents = [release(subject.key), release(subject.key, version="2")]
    first = await subject.install(contents[0])
    await subject.run(12, 0.2)
    second = await subject.install(contents[1])
    await subject.run(12, 0.2)
    assert subject.core._host.slots["watch"].force == second
    await subject.order(Act.TAKE_BACK, second)
    await subject.run(3, 0.2)
    assert subject.core._host.slots["watch"].force == first
    assert (subject.models / "shelf" / f"{first}.bundle").read_bytes() == contents[0]
    told = [(e.what, e.data["address"]) for e in subject.history.events()]
    assert told[-4:] == [
        (What.STARTED, second), (What.STOPPED, first), (What.ROLLED_BACK, second),
        (What.STARTED, first),
    ]  # fmt: skip
    assert {event.where for event in subject.history.events()} == {CORE}
    await subject.run(8, 3.0)
    (found,) = [f for f in subject.core.loop.findings() if f.kind == "model_anomaly"]
    assert found.source == f"watch@{first[:12]}"
    (alarm,) = subject.core.alarms.standing()
    await subject.order(Act.TAKE_BACK, first)
    await subject.run(3, 3.0)
    assert not alarm.active, "what nobody answers for stands no more"


async def test_after_a_restart_the_core_goes_on_with_what_was_in_force(
    works: Any, tmp_path: Path
) -> None:
    subject = await works()
    await subject.install(release(subject.key))
    await subject.run(12, 0.2)
    await subject.core.stop()
    again = await works(start=subject.clock.now())
    await again.run(3, 3.0)
    assert again.core._host.slots["watch"].force is not None
    assert again.core.health()["models"]["answers"] >= 1, "the window came out of the historian"


async def test_a_model_whose_process_dies_costs_answers_and_no_tick(
    works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.operate.model_host.RESTART_S", 1e6)
    subject = await works()
    await subject.install(release(subject.key))
    await subject.run(12, 0.2)
    ticks = subject.core.loop.ticks
    subject.core._host._process.kill()
    subject.core._host._process.wait()
    end = time.monotonic() + BOUND_S
    while not subject.core._host.why:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    await subject.run(40, 0.2)
    assert subject.core.loop.ticks == ticks + 40
    assert [a.kind for a in subject.core.alarms.standing()] == ["models_down"]
    assert "SIGKILL" in subject.core.health()["models"]["error"]


async def test_a_process_that_hangs_is_ended_and_started_again(
    works: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = await works()
    await subject.install(release(subject.key))
    await subject.run(12, 0.2)
    process = subject.core._host._process
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr("genba.operate.model_host.HANGS_S", -1.0)
    monkeypatch.setattr("genba.operate.model_host.SETTLE_S", 0.0)
    await subject.run(2, 0.2)
    assert process.wait(BOUND_S) == -signal.SIGKILL
    monkeypatch.setattr("genba.operate.model_host.HANGS_S", 180.0)
    monkeypatch.setattr("genba.operate.model_host.SETTLE_S", 60.0)
    monkeypatch.setattr("genba.operate.model_host.RESTART_S", 0.0)
    end = time.monotonic() + BOUND_S
    while subject.core._host._process in (None, process):
        assert time.monotonic() < end
        subject.core._host._look_at = 0.0
        await subject.run(1, 0.2)
    await subject.run(6, 0.2)
    assert subject.core.health()["models"]["error"] == ""


async def test_a_release_that_fails_is_taken_back_and_says_nothing(works: Any) -> None:
    subject = await works()
    await subject.install(release(subject.key, graph(twist=failing_above(0.5))))
    await subject.run(2, 0.2)
    await subject.run(10, 3.0)
    slot = subject.core._host.slots["watch"]
    assert (slot.force, slot.trial) == (None, None)
    assert [f for f in subject.core.loop.findings() if f.kind == "model_anomaly"] == []
    assert subject.history.events()[-1].what is What.ROLLED_BACK


async def test_what_nobody_of_this_plant_signed_is_refused(works: Any) -> None:
    subject = await works()
    content = release(ReleaseKey.generate())
    told = await subject.order(Act.RECEIVE, address_of(content), content)
    assert "not signed by a trusted key" in told["error"]
    assert subject.history.events()[-1].what is What.REFUSED
