"""What a Sparkplug B host knows of one edge node: births, aliases, values, deaths."""

from dataclasses import dataclass, field
from typing import NamedTuple

from genba.connect.sparkplug_order import Rebirth
from genba.connect.sparkplug_payload import Metric, Payload, value_of
from genba.plant import Quality, Scalar

Key = tuple[str, str]
"""Device ("" for the node itself) and metric name."""
BD_SEQ = "bdSeq"


class Update(NamedTuple):
    """A value that a metric took, or why it has none. ``time_us``: microseconds UTC, or None."""

    key: Key
    time_us: int | None
    value: Scalar
    problem: str = ""
    quality: Quality = Quality.GOOD
    historical: bool = False
    """Whether the node kept it while it was offline: it was so then, and is not so now."""


@dataclass(slots=True)
class EdgeNode:
    """Follows the life of an edge node and its devices (Sparkplug 3.0.0, chapters 4 and 5).

    Messages are given to it in order. An alias belongs to the birth that named it: the next birth
    of the same node or device may give it to another metric.
    """

    alive: bool = False
    devices: set[str] = field(default_factory=set)
    types: dict[Key, int | None] = field(default_factory=dict)
    values: dict[Key, Update] = field(default_factory=dict)
    _aliases: dict[tuple[str, int], str] = field(default_factory=dict)
    _birth: int | None = None

    def forget(self) -> None:
        """Know nothing any more, because the link was lost."""
        self.alive = False
        self.devices.clear()
        self.types.clear()
        self.values.clear()
        self._aliases.clear()

    def node_birth(self, payload: Payload) -> list[Update]:
        """Take NBIRTH: all that the node holds; its devices are to be born after it."""
        self.forget()
        self.alive = True
        self._birth = next(
            (m.raw for m in payload.metrics if m.name == BD_SEQ and isinstance(m.raw, int)), None
        )
        return self._born("", payload)

    def device_birth(self, device: str, payload: Payload) -> list[Update]:
        """Take DBIRTH: all that a device holds, and nothing that it held before."""
        self._forget_device(device)
        self.devices.add(device)
        return self._born(device, payload)

    def data(self, device: str, payload: Payload) -> tuple[list[Update], str]:
        """Take NDATA or DDATA; also return why a rebirth is needed, or "".

        Raises
        ------
        Rebirth
            If the device was not born: the message cannot be read.
        """
        if device and device not in self.devices:
            raise Rebirth(f"device '{device}' sends data before its birth")
        updates, missing = [], ""
        for metric in payload.metrics:
            key = self._key(device, metric)
            if key is None or key not in self.types:
                missing = missing or f"metric {metric.name or metric.alias} is not in the birth"
                continue
            updates.append(self._update(key, metric, payload))
        return updates, missing

    def death_of_node(self, payload: Payload) -> bool:
        """Take NDEATH; False if it belongs to an earlier life of the node."""
        numbers = [m.raw for m in payload.metrics if m.name == BD_SEQ]
        if self._birth is not None and numbers and numbers[0] != self._birth:
            return False
        self.forget()
        return True

    def death_of_device(self, device: str) -> None:
        """Take DDEATH."""
        self._forget_device(device)

    def _forget_device(self, device: str) -> None:
        self.devices.discard(device)
        for key in [key for key in self.types if key[0] == device]:
            del self.types[key]
            self.values.pop(key, None)
        for owner in [owner for owner in self._aliases if owner[0] == device]:
            del self._aliases[owner]

    def _born(self, device: str, payload: Payload) -> list[Update]:
        updates = []
        for metric in payload.metrics:
            if metric.name is None or metric.name == BD_SEQ:
                continue
            key = (device, metric.name)
            self.types[key] = metric.datatype
            if metric.alias is not None:
                self._aliases[device, metric.alias] = metric.name
            updates.append(self._update(key, metric, payload))
        return updates

    def _key(self, device: str, metric: Metric) -> Key | None:
        name = metric.name
        if name is None and metric.alias is not None:
            name = self._aliases.get((device, metric.alias))
        return None if name is None else (device, name)

    def _update(self, key: Key, metric: Metric, payload: Payload) -> Update:
        time_ms = metric.timestamp_ms if metric.timestamp_ms is not None else payload.timestamp_ms
        time_us = None if time_ms is None else time_ms * 1000 + metric.micros
        value: Scalar = None
        problem = ""
        if not metric.is_null:
            datatype = metric.datatype if metric.datatype is not None else self.types[key]
            try:
                value = value_of(metric.raw, datatype)
            except ValueError as error:
                problem = str(error)
        update = Update(key, time_us, value, problem, metric.quality, metric.historical)
        if not metric.historical:
            self.values[key] = update
        return update
