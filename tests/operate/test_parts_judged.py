"""A quality model judges each part at its machine, and in the core: the same parts alike."""

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.learn.edge.parted import LEARNED, Parted
from tests.learn.press import MINUTE
from tests.operate.devices import MemoryDriver

from genba.learn import Slice, slice_of_parts
from genba.learn.edge.bundle import address_of
from genba.learn.edge.keys import Trust
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.order import Act, Order
from genba.learn.registry.signature import KEY
from genba.operate.edge import Edge
from genba.operate.edge_plant import signal_of
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import Sample, VirtualClock

PARTS = 30
END = LEARNED + PARTS * MINUTE


class Recorded(MemoryDriver):
    """A press that says what was recorded, at the times at which it was."""

    def deliver(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            if sample.signal in self._sinks:
                self._sequence += 1
                self._sinks[sample.signal]([sample._replace(sequence=self._sequence)])


@pytest.fixture(scope="module")
def pressed(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    return Parted(tmp_path_factory.mktemp("pressed"))


def expected(pressed: Parted, historian: Any) -> tuple[list[int], np.ndarray]:
    """What the model says of the parts that a process itself recorded, all but the first."""
    data = slice_of_parts(historian, pressed.plant, Slice("press-1", LEARNED, END))
    data = data.select([column.name for column in pressed.model.card.columns])
    return data.time.tolist()[1:], pressed.predict(data.values[1:, None]).value


async def test_each_part_is_judged_at_the_machine_and_told_with_its_serial(
    pressed: Parted, tmp_path: Path
) -> None:
    clock = VirtualClock(LEARNED - MINUTE)
    press = Recorded(clock)
    with StateFolder(tmp_path / "state") as state:
        edge = Edge(
            pressed.plant, state, clock, "press-1", Trust((pressed.key.public,)),
            drivers={"line": press}, trial_answers=5,
        )  # fmt: skip
        await edge.start()
        report = edge.node.receive(pressed.content)
        assert report.passed, report.why
        edge.node.activate(report.address)
        press.deliver([Sample("press-1.hold", LEARNED - MINUTE, LEARNED - MINUTE, 500.0)])
        for now, came in pressed.ticks(LEARNED, END):
            clock.set(now)
            press.deliver(came)
            await edge.tick()
        await edge._ingest.drained()
        assert edge.node.slot("press-1.quality").force == report.address
        said = edge.historian.samples([signal_of("press-1")], LEARNED, END + MINUTE)["text"]
        told = [json.loads(text) for text in said.to_pylist()]
        times, values = expected(pressed, edge.historian)
        await edge.stop()
    assert len(times) == PARTS - 1
    assert np.allclose([one["value"] for one in told], values, atol=1e-5)
    assert [one["about"] for one in told[:2]] == ["S2411", "S2417"]


async def test_the_core_says_of_the_same_parts_the_same(
    pressed: Parted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock(LEARNED - MINUTE)
    press = Recorded(clock)
    state = StateFolder(tmp_path / "state")
    shutil.copy(pressed.registry.key, state.secrets / KEY)
    core = Core(
        pressed.plant, state, clock, drivers={"line": press}, judges=(), planners=(),
        trial_answers=5,
    )  # fmt: skip
    heard: list[Any] = []
    take = core._host.take
    monkeypatch.setattr(core._host, "take", lambda: heard.extend(got := take()) or got)
    await core.start()
    box, address = Mailbox(state.root / "models"), address_of(pressed.content)
    for number, act in enumerate((Act.RECEIVE, Act.ACTIVATE)):
        order = Order(CORE, number + 1, act, address, "press-1.quality", "", "ada")
        box.post(order, pressed.key, pressed.content if act is Act.RECEIVE else b"")
        end = time.monotonic() + 60
        while box.reply(order.number) is None:
            assert time.monotonic() < end
            await core.step(clock.now())
    for now, came in pressed.ticks(LEARNED, END):
        clock.set(now)
        press.deliver(came)
        await core.step(now)
    await core.step(clock.now())
    await core.recorded()
    times, values = expected(pressed, core.historian)
    await core.stop()
    assert [answer.time for answer in heard] == times
    assert np.allclose([answer.value for answer in heard], values, atol=1e-5)
