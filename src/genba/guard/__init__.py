"""The supervisor that nothing goes round. It is not a safety function: see ``docs/guard.md``.

Read in this order: :mod:`~genba.guard.supervisor` asks every question and gives the verdict;
:mod:`~genba.guard.knowledge` is what it knows of the plant; :mod:`~genba.guard.envelope`,
:mod:`~genba.guard.interlocks`, :mod:`~genba.guard.authority`, :mod:`~genba.guard.overrides` and
:mod:`~genba.guard.vehicle_order` are the questions; :mod:`~genba.guard.approvals` is what waits.
"""

from genba.guard.approvals import Waiting
from genba.guard.authority import INTENT_KINDS, kind_of
from genba.guard.form import malformed
from genba.guard.knowledge import wire_slack_s
from genba.guard.overrides import FROM_OUTSIDE, PERSON, PROGRAM, Override
from genba.guard.supervisor import Guard
from genba.plant import Approval

__all__ = [
    "FROM_OUTSIDE",
    "INTENT_KINDS",
    "PERSON",
    "PROGRAM",
    "Approval",
    "Guard",
    "Override",
    "Waiting",
    "kind_of",
    "malformed",
    "wire_slack_s",
]
