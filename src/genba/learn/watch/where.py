"""Where each model is in force, and since when: read off the one history of models."""

from collections.abc import Iterable
from dataclasses import dataclass

from genba.learn.registry.history import Event, What


@dataclass(frozen=True, slots=True)
class Force:
    """A release in force at the core or at a machine; ``since`` is ISO 8601 text.

    ``name`` is that of the model there, ``press-1.anomaly``; empty where the history lacks it.
    """

    model: str
    where: str
    since: str
    address: str
    name: str = ""


def in_force(events: Iterable[Event]) -> tuple[Force, ...]:
    """Return what runs where, by the order in which it began."""
    running: dict[tuple[str, str], Force] = {}
    for event in events:
        address = str(event.data.get("address") or event.data.get("of", ""))
        key = (event.where, address or event.model)
        if event.what is What.STARTED and event.model and address:
            running[key] = Force(
                event.model, event.where, event.time, address, str(event.data.get("name", ""))
            )
        elif event.what in (What.STOPPED, What.ROLLED_BACK):
            running.pop(key, None)
    return tuple(running.values())


def measured_us(events: Iterable[Event], model: str) -> float | None:
    """Return the last p99 of an answer that a machine measured, None where none did."""
    told = [
        float(event.data["p99_us"])
        for event in events
        if event.model == model and event.what is What.RECEIVED and "p99_us" in event.data
    ]
    return told[-1] if told else None
