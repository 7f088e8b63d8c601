"""Modbus devices for tests: pymodbus's simulator in process, and libmodbus as a foreign one."""

import ctypes
import ctypes.util
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

UNIT = 1


def float_words(value: float) -> list[int]:
    """Two registers, high word first."""
    return list(struct.unpack(">2H", struct.pack(">f", value)))


class Device:
    """A sparse device: what is not listed does not exist. Counts the requests it gets."""

    def __init__(
        self,
        port: int,
        holding: dict[int, list[int]],
        inputs: dict[int, list[int]] | None = None,
        coils: dict[int, list[bool]] | None = None,
        discretes: dict[int, list[bool]] | None = None,
    ) -> None:
        self.port = port
        self.requests: list[ModbusPDU] = []
        self._tables = (
            [
                SimData(number, values=values, datatype=DataType.BITS)
                for number, values in (coils or {0: [False]}).items()
            ],
            [
                SimData(number, values=values, datatype=DataType.BITS)
                for number, values in (discretes or {0: [False]}).items()
            ],
            _registers(holding),
            _registers(inputs or {0: [0]}),
        )
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        self._server = ModbusTcpServer(
            SimDevice(UNIT, simdata=self._tables),
            address=("127.0.0.1", self.port),
            trace_pdu=self._seen,
        )
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()
            self._server = None

    async def set_holding(self, number: int, words: list[int]) -> None:
        assert self._server is not None
        failed = await self._server.async_setValues(UNIT, 16, number, words)
        assert failed is None

    def _seen(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.requests.append(pdu)
        return pdu


@asynccontextmanager
async def running(device: Device) -> AsyncIterator[Device]:
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


def _registers(blocks: dict[int, list[int]]) -> list[SimData]:
    return [
        SimData(number, values=words, datatype=DataType.REGISTERS)
        for number, words in blocks.items()
    ]


class _Mapping(ctypes.Structure):
    _fields_ = (
        ("nb_bits", ctypes.c_int),
        ("start_bits", ctypes.c_int),
        ("nb_input_bits", ctypes.c_int),
        ("start_input_bits", ctypes.c_int),
        ("nb_input_registers", ctypes.c_int),
        ("start_input_registers", ctypes.c_int),
        ("nb_registers", ctypes.c_int),
        ("start_registers", ctypes.c_int),
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16)),
    )


def serve_libmodbus(port: int) -> None:
    """Serve 300 entries of each table with libmodbus, one client after the other, until killed."""
    library = ctypes.CDLL(ctypes.util.find_library("modbus") or "libmodbus.so.5")
    library.modbus_new_tcp.restype = ctypes.c_void_p
    library.modbus_mapping_new.restype = ctypes.POINTER(_Mapping)
    library.modbus_tcp_listen.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.modbus_tcp_accept.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]
    library.modbus_receive.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.modbus_reply.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.POINTER(_Mapping),
    ]
    context = library.modbus_new_tcp(b"127.0.0.1", port)
    mapping = library.modbus_mapping_new(300, 300, 300, 300)
    for number, word in enumerate([*float_words(1234.5), 42]):
        mapping.contents.tab_input_registers[10 + number] = word
    mapping.contents.tab_input_bits[4] = 1
    listening = ctypes.c_int(library.modbus_tcp_listen(context, 1))
    assert listening.value >= 0, f"port {port} is taken"
    print("listening", flush=True)
    request = ctypes.create_string_buffer(260)
    while True:
        library.modbus_tcp_accept(context, ctypes.byref(listening))
        while (length := library.modbus_receive(context, request)) >= 0:
            library.modbus_reply(context, request, length, mapping)


if __name__ == "__main__":
    serve_libmodbus(int(sys.argv[1]))
