"""Modbus TCP servers of the testbed: registers laid out as the plant file says."""

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType as Cell
from pymodbus.simulator import SimData, SimDevice

from genba.errors import DeviceError, TestbedError
from genba.plant import Connection, Plant, Scalar, Signal
from genba.testbed.servers.device import Change, Simulation, from_raw, host_and_port, out_of_range
from genba.testbed.servers.device import to_raw as raw_of
from genba.testbed.servers.modbus_words import Place, Table, WordOrder, decode, encode, parse_place

_log = logging.getLogger(__name__)
_TABLE_OF = {1: Table.COIL, 5: Table.COIL, 15: Table.COIL, 2: Table.DISCRETE, 4: Table.INPUT}
_TABLE_OF |= dict.fromkeys((3, 6, 16, 22, 23), Table.HOLDING)


class Unit:
    """One Modbus unit: the memory image of its four tables, and the signals that lie in it."""

    def __init__(
        self, connection: Connection, signals: Sequence[Signal], simulation: Simulation
    ) -> None:
        options = connection.options
        self.number = int(options.get("unit_id", 1))
        self._order: WordOrder = "little" if options.get("word_order") == "little" else "big"
        self._simulation = simulation
        self._places = {s.id: (s, parse_place(s)) for s in signals}
        self._image: dict[Table, dict[int, int]] = {table: {} for table in Table}
        self._misfits: set[str] = set()
        self._lay_out()

    def show(self, signal_id: str, value: Scalar) -> None:
        """Put a value into the memory image."""
        signal, place = self._places[signal_id]
        image = self._image[place.table]
        present = [image[a] for a in range(place.start, place.stop)]
        words, fitted = encode(place, raw_of(signal, value), self._order, present)
        if not fitted and signal_id not in self._misfits:
            self._misfits.add(signal_id)
            _log.warning("%s: %r does not fit %s; the nearest is shown", signal_id, value, place)
        image.update(zip(range(place.start, place.stop), words, strict=True))

    def device(self) -> SimDevice:
        """The unit as pymodbus wants it: addresses without a signal between others read as 0."""
        tables = (Table.COIL, Table.DISCRETE, Table.HOLDING, Table.INPUT)
        return SimDevice(
            id=self.number,
            simdata=tuple(self._block(table) for table in tables),  # type: ignore[arg-type]
            action=self._on_request,
        )

    def _lay_out(self) -> None:
        owners: dict[tuple[Table, int], tuple[str, Place]] = {}
        for signal, place in self._places.values():
            for address in range(place.start, place.stop):
                other, its = owners.setdefault((place.table, address), (signal.id, place))
                bits_apart = its.type != place.type and {its.type[:3], place.type[:3]} == {"bit"}
                if other != signal.id and not bits_apart:
                    raise TestbedError(
                        f"signals {other} and {signal.id} overlap at {place.table}:{address}; "
                        "give each its own addresses in plant.yaml"
                    )
                self._image[place.table][address] = 0
        for signal, _ in self._places.values():
            self.show(signal.id, self._simulation.value(signal.id))

    def _block(self, table: Table) -> list[SimData]:
        image = self._image[table]
        bits = table in (Table.COIL, Table.DISCRETE)
        if not image:
            return [SimData(0, values=[False] * 16, datatype=Cell.BITS) if bits else SimData(0)]
        first, last = min(image), max(image)
        if bits:
            return [SimData(first, values=[False] * (last - first + 1), datatype=Cell.BITS)]
        return [SimData(first, count=last - first + 1, values=0, datatype=Cell.REGISTERS)]

    async def _on_request(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Fill pymodbus's table before a read; hand a write to the machine."""
        table = _TABLE_OF[function]
        if not self._image[table]:
            return ExcCodes.ILLEGAL_ADDRESS
        refusal = None if values is None else self._write(table, address, [int(v) for v in values])
        self._fill(table, start, current)
        return refusal

    def _fill(self, table: Table, start: int, current: list[int]) -> None:
        if table in (Table.HOLDING, Table.INPUT):
            for address, word in self._image[table].items():
                current[address - start] = word
            return
        for address, bit in self._image[table].items():
            index, mask = address // 16 - start, 1 << address % 16
            current[index] = current[index] | mask if bit else current[index] & ~mask

    def _write(self, table: Table, address: int, values: list[int]) -> ExcCodes | None:
        """Decode every signal that the words touch, then write them in the order of addresses."""
        touched = range(address, address + len(values))
        hit = [
            (signal, place)
            for signal, place in self._places.values()
            if place.table is table and place.start < touched.stop and place.stop > touched.start
        ]
        covered = {a for _, place in hit for a in range(place.start, place.stop)}
        if not hit or not covered.issuperset(touched):
            return ExcCodes.ILLEGAL_ADDRESS
        if not all(signal.writable for signal, _ in hit):
            return ExcCodes.ILLEGAL_ADDRESS
        image = self._image[table] | dict(zip(touched, values, strict=True))
        try:
            decoded = [
                (signal, self._decode(signal, place, image))
                for signal, place in sorted(hit, key=lambda pair: pair[1].start)
            ]
        except ValueError:
            return ExcCodes.ILLEGAL_VALUE
        if any(out_of_range(signal, value) for signal, value in decoded):
            return ExcCodes.ILLEGAL_VALUE
        return self._hand_over(decoded)

    def _decode(self, signal: Signal, place: Place, image: dict[int, int]) -> Scalar:
        words = [image[a] for a in range(place.start, place.stop)]
        return from_raw(signal, decode(place, words, self._order))

    def _hand_over(self, decoded: Sequence[tuple[Signal, Scalar]]) -> ExcCodes | None:
        for signal, value in decoded:
            try:
                self._simulation.write(signal.id, value)
            except DeviceError as error:
                _log.info("%s refused %r: %s", signal.id, value, error)
                return ExcCodes.ILLEGAL_VALUE
            self.show(signal.id, value)
        return None


class ModbusServer:
    """One Modbus TCP endpoint with one or more units."""

    def __init__(
        self, plant: Plant, connections: Sequence[Connection], simulation: Simulation
    ) -> None:
        self.url = connections[0].url
        self._units: dict[str, Unit] = {}
        self._server: ModbusTcpServer | None = None
        names = {c.id: c for c in connections}
        self.signals = tuple(s for s in plant.signals.values() if s.connection in names)
        for connection in connections:
            own = [s for s in self.signals if s.connection == connection.id]
            unit = Unit(connection, own, simulation)
            if any(unit.number == other.number for other in self._units.values()):
                raise TestbedError(
                    f"connection {connection.id}: unit {unit.number} at {self.url} is given twice; "
                    "give each connection its own options.unit_id"
                )
            self._units.update(dict.fromkeys((s.id for s in own), unit))

    async def start(self) -> None:
        """Listen."""
        units: list[Any] = [u.device() for u in dict.fromkeys(self._units.values())]
        self._server = ModbusTcpServer(units, address=host_and_port(self.url, 502))
        await self._server.serve_forever(background=True)

    async def push(self, changes: Sequence[Change], now: int) -> None:
        """Put changes into the registers; a client sees them at its next poll."""
        for change in changes:
            self._units[change.signal].show(change.signal, change.value)

    async def stop(self) -> None:
        """Close all links and the port."""
        server, self._server = self._server, None
        if server is not None:
            await server.shutdown()  # type: ignore[no-untyped-call]


def modbus_servers(plant: Plant, simulation: Simulation) -> list[ModbusServer]:
    """One server per host and port; connections that share one are units of it."""
    connections = sorted(
        (c for c in plant.connections if c.driver == "modbus"),
        key=lambda c: host_and_port(c.url, 502),
    )
    return [
        ModbusServer(plant, list(group), simulation)
        for _, group in groupby(connections, key=lambda c: host_and_port(c.url, 502))
    ]
