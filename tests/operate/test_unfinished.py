"""A crash in the middle of a command hides nothing: its device is asked, and nothing is repeated.

The crash is real in what it leaves: the journal on disk, the device as it is, and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.operate.devices import MemoryDriver
from tests.operate.test_act import JOB, Shop

from genba.operate.journal import CommandJournal
from genba.plant import Decision, Role, Scalar, Signal, Verdict, VirtualClock, Write

Eventually = Callable[..., Awaitable[None]]


class Stuck(MemoryDriver):
    """Takes so many writes, then never answers: the moment at which Genba is killed."""

    takes = 0

    async def write(self, signal: Signal, value: Scalar) -> None:
        if len(self.written) == self.takes:
            await asyncio.Event().wait()
        await super().write(signal, value)


async def killed(folder: Path, takes: int, eventually: Eventually, *writes: Write) -> Shop:
    """Run a command until ``takes`` of its writes have arrived; then nothing more happens."""
    shop = Shop(folder)
    driver = Stuck(shop.clock)
    driver.values, driver.takes = dict(shop.driver.values), takes
    driver.answers = False
    shop.driver = driver
    shop.actor._drivers = {"saw": driver}
    await shop.connect()
    kind = "dispatch" if writes == JOB else "setpoint"
    shop.begin(*writes, kind=kind)
    await eventually(lambda: len(driver.written) == takes and shop.journal.unfinished())
    for open_ in shop.actor._open.values():
        assert open_.task is not None
        open_.task.cancel()
    shop.journal.close()
    return shop


async def restarted(folder: Path, before: Shop) -> Shop:
    """Begin anew with the same journal on the same device."""
    shop = Shop(folder)
    shop.clock.set(before.clock.now())
    shop.driver.values = dict(before.driver.values)
    await shop.connect()
    for proposal, command in shop.journal.unfinished():
        shop.actor.resume(proposal, command)
    return shop


SPEED = Write("saw.speed", 5.0, "m/s")


async def test_killed_between_journal_and_write_it_is_not_done(
    tmp_path: Path, eventually: Eventually
) -> None:
    before = await killed(tmp_path, 0, eventually, *JOB)
    shop = await restarted(tmp_path, before)
    assert shop.actor.busy() == {"saw", "L1", "L2"}
    await shop.ticks(70)
    (outcome,) = shop.outcomes
    assert (outcome.done, outcome.unknown) == (False, False)
    assert "before it took effect" in outcome.detail
    assert shop.driver.written == []
    shop.journal.close()


async def test_killed_between_writes_a_job_without_its_request_is_not_done(
    tmp_path: Path, eventually: Eventually
) -> None:
    before = await killed(tmp_path, 2, eventually, *JOB)
    shop = await restarted(tmp_path, before)
    await shop.ticks(70)
    (outcome,) = shop.outcomes
    assert (outcome.done, outcome.unknown) == (False, False)
    assert "saw.job_request did not take effect" in outcome.detail
    assert shop.driver.written == []
    shop.journal.close()


async def test_killed_between_write_and_outcome_it_is_found_done(
    tmp_path: Path, eventually: Eventually
) -> None:
    before = await killed(tmp_path, 4, eventually, *JOB)
    before.driver.values["saw.job_ack"] = 1
    shop = await restarted(tmp_path, before)
    await shop.ticks(3)
    assert [(o.done, o.unknown) for o in shop.outcomes] == [(True, False)]
    assert shop.driver.written == []
    shop.journal.close()
    again = Shop(tmp_path)
    assert again.journal.unfinished() == []
    assert again.journal.used_ids() == ["P-1"]
    again.journal.close()


async def test_a_job_that_the_machine_never_acknowledged_is_unknown(
    tmp_path: Path, eventually: Eventually
) -> None:
    before = await killed(tmp_path, 4, eventually, *JOB)
    shop = await restarted(tmp_path, before)
    await shop.ticks(130)
    assert [(o.done, o.unknown) for o in shop.outcomes] == [(False, True)]
    shop.journal.close()


async def test_a_device_that_stays_away_leaves_it_unknown(
    tmp_path: Path, eventually: Eventually
) -> None:
    before = await killed(tmp_path, 1, eventually, SPEED)
    shop = Shop(tmp_path)
    shop.actor._drivers = {}
    for proposal, command in shop.journal.unfinished():
        shop.actor.resume(proposal, command)
    shop.clock.set(before.clock.now())
    await shop.ticks(70)
    (outcome,) = shop.outcomes
    assert (outcome.done, outcome.unknown) == (False, True)
    shop.journal.close()


async def test_nothing_goes_out_before_the_journal_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await Shop(tmp_path).connect()
    shop.journal._db.execute("DROP TABLE commands")
    shop.begin(SPEED, kind="setpoint")
    await shop.ticks(2)
    (outcome,) = shop.outcomes
    assert not outcome.done
    assert "nothing was written: the command journal" in outcome.detail
    assert shop.driver.written == []
    shop.journal.close()


async def test_an_interlock_stops_what_is_on_its_way(tmp_path: Path) -> None:
    """The machine goes into maintenance between the second and the third write."""
    shop = await Shop(tmp_path).connect()
    write = shop.driver.write

    async def turned(signal: Signal, value: Scalar) -> None:
        await write(signal, value)
        if signal.role is Role.JOB_OPERATION:
            shop.driver.show("saw.mode", 2)

    shop.driver.write = turned  # type: ignore[method-assign]
    shop.begin(*JOB)
    await shop.ticks(2)
    (outcome,) = shop.outcomes
    assert outcome.detail.startswith("stopped before writing saw.job_quantity: saw itself shows")
    assert [name for name, _ in shop.driver.written] == ["saw.job_lots", "saw.job_operation"]
    shop.journal.close()


async def test_the_journal_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genba.operate.journal.KEPT", 5)
    journal = CommandJournal(tmp_path, VirtualClock(0))
    for number in range(20):
        await journal.answer(f"k{number}", "b", Verdict("P", number, Decision.REFUSED, ("no",)))
    journal.close()
    journal = CommandJournal(tmp_path, VirtualClock(0))
    assert list(journal.answers()) == [f"k{number}" for number in range(15, 20)]
    journal.close()
