"""Vehicles and the layout graph that they drive on (VDA 5050 words)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from genba.plant.ids import Id, Value


class VehicleKind(StrEnum):
    """What moves a load."""

    AMR = "amr"
    HOIST = "hoist"


class Vehicle(Value):
    """A vehicle; the equipment of the same id carries its signals."""

    id: Id
    kind: VehicleKind = VehicleKind.AMR
    capacity_lots: Annotated[int, Field(ge=1)] = 1
    speed_m_s: Annotated[float, Field(gt=0)] = 1.0
    handling_s: Annotated[float, Field(ge=0)] = 20.0
    """Time to pick up or set down one load."""
    battery_kwh: Annotated[float, Field(gt=0)] | None = None
    home: Id | None = None


class Node(Value):
    """A point of the layout; ``station`` names the equipment that is served there."""

    id: Id
    x_m: float
    y_m: float
    station: Id | None = None
    charger: bool = False


class Edge(Value):
    """A way between two nodes. Length defaults to the straight line."""

    id: Id
    start: Id
    end: Id
    length_m: Annotated[float, Field(gt=0)] | None = None
    max_speed_m_s: Annotated[float, Field(gt=0)] | None = None
    one_way: bool = False
    kinds: tuple[VehicleKind, ...] = (VehicleKind.AMR,)


class Layout(Value):
    """The graph of nodes and edges."""

    map_id: str = "main"
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
