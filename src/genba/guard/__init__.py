"""The supervisor that nothing goes round. It is not a safety function: see ``docs/guard.md``.

Read in this order: :mod:`~genba.guard.supervisor` asks every question and gives the verdict;
:mod:`~genba.guard.knowledge` is what it knows of the plant; :mod:`~genba.guard.envelope`,
:mod:`~genba.guard.interlocks`, :mod:`~genba.guard.authority` and
:mod:`~genba.guard.vehicle_order` are the questions.
"""

from genba.guard.authority import Approval, kind_of
from genba.guard.form import malformed
from genba.guard.knowledge import wire_slack_s
from genba.guard.supervisor import Guard

__all__ = ["Approval", "Guard", "kind_of", "malformed", "wire_slack_s"]
