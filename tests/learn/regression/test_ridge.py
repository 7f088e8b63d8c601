import numpy as np

from genba.learn.regression.ridge import fit_ridge, folds_ahead, folds_of_units


def test_a_line_comes_back_when_there_is_little_noise():
    random = np.random.default_rng(1)
    features = random.normal(0, 1, (400, 3))
    truth = np.array([[2.0, 0.0], [-1.0, 1.0], [0.0, 3.0]])
    labels = features @ truth + [5.0, -2.0] + random.normal(0, 0.01, (400, 2))
    line = fit_ridge(features, labels, folds_ahead(np.arange(400), 0))
    assert np.allclose(line.weights, truth, atol=0.02)
    assert np.allclose(line.bias, [5.0, -2.0], atol=0.02)


def test_noise_alone_takes_the_strongest_penalty():
    random = np.random.default_rng(2)
    features, labels = random.normal(0, 1, (200, 80)), random.normal(0, 1, (200, 1))
    line = fit_ridge(features, labels, folds_ahead(np.arange(200), 0), (1e-4, 1.0, 100.0))
    assert line.strengths == (100.0,)


def test_folds_look_ahead_and_leave_a_gap():
    time = np.random.default_rng(3).permutation(500)
    for fitted, judged in folds_ahead(time, gap=30):
        assert time[fitted].max() + 30 < time[judged].min()


def test_folds_of_units_keep_units_whole():
    units = np.repeat(["a", "b", "c", "d"], [3, 9, 1, 5])
    judged_once = np.zeros(len(units), int)
    for fitted, judged in folds_of_units(units):
        assert not set(units[fitted]) & set(units[judged])
        judged_once[judged] += 1
    assert (judged_once == 1).all()
    assert folds_of_units(np.array(["a", "a"])) == []


def test_penalties_that_do_alike_are_averaged():
    random = np.random.default_rng(4)
    features = random.normal(0, 1, (300, 2))
    labels = features[:, :1] + random.normal(0, 1, (300, 1))
    folds = folds_ahead(np.arange(300), 0)
    line = fit_ridge(features, labels, folds, (1e-4, 1e-3, 50.0), alike=0.1)
    each = [fit_ridge(features, labels, [], (strength,)).weights for strength in (1e-4, 1e-3)]
    assert line.strengths == (1e-4, 1e-3)
    assert np.allclose(line.weights, np.mean(each, axis=0))
