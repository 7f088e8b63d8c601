"""Whatever drives, the envelope is kept: for drawn classes, members, errors and choices."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import Refused
from genba.guard.assurance import Box, LinearClass, Recovery, Shield, Simplex, Source

ENVELOPE = Box((0.0, 0.0), (10.0, 10.0))
INPUTS = Box((0.0,), (1.0,))


def tanks(w: float = 0.05, v: float = 0.0) -> LinearClass:
    """Two tanks in a row; the pump may overfill both."""
    return LinearClass(
        a=((0.9, 0.0), (0.1, 0.85)),
        b=((1.5,), (0.0,)),
        e=(0.0, 0.0),
        w=(w, w),
        v=(v, v),
        envelope=ENVELOPE,
        inputs=INPUTS,
    )


def steady(known: LinearClass, pump: float) -> Recovery:
    first = 1.5 * pump / 0.1
    return Recovery((first, 0.1 * first / 0.15), (pump,), ((0.0, 0.0),))


def shield(w: float = 0.05, v: float = 0.0) -> Shield:
    known = tanks(w, v)
    return Shield(known, steady(known, 0.3))


weird = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, math.nan, math.inf]),
)
errors = st.floats(-1.0, 1.0)


@settings(max_examples=200, deadline=None)
@given(
    start=st.tuples(st.floats(3.0, 6.0), st.floats(2.0, 4.0)),
    choices=st.lists(st.tuples(weird, st.floats(0, 10), errors, errors), min_size=1, max_size=80),
    unsure=st.sampled_from([0.0, 0.1]),
)
def test_no_controller_drives_a_member_of_the_class_out_of_its_envelope(
    start: tuple[float, float],
    choices: list[tuple[float | None, float, float, float]],
    unsure: float,
) -> None:
    proved = shield(w=0.05, v=unsure)
    simplex = Simplex(proved, late_s=5.0)
    x = start
    for choice, age, one, two in choices:
        seen = (x[0] + unsure * two, x[1] - unsure * one)
        told = simplex.decide(seen, None if choice is None else (choice,), age)
        assert INPUTS.holds(told.inputs)
        middle = proved.known.after(x, told.inputs)
        x = (middle[0] + 0.05 * one, middle[1] + 0.05 * two)
        assert ENVELOPE.holds(x), simplex.switches


def test_a_harmless_choice_passes_as_it_is() -> None:
    found = shield().filter((4.0, 3.0), (0.35,))
    assert found.inputs == (0.35,)
    assert found.share == 1.0


def test_a_dangerous_choice_is_held_back_no_more_than_it_must_be() -> None:
    proved = shield(w=0.0)
    found = proved.filter((9.5, 6.0), (1.0,))
    assert 0.0 < found.share < 1.0
    first = proved.known.after((9.5, 6.0), found.inputs)[0]
    assert first == pytest.approx(10.0)


def test_a_larger_error_of_the_class_holds_back_more() -> None:
    shares = [shield(w).filter((9.4, 6.0), (1.0,)).share for w in (0.0, 0.05, 0.1)]
    assert shares == sorted(shares, reverse=True)
    assert shares[2] < shares[0]


@pytest.mark.parametrize(
    ("chosen", "age", "why"),
    [
        (None, 0.0, "silent"),
        ((math.nan,), 0.0, "not finite"),
        ((2.0,), 0.0, "range"),
        ((0.3, 0.3), 0.0, "range"),
        ((0.3,), 9.0, "old"),
        ((0.3,), math.nan, "old"),
    ],
)
def test_silence_nonsense_and_lateness_bring_the_recovery(
    chosen: tuple[float, ...] | None, age: float, why: str
) -> None:
    told = Simplex(shield(), late_s=5.0).decide((4.0, 3.0), chosen, age)
    assert told.source is Source.RECOVERY
    assert why in told.why
    assert told.inputs == (0.3,)


def test_an_unknown_state_brings_the_recovery() -> None:
    told = Simplex(shield()).decide((math.nan, 3.0), (0.9,))
    assert (told.source, told.inputs) == (Source.RECOVERY, (0.3,))


def test_a_process_that_leaves_its_class_is_not_trusted_for_a_while() -> None:
    simplex = Simplex(shield())
    simplex.decide((4.0, 3.0), (0.3,))
    told = simplex.decide((7.0, 3.0), (0.3,))
    assert told.source is Source.RECOVERY
    assert "no member of its class" in told.why
    for _ in range(25):
        told = simplex.decide((4.5, 3.0), (0.3,))
    assert told.source is Source.ADVANCED or "class" in told.why


def test_each_change_of_who_drives_is_on_record_with_the_reason() -> None:
    simplex = Simplex(shield())
    for chosen in ((0.3,), (0.3,), None, None, (0.3,)):
        simplex.decide((4.5, 3.0), chosen)
    assert [switch.source for switch in simplex.switches] == [
        Source.ADVANCED,
        Source.RECOVERY,
        Source.ADVANCED,
    ]
    assert "silent" in simplex.switches[1].why


def test_a_recovery_that_proves_nothing_is_refused() -> None:
    known = tanks()
    with pytest.raises(Refused, match="does not rest"):
        Shield(known, Recovery((4.0, 3.0), (0.3,), ((0.0, 0.0),)))
    with pytest.raises(Refused, match="does not hold"):
        Shield(known, steady(known, 0.66))
    with pytest.raises(Refused, match="smaller gain"):
        Shield(known, Recovery((4.5, 3.0), (0.3,), ((-0.5, 0.0),)))
    with pytest.raises(Refused, match="does not hold"):
        shield(w=0.7)


def test_a_class_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(Refused, match="holds nothing"):
        Box((0.0,), (0.0,))
    with pytest.raises(Refused, match="other shapes"):
        LinearClass(((1.0,),), ((1.0,),), (0.0,), (0.0,), (0.0,), ENVELOPE, INPUTS)
    with pytest.raises(Refused, match="not finite"):
        LinearClass(((math.nan,),), ((1.0,),), (0.0,), (0.0,), (0.0,), Box((0.0,), (1.0,)), INPUTS)
    with pytest.raises(Refused, match="not below 0"):
        LinearClass(((0.5,),), ((1.0,),), (0.0,), (-1.0,), (0.0,), Box((0.0,), (1.0,)), INPUTS)
