"""Drivers: each turns the words of a device into the plant's, and back."""

from genba.connect.driver import Credentials, Driver, DriverContext, Sink
from genba.connect.options import Options, read_options
from genba.connect.registry import check_options, known_drivers, open_driver

__all__ = [
    "Credentials",
    "Driver",
    "DriverContext",
    "Options",
    "Sink",
    "check_options",
    "known_drivers",
    "open_driver",
    "read_options",
]
