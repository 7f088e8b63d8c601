"""Vehicles keep delivering for days, whatever the seed brings, and never meet."""

from itertools import pairwise

import pytest

from genba.plant import US
from genba.testbed import PlantSimulation, load_testbed

HOUR = 3600 * US
FEWEST_MOVES = 50
"""In four hours of work; about a hundred are usual."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_days_of_traffic_end_in_no_deadlock(seed: int) -> None:
    plant, physics = load_testbed()
    simulation = PlantSimulation(plant, physics, seed=seed, conventional=True)
    moves = [0]
    for hours in range(4, 52, 4):
        simulation.advance(simulation.start + hours * HOUR)
        simulation.drain()
        moves.append(simulation.books.moves)
    made = [after - before for before, after in pairwise(moves)]
    # Two shifts, the night, two shifts until the orders run out.
    assert min(made[:4] + made[6:9]) >= FEWEST_MOVES, made
    ledger = simulation.ledger()
    assert ledger["safety"] == {"total": 0, "by_kind": {}}
    assert (ledger["failed_moves"], ledger["rejected_orders"]) == (0, 0)
    # Nothing is left on the way: what was laid out has come to the dock, or was scrapped.
    late = [name for name, order in ledger["orders"].items() if order["delivered_at"] is None]
    assert len(late) <= 3, late
    assert not any(vehicle.loads for vehicle in simulation.vehicles.values())
