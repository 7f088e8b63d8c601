"""What came from outside is read as it was recorded, and a trace-driven twin keeps to it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.twin.recorded_shop import END, START, line, two_days

from genba.plant import US
from genba.twin.calibrate import calibrate
from genba.twin.line import Line
from genba.twin.line_twin import LineTwin
from genba.twin.outside import outside_of
from genba.twin.prediction import Case, observed
from genba.twin.record import read_recording
from genba.twin.record_state import state_at
from genba.twin.recording import Activity, Recording
from genba.twin.report import validate

HOUR = 3600 * US


def by_hand() -> Line:
    """The shop as planned, without its vehicle: lots are carried in no time."""
    return replace(line(), vehicles=(), travel=type(line().travel)())


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    return read_recording(told, shop, START, END)


@pytest.fixture(scope="module")
def fitted(recording: Recording) -> Line:
    return calibrate(by_hand(), recording, seed=1).line


@pytest.fixture(scope="module")
def case(recording: Recording) -> Case:
    """Eight hours that begin while a machine is down."""
    broken = next(
        s
        for s in recording.stops
        if s.activity is Activity.DOWN and s.start > START + 8 * HOUR and s.working_s > 300
    )
    begin = broken.start + 60 * US
    return Case(recording, begin, begin + 8 * HOUR)


def test_stops_of_the_period_are_read_with_their_begin_and_end(case: Case) -> None:
    found = outside_of(case, by_hand())
    wanted = [
        (s.unit, s.start, s.end)
        for s in case.recording.stops
        if s.end > case.start and s.start < case.end
    ]
    assert len(wanted) > 2
    assert sorted((o.unit, o.start, o.end) for o in found.outages) == sorted(wanted)


def test_scrap_is_read_for_what_ended_in_the_period(case: Case) -> None:
    found = outside_of(case, by_hand())
    assert sum(found.scrapped.values()) == observed(case).scrap > 0
    ended = {b.lot for b in case.recording.booked if case.start < b.end <= case.end}
    assert {lot for lot, _ in found.scrapped} == ended


def test_what_is_down_at_the_begin_stays_down_as_long_as_it_did(case: Case) -> None:
    outside = outside_of(case, by_hand())
    state = outside.state(state_at(case.recording, by_hand(), case.start, case.end))
    (down,) = [m for m in state.machines if m.down]
    (there,) = [o for o in outside.outages if o.start < case.start]
    assert down.id == there.unit
    assert down.down_left_s == (there.end - case.start) / US


def test_a_trace_driven_twin_stands_still_when_the_plant_did(case: Case, fitted: Line) -> None:
    assert any(machine.stoppages for machine in fitted.machines)
    recorded = observed(case)
    traced = [LineTwin(fitted, traced=True).predict(case, seed) for seed in range(3)]
    for future in traced:
        for machine in ("mill-1", "mill-2"):
            down_s = recorded.seconds[machine, "down"]
            assert future.seconds[machine, "down"] == pytest.approx(down_s, abs=1.0)
    free = [LineTwin(fitted).predict(case, seed).share("down") for seed in range(3)]
    assert len(set(free)) == 3


def test_what_came_from_outside_takes_its_part_of_the_scatter(case: Case, fitted: Line) -> None:
    found = validate(
        LineTwin(fitted), [case], futures=60, seed=3, traced=LineTwin(fitted, traced=True)
    )
    (free,), (traced,) = found.periods, found.traced
    assert np.isfinite(traced.of("output").error)
    width = [p.of("share_run").high - p.of("share_run").low for p in (traced, free)]
    assert width[0] < 0.5 * width[1]
    assert traced.of("share_down").error == pytest.approx(0.0, abs=0.01)
    assert "Trace-driven" in found.verdict.splitlines()[1]
