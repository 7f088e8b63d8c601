"""The plant as a machine's own process sees it: with one more signal, for what its models find."""

from genba.plant import DataType, Equipment, Plant, Signal, SignalKind

CONNECTION = "genba-edge"
"""Stands for this process itself: no driver is opened for it."""
FOUND = "model_findings"


def with_findings(plant: Plant) -> Plant:
    """Add to each piece of equipment with signals one for findings, ``<equipment>.model_findings``.

    It is recorded and passed on like any other, so that a finding reaches the hub by the same way,
    as often and as late as a measurement: once, and after an outage with the time that it had.
    """
    equipment = tuple(
        one if not one.signals else _with(one) for one in plant.equipment
    )  # a fresh plant, for the old one has its signals cached
    values = {name: getattr(plant, name) for name in Plant.model_fields}
    return Plant(**{**values, "equipment": equipment})


def signal_of(equipment: str) -> str:
    """Return the id of the signal that tells what models found at some equipment."""
    return f"{equipment}.{FOUND}"


def _with(equipment: Equipment) -> Equipment:
    signal = Signal(
        id=signal_of(equipment.id),
        equipment=equipment.id,
        connection=CONNECTION,
        address=FOUND,
        kind=SignalKind.EVENT,
        type=DataType.JSON,
        name="What models found",
    )
    return equipment.model_copy(update={"signals": (*equipment.signals, signal)})
