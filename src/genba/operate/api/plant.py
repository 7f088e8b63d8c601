"""Routes that say what the plant is."""

from typing import Any

from fastapi import APIRouter, HTTPException

from genba.operate.api.access import Viewer
from genba.operate.api.common import ANSWERS, Problem, TheCore
from genba.plant import Equipment, Signal

router = APIRouter(tags=["plant"], responses=ANSWERS)


@router.get("/plant", summary="The plant as its file describes it")
def the_plant(core: TheCore, caller: Viewer) -> dict[str, Any]:
    return core.plant.model_dump(mode="json")


@router.get("/plant/equipment", summary="All equipment, with signals")
def all_equipment(core: TheCore, caller: Viewer) -> list[Equipment]:
    return list(core.plant.equipment)


@router.get(
    "/plant/equipment/{equipment_id}",
    summary="One piece of equipment",
    responses={404: {"model": Problem}},
)
def one_equipment(equipment_id: str, core: TheCore, caller: Viewer) -> Equipment:
    found = core.plant.equipment_by_id.get(equipment_id)
    if found is None:
        raise HTTPException(404, f"there is no equipment '{equipment_id}' in this plant")
    return found


@router.get("/plant/signals", summary="All signals")
def all_signals(core: TheCore, caller: Viewer) -> list[Signal]:
    return list(core.plant.signals.values())
