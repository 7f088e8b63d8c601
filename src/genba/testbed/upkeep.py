"""Breakdowns, repairs and planned maintenance of one machine or vehicle."""

from genba.testbed.people import Crew, Worker
from genba.testbed.physics_file import Breakdowns
from genba.testbed.randomness import Stream


class WearOut:
    """Weibull breakdowns by running time, hastened by stress.

    The accumulated hazard of a Weibull life is ``(t/l)^k`` (Weibull 1951); the machine breaks down
    when it reaches a level drawn from the unit exponential, which lets stress act at every second.
    """

    __slots__ = ("_age_h", "_hazard", "_level", "_parameters", "_stream")

    def __init__(self, parameters: Breakdowns, stream: Stream) -> None:
        self._parameters = parameters
        self._stream = stream
        # A plant is never all new: the first age is somewhere in the first half of a life.
        self._age_h = stream.uniform(0.0, 0.5) * parameters.scale_h
        self._hazard = 0.0
        self._level = stream.exponential()

    def run(self, dt_s: float, stress: float) -> bool:
        """Let running time pass; True when it breaks down."""
        p = self._parameters
        dt_h = dt_s / 3600.0
        self._age_h += dt_h
        rate = p.shape / p.scale_h * (self._age_h / p.scale_h) ** (p.shape - 1.0)
        self._hazard += rate * stress * dt_h
        return self._hazard >= self._level

    def repaired(self) -> None:
        """As good as new."""
        self._age_h = 0.0
        self._hazard = 0.0
        self._level = self._stream.exponential()

    def serviced(self) -> None:
        """Planned service halves the age; what has not failed goes on from there."""
        self._age_h *= 0.5

    def repair_s(self) -> float:
        """Draw the length of a repair."""
        p = self._parameters
        return 60.0 * self._stream.lognormal(p.repair_median_min, p.repair_sigma)


class Work:
    """Something that takes a person for a while: a set-up, a repair, a service."""

    __slots__ = ("done_s", "duration_s", "kind", "remaining_s", "skill", "waited_s", "worker")

    def __init__(self, kind: str, duration_s: float, skill: str | None) -> None:
        self.kind = kind
        self.duration_s = duration_s
        self.remaining_s = duration_s
        self.skill = skill
        self.worker: Worker | None = None
        self.done_s = 0.0
        self.waited_s = 0.0

    def tick(self, crew: Crew, where: str, now: int) -> bool:
        """One second passes. True when the work is complete; the person is free again then."""
        if self.remaining_s > 0 and self.worker is None:
            self.worker = crew.borrow(self.skill, where, now)
            if self.worker is None:
                self.waited_s += 1.0
                return False
        if self.remaining_s > 0 and self.worker is not None:
            self.remaining_s -= 1.0 / self.worker.pace
            self.done_s += 1.0
        if self.remaining_s > 0:
            return False
        self.release()
        return True

    @property
    def waiting(self) -> bool:
        """Whether nobody is there to do it."""
        return self.worker is None and self.remaining_s > 0

    def release(self) -> None:
        """Let the person go."""
        if self.worker is not None:
            self.worker.busy_with = ""
            self.worker = None
