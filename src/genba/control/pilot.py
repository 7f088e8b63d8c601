"""Drive one process: follow it, look ahead, and know when not to be trusted.

The model is asked in every step how surprising the last values were. Where they go on contradicting
it, it stands back (the plain controller holds), is allowed to learn again, and comes back when it
has been right for a while.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genba.control.nmpc import Ahead, Course
from genba.errors import ControlError, TwinError
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.track import Tracker


@dataclass(frozen=True, slots=True)
class Trust:
    """When a model is believed.

    Attributes
    ----------
    surprise : float
        Smoothed surprise (about 1 where the model is right) from which it is not.
    weight : float
        Of the newest value in the smoothing.
    steps : int
        Steps in a row below the limit before it is believed again.
    relearn : float
        Prior deviations by which parameters may have changed when it is contradicted.
    """

    surprise: float = 9.0
    weight: float = 0.3
    steps: int = 3
    relearn: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What is proposed, or why nothing is.

    Attributes
    ----------
    course : Course or None
        None: hold the plain controller.
    why : str
        In plain words.
    """

    course: Course | None
    why: str


class Controller(Protocol):
    """What looks ahead: ``Nmpc`` (:mod:`genba.control.nmpc`) or ``Sampler`` (``sampling``)."""

    def tightened(self, tracker: Tracker, previous: Floats, ahead: Ahead) -> Ahead:
        """Draw bounds in by what the tracker is uncertain of."""
        ...

    def advise(self, state: Floats, z: Floats, previous: Floats, ahead: Ahead) -> Course | None:
        """Choose the set-points of the steps to come; None: not in time."""
        ...


class Pilot:
    """A tracker and a controller over one model. One call a step."""

    def __init__(
        self, controller: Controller, tracker: Tracker, trust: Trust | None = None
    ) -> None:
        self._controller = controller
        self.tracker = tracker
        self._trust = trust or Trust()
        self._surprise = 1.0
        self._right = self._trust.steps
        self._before: Floats | None = None

    @property
    def doubted(self) -> bool:
        """Whether what was seen lately contradicts the model."""
        return self._right < self._trust.steps

    def restart(self, shown: Floats) -> None:
        """Follow anew: of the state only what is shown (outputs,) is known, NaN where nothing is.

        A state of the same name as an output begins there, so that the first steps of a process
        that is far from linear are not taken for a contradiction.
        """
        self.tracker.restart()
        self._before, self._surprise, self._right = None, 1.0, self._trust.steps
        process = self.tracker.symbolic.process
        by_name = dict(zip([one.name for one in process.outputs], shown, strict=True))
        told = np.array([by_name.get(one.name, np.nan) for one in process.states])
        self.tracker.state = np.where(np.isfinite(told), told, self.tracker.state)

    def choose(
        self,
        shown: Floats,
        in_force: Floats,
        context: Floats,
        ahead: Ahead,
        went: Floats | None = None,
    ) -> Choice:
        """Take in what is shown now and choose what comes next.

        Parameters
        ----------
        shown : (outputs,)
            NaN where nothing was measured.
        in_force : (inputs,)
            Set-points that are in force, whoever set them.
        context : (context,)
        went : (inputs,), optional
            Their mean since the last call, where they were changed meanwhile; by default what is in
            force.

        Raises
        ------
        ControlError
            If set-points, context or what is known ahead are not finite.
        """
        if not (np.isfinite(in_force).all() and np.isfinite(context).all()):
            raise ControlError("set-points or context are not finite; the plain controller holds")
        try:
            if self._before is not None:
                self.tracker.went(in_force if went is None else went, self._before)
            self._take_in(shown, in_force, context)
        except TwinError as error:
            self.tracker.restart()
            self._before, self._right = None, 0
            return Choice(None, str(error))
        self._before = context
        return self._chosen(in_force, ahead)

    def follow(self, recent: Episode, ahead: Ahead) -> Choice:
        """Take in what was recorded, row by row, and choose what comes next.

        Raises
        ------
        TwinError, ControlError
            As :meth:`choose`.
        """
        for row, shown in enumerate(recent.shown):
            if row:
                self.tracker.went(recent.inputs[row - 1], recent.context[row - 1])
            self._take_in(shown, recent.inputs[row], recent.context[row])
        self._before = recent.context[-1]
        return self._chosen(recent.inputs[-1], ahead)

    def _take_in(self, shown: Floats, in_force: Floats, context: Floats) -> None:
        surprise = self.tracker.seen(shown, in_force, context)
        weight = self._trust.weight
        self._surprise = (1 - weight) * self._surprise + weight * min(surprise, 1e3)
        if self._surprise > self._trust.surprise:
            if self._right > 0:
                self.tracker.loosen(self._trust.relearn)
            self._right = 0
        else:
            self._right += 1

    def _chosen(self, in_force: Floats, ahead: Ahead) -> Choice:
        if self._right == 0:
            return Choice(None, f"the model is contradicted (surprise {self._surprise:.0f})")
        if self._right < self._trust.steps:
            return Choice(None, f"the model was contradicted {self._right} steps ago")
        ahead = self._controller.tightened(self.tracker, in_force, ahead)
        course = self._controller.advise(
            self.tracker.state, self.tracker.parameters, in_force, ahead
        )
        if course is None:
            return Choice(None, "no answer in time")
        return Choice(course, "looked ahead")
