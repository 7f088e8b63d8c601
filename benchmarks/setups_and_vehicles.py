"""Flexible job shops with set-ups, and job shops with two vehicles, against CP-SAT with more time.

``python -m benchmarks.setups_and_vehicles --data DIR [--seeds 1 2 3] [--limit 1] [--only PATTERN]``

``DIR`` holds ``fjsp_sdst/`` (Fattahi's instances with set-up times from operation to operation) and
``agv/bilge_ulusoy.json``. Set-ups lie between operations that follow each other on a machine and do
not need the job; the first operation on a machine needs none. Makespan in ticks.

``ours`` is the planner's constraint path (whole model, windows, whole model) from a plan of the
plainest rule (jobs in the order of the file, each operation where it ends first). ``alone`` is
CP-SAT on the same whole model without a plan to begin with, at 10 times the limit. Both run with
one worker, and the limit is the solver's deterministic time: about a second of one core each,
counted in steps, so that other load on the machine does not matter. ``bound`` is the better of what
either of the two has proven; for the two vehicles the optimum is known. Every plan passes the
checker.
"""

import argparse
import re
import statistics
import sys
import time
from importlib.metadata import version
from math import inf
from pathlib import Path

from benchmarks.scheduling.setups_and_vehicles import setup_shops, vehicle_shops
from genba.plan.checks.validate import violations
from genba.plan.cpsat import solve_by_constraints, solve_exactly
from genba.plan.objective import MAKESPAN, Goal
from genba.plan.problem import Problem
from genba.plan.schedule import Plan
from genba.plan.timing.decode import decode


def main() -> None:
    """Run both, and say whether the bars were met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the instances")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--limit", type=float, default=1.0, help="deterministic seconds for ours")
    parser.add_argument("--only", default="", help="pattern that the instance's name must hold")
    wanted = parser.parse_args()
    instances = [
        *((name, problem, None) for name, problem in setup_shops(wanted.data)),
        *vehicle_shops(wanted.data),
    ]
    instances = [item for item in instances if re.search(wanted.only, item[0])]
    if not instances:
        sys.exit(f"no instance in {wanted.data} is called like '{wanted.only}'")
    print(f"CP-SAT {version('ortools')}, one worker, median of seeds {wanted.seeds}")
    print(f"{wanted.limit:g} deterministic seconds for ours, ten times as much for CP-SAT alone\n")
    print(f"{'instance':<18}{'ops':>5}{'ours':>8}{'alone':>8}{'bound':>8}{'CPU s':>8}{'alone':>9}")
    met = [
        _row(name, problem, known, wanted.limit, wanted.seeds) for name, problem, known in instances
    ]
    print(f"\nno worse than CP-SAT alone with ten times the limit: {sum(met)} of {len(met)}")


def _row(name: str, problem: Problem, known: int | None, limit_s: float, seeds: list[int]) -> bool:
    ours, alone, bounds, spent = [], [], [], [0.0, 0.0]
    for seed in seeds:
        began = time.process_time()
        start = decode(problem, [operation.id for operation in problem.operations])
        mine = solve_by_constraints(
            problem, MAKESPAN, start, time_limit_s=inf, work_limit_s=limit_s, seed=seed
        )
        middle = time.process_time()
        theirs = solve_exactly(
            problem, MAKESPAN, time_limit_s=inf, work_limit_s=10 * limit_s, seed=seed
        )
        spent[0] += (middle - began) / len(seeds)
        spent[1] += (time.process_time() - middle) / len(seeds)
        ours.append(_makespan(problem, mine))
        alone.append(inf if theirs is None else _makespan(problem, theirs))
        bounds += [plan.bound for plan in (mine, theirs) if plan is not None and plan.bound]
    bound = float(known) if known is not None else max(bounds, default=0.0)
    median = statistics.median(ours), statistics.median(alone)
    print(
        f"{name:<18}{len(problem.operations):>5}{median[0]:>8.0f}{median[1]:>8.0f}{bound:>8.0f}"
        f"{spent[0]:>8.1f}{spent[1]:>9.1f}",
        flush=True,
    )
    return median[0] <= median[1] and (known is None or median[0] == known)


def _makespan(problem: Problem, plan: Plan) -> float:
    broken = violations(problem, plan, MAKESPAN)
    if broken:
        sys.exit(f"an illegal plan: {broken[0]}")
    return plan.values[Goal.MAKESPAN]


if __name__ == "__main__":
    main()
