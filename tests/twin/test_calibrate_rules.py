"""Recorded choices tell how far a plant prefers what needs no set-up."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.twin.recorded_shop import SETUP_S, START, Told, line, plant

from genba.plant import US, Order, PackMLState
from genba.twin.calibrate import calibrate
from genba.twin.calibrate_rules import family_window_s
from genba.twin.line import Line
from genba.twin.parameter import Basis, Findings
from genba.twin.record import read_recording
from genba.twin.recording import Recording
from genba.twin.rules import FAMILY_WINDOW_S

HOUR = 3600 * US


def two_families() -> Line:
    """The shop, where P and Q are of two families and nothing is carried."""
    changed = {
        key: replace(way, family="p" if key[0] == "P" else "q") for key, way in line().ways.items()
    }
    setups = {(b, a): SETUP_S for b in (None, "p", "q") for a in ("p", "q") if a != b}
    machines = {m.id: replace(m, setups=setups, families=("p", "q")) for m in line().machines}
    return line().with_ways(changed).with_machines(machines)


def chosen(gaps_h: Sequence[float], window_h: float, wrong: Sequence[int] = ()) -> Recording:
    """Record one choice for each gap: P is mounted, Q is due first, another P that much later."""
    told, orders = Told(), []
    told.say("mill-1.state", START, float(PackMLState.IDLE))

    def job(lot: str, product: str, when: int) -> None:
        told.book(
            "operations", time=when + 600 * US, lot=lot, order=lot[:-3], product=product,
            operation="mill", equipment="mill-1", start=when, end=when + 600 * US,
            planned_setup_s=0.0, planned_cycle_s=60.0, quantity=10, good=10, scrap=0, rework=0,
        )  # fmt: skip

    for number, gap_h in enumerate(gaps_h):
        now = START + number * 2 * HOUR
        due = now + 24 * HOUR
        names = {}
        for name, product, due_at in (
            ("a", "P", due), ("b", "Q", due), ("c", "P", due + round(gap_h * HOUR)),
        ):  # fmt: skip
            order = Order(
                id=f"O-{number}{name}", product=product, quantity=10, release=now, due=due_at
            )
            orders.append(order)
            names[name] = f"{order.id}-01"
            told.book(
                "lots", time=now, lot=names[name], order=order.id, product=product, quantity=10,
                status="released", location="store",
            )  # fmt: skip
        told.say("store.station", now, ",".join(names.values()))
        told.say("mill-1.station", now, names["a"])
        job(names["a"], "P", now + 60 * US)
        told.say("mill-1.station", now + 120 * US, f"{names['b']},{names['c']}")
        saves = (gap_h <= window_h) is not (number in wrong)
        first, then = ("c", "b") if saves else ("b", "c")
        for turn, name in enumerate((first, then)):
            job(names[name], "P" if name == "c" else "Q", now + (1200 + 1200 * turn) * US)
        told.say("mill-1.station", now + 2000 * US, names[then])
        told.say("mill-1.station", now + 2500 * US, "")
    return read_recording(told, plant(orders), START, START + 2 * (len(gaps_h) + 1) * HOUR)


GAPS_H = (0.5, 1.0, 1.5, 1.9, 2.1, 2.5, 3.0, 4.5, 6.0, 8.0)


@pytest.mark.parametrize("window_h", [1.7, 2.0, 5.0])
def test_the_window_of_the_plant_is_found_between_the_choices(window_h: float) -> None:
    found = Findings()
    hours = family_window_s(two_families(), chosen(GAPS_H, window_h), found) / 3600
    below = max(g for g in GAPS_H if g <= window_h)
    above = min(g for g in GAPS_H if g > window_h)
    assert below <= hours < above
    assert found.parameters[0].basis is Basis.OWN
    assert "contradicted by 0 of 10" in found.parameters[0].note


def test_a_choice_that_contradicts_the_others_does_not_move_it() -> None:
    recording = chosen(GAPS_H, 2.0, wrong=[8])
    assert 1.9 <= family_window_s(two_families(), recording, Findings()) / 3600 < 2.1


def test_choices_that_agree_with_the_planned_window_keep_it() -> None:
    recording = chosen(GAPS_H, FAMILY_WINDOW_S / 3600)
    assert family_window_s(two_families(), recording, Findings()) == FAMILY_WINDOW_S


@pytest.mark.parametrize(
    ("gaps_h", "wrong", "said"),
    [(GAPS_H[:7], (), "only 7 choices"), (GAPS_H, (0, 2, 5, 8), "other rules")],
)
def test_too_few_choices_or_none_that_agree_keep_the_planned_window(
    gaps_h: Sequence[float], wrong: Sequence[int], said: str
) -> None:
    found = Findings()
    recording = chosen(gaps_h, 2.0, wrong)
    assert family_window_s(two_families(), recording, found) == FAMILY_WINDOW_S
    assert found.parameters[0].basis is Basis.PLAN
    assert said in found.parameters[0].note


def test_a_calibrated_line_keeps_its_own_rules_and_knows_those_of_the_plant() -> None:
    found = calibrate(two_families(), chosen(GAPS_H, 2.0))
    assert found.line.family_window_s == FAMILY_WINDOW_S
    assert found.as_run.family_window_s == found.family_window_s < FAMILY_WINDOW_S
