"""Networks on top of a process' physics, or in its place where nobody knows it."""

from genba.twin.process.residual.accept import Gain, Verdict, completed, gain_ahead, judged
from genba.twin.process.residual.ensemble import Ensemble
from genba.twin.process.residual.linear import LinearProcess, unknown
from genba.twin.process.residual.teach import Lesson, taught
from genba.twin.process.residual.world import World

__all__ = [
    "Ensemble",
    "Gain",
    "Lesson",
    "LinearProcess",
    "Verdict",
    "World",
    "completed",
    "gain_ahead",
    "judged",
    "taught",
    "unknown",
]
