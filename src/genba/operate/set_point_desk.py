"""The desk of set-point control: the choosers run in a process of their own, never in the core."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from genba.operate.child import Child
from genba.operate.patience import Patience
from genba.operate.set_point_host import (
    Begin,
    Drive,
    Drop,
    Message,
    Moment,
    Ready,
    Reply,
    Try,
    Wrote,
)
from genba.plant import Clock, Plant, Sample

logger = logging.getLogger(__name__)

HANGS_S = 20.0
"""Wall seconds without a word, while something waits, after which the process is ended."""
SETTLE_S = 120.0
MOST_OPEN = 50
"""Moments that may wait; those beyond are not shown until it has caught up."""
STEPPED_LIMIT_S = 30.0
MOST_LIMIT_S = 2.0
PART_OF_STEP = 0.25
"""A choice may take this part of its process' step."""
MODULE = "genba.operate.set_point_worker"
_CAUSE = "control"


class SetPointDesk:
    """Keeps the process running while there is something to drive.

    Parameters
    ----------
    plant, clock
        Of the core.
    folder : Path
        Of what was learned of processes.
    key : Path
        That it was signed with.
    """

    def __init__(self, plant: Plant, clock: Clock, folder: Path, key: Path) -> None:
        self._plant, self._clock = plant, clock
        self._begin = Begin(plant, folder, key, _limit_s(plant, clock))
        self._wanted: dict[str, Drive] = {}
        self._signals: dict[str, frozenset[str]] = {}
        self._child: Child | None = None
        self._patience = Patience()
        self._missed: list[Sample] = []
        self._closed = False
        self.why = ""
        """Why nothing chooses; empty where all is well."""
        self.restarts = 0

    @property
    def process(self) -> Child | None:
        """The process that runs; None where none is wanted, or it is gone."""
        return self._child

    def drive(self, process: str, plain: Mapping[str, float], *, first: bool = False) -> None:
        """Have a process driven by what was learned of it last; or have a first experiment ready,
        where nothing was.
        """
        self._wanted[process] = Drive(process, dict(plain), first)
        self._put(self._wanted[process])

    def drop(self, process: str) -> None:
        """Have a process driven no more."""
        if self._wanted.pop(process, None) is not None:
            self._signals.pop(process, None)
            self._put(Drop(process))

    def base(self, process: str, plain: Mapping[str, float]) -> None:
        """Remember the plain controller's own set-points, for a process that has to begin anew."""
        if process in self._wanted:
            self._wanted[process] = replace(self._wanted[process], plain=dict(plain))

    def wrote(self, process: str, writes: Mapping[str, float]) -> None:
        """Tell the chooser of a process what is written for it."""
        self._put(Wrote(process, dict(writes)))

    def attempt(self, process: str, steps: int, now: int) -> None:
        """Begin an experiment, or end it with 0."""
        self._put(Try(process, steps, now))

    def moment(self, now: int, samples: Sequence[Sample]) -> None:
        """Show what came; never waits."""
        if not self._wanted or not self._up(now):
            return
        child = self._child
        assert child is not None  # noqa: S101 - it is up
        names = frozenset().union(*self._signals.values()) if self._signals else frozenset()
        self._missed += [sample for sample in samples if sample.signal in names]
        if child.open >= MOST_OPEN:
            del self._missed[:-10_000]
            return
        child.put(Moment(now, tuple(self._missed)))
        self._missed = []

    def show(self, samples: Sequence[Sample]) -> None:
        """Have samples shown with the next moment, before what comes then."""
        self._missed = [*samples, *self._missed]

    def take(self) -> list[Reply]:
        """Return what was answered since the last call."""
        if self._child is None:
            return []
        found: list[Reply] = self._child.taken()  # type: ignore[assignment]
        for reply in found:
            if isinstance(reply, Ready):
                self._signals[reply.process] = frozenset(reply.signals)
                self.why = ""
                self._patience.succeeded(_CAUSE)
        return found

    def settle(self) -> None:
        """Wait until all is answered; for plants that step in process."""
        if self._child is not None:
            self._child.settle(SETTLE_S)

    def close(self) -> None:
        """End the process. Safe to call twice."""
        self._closed = True
        if self._child is not None:
            self._child.close()

    def _put(self, message: Message) -> None:
        if self._child is not None and not self._child.ended:
            self._child.put(message)

    def _up(self, now: int) -> bool:
        """Whether the process runs; it is started where it is wanted and was not just lost."""
        child = self._child
        if child is not None and child.silent_s > HANGS_S:
            logger.warning("the process that chooses set-points hangs; it is ended")
            child.kill()
            self._lost("it hangs", now)
        elif child is not None and child.ended:
            self._lost(child.ended, now)
        if self._child is not None:
            return True
        if self._closed or _CAUSE in self._patience.waiting(now):
            return False
        try:
            self._child = Child(MODULE)
        except OSError as error:
            self._lost(f"it cannot be started ({error.strerror})", now)
            return False
        self._signals, self._missed = {}, []
        self._child.put(self._begin)
        for wanted in self._wanted.values():
            self._child.put(wanted)
        return True

    def _lost(self, why: str, now: int) -> None:
        self.why = f"the process that chooses set-points is gone: {why}; it is started again"
        logger.warning("%s", self.why)
        self._child = None
        self._signals = {}
        self.restarts += 1
        self._patience.failed(_CAUSE, now)


def _limit_s(plant: Plant, clock: Clock) -> float:
    if math.isinf(clock.speed):
        return STEPPED_LIMIT_S
    steps = [one.step_s for one in plant.processes if one.control]
    return min(MOST_LIMIT_S, PART_OF_STEP * min(steps, default=1.0) / clock.speed)
