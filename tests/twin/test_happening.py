"""Event by event: no machine, station or vehicle holds more than it can, whatever happens."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.twin.small_lines import NOW, ahead, carried, lot, serial, state
from tests.twin.test_future import DAY_S, lots_strategy, random_line

from genba.errors import TwinError
from genba.plant import US
from genba.twin.future import futures
from genba.twin.happening import What, happenings


def test_a_future_is_told_in_the_order_in_which_it_happens() -> None:
    line = carried(serial([10]), travel_s=50, handling_s=20)
    found = happenings(line, state(lot("a")), DAY_S)
    told = [((event.time - NOW) // US, event.what.value, event.unit) for event in found]
    assert told == [
        (20, "picked", "v0"),
        (90, "dropped", "m0"),
        (90, "run_begun", "m0"),
        (190, "finished", "m0"),
        (260, "picked", "v0"),
        (330, "dropped", "dock"),
        (330, "done", "dock"),
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lots=lots_strategy, seed=st.integers(0, 2**32))
def test_nothing_holds_more_than_it_can_and_every_lot_goes_its_way(
    lots: list[tuple[str, int, int, int]], seed: int
) -> None:
    line = random_line()
    start = state(
        *(ahead(f"l{n}", r, q, product=p, due=NOW + d * US) for n, (p, q, r, d) in enumerate(lots))
    )
    machines = {machine.id: machine for machine in line.machines}
    inside: Counter[str] = Counter()
    running: dict[str, str] = {}
    at = {item.id: "store" for item in start.lots}
    steps = dict.fromkeys(at, 0)
    before = NOW
    for event in happenings(line, start, 5 * DAY_S, seed):
        assert event.time >= before
        before = event.time
        name = event.lot
        match event.what:
            case What.PICKED:
                inside[at[name]] -= 1
            case What.DROPPED:
                inside[event.unit] += 1
                at[name] = event.unit
                if event.unit in machines:
                    assert inside[event.unit] <= machines[event.unit].places
            case What.RUN_BEGUN:
                assert event.unit not in running, "one job at a time"
                running[event.unit] = name
                assert at[name] == event.unit
            case What.FINISHED:
                running.pop(event.unit, None)
                assert event.step == steps[name]
                steps[name] += 1
                assert at[name] == event.unit
            case What.DONE if event.unit in machines:
                assert event.parts == 0, "only what is scrapped ends at a machine"
                inside[event.unit] -= 1
    found = futures(line, start, 5 * DAY_S, n=1, seed=seed)
    delivered = sum(1 for item in start.lots if at[item.id] == "dock")
    assert found.lots[0] == delivered


def test_too_many_events_are_refused() -> None:
    with pytest.raises(TwinError, match="more than 2 events"):
        happenings(serial([1]), state(lot("a")), DAY_S, most=2)
