"""The Modbus TCP driver: polls registers in blocks, at the plant's clock."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from genba.connect.backoff import LIVE_AGAIN_S, Backoff
from genba.connect.conversion import to_device, to_plant
from genba.connect.driver import DriverContext, Sink
from genba.connect.ending import end_task
from genba.connect.modbus_address import Table, WordOrder, decode, encode, parse_address
from genba.connect.modbus_blocks import Block, Cut, Item, cuts_for, plan_blocks
from genba.connect.options import Options, host_and_port, read_options
from genba.connect.outlet import Outlet, Reading, each_poll
from genba.errors import ConnectionLost, DeviceError, NoHistory, WrongType
from genba.plant import (
    US,
    BrowseEntry,
    GapReason,
    Health,
    Quality,
    Sample,
    Scalar,
    Signal,
)

_LOG = logging.getLogger("genba.connect.modbus")
# What the library logs, the driver raises or notes in its health.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_CODES = {
    1: "does not know this function",
    2: "has no such address",
    3: "does not take this value or length",
    4: "reports a failure of its own",
    5: "is still working on it",
    6: "is busy",
    8: "reports a memory parity error",
    10: "is behind a gateway that finds no path to it",
    11: "does not answer its gateway",
}
_REFUSED_LAYOUT = (2, 3)
_REFUSED = (1, 2, 3)
"""Codes that mean the plant file asks for what the device does not have."""
_SILENCE_S = 0.5
"""Wall seconds without a poll from which on it is told as a gap: an accelerated plant clock makes
periods shorter than the answers take."""


class ModbusOptions(Options):
    """Options of a Modbus connection."""

    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    word_order: WordOrder = "big"
    """Which register of a number of several comes first: the high one (``big``) or the low one."""
    poll_s: Annotated[float, Field(gt=0)] | None = None
    """Shortest poll period in plant seconds; a signal's own is its ``sample_s``."""
    most_gap: Annotated[int, Field(ge=0, le=100)] = 16
    """Unused entries that one read may span to join two signals."""
    timeout_s: Annotated[float, Field(gt=0)] = 3.0
    """Longest wait for an answer, in seconds of the wall clock."""


class ModbusDriver:
    """Reads and writes one unit of a Modbus TCP device.

    Modbus devices have no clock and tell nothing by themselves: the source time of a sample is the
    plant time at which its read was answered. Measurements are delivered at every poll, unless
    they have a deadband; all else on change.
    """

    def __init__(self, context: DriverContext) -> None:
        self._id = context.connection.id
        self._clock = context.clock
        self._options = read_options(context.connection, ModbusOptions)
        _, self._host, self._port = host_and_port(context.connection, {"modbus": 502, "tcp": 502})
        self._items = {s.id: Item(s, parse_address(s)) for s in context.signals}
        self._client: AsyncModbusTcpClient | None = None
        self._outlet = Outlet(context)
        self._backoff = Backoff(self._id, most_s=LIVE_AGAIN_S)
        self._polled: dict[str, Item] = {}
        self._cuts: set[Cut] = set()
        self._task: asyncio.Task[None] | None = None
        self._skipped = 0

    async def connect(self) -> None:
        """Open the link; from then on the driver reconnects by itself.

        Raises
        ------
        ConnectionLost
            If nothing listens there.
        """
        await self._open()
        self._outlet.up()
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"modbus {self._id}")

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Poll ``signals`` at their sample times and deliver to ``sink``, across reconnects."""
        self._outlet.subscribe(signals, sink)
        for signal in signals:
            self._polled[signal.id] = self._item(signal)
        readings = await self._readings([self._item(s) for s in signals])
        self._outlet.deliver(readings, each_poll)

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Read present values from the device, in the order of ``signals``."""
        readings = await self._readings([self._item(s) for s in signals])
        by_id = {reading.signal.id: reading for reading in readings}
        return [self._outlet.sample(by_id[signal.id]) for signal in signals]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Write one value and return when the device has answered that it took it.

        Raises
        ------
        WrongType
            If the value does not fit the registers.
        DeviceError
            If the device refuses it, naming signal, address and reason.
        """
        address = self._item(signal).address
        words = encode(signal, address, to_device(signal, value), self._options.word_order)
        client = self._connected()
        unit, number = self._options.unit_id, address.number
        try:
            if address.table is Table.COIL:
                answer = await client.write_coil(number, bool(words[0]), device_id=unit)
            elif address.code == "bit":
                mask = 1 << address.bit
                answer = await client.mask_write_register(
                    address=number,
                    and_mask=0xFFFF & ~mask,
                    or_mask=mask if words[0] else 0,
                    device_id=unit,
                )
            elif len(words) == 1:
                answer = await client.write_register(number, words[0], device_id=unit)
            else:
                answer = await client.write_registers(number, words, device_id=unit)
        except (ModbusException, OSError) as error:
            raise self._lost(client, error) from None
        if answer.isError():
            raise self._refusal(Item(signal, address), answer.exception_code, "write")

    async def browse(self) -> list[BrowseEntry]:
        """List the addresses of the plant file; a Modbus device cannot say what it holds."""
        readings = {r.signal.id: r for r in await self._readings(list(self._items.values()))}
        return [
            BrowseEntry(
                address=item.address.text,
                name=item.signal.id,
                path=f"{item.address.table.value}/{item.address.number}",
                type=item.signal.type.value,
                writable=item.address.table.writable,
                unit=item.signal.unit,
                value=readings[item.signal.id].value,
            )
            for item in self._items.values()
        ]

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Refuse: a Modbus device keeps no history."""
        raise NoHistory(f"signal '{signal.id}': a Modbus device keeps no history")

    def health(self) -> Health:
        """How the link does; ``error`` also names wrong addresses and polls that were skipped."""
        return self._outlet.health()

    async def close(self) -> None:
        """End the link."""
        task, self._task = self._task, None
        await end_task(task)
        if self._client is not None:
            self._client.close()
            self._client = None
        self._outlet.closed()

    # --- the link ---

    async def _open(self) -> None:
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=self._options.timeout_s,
            retries=1,
            reconnect_delay=0,
            name=self._id,
        )
        if not await client.connect():
            client.close()
            raise ConnectionLost(
                f"connection '{self._id}': nothing answers at {self._host}:{self._port}; "
                "check the address, the cable and whether the device is on"
            )
        self._client = client

    def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise ConnectionLost(
                f"connection '{self._id}': the link to {self._host}:{self._port} is down; "
                "the driver goes on trying"
            )
        return self._client

    def _lost(self, client: AsyncModbusTcpClient, error: Exception) -> ConnectionLost:
        """Drop a link that failed, so that the keeper opens another."""
        client.close()
        lost = ConnectionLost(
            f"connection '{self._id}': {self._host}:{self._port} gave no answer ({error}); "
            "check the unit_id, the cable and whether the device is on"
        )
        # The link stood, so it is the device (or what is behind a gateway) that said nothing.
        self._outlet.down(str(lost), reason=GapReason.DEVICE)
        return lost

    async def _keep(self) -> None:
        """Poll while the link is up, reopen it when it is not."""
        while True:
            try:
                if self._client is None or not self._client.connected:
                    await self._open()
                await self._poll()
            except DeviceError as error:
                self._outlet.down(str(error))
            except Exception as error:  # noqa: BLE001 - a driver that dies loses its machine
                _LOG.error("connection '%s': unexpected", self._id, exc_info=error)
                text = f"unexpected {type(error).__name__}: {error}"
                self._outlet.down(f"connection '{self._id}': {text}")
            await asyncio.sleep(self._backoff.next_s())

    # --- polling ---

    async def _poll(self) -> None:
        due: dict[int, int] = {}  # period -> time of its next poll
        while True:
            now = self._clock.now()
            periods = {self._period(item.signal) for item in self._polled.values()}
            due = {p: due.get(p, (now // p + 1) * p) for p in periods}
            when = min(due.values(), default=now + US)
            await self._clock.sleep_until(when)
            ready = {period for period, time in due.items() if time <= when}
            items = [i for i in self._polled.values() if self._period(i.signal) in ready]
            readings = await self._readings(items)
            self._backoff.reset()
            self._outlet.deliver(readings, each_poll)
            for period in ready:
                of = [i.signal for i in items if self._period(i.signal) == period]
                due[period] = self._next(due[period], period, of)

    def _next(self, last: int, period: int, signals: Sequence[Signal]) -> int:
        """The next poll that is not over yet; those between are skipped, counted and told."""
        missed = max(0, (self._clock.now() - last) // period)
        if missed:
            self._skipped += missed
            text = f"{self._skipped} polls skipped: the answers before them came too late"
            self._outlet.fault("skipped polls", text)
            if missed * period >= _SILENCE_S * US * self._clock.speed:
                text = f"{missed} polls skipped: an answer came too late"
                self._outlet.lost(signals, GapReason.DEVICE, text, mark=False)
        return last + (missed + 1) * period

    def _period(self, signal: Signal) -> int:
        return int(max(signal.sample_s, self._options.poll_s or 0.0) * US)

    async def _readings(self, items: Iterable[Item]) -> list[Reading]:
        """Read ``items`` from the device; an item that cannot be read comes as bad.

        Raises
        ------
        ConnectionLost
            If the device does not answer.
        """
        pending = plan_blocks(items, self._options.most_gap, self._cuts)
        readings: list[Reading] = []
        while pending:
            block = pending.pop(0)
            result = await self._read_block(block)
            when = self._clock.now()
            if isinstance(result, set):
                self._cuts |= result
                pending = plan_blocks(block.items, self._options.most_gap, self._cuts) + pending
            else:
                readings += [self._reading(item, block, result, when) for item in block.items]
        self._outlet.up()
        return readings

    async def _read_block(self, block: Block) -> list[int] | int | set[Cut]:
        """Return the block's entries, or the exception code, or where to divide the block."""
        client = self._connected()
        read = {
            Table.COIL: client.read_coils,
            Table.DISCRETE: client.read_discrete_inputs,
            Table.INPUT: client.read_input_registers,
            Table.HOLDING: client.read_holding_registers,
        }[block.table]
        try:
            answer = await read(block.start, count=block.count, device_id=self._options.unit_id)
        except (ModbusException, OSError) as error:
            raise self._lost(client, error) from None
        if not answer.isError():
            words = [int(bit) for bit in answer.bits] if block.table.bits else answer.registers
            if len(words) >= block.count:
                return list(words)
            return 3
        if answer.exception_code in _REFUSED_LAYOUT and (cuts := cuts_for(block) - self._cuts):
            return cuts
        return int(answer.exception_code)

    def _reading(self, item: Item, block: Block, result: list[int] | int, when: int) -> Reading:
        signal, address = item.signal, item.address
        try:
            if isinstance(result, int):
                refusal = self._refusal(item, result, "read")
                reason = GapReason.REFUSED if result in _REFUSED else GapReason.DEVICE
                self._outlet.lost([signal], reason, str(refusal), mark=False)
                raise refusal
        except DeviceError as error:
            self._outlet.fault(signal.id, str(error))
            return Reading(signal, when, None, Quality.BAD)
        offset = address.number - block.start
        return self._value(item, result[offset : offset + address.count], when)

    def _value(self, item: Item, words: list[int], when: int) -> Reading:
        signal, address = item.signal, item.address
        raw: Any = words
        try:
            raw = decode(address, words, self._options.word_order)
            value, quality = to_plant(signal, raw)
            if quality is Quality.BAD:
                raise WrongType(f"signal '{signal.id}': '{address.text}' holds no finite number")
        except DeviceError as error:
            self._outlet.fault(signal.id, str(error))
            self._outlet.unfit(signal, when, raw, str(error))
            return Reading(signal, when, None, Quality.BAD)
        self._outlet.fault(signal.id, "")
        return Reading(signal, when, value, quality)

    def _refusal(self, item: Item, code: int, verb: str) -> DeviceError:
        return DeviceError(
            f"signal '{item.signal.id}': cannot {verb} '{item.address.text}': the device "
            f"{_CODES.get(code, 'answers with an unknown error')} (Modbus exception {code})"
            + ("; check the address against the device's register list" if code == 2 else "")
        )

    def _item(self, signal: Signal) -> Item:
        known = self._items.get(signal.id)
        if known is not None and known.signal.address == signal.address:
            return known
        return Item(signal, parse_address(signal))
