"""Genba's ladders beside PyOD, scikit-learn, LightGBM and FLAML: same rows, same time of CPU.

``python -m benchmarks.learning_peers --data DIR [--seeds 1 2 3] [--only NAME ...]``. Once before:
``python -m benchmarks.learning_peers --install``, which installs PyOD and FLAML beside the
benchmark.

A ladder is climbed as ``genba train`` climbs it, all rungs and baselines of it; the seconds of CPU
that this took are what each peer that searches may spend: FLAML by its own search (its clock counts
CPU here), scikit-learn and raw LightGBM with their own settings first and drawn ones after that. It
is seldom met to the second: a fit that was begun is ended, and the best is fitted once more. All
choose on the same rows. Peers then learn from those rows too, which Genba's recipes do not. They
look at windows flat and as mean, spread and last row; at AI4I, iGuzzini and steel plates at the
rows as they are; at the load at the same lags and calendar as Genba's recipe.

Detectors (Tennessee Eastman, simulated) learn from normal rows alone, those that Genba's limits and
choice use as well. The figure needs no limit: the share of faulty rows beyond the level that 5% of
unseen normal rows exceed, mean over 18 faults. There the search is the user's: each detector is
shown on rows and on mean and spread of 20 rows, and the best of them is what counts.

Ahead or behind is who is so in 95% of 200 draws of the test rows (in pieces of neighbors; of faults
where faults count), against the peer whose median is best, picked by looking at the test; else they
are equal.

DIR holds ``tep_braatz``, ``ai4i2020``, ``injection_iguzzini``, ``steel_plates_faults``,
``cmapss_FD001``, ``softsensor_debutanizer`` and ``steel_energy``, all ``.parquet``. Seeds part rows
(where they are parted at random) and seed the fits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning.contests import Contest, contests
from benchmarks.learning.rivals import DETECTORS, SUPERVISED
from benchmarks.learning.table import DRAWS, Outcome, redrawn, verdicts
from benchmarks.tennessee_eastman import BEGIN, UNSEEN, normal_of, runs_in
from genba.learn import Dataset, anomaly_ladder, climb, windows_of

HOME = Path(__file__).parent / "learning" / ".peers"
PYTHON = HOME / ".venv" / "bin" / "python"
PACKAGES = ("pyod==3.6.7", "flaml[automl]==2.7.0")
FALSE_ALARMS = 0.05
MIXED = 20


def install() -> None:
    """Make the peers' environment; what they share with Genba they take from Genba's own."""
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    subprocess.run([sys.executable, "-m", "venv", HOME / ".venv"], check=True)
    told = [subprocess.check_output([one, "-c", place], text=True).strip()
            for one in (sys.executable, PYTHON)]  # fmt: skip
    (Path(told[1]) / "genba.pth").write_text(told[0] + "\n", "utf-8")
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", *PACKAGES], check=True)


def asked(name: str, kind: str, budget: float, seed: int, tables: dict) -> dict:
    """Let a peer learn and answer, in its own environment and process."""
    rivals = Path(__file__).parent / "learning" / "rivals.py"
    with tempfile.TemporaryDirectory(prefix="genba-peers-") as folder:
        given, found = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, **tables)
        done = subprocess.run(
            [PYTHON, rivals, given, found, name, kind, f"{budget:.2f}", str(seed)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
        with np.load(found) as told:
            return {key: told[key] for key in told.files}


def met(contest: Contest, seed: int) -> list[Outcome]:
    """Let Genba and the peers answer for the rows of one contest for which all can."""
    split = contest.split(seed)
    test, rows = contest.asked(split)
    truth = test.labels()
    begun = time.process_time()
    found = climb(contest.data, split, contest.ladder(split), seed=seed)
    spent = time.process_time() - begun
    chosen = found.chosen
    if chosen is None or chosen.model is None:
        raise RuntimeError(f"no rung was chosen for {contest.name}")
    seen = windows_of(test, chosen.recipe.window)
    said = chosen.model.predict(seen.values)
    ours = said.classes if contest.kind == "many" else said.value.reshape(len(seen.rows), -1)[:, 0]
    tables = contest.tables(split)
    common = np.intersect1d(np.intersect1d(rows, seen.rows), tables["rows_test"])
    common = common[np.isfinite(truth[common])]

    draws = redrawn(len(common), seed)

    def outcome(name: str, told: dict, at: np.ndarray) -> Outcome:
        answers = told["answers"][np.searchsorted(at, common)]
        figure = contest.measure(truth[common], answers)
        drawn = [contest.measure(truth[common][rows], answers[rows]) for rows in draws]
        return Outcome(
            name, figure, float(told["cpu"]), str(told["taken"]), int(told["tried"]),
            np.array(drawn, float),
        )  # fmt: skip

    mine = {"answers": ours, "cpu": spent, "taken": chosen.recipe.name, "tried": len(found.rungs)}
    outcomes = [outcome("Genba", mine, seen.rows)]
    for name in SUPERVISED:
        told = asked(name, contest.kind, spent, seed, tables)
        outcomes.append(outcome(name, told, tables["rows_test"]))
    return outcomes


def detected(folder: Path, seed: int) -> list[Outcome]:
    """Let detectors learn what is normal, and look at 18 faults."""
    runs = runs_in(folder)
    data, split = normal_of(runs)
    begun = time.process_time()
    ladder = anomaly_ladder(split.take(data, "train"), seed=seed)
    found = climb(data, split, ladder, seed=seed)
    spent = time.process_time() - begun
    if found.chosen is None or found.chosen.model is None:
        raise RuntimeError("no detector was chosen")
    recipe, model = found.chosen.recipe, found.chosen.model
    rest = split.take(data, "test")
    faults = [runs[n, "test"] for n in range(1, 22) if n not in UNSEEN]

    def own(part: Dataset) -> tuple[np.ndarray, np.ndarray]:
        seen = windows_of(part, recipe.window)
        return seen.rows, model.predict(seen.values).value

    draws = np.random.default_rng(seed).integers(len(faults), size=(DRAWS, len(faults)))

    def outcome(name: str, parts: Sequence, cpu: float, taken: str, tried: int) -> Outcome:
        each = _found(parts)
        return Outcome(name, float(each.mean()), cpu, taken, tried, each[draws].mean(axis=1))

    mine = [own(part) for part in (rest, *faults)]
    outcomes = [outcome("Genba", mine, spent, recipe.name, len(found.rungs))]
    both = np.concatenate([split.train, split.held, split.choose])
    normal = data.take(np.sort(both))
    for name in (*DETECTORS, "IsolationForest", "EllipticEnvelope"):
        for window in (1, MIXED):
            tables = {"train_x": _mixed(normal, window)[1]}
            parts = [_mixed(part, window) for part in (rest, *faults)]
            tables["test_x"] = np.concatenate([features for _, features in parts])
            told = asked(name, "anomaly", spent, seed, tables)
            cuts = np.cumsum([len(rows) for rows, _ in parts])[:-1]
            scores = np.split(told["answers"], cuts)
            found_by = [(rows, s) for (rows, _), s in zip(parts, scores, strict=True)]
            shown = f"{'PyOD' if name in DETECTORS else 'scikit-learn'} {name}"
            how = "rows" if window == 1 else f"mean and spread of {window} rows"
            outcomes.append(outcome(shown, found_by, float(told["cpu"]), how, 1))
    return outcomes


def _mixed(part: Dataset, window: int) -> tuple[np.ndarray, np.ndarray]:
    seen = windows_of(part, window)
    if window == 1:
        return seen.rows, seen.values[:, 0]
    features = [seen.values.mean(axis=1), seen.values.std(axis=1)]
    return seen.rows, np.concatenate(features, axis=1)


def _found(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the share of faulty rows beyond the level of false alarms, of each fault."""
    level = np.quantile(parts[0][1], 1 - FALSE_ALARMS)
    return np.array([np.mean(score[rows >= BEGIN] > level) for rows, score in parts[1:]])


def main() -> int:
    """Print a row for each peer and task, and where Genba is not ahead or equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with public data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", help="words of the names of tasks")
    parser.add_argument("--install", action="store_true", help="install the peers and end")
    given = parser.parse_args()
    if given.install:
        install()
        return 0
    if given.data is None or not PYTHON.exists():
        parser.error("give --data DIR; and once before: --install")
    found: dict[tuple[str, str, bool], list[list[Outcome]]] = {}
    anomaly = ("anomaly: Tennessee Eastman", f"found at {FALSE_ALARMS:.0%} false alarms", True)
    if not given.only or any(word in anomaly[0] for word in given.only):
        found[anomaly] = [detected(given.data, seed) for seed in given.seeds]
        verdicts(*anomaly, found[anomaly])
    for contest in contests(given.data):
        if given.only and not any(word in contest.name for word in given.only):
            continue
        key = (contest.name, contest.figure, contest.higher)
        found[key] = [met(contest, seed) for seed in given.seeds]
        verdicts(*key, found[key])
    return 0


if __name__ == "__main__":
    sys.exit(main())
