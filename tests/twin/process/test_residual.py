"""Networks learn what physics leaves out, keep still where nothing was seen, and must earn it."""

import json
from dataclasses import replace

import casadi
import numpy as np
import pytest
from tests.twin.process.vessels import STEP_S, RealVessel, Vessel, recorded, vessel

from genba.errors import TwinError
from genba.twin.process import Belief, identify
from genba.twin.process.residual import Ensemble, Lesson, World, judged, taught, unknown
from genba.twin.process.residual.accept import compared, errors_ahead
from genba.twin.process.residual.support import support_of
from genba.twin.process.symbolic import symbolic

pytest.importorskip("torch")
QUICK = Lesson(members=3, rounds=120, batch=16, length=6)


@pytest.fixture(scope="module")
def learned() -> tuple[Belief, Ensemble]:
    belief = identify(vessel(), recorded(RealVessel()))
    return belief, taught(vessel(), belief, recorded(RealVessel()), QUICK)


def at(*rows: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, u, c = (np.array(column)[:, None] for column in zip(*rows, strict=True))
    return x, u, c


def test_networks_take_away_error_on_rows_that_they_did_not_see(
    learned: tuple[Belief, Ensemble],
) -> None:
    belief, ensemble = learned
    fresh = recorded(RealVessel(), episodes=1, seed=7)[0]
    alone = np.nanmean(errors_ahead(World(vessel(), belief), fresh), axis=0)
    together = np.nanmean(errors_ahead(World(vessel(), belief, ensemble), fresh), axis=0)
    assert together[2, 0] < 0.6 * alone[2, 0]
    assert together[0, 1] < 0.75 * alone[0, 1]


def test_away_from_the_data_the_mean_is_nothing_and_the_members_part(
    learned: tuple[Belief, Ensemble],
) -> None:
    _, ensemble = learned
    rows = recorded(RealVessel())[0]
    seen = (rows.shown[:, :1], rows.inputs, rows.context)
    away = at((10.0, 10.0, 38.0), (190.0, 0.0, 2.0), (5.0, 0.0, 39.0), (180.0, 9.0, 35.0))
    assert (ensemble.open(*seen) > 0.8).mean() > 0.9
    assert ensemble.open(*away).max() < 1e-6
    said, far = ensemble.said(*seen), ensemble.said(*away)
    assert np.abs(far.mean(axis=0)).max() < 1e-6 * np.abs(said.mean(axis=0)).max()
    assert far.std(axis=0).mean(axis=0)[0] > 3 * said.std(axis=0).mean(axis=0)[0]


def test_no_member_says_more_than_its_limit_anywhere(learned: tuple[Belief, Ensemble]) -> None:
    _, ensemble = learned
    source = np.random.default_rng(1)
    x, u, c = (source.uniform(-1e3, 1e3, (500, 1)) for _ in range(3))
    most = np.maximum(ensemble.limit, ensemble.doubt * np.abs(ensemble.heights).sum(axis=1).max(0))
    assert (np.abs(ensemble.said(x, u, c)) <= most + 1e-12).all()


def test_symbols_and_numbers_say_the_same(learned: tuple[Belief, Ensemble]) -> None:
    _, ensemble = learned
    names = [casadi.SX.sym(name) for name in "xuc"]
    corrections = [ensemble.mean, ensemble.member(0), ensemble.member(2)]
    written = casadi.Function(
        "f", names, [casadi.vertcat(m.rates(*names), m.shows(*names)) for m in corrections]
    )
    for row in ((97.0, 4.0, 21.0), (130.0, 9.0, 30.0)):
        said = ensemble.said(*at(row))[:, 0]
        for found, wanted in zip(written(*row), (said.mean(axis=0), said[0], said[2]), strict=True):
            rate, nothing, drawn = found.full().ravel()
            assert [rate, drawn] == pytest.approx(list(wanted), rel=1e-9)
            assert nothing == 0.0


def test_what_was_written_is_what_is_read(learned: tuple[Belief, Ensemble]) -> None:
    _, ensemble = learned
    again = Ensemble.from_plain(json.loads(json.dumps(ensemble.as_plain())))
    rows = at((80.0, 3.0, 20.0))
    assert np.array_equal(again.said(*rows), ensemble.said(*rows))
    assert again.digest == ensemble.digest
    with pytest.raises(TwinError, match="learn them again"):
        replace(again, features=("pressure",)).checked(Vessel())


def test_physics_that_leaves_nothing_out_stays_alone() -> None:
    found = judged(vessel(), recorded(Vessel(), noise=0.2), QUICK)
    assert not found.accepted
    assert "not taken" in found.why


def test_physics_that_leaves_much_out_is_joined_by_networks() -> None:
    found = judged(vessel(), recorded(RealVessel()), QUICK)
    assert found.accepted
    assert found.low > 0


def test_networks_that_were_taught_nonsense_are_refused(learned: tuple[Belief, Ensemble]) -> None:
    belief, ensemble = learned
    wrong = replace(ensemble, last=-ensemble.last, offset=-ensemble.offset)
    found = compared(
        World(vessel(), belief), World(vessel(), belief, wrong),
        recorded(RealVessel(), episodes=1, seed=9), what="here",
    )  # fmt: skip
    assert not found.accepted
    assert found.gain < 0


def test_a_process_without_physics_is_learned_from_what_it_shows() -> None:
    episodes = recorded(RealVessel(), episodes=1, rows=150)
    black = symbolic(unknown(Vessel(), STEP_S, [True, True]), STEP_S, 1)
    belief = identify(black, episodes)
    fresh = recorded(RealVessel(), episodes=1, seed=5)[0]
    error = np.nanmean(errors_ahead(World(black, belief), fresh), axis=0)
    still = np.abs(fresh.shown[5:] - fresh.shown[:-5]).mean(axis=0)
    assert error[1, 0] < 0.7 * still[0]


def test_too_few_rows_are_refused(learned: tuple[Belief, Ensemble]) -> None:
    belief, _ = learned
    with pytest.raises(TwinError, match="too few for networks"):
        taught(vessel(), belief, [recorded(RealVessel())[0].cut(0, 20)], QUICK)


def test_the_gate_is_open_for_rows_and_shut_away_from_them() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 3))
    support = support_of(rows)
    assert (support.open(rows) >= 0.49).mean() > 0.93
    assert support.open(rows + 12.0).max() < 1e-9
    assert len(support_of(np.ones((50, 2))).centers) == 1
