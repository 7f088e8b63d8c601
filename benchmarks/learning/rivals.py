"""What runs in the peers' own environment: PyOD, scikit-learn, LightGBM and FLAML, as they come.

``python rivals.py IN.npz OUT.npz NAME KIND BUDGET SEED``. IN holds ``train_*`` and ``valid_*``
arrays of each set of features, ``test_*`` to answer for, and ``train`` and ``valid``, the labels.
OUT gets ``answers``, the seconds of CPU, and what was taken. No Genba in here.
"""

import itertools
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
_WALL = time.time()
DETECTORS = ("ECOD", "PCA", "IForest", "KNN")
SUPERVISED = ("scikit-learn", "raw LightGBM", "FLAML")


def cpu() -> float:
    return time.process_time()


def main() -> None:
    given = dict(np.load(sys.argv[1]))
    name, kind, budget, seed = sys.argv[3], sys.argv[4], float(sys.argv[5]), int(sys.argv[6])
    sets = sorted(key.removeprefix("test_") for key in given if key.startswith("test_"))
    if kind == "anomaly":
        found = detect(given, name, sets[0], seed)
    elif name == "FLAML":
        found = automatic(given, kind, sets, budget, seed)
    else:
        found = searched(given, name, kind, sets, budget, seed)
    np.savez(sys.argv[2], **found)


def detect(given: dict, name: str, features: str, seed: int) -> dict:
    """Fit a detector on normal rows; scaled, as its authors do."""
    from sklearn.preprocessing import StandardScaler

    detector = _detector(name, seed)
    begun = cpu()
    scale = StandardScaler().fit(given[f"train_{features}"])
    detector.fit(scale.transform(given[f"train_{features}"]))
    rows = scale.transform(given[f"test_{features}"])
    score = getattr(detector, "decision_function" if name in DETECTORS else "score_samples")
    answers = np.asarray(score(rows))
    if name not in DETECTORS:
        answers = -answers
    return {"answers": answers, "cpu": cpu() - begun, "taken": name, "tried": 1}


def _detector(name: str, seed: int):
    if name == "IsolationForest":
        from sklearn.ensemble import IsolationForest

        return IsolationForest(random_state=seed)
    if name == "EllipticEnvelope":
        from sklearn.covariance import EllipticEnvelope

        return EllipticEnvelope(random_state=seed)
    from importlib import import_module

    kind = getattr(import_module(f"pyod.models.{name.lower()}"), name)
    return kind(random_state=seed) if name in ("IForest", "PCA") else kind()


def searched(given: dict, name: str, kind: str, sets: list, budget: float, seed: int) -> dict:
    """Try settings in a seeded order until the budget is spent; refit the best on all rows."""
    source = np.random.default_rng(seed)
    candidates = _sklearn if name == "scikit-learn" else _lightgbm
    candidates(kind, np.random.default_rng(0), 0)[1]()  # imports are not measured
    best, taken, tried, begun = None, "", 0, cpu()
    for turn, features in ((turn, one) for turn in itertools.count() for one in sets):
        if tried and cpu() - begun >= budget:
            break
        told, make = candidates(kind, source, turn)
        model = make().fit(given[f"train_{features}"], given["train"])
        score = _score(kind, given["valid"], _said(model, kind, given[f"valid_{features}"]))
        if best is None or score > best[0]:
            best, taken = (score, make, features), f"{told} on {features}"
        tried += 1
    _, make, features = best
    rows = np.concatenate([given[f"train_{features}"], given[f"valid_{features}"]])
    model = make().fit(rows, np.concatenate([given["train"], given["valid"]]))
    answers = _said(model, kind, given[f"test_{features}"])
    return {"answers": answers, "cpu": cpu() - begun, "taken": taken, "tried": tried}


def automatic(given: dict, kind: str, sets: list, budget: float, seed: int) -> dict:
    """Let FLAML search for as long, by a clock that counts CPU; it refits on all rows itself."""
    time.time = lambda: _WALL + time.process_time()
    import logging

    from flaml import AutoML

    logging.getLogger("flaml").setLevel(logging.ERROR)
    features = sets[0] if len(sets) == 1 else "flat" if "flat" in sets else sets[0]
    metric = {"number": "rmse", "two": "ap", "many": "macro_f1"}[kind]
    automl, begun = AutoML(), cpu()
    automl.fit(
        given[f"train_{features}"], given["train"].astype(float if kind == "number" else int),
        X_val=given[f"valid_{features}"],
        y_val=given["valid"].astype(float if kind == "number" else int),
        task="regression" if kind == "number" else "classification",
        metric=metric, time_budget=budget, seed=seed, n_jobs=1, verbose=0, eval_method="holdout",
        estimator_list=["lgbm", "rf", "extra_tree", "lrl1"] if kind != "number"
        else ["lgbm", "rf", "extra_tree"],
        retrain_full=True,
    )  # fmt: skip
    answers = _said(automl, kind, given[f"test_{features}"])
    taken = f"{automl.best_estimator} on {features}"
    tried = len(automl.config_history)
    return {"answers": answers, "cpu": cpu() - begun, "taken": taken, "tried": tried}


def _said(model, kind: str, rows: np.ndarray) -> np.ndarray:
    if kind == "number":
        return np.asarray(model.predict(rows))
    chances = np.asarray(model.predict_proba(rows))
    return chances[:, 1] if kind == "two" else chances


def _score(kind: str, truth: np.ndarray, said: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score, f1_score

    if kind == "number":
        return -float(np.mean((said - truth) ** 2))
    if kind == "two":
        return float(average_precision_score(truth, said))
    return float(f1_score(truth, said.argmax(axis=1), average="macro"))


def _sklearn(kind: str, source: np.random.Generator, number: int):
    """Return the usual ones first, as they come; then others with settings drawn."""
    from sklearn import ensemble, linear_model
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    many = kind != "number"
    seed = int(source.integers(1 << 30))
    leaves, rate = int(source.choice([7, 15, 31, 63])), float(source.choice([0.03, 0.06, 0.1, 0.2]))
    penalty = float(10 ** source.uniform(-2, 4))

    def line():
        inner = linear_model.LogisticRegression(max_iter=500) if many else linear_model.RidgeCV(
            np.logspace(-2, 4, 13))  # fmt: skip
        return make_pipeline(StandardScaler(), inner)

    def other_line():
        inner = (linear_model.LogisticRegression(C=1 / penalty, max_iter=500) if many
                 else linear_model.Ridge(penalty))  # fmt: skip
        return make_pipeline(StandardScaler(), inner)

    boosting = (ensemble.HistGradientBoostingClassifier if many
                else ensemble.HistGradientBoostingRegressor)  # fmt: skip
    forest = ensemble.RandomForestClassifier if many else ensemble.RandomForestRegressor
    extra = ensemble.ExtraTreesClassifier if many else ensemble.ExtraTreesRegressor
    ways = [
        ("line", line),
        ("boosting", lambda: boosting(random_state=seed)),
        ("random forest", lambda: forest(100, random_state=seed)),
        ("extra trees", lambda: extra(100, random_state=seed)),
        ("drawn boosting", lambda: boosting(
            max_leaf_nodes=leaves, learning_rate=rate, random_state=seed)),
        ("drawn line", other_line),
    ]  # fmt: skip
    return ways[number] if number < 4 else ways[4 + int(source.integers(2))]


def _lightgbm(kind: str, source: np.random.Generator, number: int):
    """Return it as it comes first; then with settings drawn from the usual ranges."""
    import lightgbm

    make = lightgbm.LGBMRegressor if kind == "number" else lightgbm.LGBMClassifier
    settings = {"n_jobs": 1, "verbose": -1, "random_state": int(source.integers(1 << 30))}
    drawn = {
        "n_estimators": int(source.choice([50, 100, 200, 400, 800])),
        "num_leaves": int(source.choice([4, 7, 15, 31, 63])),
        "learning_rate": float(10 ** source.uniform(-2, -0.5)),
        "min_child_samples": int(source.choice([3, 5, 10, 20, 50])),
        "subsample": float(source.uniform(0.5, 1)),
        "subsample_freq": 1,
        "colsample_bytree": float(source.uniform(0.3, 1)),
        "reg_lambda": float(10 ** source.uniform(-2, 1.5)),
    }
    if number:
        settings |= drawn
    return "drawn" if number else "as it comes", lambda: make(**settings)


if __name__ == "__main__":
    main()
