"""The backbone on processes that it has never seen, beside all that it must beat.

``python -m benchmarks.backbone --data DIR [--minutes 10] [--seeds 1 2 3] [--save FILE]``
``python -m benchmarks.backbone --data DIR --load FILE [--only forecast diagnosis life]``

It is trained once, for the given minutes of CPU on one thread, on made-up signals and on four
public recordings (a machine's temperature, milling, bearings, injection molding), and judged on
processes that were in no part of that: Tennessee Eastman (Braatz' runs), the debutanizer column
(Fortuna et al., 2007), the energy of a steel plant (UCI 851), and turbofans (C-MAPSS FD001).

Forecast: 24 rows ahead of 96. Every way sees 32 stretches, with all signals, from the earlier part
of a process and is tested on 100 from the later one; the error is the mean absolute one in parts of
each signal's spread. ``gate`` is the way that 24 of the 32, with the other 8 held out, choose.
Networks hear how many rows a day has where a window holds one: of the steel plant, 96.

Diagnosis: 18 faults of Tennessee Eastman (without 3, 9 and 15) and normal running, five windows of
each from the training runs, tested on the runs for testing. Life: five engines to learn from,
tested on the last window of the 100 test engines, cycles left capped at 125.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.learning.processes import debutanizer, eastman, pool, steel_energy, turbofans
from genba.learn.backbone import few as few_shot
from genba.learn.backbone import gate
from genba.learn.backbone.backbone import Backbone, pretrain
from genba.learn.backbone.pool import WHOLE
from genba.learn.backbone.shape import Shape
from genba.learn.backbone.window import LENGTH

WINDOWS = 32
TESTED = 100
SHOTS = 5
MADE = 0.6
ENGINES = 5
CAP = 125.0
FAULTS = [fault for fault in range(22) if fault not in (3, 9, 15)]
STARTED = 160
"""Row of a Tennessee Eastman test run from which on the fault is there."""
BAR_FORECAST, BAR_SCRATCH, BAR_CLASSICAL, BAR_LIFE = 0.05, 0.05, 0.03, 0.20


def taught(data: Path, minutes: float, shape: Shape) -> Backbone:
    backbone = pretrain(pool(data), shape=shape, steps=10**9, seconds=60 * minutes, made=MADE)
    print(
        f"backbone: {backbone.parameters:,} parameters, {backbone.steps:,} steps of 256 windows in "
        f"{backbone.seconds / 60:.2f} min of CPU; pool: made up, {', '.join(backbone.processes)}"
    )
    return backbone


def drawn(runs: list[np.ndarray], count: int, source: np.random.Generator) -> np.ndarray:
    """Cut stretches at random, (count, length + horizon, signals)."""
    sizes = np.array([len(run) - WHOLE + 1 for run in runs], float)
    cut = []
    for _ in range(count):
        run = runs[int(source.choice(len(runs), p=sizes / sizes.sum()))]
        start = int(source.integers(len(run) - WHOLE + 1))
        cut.append(run[start : start + WHOLE])
    return np.stack(cut)


def targets(data: Path) -> dict[str, tuple[list[np.ndarray], list[np.ndarray], float]]:
    """Return earlier and later runs of each process, and how many rows a day has.

    Of the debutanizer nobody published how far its rows are apart: 0.
    """
    runs = eastman(data)
    column, energy = debutanizer(data), steel_energy(data)
    first, second = len(column) * 2 // 3, len(energy) * 2 // 3
    return {
        "Tennessee Eastman": (
            [run for (_, part), run in runs.items() if part == "train"],
            [run for (_, part), run in runs.items() if part == "test"],
            480.0,
        ),
        "debutanizer": ([column[:first]], [column[first:]], 0.0),
        "steel energy": ([energy[:second]], [energy[second:]], 96.0),
    }


def judge_forecast(backbone: Backbone, data: Path, seeds: list[int]) -> bool:
    won = 0
    print(f"\nforecast, {WINDOWS} windows of the process, mean absolute error / spread")
    for name, (earlier, later, day) in targets(data).items():
        errors: dict[str, list[float]] = {way: [] for way in (*gate.WAYS, "gate")}
        chosen = []
        for seed in seeds:
            source = np.random.default_rng(seed)
            train, test = drawn(earlier, WINDOWS, source), drawn(later, TESTED, source)
            spread = gate.spread_of(np.concatenate(earlier)[None])
            few = WINDOWS * 3 // 4
            chosen.append(gate.choose(backbone, train[:few], train[few:], day=day, seed=seed).name)
            ways = gate.ways_of(backbone, train, day=day, seed=seed)
            for way, forecast in ways.items():
                errors[way].append(float(gate.errors_of(forecast, test, spread).mean()))
            errors["gate"].append(errors[chosen[-1]][-1])
        mean = {way: float(np.mean(each)) for way, each in errors.items()}
        rival = min(mean[way] for way in ("persistence", "ridge", "scratch"))
        gain = 1 - mean["zero-shot"] / rival
        won += gain >= BAR_FORECAST
        print(f"  {name}: {told(mean)}")
        print(f"    zero-shot {gain:+.1%} against the best of three; gate: {', '.join(chosen)}")
    print(f"  {won} of 3 processes won by {BAR_FORECAST:.0%} (bar: 2)")
    return won >= 2


def judge_diagnosis(backbone: Backbone, data: Path, seeds: list[int]) -> bool:
    runs = eastman(data)
    scores: dict[str, list[float]] = {way: [] for way in (*few_shot.WAYS, "gate")}
    chosen = []
    for seed in seeds:
        source = np.random.default_rng(seed)
        shots, answers, groups, tests, truth = [], [], [], [], []
        for kind, fault in enumerate(FAULTS):
            run, test = runs[fault, "train"], runs[fault, "test"][STARTED:]
            room = (len(run) - LENGTH) / SHOTS
            for shot in range(SHOTS):
                start = int(room * (shot + source.random()))
                shots.append(run[start : start + LENGTH])
                answers.append(kind)
                groups.append(f"shot {shot}")
            for start in range(0, len(test) - LENGTH + 1, LENGTH):
                tests.append(test[start : start + LENGTH])
                truth.append(kind)
        few = few_shot.FewShot(
            np.stack(shots), np.array(answers, float), np.array(groups), len(FAULTS)
        )
        choice = few_shot.choose_few(backbone, few, seed=seed)
        chosen.append(choice.name)
        for way, say in few_shot.ways_of(backbone, few, seed=seed).items():
            scores[way].append(float(np.mean(say(np.stack(tests)) == truth)))
        scores["gate"].append(scores[choice.name][-1])
    mean = {way: float(np.mean(each)) for way, each in scores.items()}
    ours = max(mean["backbone"], mean["both"])
    classical = max(mean["classical"], mean["forest"])
    print(f"\ndiagnosis, {SHOTS} windows of each of {len(FAULTS)} kinds, share right")
    print(f"  {told(mean)}; gate: {', '.join(chosen)}")
    print(
        f"  gate {mean['gate'] - mean['scratch']:+.1%} against scratch (bar {BAR_SCRATCH:+.0%}), "
        f"{mean['gate'] - classical:+.1%} against the better classical one "
        f"(bar {BAR_CLASSICAL:+.0%}); the better of two with the backbone {ours - classical:+.1%}"
    )
    by = mean["gate"] - classical
    return by >= BAR_CLASSICAL and mean["gate"] - mean["scratch"] >= BAR_SCRATCH


def padded(run: np.ndarray, end: int) -> np.ndarray:
    """Return the window that ends before a row; what was before the record is NaN."""
    window = np.full((LENGTH, run.shape[1]), np.nan)
    seen = run[max(0, end - LENGTH) : end]
    window[LENGTH - len(seen) :] = seen
    return window


def judge_life(backbone: Backbone, data: Path, seeds: list[int]) -> bool:
    engines = turbofans(data)
    tests = [
        (padded(run, len(run)), left) for (p, _), (run, left) in engines.items() if p == "test"
    ]
    windows = np.stack([window for window, _ in tests])
    truth = np.minimum([left for _, left in tests], CAP)
    names = [unit for part, unit in engines if part == "train"]
    scores: dict[str, list[float]] = {way: [] for way in (*few_shot.WAYS, "gate")}
    chosen = []
    for seed in seeds:
        picked = np.random.default_rng(seed).choice(names, ENGINES, replace=False)
        shown, answers, groups = [], [], []
        for unit in picked:
            run, _ = engines["train", int(unit)]
            for end in range(30, len(run) + 1, 4):
                shown.append(padded(run, end))
                answers.append(min(len(run) - end, CAP))
                groups.append(str(unit))
        few = few_shot.FewShot(np.stack(shown), np.array(answers, float), np.array(groups))
        choice = few_shot.choose_few(backbone, few, seed=seed)
        chosen.append(choice.name)
        for way, say in few_shot.ways_of(backbone, few, seed=seed).items():
            said = np.clip(say(windows), 0, CAP)
            scores[way].append(float(np.sqrt(np.mean((said - truth) ** 2))))
        scores["gate"].append(scores[choice.name][-1])
    mean = {way: float(np.mean(each)) for way, each in scores.items()}
    local = min(mean[way] for way in ("classical", "forest", "scratch"))
    gain = 1 - mean["gate"] / local
    print(f"\nlife, {ENGINES} engines, RMSE in cycles")
    print(f"  {told(mean)}; gate: {', '.join(chosen)}")
    print(f"  gate {gain:+.1%} against the best of what is local only (bar {BAR_LIFE:+.0%})")
    return gain >= BAR_LIFE


def told(mean: Mapping[str, float]) -> str:
    return ", ".join(f"{way} {value:.4g}" for way, value in mean.items())


def main() -> int:
    """Train or load, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the recordings")
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU, to train")
    parser.add_argument("--width", type=int, default=Shape().width)
    parser.add_argument("--blocks", type=int, default=Shape().blocks)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--save", type=Path, help="keep the backbone in this .npz file")
    parser.add_argument("--load", type=Path, help="take it from there instead of training")
    judges = {"forecast": judge_forecast, "diagnosis": judge_diagnosis, "life": judge_life}
    parser.add_argument("--only", nargs="+", choices=tuple(judges), default=tuple(judges))
    given = parser.parse_args()
    if given.load:
        backbone = Backbone.restore(dict(np.load(given.load)))
        print(f"backbone: {backbone.parameters:,} parameters, {backbone.seconds / 60:.2f} min")
    else:
        backbone = taught(given.data, given.minutes, Shape(given.width, given.blocks))
    if given.save:
        np.savez(given.save, **backbone.parts())
    met = [judges[name](backbone, given.data, given.seeds) for name in given.only]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
