"""The desk at which plans are made: questions go there, answers come back, when they are ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from genba.errors import GenbaError
from genba.plan.demand.situation import Situation
from genba.plan.floor.instructions import Instructions


@dataclass(frozen=True, slots=True)
class Question:
    """What should be done from here on?"""

    situation: Situation
    in_force: Instructions | None
    """What is followed now; a new plan stays close to it."""
    why: str
    """What asks for a plan: a breakdown, a rush order, time."""
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan, and what it is worth."""

    number: int
    instructions: Instructions
    better_by: float
    """Price of the plan in force, timed anew, less the price of this one; 0 without one."""
    price: float
    gap: float | None
    """Certified gap of the first goal, None where nothing was proven."""
    moved: int
    """Operations that go to another machine or follow another one than in the plan in force."""
    planned: int
    """Operations in the plan."""
    changes: tuple[str, ...]
    """What differs, in words, most important first."""
    late: tuple[str, ...]
    """Orders that the plan delivers late, in words."""
    left_out: tuple[str, ...]
    """What could not be planned, and why."""
    found_by: str
    seconds: float
    seed: int
    expects: str = ""
    """What the twin expects of it, in words; empty where it was not asked."""


class Desk(Protocol):
    """Where plans are made. Never waits."""

    def ask(self, question: Question) -> None:
        """Hand a question in; an older one that is not answered yet is dropped."""
        ...

    def answer(self) -> Answer | None:
        """Return the newest answer, once; None while there is none.

        Raises
        ------
        GenbaError
            If the last question could not be answered.
        """
        ...

    @property
    def busy(self) -> bool:
        """Whether a question waits for its answer."""
        ...

    def close(self) -> None:
        """End whatever runs for it. Safe to call twice."""
        ...


class OwnDesk:
    """Answers on the spot, in the thread that asks: for plants that are stepped, and for tests."""

    def __init__(self, plan: Callable[[Question], Answer]) -> None:
        self._plan = plan
        self._ready: Answer | GenbaError | None = None

    def ask(self, question: Question) -> None:
        """Answer it at once."""
        try:
            self._ready = self._plan(question)
        except GenbaError as error:
            self._ready = error

    def answer(self) -> Answer | None:
        """Return the answer, once."""
        ready, self._ready = self._ready, None
        if isinstance(ready, GenbaError):
            raise ready
        return ready

    @property
    def busy(self) -> bool:
        """Never: every question is answered before :meth:`ask` returns."""
        return False

    def close(self) -> None:
        """Nothing runs for it."""
