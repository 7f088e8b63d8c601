"""Five sites that train together, against all rows in one place, and against each site alone.

``python -m benchmarks.federated --data DIR [--seeds 1 2 3] [--only NAME ...] [--tls]``

Sums are masked, shared out and signed as between real sites. The same recipes fit *central*: the
rows of all sites, pooled. ``each site alone`` fits them on its own rows; its figure is over all
sites and all test rows. All three are judged on the same test rows, which no site has.

=========== ===================================================== ===============================
turbofans   C-MAPSS FD001: 20 engines a site, sorted by the length last row of the official test
            of their life (site alpha has the shortest lives)     engines (98 with a whole window)
debutanizer stretches of the first 80% of the rows                the last 20%
steel       stretches of the first 80% of the year                energy of the next quarter of an
                                                                  hour, in the last 20%
molding     stretches of the training blocks (20 blocks of time)  test blocks: a fifth
=========== ===================================================== ===============================

The first is simulated, the others were recorded. Seeds hold out engines, draw blocks, and begin and
shuffle networks; lines of the two that are parted by time have nothing random. With ``--tls`` the
turbofans are trained once more by six processes over HTTPS with mutual TLS on this computer, and
the bytes and seconds of each sum are told.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.learning.debutanizer import debutanizer
from benchmarks.learning.federated_processes import run_over_tls
from benchmarks.learning.federation import NAMES, Masked, Parts, fitted, plan_like, stretches
from benchmarks.learning.steel import steel
from benchmarks.learning.turbofan import engines, last_rows, split_engines
from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.data.release import read_release
from genba.learn.features.windows import runs_of, windows_of
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.plan import Plan
from genba.learn.federated.total import plain
from genba.learn.federated.worker import Worker
from genba.learn.forecast.ahead import ahead
from genba.learn.recipe.protocol import Task
from genba.learn.split.parts import by_blocks

BAR = 0.03


@dataclass(frozen=True)
class Case:
    """A plan, the parts of each site and of all pooled, and the windows to be judged."""

    plan: Plan
    sites: Sequence[Parts]
    pooled: Parts
    inputs: Floats
    truth: Floats


def turbofans(folder: Path, seed: int) -> Case:
    """Non-identical sites: each has engines that live alike."""
    learned, judged = engines(folder, "FD001")
    plan = plan_like(learned, Task.LIFE, 30, seed, bounds=[0, 125], split="unit")
    train, held = split_engines(learned, seed)
    rows = {unit: int((learned.units == unit).sum()) for unit in np.unique(learned.units)}
    order = np.array(sorted(rows, key=lambda unit: (rows[unit], unit)))
    sites = [
        {
            part: data.take(np.isin(data.units, own))
            for part, data in (("train", train), ("held", held))
        }
        for own in np.array_split(order, len(NAMES))
    ]
    long = np.array([len(run) >= plan.window for run in runs_of(judged)])
    seen = windows_of(judged, plan.window)
    at = np.isin(seen.rows, last_rows(judged)[long])
    truth = judged.labels()[seen.rows[at]]
    return Case(plan, sites, {"train": train, "held": held}, seen.values[at], truth)


def _by_time(data: Dataset, window: int, seed: int) -> Case:
    plan = plan_like(data, Task.SOFT_SENSOR, window, seed)
    cut = round(0.8 * data.rows)
    sites = stretches(data.take(np.arange(cut)), len(NAMES))
    return _case(plan, sites, data.take(np.arange(cut - window + 1, data.rows)))


def _case(plan: Plan, sites: Sequence[Parts], test: Dataset) -> Case:
    seen = windows_of(test, plan.window)
    truth = test.labels()[seen.rows]
    known = np.isfinite(truth)
    pooled = {part: joined([site[part] for site in sites]) for part in ("train", "held")}
    return Case(plan, sites, pooled, seen.values[known], truth[known])


def joined(parts: Sequence[Dataset]) -> Dataset:
    """Pool rows of several sites; no window joins two of them."""
    first = parts[0]
    assert first.target is not None
    units = [np.full(part.rows, f"site {place}") for place, part in enumerate(parts)]
    labels = np.concatenate([part.labels() for part in parts])
    return Dataset(
        first.name,
        first.columns,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.time for part in parts]),
        first.lineage,
        {"unit": np.concatenate(units)},
        type(first.target)(first.target.name, labels, first.target.unit, first.target.classes),
        timed=first.timed,
    )


def column(folder: Path, seed: int) -> Case:
    """The debutanizer: each site has another season of one drifting process."""
    return _by_time(debutanizer(folder), 30, seed)


def works(folder: Path, seed: int) -> Case:
    """The steel plant: what the next quarter of an hour takes."""
    data = steel(folder)
    gone = [name for name in data.names if name.startswith(("CO2", "Lagging", "Leading"))]
    asked = ahead(data.without(gone), zone="Asia/Seoul")
    assert asked.target is not None
    return _by_time(asked.with_target(replace(asked.target, name="next quarter")), 16, seed)


def molding(folder: Path, seed: int) -> Case:
    """Injection molding: four classes, whose shares differ from site to site."""
    data = read_release(
        folder / "injection_iguzzini.parquet", target="quality", classes=("1", "2", "3", "4")
    )
    plan = plan_like(data, Task.QUALITY, 1, seed)
    split = by_blocks(data, seed=seed)
    learned = data.take(np.sort(np.concatenate([split.train, split.choose])))
    held = data.take(np.sort(split.held))
    places = zip(
        np.array_split(np.arange(learned.rows), len(NAMES)),
        np.array_split(np.arange(held.rows), len(NAMES)),
        strict=True,
    )
    sites = [{"train": learned.take(rows), "held": held.take(few)} for rows, few in places]
    return _case(plan, sites, data.take(np.sort(split.test)))


CASES: dict[str, Callable[[Path, int], Case]] = {
    "turbofans": turbofans,
    "debutanizer": column,
    "steel": works,
    "molding": molding,
}


def error_of(case: Case, model: FederatedModel) -> float:
    """RMSE; of classes the share that is told wrong."""
    said = model.predict(case.inputs)
    if said.classes is not None:
        return float(np.mean(said.classes.argmax(axis=1) != case.truth))
    return float(np.sqrt(np.mean((said.value - case.truth) ** 2)))


def compared(case: Case) -> dict[str, dict[str, float]]:
    """Return the errors of federated, central and alone, by recipe, and what the sums took."""
    design = case.plan.design()
    with tempfile.TemporaryDirectory() as folder:
        workers = {
            name: Worker(design, parts, name) for name, parts in zip(NAMES, case.sites, strict=True)
        }
        masked = Masked(case.plan, workers, Path(folder))
        federated = fitted(masked, case.plan)
    central = fitted(plain([Worker(design, case.pooled)]), case.plan)
    alone: dict[str, list[float]] = {"line": [], "network": []}
    for worker in workers.values():
        try:
            for recipe, model in fitted(plain([worker]), case.plan).items():
                alone[recipe].append(error_of(case, model))
        except LearnError as error:
            print(f"  {worker.name} alone: {error}")
    told = {
        recipe: {
            "federated": error_of(case, federated[recipe]),
            "central": error_of(case, central[recipe]),
            "alone": float(np.sqrt(np.mean(np.square(alone[recipe]))))
            if alone[recipe]
            else float("nan"),
        }
        for recipe in ("line", "network")
    }
    sums = sum(masked.sums.values())
    print(
        f"  {sums} sums; {masked.sent / sums / len(NAMES) / 1e3:.1f} kB to and "
        f"{masked.received / sums / len(NAMES) / 1e3:.1f} kB from a site in each, "
        f"{masked.seconds / sums:.2f} s of CPU for all five and the hub"
    )
    apart = np.abs(federated["line"].flat - central["line"].flat).max()
    print(f"  greatest difference of the line's parameters, federated to central: {apart:.1e}")
    return told


def main() -> int:
    """Measure, print, and compare with the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--tls", action="store_true", help="also as six processes over TLS")
    given = parser.parse_args()
    missed = []
    for name in given.only:
        found: dict[tuple[str, str], list[float]] = {}
        print(f"\n{name}", flush=True)
        begun = time.process_time()
        for seed in given.seeds:
            for recipe, errors in compared(CASES[name](given.data, seed)).items():
                for way, error in errors.items():
                    found.setdefault((recipe, way), []).append(error)
        what = "share told wrong" if name == "molding" else "RMSE"
        print(f"{'':10}{'':12}{what + ' by seed':36}{'median':>9}{'to central':>12}")
        for (recipe, way), errors in found.items():
            each = " ".join(f"{one:.4g}" for one in errors)
            ratio = float(np.median(np.array(errors) / np.array(found[recipe, "central"])))
            told = f"{ratio - 1:+12.1%}"
            print(f"{recipe:10}{way:12}{each:36}{np.median(errors):9.4g}{told}")
            if way == "federated" and ratio > 1 + BAR:
                missed.append(f"{name} {recipe}")
        print(f"  CPU {time.process_time() - begun:.0f} s", flush=True)
    if given.tls:
        run_over_tls(given.data, given.seeds[0])
    bar = f"within {BAR:.0%} of central (median of the ratios by seed)"
    print(f"\n{bar}: {'all' if not missed else 'missed by ' + ', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
