"""An order, or an update of one, is done once its vehicle shows exactly that."""

import json
from pathlib import Path

import pytest
from tests.guard.small_plant import PLANT, Bench, order
from tests.operate.devices import MemoryDriver

from genba.operate.act import Actor
from genba.operate.journal import CommandJournal
from genba.operate.sense import LiveValues
from genba.plant import US, Outcome, Sample, Write

STANDS = {
    "amr.node": "a", "amr.nodes_left": 0, "amr.loads": "", "amr.order_id": "",
    "amr.order_update": 0, "amr.actions": "[]",
}  # fmt: skip


class Yard:
    """A vehicle in memory that shows what it is told to show."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench()
        self.bench.show_all()
        self.live = LiveValues()
        self.driver = MemoryDriver(self.bench.clock)
        self.driver.values = dict(STANDS)
        self.outcomes: list[Outcome] = []
        self.journal = CommandJournal(folder, self.bench.clock)
        self.actor = Actor(
            PLANT,
            {"amr": self.driver},
            self.bench.clock,
            self.live,
            self.bench.guard,
            lambda proposal, command, outcome: self.outcomes.append(outcome),
            self.journal,
        )

    def show(self, **values: object) -> None:
        for name, value in values.items():
            sample = Sample(f"amr.{name}", self.bench.now, self.bench.now, value)
            self.live.update([sample])
            self.bench.guard.observe([sample])

    def send(self, text: str) -> None:
        proposal = self.bench.propose(Write("amr.order", text, "1"), kind="transport")
        verdict = self.bench.guard.decide(proposal)
        self.actor.start(proposal, self.bench.guard.command(proposal, verdict))

    async def ticks(self, count: int) -> None:
        for _ in range(count):
            self.bench.wait(1.0)
            await self.actor.settle()
            self.actor.check()


@pytest.fixture
async def yard(tmp_path: Path) -> Yard:
    yard = Yard(tmp_path)
    await yard.driver.connect()
    return yard


def staged(update: int, path: str, first: int, released: int) -> str:
    document = json.loads(order(*path, orderUpdateId=update))
    for index, node in enumerate(document["nodes"]):
        node["sequenceId"], node["released"] = first + 2 * index, index < released
    for index, edge in enumerate(document["edges"]):
        edge["sequenceId"], edge["released"] = first + 2 * index + 1, index + 1 < released
    return json.dumps(document)


async def test_an_update_is_done_when_the_vehicle_shows_it_and_not_when_it_shows_the_order(
    yard: Yard,
) -> None:
    yard.send(staged(0, "abc", 0, 2))
    await yard.ticks(1)
    yard.show(order_id="T1", order_update=0, nodes_left=2)
    await yard.ticks(1)
    assert [outcome.done for outcome in yard.outcomes] == [True]
    yard.send(staged(1, "bc", 2, 2))
    await yard.ticks(3)
    assert len(yard.outcomes) == 1
    yard.show(order_update=1)
    await yard.ticks(1)
    assert [outcome.done for outcome in yard.outcomes] == [True, True]


async def test_an_update_that_the_vehicle_never_shows_is_not_done(yard: Yard) -> None:
    yard.send(staged(0, "abc", 0, 2))
    await yard.ticks(1)
    yard.show(order_id="T1", order_update=0, nodes_left=2)
    await yard.ticks(1)
    yard.send(staged(1, "bc", 2, 2))
    await yard.ticks(30)
    assert [outcome.done for outcome in yard.outcomes] == [True, False]
    assert "not read back" in yard.outcomes[-1].detail
    assert yard.bench.now > 30 * US
