"""Steps along a slope that is a sum: they reach the bottom, and held-out rows say which is kept."""

import numpy as np

from genba.learn.federated.polish import Looked, polished


def rosenbrock(flat: np.ndarray) -> tuple[float, np.ndarray]:
    x, y = flat
    loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    return loss, np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def looking(held, seen: list[Looked]):
    def look(flat: np.ndarray) -> Looked:
        loss, slope = rosenbrock(flat)
        seen.append(Looked(flat, held(flat), loss, slope))
        return seen[-1]

    return look


def test_it_reaches_the_bottom_of_a_bent_valley_in_few_sums() -> None:
    seen: list[Looked] = []
    look = looking(lambda flat: rosenbrock(flat)[0], seen)
    best = polished(look, look(np.array([-1.2, 1.0])), 0.0, 100, 30, lambda step: None)
    assert np.allclose(best.flat, 1.0, atol=1e-4)
    assert len(seen) < 100


def test_held_out_rows_say_which_step_is_kept_and_when_it_ends() -> None:
    seen: list[Looked] = []
    look = looking(lambda flat: abs(flat[0] - 0.5), seen)
    heard: list[Looked] = []
    best = polished(look, look(np.array([-1.2, 1.0])), 0.0, 200, 5, heard.append)
    assert best.held == min(one.held for one in heard)
    last = [one.held for one in heard].index(best.held)
    assert len(heard) - 1 - last == 5
    assert best.loss > heard[-1].loss


def test_it_looks_no_more_often_than_it_may() -> None:
    for most in (0, 1, 7):
        seen: list[Looked] = []
        look = looking(lambda flat: rosenbrock(flat)[0], seen)
        begun = look(np.array([-1.2, 1.0]))
        best = polished(look, begun, 0.0, most, 30, lambda step: None)
        assert len(seen) <= most + 1
        assert best.held <= begun.held


def test_a_slope_that_leads_uphill_is_given_up() -> None:
    look = looking(lambda flat: rosenbrock(flat)[0], [])

    def lying(flat: np.ndarray) -> Looked:
        told = look(flat)
        return Looked(flat, told.held, told.loss, -told.slope)

    begun = lying(np.array([-1.2, 1.0]))
    assert polished(lying, begun, 0.0, 100, 30, lambda step: None) is begun
