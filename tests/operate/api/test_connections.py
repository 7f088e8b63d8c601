"""One computer cannot take all connections and keep everybody else out."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from genba.operate.api import connections
from genba.operate.api.serve import ApiServer
from genba.operate.listening import listen

BOUND_S = 10.0


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    app = FastAPI()
    app.state.closing = asyncio.Event()

    @app.get("/")
    async def hello() -> str:
        return "hello"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def messages() -> AsyncIterator[str]:
            yield "first\n"
            await app.state.closing.wait()
            yield "last\n"

        return StreamingResponse(messages())

    found = ApiServer(app, listen("127.0.0.1", 0))
    await found.start()
    yield found
    await found.stop()


async def connect(server: ApiServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = server.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def ended(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(BOUND_S):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


async def test_one_address_has_so_many_connections_and_no_more(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_EACH", 5)
    kept = [await connect(server) for _ in range(5)]
    reader, writer = await connect(server)
    assert await ended(reader)
    for _, one in (*kept, (reader, writer)):
        one.close()
    async with httpx.AsyncClient() as client, asyncio.timeout(BOUND_S):
        while True:
            try:
                assert (await client.get(server.url)).status_code == 200
                return
            except httpx.TransportError:  # the server has not seen yet that they are closed
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost:",
    ],
    ids=["nothing", "half a head", "half a body", "half a second head"],
)
async def test_whoever_does_not_go_on_is_cut_off(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    reader, writer = await connect(server)
    writer.write(said)
    async with asyncio.timeout(BOUND_S):
        try:
            while await reader.read(1000):
                pass
        except ConnectionError:
            pass
    writer.close()


async def test_whoever_waits_for_an_answer_is_not(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.05)
    reader, writer = await connect(server)
    writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(BOUND_S):
        await reader.readuntil(b"first\n")
        other, other_writer = await connect(server)
        assert await ended(other)  # many looks later
        server._app.state.closing.set()
        await reader.readuntil(b"last\n")
    writer.close()
    other_writer.close()
