"""Trips of jobs, and the routes of the vehicles that make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from genba.plan.cpsat.draft import Expr, Var
from genba.plan.problem import Job


@dataclass(slots=True)
class Trip:
    """A job brought to an operation (or home, None), if it is not there already."""

    job: Job
    operation: str | None
    start: Var
    end: Var
    needed: Var
    kinds: dict[str, Var]
    """Kinds of vehicles that may carry it, and whether one of them does."""
    origins: dict[str, Var]
    destinations: dict[str, Var]
    open: bool


@dataclass(slots=True)
class Route:
    """What vehicles of one kind drive: arcs between trips; -1 - v is the depot of vehicle v."""

    kind: str
    trips: list[Trip]
    arcs: list[tuple[int, int, Var]] = field(default_factory=list)


@dataclass(slots=True)
class Travel:
    """All that moves."""

    trips: list[Trip] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    done: dict[str, list[Expr]] = field(default_factory=dict)
    """Ends of each job: of its operations, and of the way home."""


def vehicle_of(
    travel: Travel, value: Callable[[Var], int]
) -> Iterator[tuple[Route, int, list[int]]]:
    """Yield each route's vehicles (by number within the kind) with the trips that they drive."""
    for route in travel.routes:
        following = {a: b for a, b, arc in route.arcs if value(arc)}
        for depot in sorted((a for a in following if a < 0), reverse=True):
            driven, at = [], following[depot]
            while True:
                driven.append(at)
                if at not in following:
                    break
                at = following[at]
            yield route, -1 - depot, driven
