"""The job interface of a machine: what it is asked, and why it says no."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from genba.plant import Alternative, Operation, Product
from genba.testbed.floor import Floor
from genba.testbed.lots import Lot
from genba.testbed.stations import Station
from genba.testbed.unit.process import Job, Part
from genba.testbed.upkeep import Work


@dataclass(slots=True)
class Task:
    """A job on its way through a machine."""

    job: Job
    lots: list[Lot]
    alternative: Alternative
    batch_parts: int
    todo: deque[tuple[Lot, Part]]
    planned_setup_s: float
    started: int
    energy_from_kwh: float
    setting_up: Work | None = None
    """The set-up, until it is done."""
    setup_s: float = 0.0
    run_from: int = 0
    good: dict[str, int] = field(default_factory=dict)
    scrap: dict[str, int] = field(default_factory=dict)
    rework: dict[str, int] = field(default_factory=dict)
    reworks: dict[str, int] = field(default_factory=dict)
    """How often each part (by serial) was run again."""
    remote: bool = True
    """Asked for over the job interface, not by the local controller."""


class Refusal(Exception):
    """Why a machine does not take a job, in a few words for ``job_error``."""


def prepare(
    floor: Floor,
    station: Station,
    machine: str,
    lot_ids: Sequence[str],
    operation: str,
    quantity: int,
) -> tuple[Job, list[Lot], Alternative, int]:
    """Check a request against what stands at the machine, and make the job of it.

    Raises
    ------
    Refusal
        With the reason.
    """
    product, step = _operation(floor, operation)
    alternative = next((a for a in step.alternatives if a.equipment == machine), None)
    if alternative is None:
        raise Refusal(f"{operation} is not done on this machine")
    if not lot_ids:
        raise Refusal("no lot is named")
    if len(set(lot_ids)) != len(lot_ids):
        raise Refusal("a lot is named twice")
    lots = [_lot(station, lot_id, step, product, alternative) for lot_id in lot_ids]
    parts = sum(len(lot.parts) for lot in lots)
    if quantity != parts:
        raise Refusal(f"quantity is {quantity}, but the lots hold {parts} parts")
    missing = floor.tools.missing(alternative.tools)
    if missing is not None:
        raise Refusal(f"tool {missing} is in use elsewhere")
    if not floor.crew.knows(alternative.skill):
        raise Refusal(f"nobody has the skill {alternative.skill}")
    job = Job(
        lots=tuple(lot_ids),
        product=product.id,
        operation=step.id,
        planned_cycle_s=alternative.cycle_s,
        family=alternative.setup_family,
        recipe=floor.physics.recipes.get(operation, {}),
    )
    return job, lots, alternative, step.batch_parts or 1


def _operation(floor: Floor, operation: str) -> tuple[Product, Operation]:
    product_id, _, step_id = operation.rpartition("/")
    product = floor.plant.products_by_id.get(product_id)
    if product is None:
        raise Refusal(f"'{operation}' names no product; write PRODUCT/OPERATION")
    for step in product.routing:
        if step.id == step_id:
            return product, step
    raise Refusal(f"{product_id} has no operation '{step_id}'")


def _lot(
    station: Station, lot_id: str, step: Operation, product: Product, alternative: Alternative
) -> Lot:
    lot = station.standing(lot_id)
    if lot is None:
        raise Refusal(f"lot {lot_id} does not stand at this station")
    due = lot.next_operation
    if due is None or due.id != step.id:
        told = "nothing" if due is None else due.id
        raise Refusal(f"lot {lot_id} needs {told} next, not {step.id}")
    if lot.product is not product:
        mate = next((a for a in due.alternatives if a.equipment == alternative.equipment), None)
        if due.batch_parts is None or mate is None:
            raise Refusal(f"lot {lot_id} is {lot.product.id}, not {product.id}")
        if mate.setup_family != alternative.setup_family:
            raise Refusal(f"lot {lot_id} needs set-up {mate.setup_family}")
    return lot
