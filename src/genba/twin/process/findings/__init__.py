"""What is wrong with a recording of a process, and with what was learned from it.

Before learning: :func:`seen_in` (too little, holes, frozen sensors, values out of range) and
:func:`mistaken` (signals exchanged, of the other sign, of another unit); :func:`clock_of` for the
times of one signal. After it: :func:`seen_after` (set-points that nobody moved, with the experiment
that would tell, and parameters that nobody expects). By run, :func:`seen_in_runs` and
:func:`strange` do the same for parts.
"""

from genba.twin.process.findings.against import against
from genba.twin.process.findings.clock import clock_of
from genba.twin.process.findings.finding import Finding, spoilt
from genba.twin.process.findings.learned import seen_after, strange
from genba.twin.process.findings.recording import seen_in, seen_in_runs
from genba.twin.process.findings.told import Source, Told
from genba.twin.process.findings.wiring import mistaken

__all__ = [
    "Finding",
    "Source",
    "Told",
    "against",
    "clock_of",
    "mistaken",
    "seen_after",
    "seen_in",
    "seen_in_runs",
    "spoilt",
    "strange",
]
