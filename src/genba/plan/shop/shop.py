"""The flexible job shop as plain arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.errors import PlanError

Ints = NDArray[np.int64]
Rows = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Shop:
    """Jobs of operations in a fixed order, each with one or more machines that can do it.

    Operations are numbered through, job by job; times are whole ticks. A machine may occur several
    times in a job. The last four fields are optional, and 0 where they are left out.

    Parameters
    ----------
    machines : int
        Number of machines.
    job_start : (jobs + 1,) int64
        Operations of job ``j`` are ``job_start[j]`` up to ``job_start[j + 1]``, not included.
    mode_start : (operations + 1,) int64
        Modes of operation ``i`` are ``mode_start[i]`` up to ``mode_start[i + 1]``, not included.
    mode_machine : (modes,) int32
        Machine of each mode.
    mode_ticks : (modes,) int64
        Processing time of each mode, 0 or more.
    release : (jobs,) int64
        No operation of the job begins before.
    delivery : (jobs,) int64
        Ticks that must follow the job's last operation; they count in the makespan.
    free_from : (machines,) int64
        The machine begins nothing before.
    rest : (machines,) int64
        Ticks that must follow the machine's last operation; they count in the makespan.

    Raises
    ------
    PlanError
        If an operation has no mode, an array has a wrong length, or a number is out of range.
    """

    machines: int
    job_start: Ints
    mode_start: Ints
    mode_machine: Rows
    mode_ticks: Ints
    release: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    delivery: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    free_from: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    rest: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        for name, size in (
            ("release", self.jobs),
            ("delivery", self.jobs),
            ("free_from", self.machines),
            ("rest", self.machines),
        ):
            given = getattr(self, name)
            if len(given) == 0:
                object.__setattr__(self, name, np.zeros(size, np.int64))
            elif len(given) != size:
                raise PlanError(f"shop: {name} has {len(given)} numbers; it needs {size}")
            elif np.min(given, initial=0) < 0:
                raise PlanError(f"shop: {name} holds a negative number; times are 0 or more")
        empty = np.flatnonzero(np.diff(self.mode_start) <= 0)
        if len(empty):
            raise PlanError(f"shop: operation {empty[0]} has no machine; give it at least one")
        if len(self.mode_machine) != self.mode_start[-1] or len(self.mode_ticks) != len(
            self.mode_machine
        ):
            raise PlanError("shop: mode arrays differ in length; each mode needs machine and ticks")
        if len(self.mode_ticks) and self.mode_ticks.min() < 0:
            raise PlanError("shop: a mode takes negative ticks; it must be 0 or more")
        if len(self.mode_machine) and not (
            self.mode_machine.min() >= 0 and self.mode_machine.max() < self.machines
        ):
            raise PlanError(f"shop: a mode names a machine beyond 0 to {self.machines - 1}")

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return len(self.job_start) - 1

    @property
    def operations(self) -> int:
        """Number of operations."""
        return int(self.job_start[-1])

    @property
    def is_flexible(self) -> bool:
        """Whether any operation has a choice of machines."""
        return len(self.mode_machine) > self.operations


def shop_of_modes(
    machines: int, jobs: Iterable[Sequence[Sequence[tuple[int, int]]]], **times: Any
) -> Shop:
    """Build a shop from nested lists: jobs of operations of modes ``(machine, ticks)``.

    Further keyword arguments (``release``, ``delivery``, ``free_from``, ``rest``) as in
    :class:`Shop`. Where a machine stands twice in an operation, its shorter time counts.
    """
    job_start, mode_start = [0], [0]
    mode_machine: list[int] = []
    mode_ticks: list[int] = []
    for job in jobs:
        for modes in job:
            shortest: dict[int, int] = {}
            for machine, ticks in modes:
                shortest[machine] = min(ticks, shortest.get(machine, ticks))
            mode_machine += shortest.keys()
            mode_ticks += shortest.values()
            mode_start.append(len(mode_machine))
        job_start.append(len(mode_start) - 1)
    return Shop(
        machines,
        np.array(job_start, np.int64),
        np.array(mode_start, np.int64),
        np.array(mode_machine, np.int32),
        np.array(mode_ticks, np.int64),
        **{name: np.asarray(given, np.int64) for name, given in times.items()},
    )
