"""A TCP proxy between Genba and a device, on which networks fail as they do in a plant."""

import asyncio
import contextlib


class TcpProxy:
    """Passes bytes on. Can be cut, can swallow everything without closing, and be whole again.

    Parameters
    ----------
    target : int
        Port of the device on this computer.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False

    async def start(self) -> "TcpProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def refuse(self) -> None:
        """Take no new connection until :meth:`restore`; those that stand are left alone."""
        self._refusing = True

    def cut(self) -> None:
        """Break every connection; new ones are refused until :meth:`restore`."""
        self.refuse()
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def blackhole(self) -> None:
        """Keep connections open, take new ones, and pass nothing on."""
        self._passing.clear()

    @property
    def url(self) -> str:
        """Where an OPC UA server behind it is found."""
        return f"opc.tcp://127.0.0.1:{self.port}"

    def restore(self) -> None:
        """Be whole again; what waited in a blackhole is passed on now, as TCP does."""
        self._refusing = False
        self._passing.set()

    async def stop(self) -> None:
        self.cut()
        self._passing.set()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self._ends.add(writer)
        try:
            await self._passing.wait()
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._ends.add(back_writer)
        for source, sink in ((reader, back_writer), (back_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._passing.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._ends.discard(sink)
