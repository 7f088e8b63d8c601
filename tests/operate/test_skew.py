"""The devices' clocks: measured from what comes, told when they are wrong."""

from typing import Any

import pytest

from genba.historian.admission import Admission
from genba.operate.skew import ClockSkew
from genba.plant import US, Sample, Signal

DAY = 20_000 * 86_400 * US


class Bench:
    """A connection whose samples come late by turns, from a clock that is off."""

    def __init__(self, speed: float = 1.0) -> None:
        self.events: list[dict[str, Any]] = []
        self.speed = speed
        self.skew = ClockSkew({"a.x": "a"}, speed, lambda _, row: self.events.append(dict(row)))
        self.wall_s = 0.0

    def run(self, wall_s: float, off_s: float) -> None:
        """Receive twice a second; every tenth comes after 20 ms, the others after up to 2 s."""
        until = self.wall_s + wall_s
        number = 0
        while self.wall_s < until:
            self.wall_s += 0.5
            number += 1
            late_s = 0.02 if number % 10 == 0 else 0.2 * (number % 10 + 1)
            received = DAY + round(self.wall_s * self.speed * US)
            source = received + round((off_s - late_s) * self.speed * US)
            self.skew.note([Sample("a.x", source, received, 1.0)], source)

    @property
    def kinds(self) -> list[str]:
        return [row["kind"] for row in self.events]


@pytest.mark.parametrize("speed", [1.0, 120.0])
@pytest.mark.parametrize("off_s", [0.0, 3.0, -3.0])
def test_the_skew_is_found_in_wall_seconds(speed: float, off_s: float) -> None:
    bench = Bench(speed)
    assert bench.skew.seconds("a") is None
    bench.run(60, off_s)
    assert bench.skew.seconds("a") == pytest.approx(off_s - 0.02, abs=1e-3)
    assert bench.kinds == (["clock_skew.began"] if off_s else [])


def test_a_clock_that_is_set_right_is_told_too() -> None:
    bench = Bench()
    bench.run(60, 5.0)
    bench.run(120, 0.1)
    assert bench.kinds == ["clock_skew.began", "clock_skew.ended"]
    assert "a is ahead of Genba's: +4.98 s" in bench.events[0]["text"]


def test_one_late_message_is_no_clock() -> None:
    bench = Bench()
    bench.skew.note([Sample("a.x", DAY - 9 * US, DAY, 1.0)], DAY - 9 * US)
    assert bench.skew.seconds("a") is None


def test_values_with_genbas_own_time_say_nothing_of_a_clock() -> None:
    bench = Bench()
    for n in range(100):
        bench.skew.note([Sample("a.x", DAY + n * US, DAY + n * US, 1.0)], DAY + n * US)
    assert bench.skew.seconds("a") is None


def test_a_clock_that_is_too_far_ahead_to_be_believed_is_measured_all_the_same() -> None:
    bench = Bench()
    signal = Signal(id="a.x", equipment="a", connection="a", address="x")
    held: list[Sample] = []
    now = DAY
    admission = Admission({"a.x": signal}, lambda: now, 1.0, lambda sample, _: held.append(sample))
    for n in range(60):
        now = DAY + n * US
        samples = [Sample("a.x", now + 3600 * US, now, float(n))]
        bench.skew.note(samples, admission.admit(samples).newest)
    assert len(held) == 60
    assert bench.skew.seconds("a") == 3600.0
    assert bench.kinds == ["clock_skew.began"]
