"""Commands end with an outcome that is true: read back, answered, failed, or too late."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.operate.devices import IDLE, MemoryDriver, plant, setpoint

from genba.guard import Guard
from genba.operate import act
from genba.operate.act import Actor
from genba.operate.journal import CommandJournal
from genba.operate.readback import same_value
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    Command,
    DataType,
    Evidence,
    Outcome,
    Proposal,
    Sample,
    Scalar,
    VirtualClock,
    Write,
)

JOB = (
    Write("saw.job_lots", "L1", "1"),
    Write("saw.job_operation", "P/cut", "1"),
    Write("saw.job_quantity", 20, "1"),
    Write("saw.job_request", 1, "1"),
)


class Shop:
    """One machine, its guard and an actor."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(0)
        self.plant = plant(autonomy=(AutonomyRule(level=Autonomy.AUTONOMOUS),))
        self.live = LiveValues()
        self.guard = Guard(self.plant, self.clock)
        self.driver = MemoryDriver(self.clock)
        self.driver.values = dict(IDLE)
        self.outcomes: list[Outcome] = []
        self.journal = CommandJournal(folder, self.clock)
        self.actor = Actor(
            self.plant,
            {"saw": self.driver},
            self.clock,
            self.live,
            self.guard,
            lambda proposal, command, outcome: self.outcomes.append(outcome),
            self.journal,
        )

    async def connect(self) -> "Shop":
        await self.driver.connect()
        await self.driver.subscribe(list(self.plant.signals.values()), self._take)
        return self

    def _take(self, samples: list[Sample]) -> None:
        self.live.update(samples)
        self.guard.observe(samples)

    def begin(
        self, *writes: Write, kind: str = "dispatch", name: str = "P-1"
    ) -> tuple[Proposal, Command]:
        proposal = Proposal(
            name,
            self.clock.now(),
            kind,
            "saw",
            writes,
            "a test",
            evidence=(Evidence("saw.mode", 0, 1),),
            context={"lot": "L1,L2"},
        )
        verdict = self.guard.decide(proposal)
        command = self.guard.command(proposal, verdict)
        self.actor.start(proposal, command)
        return proposal, command

    async def ticks(self, count: int, seconds: float = 1.0) -> None:
        for _ in range(count):
            self.clock.set(self.clock.now() + round(seconds * US))
            self.guard.heard("saw", self.clock.now())
            await self.actor.settle()
            self.actor.check()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path)
    yield await shop.connect()
    shop.journal.close()


async def test_a_job_is_written_in_order_and_ends_when_it_is_answered(shop: Shop) -> None:
    shop.begin(*JOB)
    assert shop.actor.busy() == {"saw", "L1", "L2"}
    await shop.ticks(3)
    assert [name for name, _ in shop.driver.written] == [write.signal for write in JOB]
    assert [outcome.done for outcome in shop.outcomes] == [True]
    read = {piece.signal: piece.value for piece in shop.outcomes[0].read_back}
    assert read == {write.signal: write.value for write in JOB}
    assert shop.actor.busy() == frozenset()


async def test_the_machines_reason_becomes_the_outcome(shop: Shop) -> None:
    shop.driver.job_error = "lot L1 does not stand at this station"
    shop.begin(*JOB)
    await shop.ticks(3)
    assert (shop.outcomes[0].done, shop.outcomes[0].detail) == (False, shop.driver.job_error)


async def test_a_job_that_nobody_answers_fails_in_time(shop: Shop) -> None:
    shop.driver.answers = False
    shop.begin(*JOB)
    await shop.ticks(15)
    assert shop.outcomes == []
    await shop.ticks(10)
    assert "did not acknowledge" in shop.outcomes[0].detail


@pytest.mark.parametrize(("how", "why"), [("lost", "link is down"), ("refused", "NotWritable")])
async def test_a_write_that_fails_ends_the_command(shop: Shop, how: str, why: str) -> None:
    shop.driver.fails = how
    shop.begin(*JOB)
    await shop.ticks(1)
    assert why in shop.outcomes[0].detail
    assert shop.driver.written == []


async def test_a_driver_that_raises_anything_ends_the_command(shop: Shop) -> None:
    shop.driver.fails = "broken"
    # The device shows this value already: it would look as if it had been written.
    shop.driver.show("saw.speed", 5.0)
    shop.begin(Write("saw.speed", 5.0, "m/s"), kind="setpoint")
    await shop.ticks(1)
    assert "a defect of the driver" in shop.outcomes[0].detail
    assert not shop.outcomes[0].done


async def test_two_jobs_do_not_mix(shop: Shop) -> None:
    shop.begin(*JOB)
    other = (Write("saw.job_lots", "L2", "1"), *JOB[1:3], Write("saw.job_request", 2, "1"))
    shop.begin(*other, name="P-2")
    assert [(o.command, o.done) for o in shop.outcomes] == [("C-P-2", False)]
    assert "saw.job_lots" in shop.outcomes[0].detail
    assert "on its way" in shop.outcomes[0].detail
    await shop.ticks(3)
    assert shop.driver.written == [(w.signal, w.value) for w in JOB]
    assert shop.outcomes[1].done
    # Once its turn has come, it is taken.
    shop.begin(*other, name="P-3")
    await shop.ticks(3)
    assert shop.outcomes[2].done


async def test_a_device_that_never_answers_holds_up_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Awaitable[None]]
) -> None:
    monkeypatch.setattr(act, "WRITE_LIMIT_S", 0.05)
    shop.driver.fails = "silent"
    shop.begin(*JOB)
    shop.actor.check()
    assert shop.outcomes == []

    def ended() -> bool:
        shop.actor.check()
        return bool(shop.outcomes)

    await eventually(ended)
    assert "did not answer within" in shop.outcomes[0].detail


async def test_a_write_that_is_not_read_back_fails(shop: Shop) -> None:
    shop.driver.fails = "deaf"
    shop.begin(Write("saw.speed", 12.0, "m/s"), kind="setpoint")
    await shop.ticks(30)
    assert "not read back" in shop.outcomes[0].detail
    assert not shop.outcomes[0].done


async def test_what_the_subscription_does_not_show_is_read(shop: Shop) -> None:
    shop.driver._sinks.pop("saw.speed")
    shop.begin(Write("saw.speed", 12.0, "m/s"), kind="setpoint")
    await shop.ticks(4)
    assert shop.outcomes[0].done
    assert shop.outcomes[0].read_back[0].value == 12.0


async def test_the_guard_is_told_of_what_was_read_back(shop: Shop) -> None:
    shop.begin(Write("saw.speed", 12.0, "m/s"), kind="setpoint")
    await shop.ticks(2)
    assert shop.guard._knowledge.present_values("saw.speed")[0][0] == 12.0


async def test_a_command_is_done_once(shop: Shop) -> None:
    proposal, command = shop.begin(*JOB)
    await shop.ticks(3)
    shop.actor.start(proposal, command)
    await shop.ticks(3)
    assert len(shop.driver.written) == len(JOB)
    assert len(shop.outcomes) == 1


async def test_what_is_open_at_the_end_is_said(shop: Shop) -> None:
    shop.driver.fails = "silent"
    shop.begin(*JOB)
    await asyncio.sleep(0)
    shop.actor.give_up("Genba stopped")
    assert shop.outcomes[0].detail == "Genba stopped while writing"
    assert shop.actor.open == 0


@pytest.mark.parametrize(
    ("kind", "scale", "shown", "wanted", "same"),
    [
        (DataType.FLOAT, 1.0, 0.1 + 1e-9, 0.1, True),
        (DataType.FLOAT, 1.0, 0.11, 0.1, False),
        (DataType.FLOAT, 0.1, 12.3, 12.34, True),
        (DataType.FLOAT, 0.1, 12.1, 12.34, False),
        (DataType.FLOAT, 1.0, None, 0.1, False),
        (DataType.INT, 1.0, 5, 5, True),
        (DataType.INT, 1.0, True, 1, False),
        (DataType.STRING, 1.0, "L1", "L1", True),
        (DataType.STRING, 1.0, "L1", "L1,L2", False),
    ],
)
def test_reading_back_is_as_exact_as_the_registers(
    kind: DataType, scale: float, shown: Scalar, wanted: Scalar, same: bool
) -> None:
    assert same_value(setpoint("x", kind, scale=scale), shown, wanted) is same
