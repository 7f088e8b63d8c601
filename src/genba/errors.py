"""The one tree of errors.

::

    GenbaError                  what a user sees: one or two lines, the thing and the mend
    ├── PlantError              plant.yaml, a unit, an expression or an id is wrong
    │   └── MissingValue        an expression speaks of a signal that has no value now
    ├── DeviceError             a device or its link did not do what was asked
    │   ├── ConnectionLost      the link is down; the driver goes on trying
    │   ├── WrongType           the device holds another type than the plant file says
    │   ├── Untrusted           a certificate or a login was not accepted
    │   └── NoHistory           the device keeps no history
    ├── HistorianError          the store cannot do what was asked
    ├── StateError              the state folder is in use, damaged or of a newer version
    ├── PlanError               a scheduling problem, objective or order list makes no sense
    ├── TwinError               the twin cannot be built, calibrated or asked
    ├── LearnError              data cannot be learned from, or a model cannot be trusted
    ├── ControlError            set-points cannot be chosen as asked
    ├── Refused                 the guard, a role or the API said no
    └── TestbedError            the reference plant's files, or what is asked of it, are wrong

A message names the thing, what is wrong with it, and what to do.
"""


class GenbaError(Exception):
    """Base of every error that Genba raises on purpose."""


class PlantError(GenbaError):
    """A plant file, a unit, an expression or an id is wrong."""


class MissingValue(PlantError):
    """An expression speaks of a signal that has no value now."""


class DeviceError(GenbaError):
    """A device or its link did not do what was asked."""


class ConnectionLost(DeviceError):
    """The link to a device is down; its driver goes on trying."""


class WrongType(DeviceError):
    """A device holds a value of another type than the plant file says."""


class Untrusted(DeviceError):
    """A certificate or a login was not accepted."""


class NoHistory(DeviceError):
    """The device keeps no history of its own."""


class HistorianError(GenbaError):
    """The store cannot do what was asked."""


class StateError(GenbaError):
    """The state folder is in use, damaged, or written by a newer version."""


class PlanError(GenbaError):
    """A scheduling problem, an objective or a list of orders makes no sense."""


class TwinError(GenbaError):
    """The twin cannot be built, calibrated or asked."""


class LearnError(GenbaError):
    """Data cannot be learned from as they are, or a model does not fit or cannot be trusted."""


class ControlError(GenbaError):
    """An objective makes no sense, or set-points cannot be chosen from what is given."""


class Refused(GenbaError):
    """The guard, a role or the API said no."""


class TestbedError(GenbaError):
    """The reference plant's own files are wrong."""

    __test__ = False  # the name begins like a test class; it is none
