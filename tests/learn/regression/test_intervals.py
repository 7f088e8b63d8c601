import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genba.learn.regression.intervals import margin


@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_widened_interval_holds_at_least_the_wanted_share_of_its_own_rows(seed, cover):
    random = np.random.default_rng(seed)
    truth, middle = random.normal(0, 2, 60), random.normal(0, 1, 60)
    wide = margin(truth, middle - 0.5, middle + 0.5, cover)
    within = (truth >= middle - 0.5 - wide - 1e-12) & (truth <= middle + 0.5 + wide + 1e-12)
    assert within.mean() >= cover


def test_intervals_hold_for_machines_that_were_never_seen():
    held = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        apart = random.normal(0, 1, 20)  # each machine is off by its own amount
        sizes = random.integers(5, 60, 20)
        units = np.repeat([f"m{k}" for k in range(20)], sizes)
        truth = np.repeat(apart, sizes) + random.normal(0, 0.1, sizes.sum())
        zero = np.zeros(len(truth))
        wide = margin(truth, zero, zero, 0.8, units)
        held.append(abs(random.normal(0, 1) + random.normal(0, 0.1)) <= wide)
    assert np.mean(held) >= 0.75


def test_a_long_record_of_few_machines_says_nothing_about_the_next():
    truth, zero = np.ones(500), np.zeros(500)
    units = np.repeat(["a", "b"], 250)
    assert margin(truth, zero, zero, 0.9, units) == np.inf
    assert margin(truth, zero, zero, 0.9) == 1.0


def test_no_rows_give_no_limit():
    assert margin(np.empty(0), np.empty(0), np.empty(0), 0.9) == np.inf
