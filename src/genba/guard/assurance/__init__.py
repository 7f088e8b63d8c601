"""Runtime assurance: whatever chooses set-points, the process stays where it can be recovered.

Simplex architecture (Sha 2001; ASTM F3269): an advanced controller is let through while a plain
recovery, from wherever its choice may lead, keeps the envelope for ever. That is proved in closed
form for a class of models with a bounded error, at each decision, before it is made.
"""

from genba.guard.assurance.linear_class import Box, LinearClass
from genba.guard.assurance.recovery import Recovery
from genba.guard.assurance.shield import Shield, Shielded
from genba.guard.assurance.simplex import Assured, Simplex, Source, Switch

__all__ = [
    "Assured",
    "Box",
    "LinearClass",
    "Recovery",
    "Shield",
    "Shielded",
    "Simplex",
    "Source",
    "Switch",
]
