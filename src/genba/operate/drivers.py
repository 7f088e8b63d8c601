"""Building the driver of every connection of a plant."""

from collections.abc import Callable, Sequence
from pathlib import Path

from genba.connect import credentials as stored_credentials
from genba.connect.driver import Driver, DriverContext
from genba.connect.registry import open_driver
from genba.operate.state import StateFolder
from genba.plant import Clock, ConditionEvent, Gap, Plant, Sample


def open_all(
    plant: Plant,
    state: StateFolder,
    clock: Clock,
    credentials: Path | None,
    *,
    conditions: Callable[[ConditionEvent], None],
    record: Callable[[Sequence[Sample]], None],
    missed: Callable[[Gap], None],
    unfit: Callable[[Sample, str], None],
) -> dict[str, Driver]:
    """Build the driver of every connection of the plant file.

    Parameters
    ----------
    plant, state, clock
        What there is, where its keys lie, and the plant's clock.
    credentials : Path or None
        File with the devices' credentials; None for ``secrets/credentials.yaml`` of the state.
    conditions, record, missed, unfit : callable
        What drivers tell besides values, as :class:`~genba.connect.driver.DriverContext` has it.

    Raises
    ------
    GenbaError
        If a driver is unknown, its options are wrong, or credentials are missing.
    """
    file = credentials or state.secrets / "credentials.yaml"
    drivers = {}
    for connection in plant.connections:
        drivers[connection.id] = open_driver(
            DriverContext(
                connection=connection,
                signals=tuple(s for s in plant.signals.values() if s.connection == connection.id),
                clock=clock,
                pki=state.pki,
                credentials=stored_credentials.load(connection.credentials, file),
                conditions=conditions,
                record=record,
                missed=missed,
                unfit=unfit,
            )
        )
    return drivers
