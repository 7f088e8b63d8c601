"""What can go wrong while a plan runs: a plan says what was meant, these what is different now."""

from dataclasses import dataclass

from genba.errors import PlanError
from genba.plan.problem import Job, Operation


@dataclass(frozen=True, slots=True)
class MachineDown:
    """A machine does nothing in ``[start, until)``; what is in work there pauses that long."""

    machine: str
    start: int
    until: int

    def __post_init__(self) -> None:
        if self.start >= self.until:
            raise PlanError(f"machine {self.machine} is down from {self.start} to {self.until}")


@dataclass(frozen=True, slots=True)
class RushJob:
    """A job that was not in the plan, with its operations."""

    job: Job
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        for operation in self.operations:
            if operation.job != self.job.id:
                raise PlanError(
                    f"operation {operation.id} is of {operation.job}, not {self.job.id}"
                )


@dataclass(frozen=True, slots=True)
class LateMaterial:
    """A job that has not begun can begin at ``release`` only."""

    job: str
    release: int


@dataclass(frozen=True, slots=True)
class Scrap:
    """``lost`` parts of a job are no good: what follows treats fewer.

    Times of the operations that have not begun shrink in proportion to the parts. With ``again``,
    a job of that id makes the lost parts anew, from the first operation on.
    """

    job: str
    lost: int
    again: str | None = None

    def __post_init__(self) -> None:
        if self.lost <= 0:
            raise PlanError(f"job {self.job}: {self.lost} lost parts; it must be 1 or more")


@dataclass(frozen=True, slots=True)
class SlowWork:
    """From now on all that needs a skill, or a machine, takes ``factor`` times as long."""

    factor: float
    skill: str | None = None
    machine: str | None = None

    def __post_init__(self) -> None:
        if self.factor <= 0:
            raise PlanError(f"a factor of {self.factor:g}; it must be above 0")
        if (self.skill is None) == (self.machine is None):
            raise PlanError("slow work is of a skill or of a machine; name one of them")


@dataclass(frozen=True, slots=True)
class VehicleDown:
    """A vehicle takes no new trip before ``until``."""

    vehicle: str
    until: int


Disturbance = MachineDown | RushJob | LateMaterial | Scrap | SlowWork | VehicleDown
