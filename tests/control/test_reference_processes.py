"""Every process of the reference plant fits its physics, its signals and what is wanted of it."""

import pytest

from genba.control.bound import bound
from genba.control.run_cost import RunCost
from genba.plant import Plant
from genba.testbed import load_testbed
from genba.twin.process import Clock

PLANT = load_testbed()[0]
BY_RUN = [p.id for p in PLANT.processes if bound(PLANT, p.id).physics.clock is Clock.RUN]


@pytest.fixture(scope="module")
def plant() -> Plant:
    return PLANT


@pytest.mark.parametrize("process", BY_RUN)
def test_a_process_by_run_can_be_experimented_with_and_priced(plant: Plant, process: str) -> None:
    joined = bound(plant, process)
    low, high = joined.bounds()
    assert (low < high).all()
    assert joined.process.experiments
    RunCost(plant, joined)
    # What has a tolerance is wired, or follows from what is.
    wired = {w.variable.name for w in joined.outputs if w.signal is not None}
    for kept in joined.process.tolerances.values():
        assert {name.removesuffix("_end") for name in kept} <= wired


@pytest.mark.parametrize("machine", ["press", "mill", "furnace", "grinder", "cell"])
def test_machines_that_make_parts_have_a_process_by_run(plant: Plant, machine: str) -> None:
    own = {one.id for one in plant.equipment if one.id.startswith(machine)}
    having = {p.equipment for p in plant.processes if p.id in BY_RUN}
    assert own <= having
