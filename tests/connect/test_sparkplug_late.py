"""Of an outage only that is called recovered which a buffer brought: never what nobody kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genba.connect import sparkplug_late
from genba.connect.driver import DriverContext
from genba.connect.outage import Outage, Outages
from genba.connect.outlet import Outlet, Reading
from genba.connect.sparkplug_late import Late
from genba.plant import US, Connection, Gap, GapReason, Recovery, Signal, VirtualClock

Eventually = Callable[..., Any]
NOW = 1_767_592_800_000_000


class Told:
    """Outages of one signal from 100 to 200 and from 300 to 400, and what was told of them."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.outages = Outages(self.gaps.append)
        for start in (100, 300):
            self.outages.begin(["a"], Outage(start, GapReason.LINK))
            self.outages.end(["a"], start + 100)
        self.late = Late(self.outages)

    @property
    def recovered(self) -> list[tuple[int, int | None]]:
        return [(g.start, g.end) for g in self.gaps if g.recovery is Recovery.BUFFER]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug_late, "QUIET_S", 0.02)


async def test_the_end_of_an_outage_is_recovered_when_the_node_speaks_of_the_present_again(
    quick: None, eventually: Eventually
) -> None:
    told = Told()
    told.late.came([120, 130])
    told.late.came([160])
    await eventually(lambda: told.recovered == [(120, 161)])
    told.late.live()
    assert told.recovered == [(120, 161), (161, 200)]


async def test_live_values_between_pieces_end_no_buffer(
    quick: None, eventually: Eventually
) -> None:
    told = Told()
    told.late.came([350])
    told.late.live()
    told.late.came([380])
    assert told.recovered == []
    told.late.live()
    await eventually(lambda: told.recovered == [(350, 400)])


async def test_a_buffer_that_is_cut_recovers_what_came_and_the_next_what_it_brings(
    quick: None,
) -> None:
    told = Told()
    told.late.came([90, 140])
    told.late.cut()
    assert told.recovered == [(100, 141)]
    told.late.came([170, 310])
    told.late.cut()
    assert told.recovered == [(100, 141), (170, 200), (300, 311)]
    told.late.live()
    told.late.cut()
    assert len(told.recovered) == 3


@pytest.mark.parametrize(
    ("delay_s", "begins_s"), [(0.4, -0.4), (-3.0, 0.0), (3600.0, 0.0), (None, 0.0)]
)
def test_an_outage_begins_when_what_was_heard_last_was_sent(
    delay_s: float | None, begins_s: float
) -> None:
    """What a busy computer had not read when the link broke is lost, too."""
    gaps: list[Gap] = []
    clock = VirtualClock(NOW)
    connection = Connection(id="c", driver="sparkplug", url="mqtt://127.0.0.1:1883")
    signal = Signal.model_validate({"id": "a", "equipment": "e", "connection": "c", "address": "a"})
    outlet = Outlet(DriverContext(connection, (signal,), clock, Path(), missed=gaps.append))
    outlet.subscribe([signal], lambda _: None)
    sent = None if delay_s is None else NOW - round(delay_s * US)
    outlet.deliver([Reading(signal, NOW, 1.0)], sent=sent)
    clock.set(NOW + 5 * US)
    outlet.down("gone")
    clock.set(NOW + 9 * US)
    outlet.deliver([Reading(signal, NOW + 9 * US, 2.0)])
    assert [(g.start, g.end) for g in gaps] == [(NOW + round(begins_s * US), NOW + 9 * US)]
