"""World models of single processes: physics with parameters, found and followed from recordings.

The line model beside it says when parts arrive; a process model says what becomes of them.
"""

from genba.twin.process.belief import Belief, prior
from genba.twin.process.check import check_twin
from genba.twin.process.episode import Episode
from genba.twin.process.identify import identify
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic, symbolic
from genba.twin.process.track import Tracker, Wander
from genba.twin.process.unit import Clock, UnitProcess
from genba.twin.process.variable import Parameter, Variable

__all__ = [
    "Belief",
    "Clock",
    "Episode",
    "Numeric",
    "Parameter",
    "Symbolic",
    "Tracker",
    "UnitProcess",
    "Variable",
    "Wander",
    "check_twin",
    "identify",
    "prior",
    "symbolic",
]
