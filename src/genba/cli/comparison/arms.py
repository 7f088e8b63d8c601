"""Who commands the plant in a comparison: its conventional controller, and Genba lever by lever."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from genba.cli.comparison.account import Account, account
from genba.cli.comparison.experiment import Learned, learned
from genba.cli.comparison.living import Ledgers, Testbed, conventional, under_genba
from genba.operate.planners import STEPS
from genba.plan import Planner, Situation
from genba.plan.floor.desk import OwnDesk, Question
from genba.plan.floor.optimizing import OptimizingPlanner
from genba.plan.floor.scheduler import Scheduler
from genba.plant import Plant

CONVENTIONAL, PLANNING, CONTROL, ALL = "conventional", "planning", "control", "planning and control"
ARMS = (CONVENTIONAL, PLANNING, CONTROL, ALL)
LEARN_SEED, LEARN_HOURS, LEARN_PARTS = 101, 12.0, 60
"""The stretch that set-points are learned from: another seed, and how many parts of each product an
experiment takes at most."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One run: who commanded, under which seed, and what came of it."""

    arm: str
    seed: int
    account: Account
    ledgers: Ledgers


def optimizing(plant: Plant) -> Sequence[Planner]:
    """Give the optimizing planner, answering within the step: the plant's clock waits for it."""
    return (OptimizingPlanner(plant, OwnDesk(Scheduler(plant, steps=STEPS).plan)),)


def plain(_: Plant) -> Sequence[Planner]:
    """Give none: earliest due date dispatches, and the nearest vehicle moves."""
    return ()


def warm_up(plant: Plant) -> None:
    """Compile the search before the plant's clock runs: it would stand still meanwhile."""
    first = min((order.release for order in plant.orders), default=0)
    seen = Situation(first, source="store", sink="dock", upcoming=plant.orders)
    Scheduler(plant, steps=10).plan(Question(seen, None, "warming up", 0))


def compare(
    testbed: Testbed,
    arms: Sequence[str],
    seeds: Sequence[int],
    hours: float,
    processes: Sequence[str],
    told: Callable[[str], None] = lambda text: None,
    learn_hours: float = LEARN_HOURS,
) -> Iterator[Lived]:
    """Live the same seeds under each.

    Parameters
    ----------
    processes : sequence of str
        Whose set-points are chosen, where an arm has control.
    told : callable
        Hears what is being done.
    learn_hours : float
        Length of the stretch that set-points are learned from.
    """
    plant, physics = testbed
    found: Learned = {}
    if CONTROL in arms or ALL in arms:
        told("learning set-points from another seed, with experiments")
        found, left_out = learned(testbed, processes, LEARN_SEED, learn_hours, LEARN_PARTS)
        for text in left_out:
            told(f"left out: {text}")
    if PLANNING in arms or ALL in arms:
        warm_up(plant)
    for seed in seeds:
        for arm in arms:
            told(f"seed {seed}, {arm}")
            if arm == CONVENTIONAL:
                ledgers = conventional(testbed, seed, hours)
            else:
                planners = plain if arm == CONTROL else optimizing
                ledgers = under_genba(
                    testbed, seed, hours, planners, None if arm == PLANNING else found
                )
            yield Lived(arm, seed, account(plant, physics, ledgers.end), ledgers)
