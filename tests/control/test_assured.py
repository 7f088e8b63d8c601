"""A process model becomes a class that holds it, and a recovery that is proved."""

from dataclasses import replace

import numpy as np
import pytest
from tests.twin.process.plants import REACTOR, TANKS, reactor, tanks, z_of

from genba.control.assured import Room, class_of, recovery_of
from genba.errors import ControlError
from genba.guard.assurance import Shield, Simplex
from genba.twin.process import Belief, Numeric, Symbolic, prior

TANK_ROOM = Room(
    np.array([[0.01] * 4, [0.6] * 4]), np.array([[0.1, 0.1], [10.0, 10.0]]), np.zeros((2, 0))
)
REACTOR_ROOM = Room(
    np.array([[0.75, 319.0], [0.95, 331.0]]), np.array([[295.0], [302.0]]), np.zeros((2, 0))
)


def believed(model: Symbolic, truth: dict[str, float], spread: float = 0.02) -> Belief:
    count = len(model.process.parameters)
    covariance = spread**2 * np.eye(count)
    return replace(prior(model.process), mean=z_of(model, truth), covariance=covariance)


def test_steps_of_the_process_are_steps_of_the_class() -> None:
    model, source = tanks(), np.random.default_rng(5)
    numeric, belief = Numeric(model), believed(model, TANKS)
    known = class_of(numeric, belief, TANK_ROOM, np.zeros(4))
    x = source.uniform(*TANK_ROOM.states, (2000, 4))
    u = source.uniform(*TANK_ROOM.inputs, (2000, 2))
    after, _ = numeric.step(x, u, np.zeros((2000, 0)), belief.drawn(2000, source))
    assert all(known.has(*one) for one in zip(x.tolist(), u.tolist(), after.tolist(), strict=True))


def test_random_set_points_never_drive_perturbed_tanks_out_of_their_envelope() -> None:
    model, source = tanks(), np.random.default_rng(6)
    numeric, belief = Numeric(model), believed(model, TANKS)
    known = class_of(numeric, belief, TANK_ROOM, np.zeros(4))
    shield = Shield(known, recovery_of(known))
    for z in belief.drawn(5, source):
        simplex, x = Simplex(shield), np.array(shield.recovery.state)
        for _ in range(60):
            chosen = source.choice([0.1, 10.0], 2)
            u = np.array(simplex.decide(x.tolist(), chosen.tolist()).inputs)
            x = numeric.step(x[None], u[None], np.zeros((1, 0)), z[None])[0][0]
            assert known.envelope.holds(x.tolist())


def test_what_reacts_with_itself_is_recovered_by_feedback() -> None:
    model = reactor()
    known = class_of(Numeric(model), believed(model, REACTOR), REACTOR_ROOM, np.zeros(2))
    recovery = recovery_of(known, steady=False)
    assert Shield(known, recovery).horizon > 1
    assert np.abs(recovery.gain).max() > 0


def test_an_envelope_in_which_the_process_runs_away_is_refused() -> None:
    model = reactor()
    hot = Room(np.array([[0.5, 300.0], [1.0, 420.0]]), REACTOR_ROOM.inputs, np.zeros((2, 0)))
    with pytest.raises(ControlError, match="runs away"):
        class_of(Numeric(model), believed(model, REACTOR, 0.3), hot, np.zeros(2))
