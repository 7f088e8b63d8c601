"""Admission: every sample is stored, set apart or a repeat, and never two of these."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START

from genba.historian import Historian
from genba.historian.admission import FUTURE_S, Admission, Misfit
from genba.historian.lasting import last_stored
from genba.plant import (
    US,
    DataType,
    Quality,
    Range,
    Sample,
    Scalar,
    Signal,
    SignalKind,
    VirtualClock,
)


def signal(name: str, kind: str = "measurement", of: str = "float", **more: Any) -> Signal:
    return Signal(
        id=f"a.{name}",
        equipment="a",
        connection="a",
        address=name,
        kind=SignalKind(kind),
        type=DataType(of),
        **more,
    )


SIGNALS = {
    s.id: s
    for s in (
        signal("temp", range=Range(low=-40.0, high=120.0)),
        signal("on", "state", "bool"),
        signal("state", "state", "int", range=Range(low=0, high=17)),
        signal("speed", "setpoint", range=Range(low=0, high=10)),
        signal("lot", "state", "string"),
        signal("part", "event", "json"),
        signal("count", "counter", "int"),
    )
}


class Door:
    """An admission at a standing clock, and what it set apart."""

    def __init__(self, speed: float = 1.0) -> None:
        self.apart: list[tuple[Sample, Misfit]] = []
        self.admission = Admission(
            SIGNALS,
            lambda: START,
            speed,
            lambda sample, misfit: self.apart.append((sample, misfit)),
        )
        self.number = 0

    def sample(self, name: str, at: float, value: Any, quality: int = Quality.GOOD) -> Sample:
        self.number += 1
        return Sample(f"a.{name}", START + round(at * US), START, value, quality, self.number)

    def gives(self, name: str, at: float, value: Any, quality: int = Quality.GOOD) -> str:
        """Say what became of one sample: stored, repeat, or the reason why it was set apart."""
        sample = self.sample(name, at, value, quality)
        before = len(self.apart)
        admitted = self.admission.admit([sample])
        if len(self.apart) > before:
            return str(self.apart[-1][1].reason)
        assert list(admitted.shown) == [sample]
        return "stored" if list(admitted.stored) == [sample] else "repeat"


@pytest.mark.parametrize(
    ("name", "value", "fate"),
    [
        ("temp", 20.5, "stored"),
        ("temp", 20, "stored"),
        ("temp", None, "stored"),
        ("temp", -40.0, "stored"),
        ("temp", 120.001, "out_of_range"),
        ("temp", math.nan, "not_a_number"),
        ("temp", -math.inf, "not_a_number"),
        ("temp", "20.5", "wrong_type"),
        ("temp", True, "wrong_type"),
        ("temp", {"value": 20.5}, "wrong_type"),
        ("on", True, "stored"),
        ("on", 1, "wrong_type"),
        ("state", 6, "stored"),
        ("state", 6.0, "stored"),
        ("state", 6.5, "wrong_type"),
        ("state", 18, "out_of_range"),
        ("speed", 99.0, "stored"),
        ("lot", "O-1-01", "stored"),
        ("lot", "\U0010ffff", "stored"),
        ("lot", 7, "wrong_type"),
        ("part", '{"id": 1}', "stored"),
        ("part", "", "stored"),
        ("part", "{id: 1", "wrong_type"),
        ("count", 10**30, "stored"),
        ("nothing", 1.0, "unknown_signal"),
    ],
)
def test_what_fits_and_what_does_not(name: str, value: Any, fate: str) -> None:
    assert Door().gives(name, -1, value) == fate


def test_what_a_device_calls_bad_is_not_judged_by_its_value() -> None:
    door = Door()
    assert door.gives("temp", -1, 999.0, Quality.BAD) == "stored"
    assert door.gives("temp", 60, 999.0, Quality.BAD) == "future"


@pytest.mark.parametrize("speed", [1.0, 120.0, math.inf])
def test_a_clock_may_be_a_little_ahead_in_wall_seconds(speed: float) -> None:
    allowed = FUTURE_S * (speed if math.isfinite(speed) else 1.0)
    assert Door(speed).gives("temp", allowed, 1.0) == "stored"
    assert Door(speed).gives("temp", allowed + 0.1, 1.0) == "future"
    assert Door().gives("temp", 10.0**12, 1.0) == "no_time"


def test_in_the_place_of_a_misfit_everyone_sees_that_nothing_is_known() -> None:
    door = Door()
    admitted = door.admission.admit(
        [door.sample("temp", -2, 20.0), door.sample("temp", -1, 999.0), door.sample("on", 99, True)]
    )
    good, void, early = admitted.stored
    assert admitted.shown == admitted.stored
    assert (good.value, good.quality) == (20.0, Quality.GOOD)
    assert (void.value, void.quality, void.source_time) == (None, Quality.BAD, START - US)
    assert (early.value, early.quality, early.source_time) == (None, Quality.BAD, START)
    assert [sample.value for sample, _ in door.apart] == [999.0, True]


def test_a_measurement_has_one_value_at_a_time_a_state_may_change_twice() -> None:
    door = Door()
    assert door.gives("temp", -1, 20.0) == "stored"
    assert door.gives("temp", -1, 20.0) == "repeat"
    assert door.gives("temp", -1, 21.0) == "duplicate_time"
    assert door.gives("temp", -0.5, 21.0) == "stored"
    assert [door.gives("state", -1, n) for n in (4, 6, 6)] == ["stored", "stored", "repeat"]


def test_a_value_that_was_called_bad_is_good_again_as_of_now() -> None:
    door = Door()
    door.gives("lot", -50, "O-1")
    door.gives("lot", -10, None, Quality.BAD)
    admitted = door.admission.admit([door.sample("lot", -50, "O-1")])
    assert [(s.source_time, s.value, s.quality) for s in admitted.stored] == [
        (START, "O-1", Quality.GOOD)
    ]
    assert admitted.shown[0].source_time == START - 50 * US


def test_what_the_historian_did_not_take_is_new_when_it_comes_again() -> None:
    door = Door()
    sample = door.sample("temp", -1, 20.0)
    admitted = door.admission.admit([sample])
    door.admission.not_stored(admitted.stored)
    assert list(door.admission.admit([sample]).stored) == [sample]
    assert list(door.admission.admit([sample]).stored) == []


def test_late_samples_are_checked_and_steer_nothing() -> None:
    door = Door()
    door.gives("temp", -1, 20.0)
    late = [door.sample("temp", -9, 19.0), door.sample("temp", -8, 999.0), door.sample("x", -7, 1)]
    assert door.admission.admit_late(late) == late[:1]
    assert [str(misfit.reason) for _, misfit in door.apart] == ["out_of_range", "unknown_signal"]
    assert door.gives("temp", -1, 20.0) == "repeat"


def test_after_a_restart_unchanged_values_are_not_stored_again(
    folder: Path, clock: VirtualClock
) -> None:
    told = [
        Sample("a.temp", START - 30 * US, START, 21.5),
        Sample("a.lot", START - 40 * 86_400 * US, START, "O-1"),
        Sample("a.state", START - 300 * US, START, 6),
        Sample("a.on", START - 20 * US, START, True),
        Sample("a.count", START - US, START, 2**60 + 1),
        Sample("a.speed", START - 9 * US, START, 3.0),
        Sample("a.speed", START - 5 * US, START, 3.0, Quality.BAD),
    ]
    with Historian.open(folder, clock) as historian:
        historian.append(told[:3])
        historian.commit()
        historian.append(told[3:])
    door = Door()
    with Historian.open(folder, clock) as historian:
        door.admission.seed(last_stored(historian, SIGNALS.values(), START))
    for sample in told[:5]:
        assert list(door.admission.admit([sample]).stored) == [], sample
    back = door.admission.admit([told[5]]).stored
    assert [(s.source_time, s.value) for s in back] == [(START, 3.0)]
    assert door.gives("temp", -30, 22.0) == "duplicate_time"
    assert door.gives("state", -299, 4) == "stored"
    assert door.apart[0][0].value == 22.0


def test_a_first_value_older_than_the_last_is_news_only_if_it_differs() -> None:
    door = Door()
    door.admission.seed([Sample("a.lot", START - US, START, "O-1")])
    assert door.gives("lot", -60, "O-1") == "repeat"
    assert door.gives("lot", -60, "O-1") == "stored"
    door.admission.seed([Sample("a.lot", START - US, START, "O-1")])
    assert door.gives("lot", -60, "O-2") == "stored"


VALUES: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3)
)
SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["temp", "on", "state", "speed", "lot", "part", "count", "ghost"]),
        st.integers(-3, 14),
        st.one_of(VALUES, st.sampled_from([1.0, 2.0, 1, 2, "a"])),
        st.sampled_from([0, 0, 0, 1, 2]),
    ),
    max_size=40,
)


@given(SAMPLES, st.lists(st.integers(1, 6), min_size=40, max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_sample_has_exactly_one_fate(
    told: list[tuple[str, int, Scalar, int]], sizes: list[int]
) -> None:
    door = Door()
    samples = [door.sample(*one) for one in told]
    fates: dict[int, list[str]] = {sample.sequence: [] for sample in samples}
    left = list(samples)
    for size in sizes:
        batch, left = left[:size], left[size:]
        repeats = door.admission.repeats
        apart = len(door.apart)
        admitted = door.admission.admit(batch)
        held = {sample.sequence for sample, _ in door.apart[apart:]}
        stored = {s.sequence for s in admitted.stored if s.sequence not in held}
        assert len(admitted.stored) == len({s.sequence for s in admitted.stored})
        for sample in batch:
            fates[sample.sequence] += ["held"] * (sample.sequence in held)
            fates[sample.sequence] += ["stored"] * (sample.sequence in stored)
        again = [s for s in batch if not fates[s.sequence]]
        assert len(again) == door.admission.repeats - repeats
        for sample in again:
            fates[sample.sequence].append("repeat")
        voids = [s for s in admitted.shown if s.sequence in held]
        assert all(s.value is None and s.quality == Quality.BAD for s in voids)
        assert len(admitted.shown) + sum(s.signal == "a.ghost" for s in batch) == len(batch)
    assert all(len(fate) == 1 for fate in fates.values())
    originals = {sample.sequence: sample for sample in samples}
    assert all(originals[sample.sequence] is sample for sample, _ in door.apart)


@given(SAMPLES)
@settings(max_examples=100, deadline=None)
def test_one_by_one_or_all_at_once_is_the_same(told: list[tuple[str, int, Scalar, int]]) -> None:
    one, many = Door(), Door()
    samples = [one.sample(*each) for each in told]
    singly = [stored for sample in samples for stored in one.admission.admit([sample]).stored]
    assert repr(list(many.admission.admit(samples).stored)) == repr(singly)
    assert repr(many.apart) == repr(one.apart)
