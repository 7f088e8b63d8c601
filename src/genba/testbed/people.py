"""People: a crew with skills that sets up, repairs and maintains, and walks through robot zones."""

from collections.abc import Iterable

from genba.plant import US, Person
from genba.testbed.physics_file import RobotZone
from genba.testbed.randomness import Stream
from genba.testbed.shifts import WorkingTime


class Worker:
    """One operator. ``pace`` is a factor on the time that work takes."""

    __slots__ = ("busy_with", "name", "pace", "skills", "time")

    def __init__(self, name: str, skills: frozenset[str], time: WorkingTime) -> None:
        self.name = name
        self.skills = skills
        self.time = time
        self.pace = 1.0
        self.busy_with = ""


class Crew:
    """Lends workers to machines, the least skilled that can do the work first."""

    def __init__(
        self, people: Iterable[tuple[Person, WorkingTime]], stream: Stream, pace_sigma: float
    ) -> None:
        self._stream = stream
        self._sigma = pace_sigma
        self.workers = [
            Worker(f"{person.id}-{number + 1}", frozenset(person.skills), time)
            for person, time in people
            for number in range(person.count)
        ]
        self.workers.sort(key=lambda w: len(w.skills))
        self.new_shift()

    def new_shift(self) -> None:
        """Other people come; each has a pace of their own."""
        for worker in self.workers:
            worker.pace = self._stream.lognormal(1.0, self._sigma)

    def slow_down(self, skill: str, factor: float) -> None:
        """Make those with a skill slower (a scripted disturbance)."""
        for worker in self.workers:
            if skill in worker.skills:
                worker.pace *= factor

    def borrow(self, skill: str | None, for_what: str, now: int) -> Worker | None:
        """Take a free worker with the skill; None where there is none now."""
        for worker in self.workers:
            if (
                not worker.busy_with
                and (skill is None or skill in worker.skills)
                and worker.time.working(now)
            ):
                worker.busy_with = for_what
                return worker
        return None

    def knows(self, skill: str | None) -> bool:
        """Whether anybody at all has the skill."""
        return skill is None or any(skill in w.skills for w in self.workers)


class Zone:
    """People in one robot's zone."""

    __slots__ = ("_mean_gap_s", "_next_visit", "_parameters", "_stream", "_until", "people")

    def __init__(self, parameters: RobotZone, stream: Stream, now: int) -> None:
        self._parameters = parameters
        self._stream = stream
        self._mean_gap_s = 3600.0 / parameters.visits_per_h if parameters.visits_per_h else 1e12
        self.people = 0
        self._until = 0
        self._next_visit = now + int(stream.exponential(self._mean_gap_s) * US)

    @property
    def protective_stop(self) -> bool:
        """Whether the certified hardware stops the robot when somebody is inside."""
        return self._parameters.protective_stop

    def enter(self, now: int, stay_s: float) -> None:
        """Somebody walks in (a scripted disturbance, or chance)."""
        self.people += 1
        self._until = max(self._until, now + int(stay_s * US))

    def tick(self, now: int, working: bool, random: bool) -> None:
        """One second passes."""
        if self.people and now >= self._until:
            self.people = 0
        if now >= self._next_visit:
            self._next_visit = now + int(self._stream.exponential(self._mean_gap_s) * US)
            stay = self._stream.lognormal(
                self._parameters.stay_median_s, self._parameters.stay_sigma
            )
            if working and random:
                self.enter(now, stay)
