"""The state machine of one alarm, after ISA-18.2-2016 and IEC 62682:2022 (alarm state transitions).

Pure: a state, an event, what the process does, and the state after. What is not in the table is
not possible, and says so.
"""

from collections.abc import Mapping
from enum import StrEnum

from genba.errors import Refused
from genba.plant import AlarmState

S = AlarmState


class AlarmEvent(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    """Its condition holds (after the on-delay)."""
    RETURN = "return"
    """Its condition is gone (after the off-delay)."""
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    """An operator releases a latched alarm that returned."""
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    REMOVE = "remove"
    """Out of service."""
    RESTORE = "restore"
    """Back in service."""


E = AlarmEvent
_SHOWN = (
    *(S.NORMAL, S.UNACKNOWLEDGED, S.ACKNOWLEDGED, S.RETURNED),
    *(S.LATCHED_UNACKNOWLEDGED, S.LATCHED_ACKNOWLEDGED),
)
_HIDDEN = (S.SHELVED, S.SUPPRESSED, S.OUT_OF_SERVICE)

PROCESS: Mapping[tuple[AlarmState, AlarmEvent], AlarmState] = {
    (S.NORMAL, E.RAISE): S.UNACKNOWLEDGED,
    (S.RETURNED, E.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, E.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_ACKNOWLEDGED, E.RAISE): S.UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, E.RETURN): S.RETURNED,
    (S.ACKNOWLEDGED, E.RETURN): S.NORMAL,
    # What is hidden follows its condition without a change of state.
    **{(state, event): state for state in _HIDDEN for event in (E.RAISE, E.RETURN)},
}
LATCHED: Mapping[tuple[AlarmState, AlarmEvent], AlarmState] = {
    (S.UNACKNOWLEDGED, E.RETURN): S.LATCHED_UNACKNOWLEDGED,
    (S.ACKNOWLEDGED, E.RETURN): S.LATCHED_ACKNOWLEDGED,
}
"""Where a latching alarm goes instead."""
PEOPLE: Mapping[tuple[AlarmState, AlarmEvent], AlarmState] = {
    (S.UNACKNOWLEDGED, E.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.RETURNED, E.ACKNOWLEDGE): S.NORMAL,
    (S.LATCHED_UNACKNOWLEDGED, E.ACKNOWLEDGE): S.LATCHED_ACKNOWLEDGED,
    (S.LATCHED_ACKNOWLEDGED, E.RESET): S.NORMAL,
    **{(state, E.SHELVE): S.SHELVED for state in _SHOWN},
    **{(state, E.SUPPRESS): S.SUPPRESSED for state in _SHOWN},
    # Who takes an alarm out of service may do so while it is hidden otherwise.
    **{(state, E.REMOVE): S.OUT_OF_SERVICE for state in (*_SHOWN, S.SHELVED, S.SUPPRESSED)},
}
LEAVING: Mapping[AlarmEvent, AlarmState] = {
    E.UNSHELVE: S.SHELVED,
    E.UNSUPPRESS: S.SUPPRESSED,
    E.RESTORE: S.OUT_OF_SERVICE,
}
"""Events that end a hidden state: the alarm comes back by what its condition does then."""
_WORDS = {
    E.ACKNOWLEDGE: "there is nothing to acknowledge",
    E.RESET: "only a latched alarm that returned and was acknowledged is reset",
    E.SHELVE: "it is hidden already",
    E.UNSHELVE: "it is not shelved",
    E.REMOVE: "it is out of service already",
    E.RESTORE: "it is not out of service",
}


def after(
    state: AlarmState, event: AlarmEvent, *, active: bool, latch: bool, suppressed: bool = False
) -> AlarmState:
    """Return the state that follows.

    Parameters
    ----------
    state : AlarmState
        Before.
    event : AlarmEvent
        What happens.
    active : bool
        Whether the condition holds now; for events that end a hidden state.
    latch : bool
        Whether the alarm latches.
    suppressed : bool
        Whether its suppression by design holds; for events that end another hidden state.

    Raises
    ------
    Refused
        If that cannot happen in this state.
    """
    if LEAVING.get(event) is state:
        if suppressed:
            return S.SUPPRESSED
        return S.UNACKNOWLEDGED if active else S.NORMAL
    found = (LATCHED.get((state, event)) if latch else None) or PROCESS.get((state, event))
    found = found or PEOPLE.get((state, event))
    if found is None:
        why = _WORDS.get(event, f"'{event}' does not happen there")
        raise Refused(f"the alarm is {state.replace('_', ' ')}: {why}")
    return found
