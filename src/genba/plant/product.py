"""Products, routings, set-ups, tools and skills."""

from typing import Annotated

from pydantic import Field

from genba.plant.clock import Time
from genba.plant.ids import Id, Value


class Tool(Value):
    """A tool of which the plant owns ``count``; an operation occupies one while it runs."""

    id: Id
    name: str = ""
    count: Annotated[int, Field(ge=1)] = 1


class Person(Value):
    """An operator (or a group of ``count`` alike) with skills, present as the calendar says."""

    id: Id
    name: str = ""
    skills: tuple[Id, ...] = ()
    calendar: Id | None = None
    count: Annotated[int, Field(ge=1)] = 1
    hourly_cost: Annotated[float, Field(ge=0)] = 0.0


class SetupFamily(Value):
    """Operations of one family follow each other without a set-up."""

    id: Id
    name: str = ""


class SetupTime(Value):
    """Duration of a change-over. ``*`` stands for any family; the most specific row wins."""

    equipment: Id
    before: str = "*"
    after: str = "*"
    duration_s: Annotated[float, Field(ge=0)]


class Alternative(Value):
    """One machine that can do an operation, with its own times."""

    equipment: Id
    cycle_s: Annotated[float, Field(gt=0)]
    """Planned run time per part (per batch, where the operation is a batch)."""
    setup_family: Id | None = None
    tools: tuple[Id, ...] = ()
    skill: Id | None = None


class Operation(Value):
    """One step of a routing."""

    id: Id
    name: str = ""
    alternatives: tuple[Alternative, ...] = Field(min_length=1)
    batch_parts: Annotated[int, Field(ge=1)] | None = None
    """Set where parts are treated together (a furnace): most parts in one batch."""


class Product(Value):
    """What is made, in which lots, by which routing (in order)."""

    id: Id
    name: str = ""
    lot_size: Annotated[int, Field(ge=1)]
    """Most parts in one lot; a larger order is split."""
    material_cost: Annotated[float, Field(ge=0)] = 0.0
    routing: tuple[Operation, ...] = Field(min_length=1)


class Order(Value):
    """A production order."""

    id: Id
    product: Id
    quantity: Annotated[int, Field(ge=1)]
    release: Time
    due: Time
    weight: Annotated[float, Field(gt=0)] = 1.0
    customer: str = ""
