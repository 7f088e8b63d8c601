"""Controllers that mean harm drive processes at their worst, and the envelope is kept.

Beyond the class nothing is proved; what is promised there is that it is noticed at once, told, and
answered with the recovery.
"""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.guard.assurance.attacks import NONSENSE, Plant, drawn_shield, shields

from genba.guard.assurance import Shield, Simplex, Source

DOUBT_STEPS = 20
MODES = ("worst", "nonsense", "silent", "late", "blind")


def drive(
    simplex: Simplex, shield: Shield, plant: Plant, mode: str, nonsense: Any
) -> tuple[float, ...]:
    """Let one step pass under a controller in some mode; gives what was set."""
    seen, wish = plant.seen(), plant.worst()
    if mode == "nonsense":
        told = simplex.decide(seen, nonsense)
    elif mode == "silent":
        told = simplex.decide(seen, None)
    elif mode == "late":
        told = simplex.decide(seen, wish, age_s=math.inf)
    elif mode == "blind":
        told = simplex.decide((math.nan,) * len(seen), wish)
    else:
        told = simplex.decide(seen, wish)
    assert shield.known.inputs.holds(told.inputs)
    return told.inputs


def blind_is_proved(shield: Shield) -> bool:
    """Whether a recovery that sees nothing is the one that was proved."""
    return all(k == 0 for row in shield.recovery.gain for k in row)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    modes=st.lists(st.sampled_from(MODES), min_size=5, max_size=60),
    nonsense=st.sampled_from(NONSENSE),
    aims=st.lists(st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3), min_size=1, max_size=4),
)
def test_no_adversary_drives_the_worst_member_of_a_drawn_class_out_of_its_envelope(
    seed: int, modes: list[str], nonsense: Any, aims: list[tuple[float, ...]]
) -> None:
    shield = drawn_shield(seed)
    assume(shield is not None)
    assert shield is not None
    known = shield.known
    simplex = Simplex(shield, late_s=5.0)
    plant = Plant(known, np.array(shield.recovery.state), np.ones(len(known.w)))
    for step, mode in enumerate(modes):
        plant.aim = np.array(aims[step * len(aims) // len(modes)][: len(known.w)])
        if mode == "blind" and not blind_is_proved(shield):
            mode = "worst"
        plant.step(drive(simplex, shield, plant, mode, nonsense))
        assert known.envelope.holds(plant.x), (seed, step, simplex.switches)


def test_without_the_shield_the_adversary_leaves_many_envelopes() -> None:
    left = 0
    for _, shield in shields(0, 40):
        known = shield.known
        plant = Plant(known, np.array(shield.recovery.state), np.ones(len(known.w)))
        for _ in range(200):
            plant.step(plant.worst())
            if not known.envelope.holds(plant.x):
                left += 1
                break
    assert left > 10


def test_an_envelope_is_kept_to_the_last_bit_where_a_choice_goes_up_to_it() -> None:
    shield = drawn_shield(242775)
    assert shield is not None
    simplex, known = Simplex(shield), shield.known
    plant = Plant(known, np.array(shield.recovery.state), -np.ones(len(known.w)))
    for _ in range(5):
        plant.step(simplex.decide(plant.seen(), plant.worst()).inputs)
        assert known.envelope.holds(plant.x)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), signs=st.lists(st.floats(-1, 1), min_size=5, max_size=60))
def test_no_member_of_the_class_is_ever_taken_for_a_stranger(seed: int, signs: list[float]) -> None:
    shield = drawn_shield(seed)
    assume(shield is not None)
    assert shield is not None
    simplex = Simplex(shield)
    plant = Plant(shield.known, np.array(shield.recovery.state), np.ones(len(shield.known.w)))
    for sign in signs:
        plant.aim = np.full(len(shield.known.w), sign)
        plant.step(simplex.decide(plant.seen(), plant.worst()).inputs)
    assert not [one for one in simplex.switches if "class" in one.why]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), calm=st.integers(1, 20), more=st.floats(1.01, 100.0))
def test_a_push_beyond_the_class_is_noticed_at_the_next_step_and_on_record(
    seed: int, calm: int, more: float
) -> None:
    shield = drawn_shield(seed)
    assume(shield is not None)
    assert shield is not None
    known = shield.known
    sizes = np.abs(np.array(known.a))
    # What sensors may hide: the error before the step, carried on, and the one after it.
    hidden = sizes @ np.array(known.v) + np.array(known.v)
    simplex = Simplex(shield)
    plant = Plant(known, np.array(shield.recovery.state), np.ones(len(known.w)))
    told = simplex.decide(plant.seen(), shield.recovery.inputs)
    for _ in range(calm):
        plant.step(told.inputs)
        told = simplex.decide(plant.seen(), shield.recovery.inputs)
    plant.step(told.inputs)
    plant.x = plant.x + more * (2 * hidden + np.array(known.w) + 1e-6)
    told = simplex.decide(plant.seen(), shield.recovery.inputs)
    assert told.source is Source.RECOVERY
    assert "no member of its class" in told.why
    assert simplex.switches[-1].source is Source.RECOVERY
    assert "no member of its class" in simplex.switches[-1].why
    assert simplex.switches[-1].step == calm + 1


def test_a_push_that_goes_on_keeps_the_recovery_until_twenty_steps_after_it() -> None:
    (_, shield) = next(iter(shields(3, 1)))
    simplex = Simplex(shield)
    plant = Plant(shield.known, np.array(shield.recovery.state), np.ones(len(shield.known.w)))
    sources = []
    for step in range(60):
        told = simplex.decide(plant.seen(), shield.recovery.inputs)
        sources.append(told.source)
        plant.step(told.inputs, beyond=50.0 if 5 <= step < 15 else -1.0)
    # The push of step 5 is seen at step 6, that of step 14 at step 15.
    assert all(one is not Source.RECOVERY for one in sources[:6])
    assert all(one is Source.RECOVERY for one in sources[6 : 15 + DOUBT_STEPS])
    assert sources[-1] is not Source.RECOVERY


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
def test_nonsense_of_any_kind_brings_the_recovery_and_no_error(nonsense: Any) -> None:
    (_, shield) = next(iter(shields(3, 1)))
    told = Simplex(shield).decide(shield.recovery.state, nonsense)
    assert told.source is Source.RECOVERY
    assert told.inputs == pytest.approx(shield.recovery.inputs)
    assert "not finite" in told.why or "range" in told.why


@pytest.mark.parametrize("state", [(), (None,), ("warm",), (1.0,) * 9, "warm"], ids=repr)
def test_a_state_that_is_none_counts_as_unknown(state: Any) -> None:
    (_, shield) = next(iter(shields(3, 1)))
    told = Simplex(shield).decide(state, shield.recovery.inputs)
    assert (told.source, told.why) == (Source.RECOVERY, "the state is unknown")
    assert told.inputs == pytest.approx(shield.recovery.inputs)
