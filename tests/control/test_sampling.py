"""Set-points by trying many courses: near to what the solver finds, in time, and within bounds."""

import numpy as np
import pytest
from tests.control.test_nmpc import BOUNDS, HORIZON, START, TARGETS
from tests.twin.process.plants import TANKS, tanks, z_of

from genba.control.nmpc import Ahead, Nmpc
from genba.control.objective import Objective
from genba.control.pilot import Pilot
from genba.control.sampling import Sampler
from genba.errors import ControlError
from genba.twin.process import Belief, Numeric, Tracker, prior
from genba.twin.process.residual import World

KEPT = Objective(targets=TARGETS.targets, keeps={"level_1": (0.0, 0.22)})


def sampler(objective: Objective = TARGETS, limit_s: float = 30.0) -> Sampler:
    world = World(tanks(), prior(tanks().process))
    return Sampler(world, objective, HORIZON, limit_s=limit_s, bounds=BOUNDS)


def ahead(level: float = 0.25) -> Ahead:
    return Ahead.plain(tanks(), HORIZON, np.full((HORIZON, 4), level))


def believed(doubt: float) -> Belief:
    """The true parameters, as unsure as is said, and sensors that are good to a millimeter."""
    model = tanks()
    z = z_of(model, TANKS)
    return Belief(model.process, z, doubt**2 * np.eye(len(z)), np.full(4, 1e-3))


def test_it_comes_near_to_what_the_solver_finds() -> None:
    z = z_of(tanks(), TANKS)
    solver = Nmpc(tanks(), TARGETS, HORIZON, limit_s=30.0, bounds=BOUNDS)
    best = solver.advise(START, z, BOUNDS[0], ahead())
    tried, found = sampler(), None
    for _ in range(3):
        found = tried.advise(START, z, BOUNDS[0], ahead())
        tried._last = None if found is None else found.inputs[tried._holds]
    assert best is not None
    assert found is not None
    assert found.cost < 1.05 * best.cost
    assert (found.inputs >= BOUNDS[0]).all()
    assert (found.inputs <= BOUNDS[1]).all()


def test_bounds_are_kept_with_what_is_unsure_and_more_so_the_surer_it_has_to_be() -> None:
    model = tanks()
    belief = believed(0.3)
    highest = []
    for sure in (0.5, 0.99):
        kept = Objective(targets=KEPT.targets, keeps=KEPT.keeps, sure={"level_1": sure})
        told = []
        for seed in range(2):
            used = Sampler(
                World(model, belief), kept, HORIZON, limit_s=30.0, bounds=BOUNDS, seed=seed
            )
            tracker = Tracker(model, belief, state=START)
            tracker.seen(START, BOUNDS[0], np.zeros(0))
            tight = used.tightened(tracker, BOUNDS[0], ahead(0.4))
            course = used.advise(START, belief.mean, BOUNDS[0], tight)
            assert course is not None
            told.append(course.states[:, 0].max())
        highest.append(np.mean(told))
    assert highest[1] < highest[0] - 0.002


def test_margins_grow_with_doubt_and_with_the_wanted_probability() -> None:
    model = tanks()
    known, vague = believed(0.01), believed(0.3)
    sure = Objective(targets=KEPT.targets, keeps=KEPT.keeps, sure={"level_1": 0.99})

    def of(belief: Belief, objective: Objective) -> np.ndarray:
        controller = Nmpc(model, objective, HORIZON, limit_s=30.0, bounds=BOUNDS)
        tracker = Tracker(model, belief, state=START)
        tracker.seen(START, BOUNDS[0], np.zeros(0))
        return controller.tightened(tracker, np.full(2, 4.0), ahead()).margins

    little, much = of(known, KEPT), of(vague, KEPT)
    assert (little[:, 0] > 0).all()
    assert (little[:, 1:] == 0).all()
    assert (of(known, sure)[:, 0] >= little[:, 0]).all()
    assert (much[:, 0] > little[:, 0]).all()
    assert much.max() <= 0.45 * 0.22 + 1e-12


def test_a_pilot_takes_it_in_the_place_of_the_solver() -> None:
    model = tanks()
    z = z_of(model, TANKS)
    pilot = Pilot(sampler(), Tracker(model, believed(1e-3), state=START))
    x, u = START, BOUNDS[0]
    for _ in range(25):
        choice = pilot.choose(x, u, np.zeros(0), ahead(0.2))
        assert choice.course is not None
        u = choice.course.inputs[0]
        x = Numeric(model).step(x[None], u[None], np.zeros((1, 0)), z[None])[0][0]
    assert x[:2] == pytest.approx((0.2, 0.2), abs=0.02)


def test_what_does_not_fit_into_the_time_is_no_answer() -> None:
    assert sampler(limit_s=1e-6).advise(START, z_of(tanks(), TANKS), BOUNDS[0], ahead()) is None


def test_nonsense_is_refused() -> None:
    with pytest.raises(ControlError, match="not finite"):
        sampler().advise(START * np.nan, z_of(tanks(), TANKS), BOUNDS[0], ahead())
    wrong = Ahead.plain(tanks(), 3, np.zeros((3, 4)))
    with pytest.raises(ControlError, match="is looked at"):
        sampler().advise(START, z_of(tanks(), TANKS), BOUNDS[0], wrong)
    never = Objective(targets=KEPT.targets, keeps=KEPT.keeps, sure={"level_1": 2.0})
    with pytest.raises(ControlError, match="is to be kept with"):
        never.checked(tanks().process)
