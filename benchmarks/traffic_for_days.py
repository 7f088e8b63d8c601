"""Whether vehicles keep delivering for two days, whatever the seed brings, and never meet.

``python -m benchmarks.traffic_for_days [--seeds 1 2 3]``

The reference plant lives under its conventional controller, with breakdowns, people in the way and
rush orders, until its orders run out: two shifts, a night, two shifts. In each four hours of work
there must be moves; nothing may have met, no move may have failed, and no load may be left on a
vehicle in the end. Simulated plant, synthetic data.
"""

import argparse
import sys
import time
from itertools import pairwise

from genba.plant import US
from genba.testbed import PlantSimulation, load_testbed

FEWEST_MOVES = 50
"""In four hours of work; about a hundred are usual."""
MOST_LATE = 3
"""Orders that may not have come to the dock."""
_HOURS = 4
_STRETCHES = 12


def lived(seed: int) -> tuple[list[int], list[str]]:
    """Live two days; returns the moves of each four hours of work, and what went wrong."""
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    moves = [0]
    for stretch in range(1, _STRETCHES + 1):
        simulation.advance(simulation.start + _HOURS * stretch * 3600 * US)
        simulation.drain()
        moves.append(simulation.books.moves)
    made = [after - before for before, after in pairwise(moves)]
    # The night moves nothing, and the last stretch ends when the orders do.
    work = made[:4] + made[6:9]
    ledger = simulation.ledger()
    late = [name for name, order in ledger["orders"].items() if order["delivered_at"] is None]
    wrong = {
        f"unsafe: {ledger['safety']['by_kind']}": ledger["safety"]["total"] > 0,
        f"{ledger['failed_moves']} moves failed": ledger["failed_moves"] > 0,
        f"{ledger['rejected_orders']} orders were refused": ledger["rejected_orders"] > 0,
        f"only {min(work)} moves in {_HOURS} h": min(work) < FEWEST_MOVES,
        f"{len(late)} orders are not at the dock": len(late) > MOST_LATE,
        "a load was left on a vehicle": any(v.loads for v in simulation.vehicles.values()),
    }
    return work, [text for text, so in wrong.items() if so]


def main() -> int:
    """Print a line for each seed; 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    failed = False
    for seed in arguments.seeds:
        begin = time.process_time()
        work, wrong = lived(seed)
        failed |= bool(wrong)
        took = time.process_time() - begin
        told = "; ".join(wrong) or "nothing met, failed or was left"
        print(f"seed {seed}: {min(work)} to {max(work)} moves in 4 h; {told} ({took:.0f} s of CPU)")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
