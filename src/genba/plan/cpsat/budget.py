"""How much may be searched: by the clock, or by the solver's own count of its work."""

import time
from math import inf

from ortools.sat.python import cp_model

OVERHEAD_S = 0.02
"""What each solve counts besides its steps: drawing up the model, which the solver does not see."""


class Budget:
    """What is left to be spent, over several solves.

    Parameters
    ----------
    time_limit_s : float
        Wall time from now on.
    work_limit_s : float, optional
        Deterministic time of the solver instead: about a second of one core each, but counted in
        steps, so that with one worker the same seed gives the same plan on any machine.
    """

    def __init__(self, time_limit_s: float, work_limit_s: float | None = None) -> None:
        self._by_work = work_limit_s is not None
        self._left_s = inf if work_limit_s is None else work_limit_s
        self._until = time.monotonic() + time_limit_s

    @property
    def left_s(self) -> float:
        """What is left, in seconds of whichever kind."""
        return self._left_s if self._by_work else self._until - time.monotonic()

    def allows(self, seconds: float) -> bool:
        """Whether something is left, and by the clock more than some seconds."""
        return self.left_s > (0.0 if self._by_work else seconds)

    def solve(
        self,
        solver: cp_model.CpSolver,
        model: cp_model.CpModel,
        most_s: float,
        watch: cp_model.CpSolverSolutionCallback | None = None,
    ) -> int:
        """Run a solver for ``most_s`` at most, or what is left."""
        limit_s = max(0.001, min(most_s, self.left_s))
        if self._by_work:
            solver.parameters.max_deterministic_time = limit_s
        else:
            solver.parameters.max_time_in_seconds = limit_s
        status = solver.solve(model, watch)
        if self._by_work:
            self._left_s -= OVERHEAD_S + solver.response_proto.deterministic_time
        return int(status)
