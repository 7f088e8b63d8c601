"""The reference plant: simulated devices that stand in for steel and oil, and for nothing else.

:func:`load_testbed` reads the two files of a plant, :class:`PlantSimulation` lets it live, and
:class:`InProcessDriver` shows it to the operating system without a network.
"""

from genba.testbed.files import copy_reference, load_scenario, load_testbed, reference_files
from genba.testbed.in_process import InProcessDriver
from genba.testbed.physics_file import Physics, Scenario
from genba.testbed.simulation import PlantSimulation

__all__ = [
    "InProcessDriver",
    "Physics",
    "PlantSimulation",
    "Scenario",
    "copy_reference",
    "load_scenario",
    "load_testbed",
    "reference_files",
]
