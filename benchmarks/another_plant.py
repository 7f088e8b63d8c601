"""Genba on a plant that nothing was tuned on, against that plant's own conventional controller.

``python -m benchmarks.another_plant [--seeds 1-3] [--hours 8]``

The same comparison as ``genba testbed compare``, lever by lever, on a plant of which Genba is told
by an ordinary plant file alone (:mod:`benchmarks.plant_runs.another`): a mill and three products
less, larger and slower molds. Set-points are learned from a stretch of this plant with another
seed. Simulated plant in process, from its own ledger.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.plant_runs.another import halves, write_files
from genba.cli.comparison.experiment import by_run
from genba.cli.seeds import seeds_in
from genba.cli.testbed_compare import arms_named, show, show_limits, watched
from genba.testbed import load_testbed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.another_plant")
    parser.add_argument("--seeds", type=seeds_in, default=[1, 2, 3])
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--arm", nargs="+", default=None, help="planning, control, both")
    parser.add_argument("--learn-hours", type=float, default=40.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        testbed = load_testbed(*write_files(Path(folder), *halves(other=True)))
    arms = arms_named(given.arm)
    processes = by_run(testbed[0])
    runs = watched(
        testbed, arms, given.seeds, given.hours, processes, given.learn_hours, quiet=False
    )
    show(runs, given.hours)
    show_limits(testbed[0], runs)


if __name__ == "__main__":
    main()
