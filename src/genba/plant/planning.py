"""How Genba plans a plant: how often, how long, and what a good plan is."""

from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value


class LoadCost(Value):
    """What a machine's loads (batches) cost, so that they wait where that is cheaper."""

    equipment: Id
    kwh: Annotated[float, Field(gt=0)]
    """Energy that a load takes whether it is full or not; priced by the tariff."""
    part_hour: Annotated[float, Field(gt=0)]
    """What it costs that a part waits for an hour, in the plant's currency."""
    wait_min: Annotated[float, Field(gt=0, le=1440)] = 60.0
    """Longest wait of a lot, in plant minutes."""


class PlanningSettings(Value):
    """Settings of the optimizing planner; the plain one is always there beside it."""

    optimize: bool = False
    """Whether lots are dispatched by an optimized plan; False: earliest due date alone."""
    every_s: Annotated[float, Field(ge=30)] = 900.0
    """Longest time between two looks for a better plan, in plant seconds. What happens in the
    plant (a breakdown, a rush order, material that comes late) brings one at once."""
    within_s: Annotated[float, Field(ge=0.1, le=300)] = 5.0
    """Wall seconds for finding a plan."""
    tardiness: Annotated[float, Field(ge=0)] = 1.0
    """Price of an hour late, times the order's weight."""
    flow: Annotated[float, Field(ge=0)] = 0.01
    """Price of an hour that a part is in the plant or waits for it, from its release on."""
    setups: Annotated[float, Field(ge=0)] = 0.1
    """Price of an hour of set-up."""
    stability: Annotated[float, Field(ge=0)] = 0.001
    """Price of each change of a plan that is in force: see the planner's objective."""
    loads: tuple[LoadCost, ...] = ()
    """Machines whose batches wait for a fuller load or a cheaper hour where that costs less."""
    fleet: bool = False
    """Whether vehicles are assigned and routed together, without conflict; False: the nearest free
    one, for vehicles that look after each other themselves."""
    seed: int = 1
    """Seed of the search; the same situation and seed lead to the same plan where the search is
    bounded by steps and not by time."""
