"""A process model whole: physics, what is believed of it, and networks where they were accepted."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from genba.twin.process.belief import Belief
from genba.twin.process.episode import Floats
from genba.twin.process.residual.ensemble import Ensemble
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic, corrected
from genba.twin.process.track import Tracker


@dataclass(frozen=True, eq=False)
class World:
    """What is held of one process. Not to be shared by threads.

    Attributes
    ----------
    plain : Symbolic
        The physics alone.
    ensemble : Ensemble or None
        What it leaves out, where networks were accepted.
    """

    plain: Symbolic
    belief: Belief
    ensemble: Ensemble | None = None

    @cached_property
    def symbolic(self) -> Symbolic:
        """Physics with the mean of the networks: what a tracker and an optimizer take."""
        if self.ensemble is None:
            return self.plain
        return corrected(self.plain, self.ensemble.checked(self.plain.process).mean)

    @cached_property
    def mean(self) -> Numeric:
        """The same in numbers."""
        return Numeric(self.symbolic)

    @cached_property
    def _numerics(self) -> list[Numeric]:
        """The mean, and each member."""
        if self.ensemble is None:
            return [self.mean]
        members = (self.ensemble.member(k) for k in range(self.ensemble.members))
        return [self.mean, *(Numeric(corrected(self.plain, one)) for one in members)]

    def tracker(self, state: Floats | None = None) -> Tracker:
        """Begin to follow the process."""
        return Tracker(self.symbolic, self.belief, state=np.empty(0) if state is None else state)

    def with_belief(self, belief: Belief) -> "World":
        """Believe something else of the physics' parameters."""
        return replace(self, belief=belief)

    def futures(
        self,
        starts: Floats,
        u: Floats,
        c: Floats,
        z: Floats,
        source: np.random.Generator,
        *,
        wander: float | None = None,
    ) -> tuple[Floats, Floats]:
        """Let many futures run; the first follows the mean, the others take members in turn.

        Parameters
        ----------
        starts : (n, states)
        u, c : (steps, inputs), (steps, context)
        z : (n, parameters)
        wander : float, optional
            What states pick up in a step, in spans; by default what is believed.

        Returns
        -------
        states : (n, steps + 1, states)
        shown : (n, steps, outputs)
        """
        added = self.belief.wander if wander is None else wander
        turns = np.arange(len(starts)) - 1
        turns = np.where(turns < 0, 0, 1 + turns % max(1, len(self._numerics) - 1))
        if self.ensemble is None:
            turns[:] = 0
        nx, ny = self.plain.sizes[0], self.plain.sizes[3]
        states = np.empty((len(starts), len(u) + 1, nx))
        shown = np.empty((len(starts), len(u), ny))
        for turn, numeric in enumerate(self._numerics):
            rows = np.flatnonzero(turns == turn)
            if not len(rows):
                continue
            # The first future of a run picks up nothing: lend it the mean's, and drop it.
            lent = rows if turn == 0 else np.concatenate([[0], rows])
            ran, seen = numeric.run(starts[lent], u, c, z[lent], wander=added, source=source)
            skip = len(lent) - len(rows)
            states[rows], shown[rows] = ran[skip:], seen[skip:]
        return states, shown

    def alone(
        self,
        start: Floats,
        u: Floats,
        c: Floats,
        z: Floats,
        source: np.random.Generator,
        turn: int,
    ) -> tuple[Floats, Floats]:
        """Let one future run, with what states pick up; ``turn`` says which member is followed.

        Returns
        -------
        states : (steps + 1, states)
        shown : (steps, outputs)
        """
        others = len(self._numerics) - 1
        numeric = self._numerics[1 + turn % others if others else 0]
        # The first future of a run picks up nothing, so the second is taken.
        pair = np.stack([start, start]), np.stack([z, z])
        states, shown = numeric.run(
            pair[0], u, c, pair[1], wander=self.belief.wander, source=source
        )
        return states[1], shown[1]
