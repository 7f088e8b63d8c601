"""The loop keeps its pace when somebody sets the clock, and says so."""

import asyncio
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.operate.devices import plant

from genba.operate.heartbeat import MOST, Heartbeats, next_number, overtakes
from genba.operate.lateness import Lateness
from genba.operate.pace import Pace
from genba.operate.patience import MOST_S, Patience
from genba.operate.sense import LiveValues
from genba.plant import US, Range, Sample


class SetClock:
    """The computer's clock, with a hand that moves it."""

    speed = 1.0

    def __init__(self) -> None:
        self.by = 0

    def now(self) -> int:
        return time.time_ns() // 1000 + self.by

    async def sleep_until(self, when: int) -> None:
        await asyncio.sleep(max(0.0, (when - self.now()) / US))


@pytest.mark.parametrize("by_s", [-3600, 3600, -5, 90])
async def test_a_clock_that_is_set_does_not_hold_the_loop_up(by_s: int) -> None:
    clock, lateness = SetClock(), Lateness()
    pace = Pace(clock, 0.02, lateness)
    jumps = []
    async with asyncio.timeout(2.0):
        for number in range(12):
            jumps.append(await pace.tick())
            if number == 5:
                clock.by += by_s * US
            pace.done()
    seen = [jump for jump in jumps if jump]
    assert len(seen) == 1
    assert seen[0] / US == pytest.approx(by_s, abs=0.5)
    assert lateness.missed < abs(by_s) / 0.02 / 2
    assert lateness.report()["late_max_ms"] < 1000


async def test_a_clock_that_is_set_while_the_loop_sleeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SetClock()
    pace = Pace(clock, 0.05, Lateness())
    async with asyncio.timeout(2.0):
        await pace.tick()
        pace.done()
        waiting = asyncio.create_task(pace.tick())
        await asyncio.sleep(0)
        clock.by -= 600 * US
        assert await waiting == pytest.approx(-600 * US, abs=US)
        pace.done()
        assert await pace.tick() == 0


def test_beats_go_on_when_the_clock_is_set_back() -> None:
    live = LiveValues()
    hearts = Heartbeats(plant(), live)
    live.update([Sample("saw.heartbeat", 0, 0, 7)])
    assert len(hearts.due(3600 * US)) == 1
    assert len(hearts.due(0)) == 1


def test_nothing_waits_for_an_hour_since_the_clock_was_set_back() -> None:
    patience = Patience()
    patience.failed("saw", 3600 * US)
    assert patience.waiting(3600 * US) == {"saw"}
    assert patience.waiting(3600 * US - round(MOST_S * US)) == frozenset()


@given(st.integers(0, MOST), st.integers(0, 50))
def test_a_beat_is_within_its_register_and_after_the_one_before(start: int, beats: int) -> None:
    signal = plant().signals["saw.heartbeat"]
    number = start
    for _ in range(beats):
        number = next_number(signal, number)
        assert 0 <= number <= MOST
    assert overtakes(signal, number, start)
    assert not overtakes(signal, start, next_number(signal, number))


def test_a_beat_begins_anew_at_the_end_of_its_range() -> None:
    signal = plant().signals["saw.heartbeat"]
    signal = signal.model_copy(update={"range": Range(low=1.0, high=255.0)})
    assert next_number(signal, 254) == 255
    assert next_number(signal, 255) == 1
    assert next_number(signal, 70_000) == 1
    assert overtakes(signal, 1, 255)
    assert not overtakes(signal, 255, 1)


async def test_the_pace_says_when_the_next_tick_is_due() -> None:
    pace = Pace(SetClock(), 10.0, Lateness())
    assert pace.due_s() == math.inf
    await pace.tick()
    assert pace.due_s() == math.inf
    pace.done()
    waiting = asyncio.create_task(pace.tick())
    await asyncio.sleep(0)
    assert 9 < pace.due_s() <= 10
    waiting.cancel()
