"""Which planners a core has beside the plain one."""

import math

from genba.operate.planning_desk import WorkerDesk
from genba.operate.plugins import registered
from genba.operate.state import StateFolder
from genba.plan import Planner
from genba.plan.fleet.planner import FleetPlanner
from genba.plan.floor.desk import Desk, OwnDesk
from genba.plan.floor.optimizing import NAME, OptimizingPlanner
from genba.plant import Clock, Plant

STEPS = 30_000
"""Steps of the search on a plant that is stepped, where wall time means nothing."""
PART_OF_PERIOD = 0.3
"""A plan takes at most this part of the time until the next one is looked for."""


def planners_of(plant: Plant, state: StateFolder, clock: Clock) -> list[Planner]:
    """Return those that packages bring, in order, and the optimizing one where it is wanted."""
    found: list[Planner] = list(registered("genba.planners", plant))
    machines = any(product.routing for product in plant.products)
    if plant.planning.optimize and machines:
        fleet = FleetPlanner(plant, NAME) if plant.planning.fleet else None
        found.append(OptimizingPlanner(plant, _desk(plant, state, clock), fleet))
    return found


def _desk(plant: Plant, state: StateFolder, clock: Clock) -> Desk:
    calibration = str(state.root / "twin" / "calibration.json")
    if math.isinf(clock.speed):
        from genba.operate.calibration import calibrated_line
        from genba.plan.floor.scheduler import Scheduler

        scheduler = Scheduler(plant, steps=STEPS, line=calibrated_line(plant, calibration))
        return OwnDesk(scheduler.plan)
    settings = plant.planning
    within_s = min(settings.within_s, PART_OF_PERIOD * settings.every_s / clock.speed)
    desk = WorkerDesk(plant, within_s, calibration)
    # Now and not in the first tick: a process takes longer to start than a fast plant's tick.
    desk.start()
    return desk
