"""When what a model finds counts as one finding: raised once, cleared after some quiet answers."""

from enum import StrEnum

from genba.learn.anomaly.episodes import FINDING_US
from genba.learn.edge.contract import Contract

CLEAR_AFTER = 3
"""Answers without a finding, one after the other, that clear one; at least."""
FINDING_S = FINDING_US / 1e6
"""Plant seconds within which what comes back is the same finding."""


class Turn(StrEnum):
    """What an answer changes."""

    RAISED = "raised"
    CLEARED = "cleared"


class Standing:
    """The finding of one model: whether there is one now. One that stands is an *episode*.

    Parameters
    ----------
    clear_after : int
        Answers without a finding, one after the other, that clear one.
    """

    def __init__(self, clear_after: int = CLEAR_AFTER) -> None:
        self.stands = False
        self._clear_after = clear_after
        self._quiet = 0

    def take(self, found: bool) -> Turn | None:
        """Take an answer; say what it changes."""
        if found:
            self._quiet = 0
            if self.stands:
                return None
            self.stands = True
            return Turn.RAISED
        self._quiet += 1
        if self.stands and self._quiet >= self._clear_after:
            self.stands = False
            return Turn.CLEARED
        return None

    def withdraw(self) -> None:
        """Let a finding go that was not let through: the next answer may raise it again."""
        self.stands = False


def standing_of(contract: Contract) -> Standing:
    """Return how findings of a model stand: until a window, and 15 minutes, were quiet.

    Windows that share rows say one thing, and what comes back within minutes is not another thing
    to look at. Limits are set for episodes that are parted in the same way
    (:mod:`genba.learn.anomaly.episodes`). Pictures come as they come: there a few good ones clear.
    """
    if contract.picture is not None:
        return Standing()
    return Standing(max(CLEAR_AFTER, contract.window, round(FINDING_S / contract.step_s)))
