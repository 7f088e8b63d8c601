"""How short the schedules of public job shops become, next to the best that are known.

``python -m benchmarks.shop_scheduling --data DIR [--family mk ...] [--seeds 1 2 3] [--peers]``

``DIR`` is laid out like ScheduleOpt/benchmarks: ``bks.csv``, ``jsp/``, ``fjsp/``. Per family: the
gap of the makespan to the best known one (``value / best - 1``), for each instance the median over
the seeds; the mean and the largest of these; the share that is as good as the best known. Every
schedule is checked here, by code that knows nothing of the search. With ``--peers``, OR-tools
CP-SAT (interval model, two workers) and PyJobShop (its CP-SAT, two workers) get the same time,
right after. Compiling is done on a toy before the clock starts.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.scheduling.instances import FAMILIES, Instance, instances
from benchmarks.scheduling.legal import true_makespan
from benchmarks.scheduling.peers import Answer, cp_sat, pyjobshop, versions
from genba.plan.shop import Shop, shop_of_modes, solve_shop

GROUPS = {
    "hurink": ("edata", "rdata", "vdata"),
    "all": tuple(FAMILIES),
}
BARS = {
    "mk": (5.0, 1.0),
    "edata": (5.0, 0.5),
    "rdata": (5.0, 0.5),
    "vdata": (5.0, 0.1),
    "ta": (60.0, 3.0),
    "dmu": (60.0, 3.5),
    "tai100": (60.0, 6.0),
    "tai1000": (60.0, 2.5),
    "dct": (60.0, 5.0),
}
"""Seconds, and the largest mean gap in percent that is good enough."""

Solver = Callable[[Shop, float, int], Answer]


def genba(workers: int) -> Solver:
    def solve(shop: Shop, limit_s: float, seed: int) -> Answer:
        found = solve_shop(shop, time_limit_s=limit_s, seed=seed, workers=workers)
        return Answer(found.machine, found.start, found.end)

    return solve


def warm_up() -> None:
    """Compile everything, the parts for large shops as well."""
    rng = np.random.default_rng(0)

    def toy(jobs: int, length: int, modes: int) -> Shop:
        return shop_of_modes(
            5,
            [
                [[(int(rng.integers(5)), 1 + int(rng.integers(9))) for _ in range(modes)]
                 for _ in range(length)]
                for _ in range(jobs)
            ],
        )  # fmt: skip

    for shop in (toy(4, 4, 1), toy(4, 4, 2), toy(400, 12, 1)):
        solve_shop(shop, time_limit_s=1.0, workers=1)


def gap_pct(instance: Instance, shop: Shop, answer: Answer | None) -> float:
    """Return the gap to the best known makespan; infinite where there is no schedule."""
    if answer is None:
        return float("inf")
    value = true_makespan(shop, answer.machine, answer.start, answer.end)
    return 100.0 * (value / instance.upper - 1.0)


def measure(
    family: list[Instance], solvers: dict[str, Solver], limit_s: float, seeds: list[int]
) -> dict[str, list[float]]:
    """Return, by solver, the median gap of each instance."""
    gaps: dict[str, list[float]] = {name: [] for name in solvers}
    for instance in family:
        shop = instance.shop()
        told = []
        for name, solve in solvers.items():
            tries = [gap_pct(instance, shop, solve(shop, limit_s, seed)) for seed in seeds]
            gaps[name].append(statistics.median(tries))
            told.append(f"{name} {gaps[name][-1]:.2f}%")
        print(f"  {instance.name:24} {shop.operations:7,}  " + "  ".join(told), flush=True)
    return gaps


def chosen(family: str, pattern: list[str] | None, data: Path) -> list[Instance]:
    found = instances(data, family)
    return [one for one in found if not pattern or one.name in pattern]


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with bks.csv, jsp, fjsp")
    parser.add_argument("--family", default="all", choices=[*FAMILIES, *GROUPS])
    parser.add_argument("--only", nargs="*", help="names of instances")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--limit", type=float, help="seconds; default that of the family's bar")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peers", action="store_true")
    given = parser.parse_args()
    solvers: dict[str, Solver] = {"genba": genba(given.workers)}
    if given.peers:
        print("peers: " + versions())
        solvers |= {"cp-sat": cp_sat, "pyjobshop": pyjobshop}
    warm_up()
    missed, rows = 0, []
    for family in GROUPS.get(given.family, (given.family,)):
        listed = chosen(family, given.only, given.data)
        if not listed:
            continue
        limit_s, bar = given.limit or BARS[family][0], BARS[family][1]
        print(f"{family}: {len(listed)} instances, {limit_s:g} s, seeds {given.seeds}")
        begun = time.perf_counter()
        for name, gaps in measure(listed, solvers, limit_s, given.seeds).items():
            best = sum(gap <= 0.0 for gap in gaps)
            rows.append(
                f"{family:8} {name:10} {len(gaps):3}  {limit_s:5g} {statistics.mean(gaps):8.3f} "
                f"{max(gaps):8.2f} {best:5}" + (f"  (bar {bar:g})" if name == "genba" else "")
            )
            missed += name == "genba" and statistics.mean(gaps) > bar
        print(f"  {time.perf_counter() - begun:.0f} s in all")
    print("\nfamily   solver       n  limit  mean gap  max gap  best")
    print("\n".join(rows))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest memory of this process: {peak:.2f} GiB")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
