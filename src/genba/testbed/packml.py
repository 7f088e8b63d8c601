"""The state that a machine shows: one PackML transition a second, as the standard has them."""

from collections.abc import Mapping

from genba.plant import PackMLState

S = PackMLState

_NEXT: Mapping[PackMLState, tuple[PackMLState, ...]] = {
    S.STOPPED: (S.RESETTING,),
    S.RESETTING: (S.IDLE,),
    S.IDLE: (S.STARTING,),
    S.STARTING: (S.EXECUTE,),
    S.EXECUTE: (S.COMPLETING, S.HOLDING, S.SUSPENDING),
    S.COMPLETING: (S.COMPLETE,),
    S.COMPLETE: (S.RESETTING,),
    S.HOLDING: (S.HELD,),
    S.HELD: (S.UNHOLDING,),
    S.UNHOLDING: (S.EXECUTE,),
    S.SUSPENDING: (S.SUSPENDED,),
    S.SUSPENDED: (S.UNSUSPENDING, S.HOLDING),
    S.UNSUSPENDING: (S.EXECUTE,),
    S.STOPPING: (S.STOPPED,),
    S.ABORTING: (S.ABORTED,),
    S.ABORTED: (S.CLEARING,),
    S.CLEARING: (S.STOPPED,),
}
"""ISA-TR88.00.02-2022, figure "base state model"; stop and abort are in :func:`_exits`."""

_IN_JOB = frozenset(
    {S.EXECUTE, S.HOLDING, S.HELD, S.UNHOLDING, S.SUSPENDING, S.SUSPENDED, S.UNSUSPENDING}
)


class StateModel:
    """The state that a machine shows, on its way to the one that fits what it does.

    Parameters
    ----------
    complete_s, reset_s
        How long COMPLETE and RESETTING last. All other states last a second at least.
    """

    __slots__ = ("_least_s", "_shown_s", "state")

    def __init__(self, complete_s: float, reset_s: float) -> None:
        self.state = S.STOPPED
        self._shown_s = 0.0
        self._least_s = {S.COMPLETE: complete_s, S.RESETTING: reset_s}

    @property
    def in_job(self) -> bool:
        """Whether the job has been started, and is neither stopped, aborted nor complete."""
        return self.state in _IN_JOB

    def toward(self, wanted: PackMLState) -> None:
        """Let a second pass, and make at most one transition of those that lead to ``wanted``."""
        self._shown_s += 1.0
        if self.state is wanted:
            return
        step = _WAY[self.state, wanted]
        if step is S.ABORTING or self._shown_s >= self._least_s.get(self.state, 1.0):
            self.state = step
            self._shown_s = 0.0


def _exits(state: PackMLState, wanted: PackMLState) -> tuple[PackMLState, ...]:
    """Next states; a machine is stopped or aborted only if that is what is wanted."""
    down = state in {S.STOPPING, S.STOPPED, S.ABORTING, S.ABORTED, S.CLEARING}
    if wanted is S.STOPPED and not down:
        return (S.STOPPING,)
    if wanted is S.ABORTED and state is not S.ABORTING:
        return (S.ABORTING,)
    return _NEXT[state]


def _first_step(state: PackMLState, wanted: PackMLState) -> PackMLState:
    """First transition of the shortest way, breadth first."""
    ahead = [(step, step) for step in _exits(state, wanted)]
    first = {state: state}
    for reached, step in ahead:
        if reached not in first:
            first[reached] = step
            ahead += [(further, step) for further in _exits(reached, wanted)]
    return first[wanted]


_LASTING = (S.STOPPED, S.IDLE, S.EXECUTE, S.COMPLETE, S.HELD, S.SUSPENDED, S.ABORTED)
_WAY = {(a, b): _first_step(a, b) for a in S for b in _LASTING if a is not b}
