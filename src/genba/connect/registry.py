"""Which drivers there are: the built-in ones, and those that other packages register.

A package adds a driver with an entry point of the group ``genba.drivers``::

    [project.entry-points."genba.drivers"]
    acme = "acme_genba.driver:AcmeDriver"

The object is a class, or any callable, that takes a :class:`~genba.connect.driver.DriverContext`
and returns a :class:`~genba.connect.driver.Driver`. Modules are imported when a plant uses them.
"""

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from genba.connect.driver import Driver, DriverContext
from genba.errors import GenbaError, PlantError
from genba.plant import Connection, Problem, SystemClock, Weight

BUILT_IN = {
    "opcua": "genba.connect.opcua:OpcUaDriver",
    "modbus": "genba.connect.modbus:ModbusDriver",
    "vda5050": "genba.connect.vda5050:Vda5050Driver",
    "sparkplug": "genba.connect.sparkplug:SparkplugDriver",
    "replay": "genba.connect.replay:ReplayDriver",
}
GROUP = "genba.drivers"

DriverFactory = Callable[[DriverContext], Driver]


def known_drivers() -> dict[str, str]:
    """Return name and ``module:attribute`` of every driver; a built-in name is not replaced."""
    registered = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**registered, **BUILT_IN}


def open_driver(context: DriverContext) -> Driver:
    """Build the driver of a connection. It is not connected yet.

    Raises
    ------
    PlantError
        If the driver's name is unknown, its package cannot be imported, or its options are wrong.
    """
    connection = context.connection
    known = known_drivers()
    if connection.driver not in known:
        raise PlantError(
            f"connection {connection.id}: there is no driver '{connection.driver}'; "
            f"choose one of {', '.join(sorted(known))}, or install the package that brings it"
        )
    return _factory(connection.driver, known[connection.driver])(context)


def check_options(connection: Connection) -> list[Problem]:
    """Find what is wrong with a connection's url and options, without reaching the device.

    A driver that has a function ``check_options(connection) -> list[Problem]`` tells all of it;
    any other is built, which checks them too, and tells the first. ``path`` begins at the
    connection. An unknown driver has no problems here.
    """
    known = known_drivers()
    if connection.driver not in known:
        return []
    try:
        factory = _factory(connection.driver, known[connection.driver])
        own = getattr(factory, "check_options", None)
        if own is not None:
            return list(own(connection))
        factory(DriverContext(connection, (), SystemClock(), Path("pki")))
    except GenbaError as error:
        text, _, mend = str(error).removeprefix(f"connection '{connection.id}': ").partition("; ")
        where = f"connections[{connection.id}]"
        return [Problem(Weight.ERROR, where, text, mend or "correct it", ("options",))]
    return []


def _factory(name: str, reference: str) -> DriverFactory:
    module, _, attribute = reference.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise PlantError(
            f"driver '{name}' ({reference}) cannot be loaded: {error}; reinstall its package"
        ) from error
    return cast("DriverFactory", found)
