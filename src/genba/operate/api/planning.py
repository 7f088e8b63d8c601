"""Routes on the plan that is followed: what comes next where, what is late, how it was found."""

from fastapi import APIRouter
from pydantic import Field

from genba.operate.api.access import Viewer
from genba.operate.api.moments import Moment
from genba.operate.api.parts import Shown
from genba.operate.api.problems import ANSWERS
from genba.operate.api.running import TheCore

router = APIRouter(tags=["planning"], responses=ANSWERS)


class StepNow(Shown):
    """One operation of one lot in the plan."""

    lot: str
    number: int = Field(description="Index of the operation in the lot's routing.")
    machine: str
    start: Moment = Field(description="When it begins, set-up included.")
    end: Moment


class PlanNow(Shown):
    """The plan in force, or none."""

    id: str | None = Field(
        default=None, description="Null while earliest due date alone dispatches."
    )
    time: Moment | None = Field(default=None, description="When the plant was as the plan assumes.")
    price: float | None = Field(
        default=None, description="What the plan costs, by the plant's goals."
    )
    gap: float | None = Field(default=None, description="Certified distance from the best, 0 to 1.")
    found_by: str = ""
    seed: int | None = None
    expects: str = Field(default="", description="What the twin expects of it.")
    late: list[str] = Field(default_factory=list, description="Orders that it delivers late.")
    left_out: list[str] = Field(default_factory=list, description="What could not be planned.")
    changes: list[str] = Field(default_factory=list, description="What it changed when it came.")
    steps: list[StepNow] = Field(default_factory=list)


@router.get("/plan", summary="The plan that dispatching follows now")
async def plan(core: TheCore, caller: Viewer) -> PlanNow:
    answer = core.plan
    if answer is None:
        return PlanNow()
    orders = answer.instructions
    return PlanNow(
        id=orders.id,
        time=orders.time,
        price=answer.price,
        gap=answer.gap,
        found_by=answer.found_by,
        seed=answer.seed,
        expects=answer.expects,
        late=list(answer.late),
        left_out=list(answer.left_out),
        changes=list(answer.changes),
        steps=[StepNow.model_validate(step) for step in orders.steps],
    )
