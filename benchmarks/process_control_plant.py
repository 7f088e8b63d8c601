"""Set-points chosen part by part on the reference plant, against its fixed recipes.

``python -m benchmarks.process_control_plant [--seeds 1-3] [--hours 40] [--only PROCESS ...]``

The plant's own controller dispatches in both arms, so that set-points are the only difference. What
is chosen by was learned from one earlier stretch under that controller, with another seed, in which
experiments moved set-points by up to a step around each recipe. Truth is read from the testbed's
ledger for scoring alone. ``--only`` controls some processes and leaves the others at their recipes.
Simulated plant in process, stepped clock.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.plant_runs.set_points import controlled
from benchmarks.reference_plant import mean_of
from genba.cli.comparison.experiment import by_run, learned
from genba.cli.comparison.living import conventional
from genba.cli.seeds import seeds_in
from genba.testbed import load_testbed

AIMS = {"defects": -0.40, "kwh per good part": -0.10, "tool cost per good part": -0.15}
_TESTER = "eol"
"""Counts again what others made badly."""


def figures(ledger: dict[str, Any]) -> dict[str, float]:
    """Sum a run up."""
    machines = {name: books for name, books in ledger["machines"].items() if name != _TESTER}
    good = sum(order["delivered"] for order in ledger["orders"].values())
    mills = [books for name, books in machines.items() if name.startswith("mill")]
    milled = sum(books["good"] for books in mills)
    told = {
        "defects": 1000.0 * sum(b["truly_bad"] for b in machines.values()) / max(1, good),
        "kwh per good part": ledger["energy"]["kwh"] / max(1, good),
        "tool cost per good part": sum(b["spares_cost"] for b in mills) / max(1, milled),
        "good parts": float(good),
        "unsafe": float(ledger["safety"]["total"]),
    }
    for kind in ("press", "mill", "grinder", "furnace", "cell"):
        own = [books for name, books in machines.items() if name.startswith(kind)]
        made = max(1, sum(books["parts"] for books in own))
        told[f"{kind} bad of 1000"] = 1000.0 * sum(books["truly_bad"] for books in own) / made
        told[f"{kind} kwh per part"] = sum(books["energy_kwh"] for books in own) / made
    return told


def main() -> int:
    """Print both arms, and the paired differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1-3", help="as 1-10 or 1,4,7")
    parser.add_argument("--hours", type=float, default=40.0)
    parser.add_argument("--learn-seed", type=int, default=101)
    parser.add_argument("--learn-hours", type=float, default=16.0)
    parser.add_argument("--learn-parts", type=int, default=60, help="of an experiment, by product")
    parser.add_argument("--only", nargs="+", help="processes to control; all by default")
    parser.add_argument("--json", type=Path, help="write every run's figures there")
    arguments = parser.parse_args()
    seeds = seeds_in(arguments.seeds)
    if arguments.learn_seed in seeds:
        parser.error("--learn-seed is one of --seeds; learn from another")
    processes = arguments.only or by_run(load_testbed()[0])
    began = time.perf_counter()
    beliefs, left_out = learned(
        load_testbed(),
        processes,
        arguments.learn_seed,
        arguments.learn_hours,
        arguments.learn_parts,
    )
    for process, own in beliefs.items():
        print(f"{process}: learned {', '.join(one.product for one in own)}")
    for text in left_out:
        print(f"left out: {text}")
    print(f"recorded and learned in {time.perf_counter() - began:.0f} s", flush=True)
    runs: dict[str, list[dict[str, float]]] = {"recipes": [], "chosen": []}
    for seed in seeds:
        began = time.perf_counter()
        runs["recipes"].append(figures(conventional(load_testbed(), seed, arguments.hours).end))
        ledger, hand = controlled(seed, arguments.hours, beliefs)
        runs["chosen"].append(figures(ledger))
        print(
            f"seed {seed}: {hand.writes} writes, {hand.refused} refused "
            f"({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
    _compare(runs)
    if arguments.json:
        arguments.json.write_text(json.dumps({"seeds": seeds, "runs": runs}, indent=1), "utf-8")
    return 0


def _compare(runs: dict[str, list[dict[str, float]]]) -> None:
    print(f"\nmeans with 95% intervals over {len(runs['recipes'])} seeds; differences are paired")
    print(f"{'':>26} {'recipes':>18} {'chosen':>18} {'difference':>20}")
    for name in runs["recipes"][0]:
        before = [run[name] for run in runs["recipes"]]
        after = [run[name] for run in runs["chosen"]]
        apart = [b - a for a, b in zip(before, after, strict=True)]
        share = sum(after) / sum(before) - 1 if sum(before) else 0.0
        aim = f"   aim {AIMS[name]:+.0%}" if name in AIMS else ""
        print(
            f"{name:>26} {mean_of(before):>18} {mean_of(after):>18} {mean_of(apart):>20} "
            f"({share:+.1%}){aim}"
        )


if __name__ == "__main__":
    sys.exit(main())
