"""Routes that say what the plant is."""

from fastapi import APIRouter, HTTPException

from genba.operate.api.access import Viewer
from genba.operate.api.problems import ANSWERS, NOT_FOUND
from genba.operate.api.running import TheCore
from genba.plant import Equipment, Plant, Signal

router = APIRouter(prefix="/plant", tags=["plant"], responses=ANSWERS)


@router.get("", summary="The plant as its file describes it")
def the_plant(core: TheCore, caller: Viewer) -> Plant:
    return core.plant


@router.get("/equipment", summary="All equipment, with signals")
def all_equipment(core: TheCore, caller: Viewer) -> list[Equipment]:
    return list(core.plant.equipment)


# An id may hold slashes.
@router.get("/equipment/{name:path}", summary="One piece of equipment", responses=NOT_FOUND)
def one_equipment(name: str, core: TheCore, caller: Viewer) -> Equipment:
    found = core.plant.equipment_by_id.get(name)
    if found is None:
        raise HTTPException(404, f"there is no equipment '{name}' in this plant")
    return found


@router.get("/signals", summary="All signals")
def all_signals(core: TheCore, caller: Viewer) -> list[Signal]:
    return list(core.plant.signals.values())


@router.get("/signals/{name:path}", summary="One signal", responses=NOT_FOUND)
def one_signal(name: str, core: TheCore, caller: Viewer) -> Signal:
    found = core.plant.signals.get(name)
    if found is None:
        raise HTTPException(404, f"there is no signal '{name}' in this plant")
    return found
