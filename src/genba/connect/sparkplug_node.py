"""What a Sparkplug B host knows of one edge node: births, aliases, sequence, values, deaths."""

from dataclasses import dataclass, field
from typing import NamedTuple

from genba.connect.sparkplug_payload import Metric, Payload, value_of
from genba.plant import Scalar

Key = tuple[str, str]
"""Device ("" for the node itself) and metric name."""
BD_SEQ = "bdSeq"


class Update(NamedTuple):
    """A value that a metric took, or why it has none. ``time_us``: microseconds UTC, or None."""

    key: Key
    time_us: int | None
    value: Scalar
    problem: str = ""


class Rebirth(Exception):
    """The node must say anew what it holds; the text says why."""


@dataclass(slots=True)
class EdgeNode:
    """Follows the life of an edge node and its devices (Sparkplug 3.0.0, chapters 4 and 5)."""

    alive: bool = False
    devices: set[str] = field(default_factory=set)
    types: dict[Key, int | None] = field(default_factory=dict)
    values: dict[Key, Update] = field(default_factory=dict)
    gaps: int = 0
    _aliases: dict[int, Key] = field(default_factory=dict)
    _seq: int = 0
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
        self._seq = payload.seq or 0
        self._birth = next(
            (m.raw for m in payload.metrics if m.name == BD_SEQ and isinstance(m.raw, int)), None
        )
        return self._born("", payload)

    def device_birth(self, device: str, payload: Payload) -> list[Update]:
        """Take DBIRTH: all that a device holds.

        Raises
        ------
        Rebirth
            If the node was not born, or messages are missing.
        """
        self._follow(payload)
        self.devices.add(device)
        return self._born(device, payload)

    def data(self, device: str, payload: Payload) -> tuple[list[Update], str]:
        """Take NDATA or DDATA; also return why a rebirth is needed, or "".

        Raises
        ------
        Rebirth
            If the node or the device was not born: the message cannot be read.
        """
        missing = ""
        try:
            self._follow(payload)
        except Rebirth as reason:
            if not self.alive:
                raise
            missing = str(reason)
        if device and device not in self.devices:
            raise Rebirth(f"device '{device}' sends data before its birth")
        updates = []
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

    def death_of_device(self, device: str, payload: Payload) -> None:
        """Take DDEATH.

        Raises
        ------
        Rebirth
            If messages are missing.
        """
        self.devices.discard(device)
        for key in [key for key in self.types if key[0] == device]:
            del self.types[key]
            self.values.pop(key, None)
        self._follow(payload)

    def _follow(self, payload: Payload) -> None:
        """Check that no message is missing; ``seq`` counts 0 to 255 over all of a node's."""
        if not self.alive:
            raise Rebirth("data comes before the birth")
        expected = (self._seq + 1) % 256
        got = payload.seq
        self._seq = got if got is not None else expected
        if got != expected:
            self.gaps += 1
            raise Rebirth(f"message {expected} is missing, {got} came")

    def _born(self, device: str, payload: Payload) -> list[Update]:
        updates = []
        for metric in payload.metrics:
            if metric.name is None or metric.name == BD_SEQ:
                continue
            key = (device, metric.name)
            self.types[key] = metric.datatype
            if metric.alias is not None:
                self._aliases[metric.alias] = key
            updates.append(self._update(key, metric, payload))
        return updates

    def _key(self, device: str, metric: Metric) -> Key | None:
        if metric.name is not None:
            return device, metric.name
        return self._aliases.get(metric.alias) if metric.alias is not None else None

    def _update(self, key: Key, metric: Metric, payload: Payload) -> Update:
        time_ms = metric.timestamp_ms if metric.timestamp_ms is not None else payload.timestamp_ms
        time_us = None if time_ms is None else time_ms * 1000
        if metric.is_null:
            update = Update(key, time_us, None)
        else:
            datatype = metric.datatype if metric.datatype is not None else self.types[key]
            try:
                update = Update(key, time_us, value_of(metric.raw, datatype))
            except ValueError as error:
                update = Update(key, time_us, None, str(error))
        if not metric.historical:
            self.values[key] = update
        return update
