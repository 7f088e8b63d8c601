"""Live values over a real socket: one message per tick, and an end when Genba stops."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import HTTPException
from tests.operate.api.running_plant import RunningPlant, running_plant

from genba.errors import GenbaError
from genba.operate.api.serve import ApiServer
from genba.operate.api.streams import MOST_EACH, Streams
from genba.operate.listening import is_loopback, listen
from genba.operate.people import Identity, Kind, PersonRole
from genba.plant import parse_time

BOUND_S = 10.0


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[RunningPlant, ApiServer]]:
    async with running_plant(folder) as plant:
        server = ApiServer(plant.app, listen("127.0.0.1", 0))
        await server.start()
        try:
            yield plant, server
        finally:
            async with asyncio.timeout(BOUND_S):
                await server.stop()


@asynccontextmanager
async def listening(
    plant: RunningPlant, server: ApiServer, query: str = ""
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"Authorization": f"Bearer {plant.tokens['viewer']}"}
    url = f"{server.url}/api/v1/live/stream{query}"
    async with (
        httpx.AsyncClient(headers=headers, timeout=BOUND_S) as client,
        client.stream("GET", url) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield messages(answer)


async def messages(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """Read server-sent events as the HTML standard says (9.2.6)."""
    event: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            field, _, value = line.partition(": ")
            assert field not in event
            event[field] = value
        elif event:
            assert event.keys() == {"event", "id", "data"}
            body = json.loads(event["data"])
            assert parse_time(body["time"]) == int(event["id"])
            assert body.keys() == {"time", {"tick": "values", "alarms": "alarms"}[event["event"]]}
            if event["event"] == "tick":
                yield body
            event = {}


async def test_one_message_per_tick_with_all_that_changed(tmp_path: Path) -> None:
    async with served(tmp_path) as (plant, server), listening(plant, server) as told:
        known: dict[str, Any] = {}
        times = []
        first = await anext(told)
        known |= {value["signal"]: value["value"] for value in first["values"]}
        for _ in range(60):
            await plant.live(5)
            message = await anext(told)
            names = [value["signal"] for value in message["values"]]
            assert len(names) == len(set(names))
            known |= {value["signal"]: value["value"] for value in message["values"]}
            times.append(message["time"])
        assert times == sorted(set(times))
        live = {value["signal"]: value["value"] for value in await plant.ask("/live")}
        assert known == live
        assert len(known) > 300


async def test_only_the_signals_that_were_asked_for(tmp_path: Path) -> None:
    query = "?signal=press-1.power&signal=mill-1.power"
    async with served(tmp_path) as (plant, server), listening(plant, server, query) as told:
        seen = set()
        for _ in range(10):
            await plant.live(5)
            seen |= {value["signal"] for value in (await anext(told))["values"]}
        assert seen == {"press-1.power", "mill-1.power"}


async def test_whoever_is_slow_gets_fewer_and_newer_messages(tmp_path: Path) -> None:
    """Nobody who reads slowly holds the loop up, or makes it keep what is old."""
    async with served(tmp_path) as (plant, server), listening(plant, server) as told:
        await anext(told)
        await plant.live(3600)
        newest = {value["signal"]: value["time"] for value in await plant.ask("/live")}
        received = 0
        async with asyncio.timeout(BOUND_S):
            async for message in told:
                received += 1
                for value in message["values"]:
                    if newest.get(value["signal"]) == value["time"]:
                        del newest[value["signal"]]
                if not newest:
                    break
        assert received < 3600 / 5


async def test_streams_end_cleanly_when_genba_stops(tmp_path: Path) -> None:
    async with served(tmp_path) as (plant, server):
        async with listening(plant, server) as one, listening(plant, server) as other:
            await anext(one)
            await anext(other)
            assert len(plant.app.state.streams) == 2
            async with asyncio.timeout(BOUND_S):
                await server.stop()
                assert [message async for message in one] == []
                assert [message async for message in other] == []
        assert len(plant.app.state.streams) == 0
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient() as client:
                await client.get(server.url)


async def test_a_stream_that_is_left_costs_nothing(tmp_path: Path, eventually: Any) -> None:
    async with served(tmp_path) as (plant, server):
        async with listening(plant, server) as told:
            await anext(told)
        await plant.live(5)
        await eventually(
            lambda: len(plant.app.state.streams) == 0, BOUND_S, "the end of the stream"
        )
        waiting = [t for t in asyncio.all_tasks() if "changed_since" in repr(t.get_stack())]
        assert waiting == []


async def test_one_identity_cannot_take_all_streams(tmp_path: Path, eventually: Any) -> None:
    async with served(tmp_path) as (plant, server):
        url = f"{server.url}/api/v1/live/stream"
        headers = {"Authorization": f"Bearer {plant.tokens['viewer']}"}
        more = {"Authorization": f"Bearer {plant.tokens['engineer']}"}

        async def ask(client: httpx.AsyncClient, who: dict[str, str]) -> httpx.Response:
            return await client.send(client.build_request("GET", url, headers=who), stream=True)

        async with httpx.AsyncClient(timeout=BOUND_S) as client:
            asked = await asyncio.gather(*(ask(client, headers) for _ in range(MOST_EACH + 5)))
            codes = [answer.status_code for answer in asked]
            assert (codes.count(200), codes.count(429)) == (MOST_EACH, 5)
            (told,) = {await a.aread() for a in asked if a.status_code == 429}
            assert json.loads(told)["detail"] == "viewer has 10 streams open; close some first"
            other = await ask(client, more)
            assert other.status_code == 200
            for answer in (*asked, other):
                await answer.aclose()
        await plant.live(5)
        await eventually(lambda: len(plant.app.state.streams) == 0, BOUND_S, "the end of them")


def test_all_streams_together_are_bounded() -> None:
    streams = Streams(most=2, most_each=2)
    ana, board = (Identity(n, n, PersonRole.VIEWER, Kind.PERSON) for n in ("ana", "board"))
    with streams.one(ana), streams.one(board):
        with pytest.raises(HTTPException) as told, streams.one(ana):
            pass
        assert (told.value.status_code, len(streams)) == (503, 2)
    assert len(streams) == 0


@pytest.mark.parametrize("how", ["log out", "disable", "new password", "revoke"])
async def test_a_stream_ends_with_its_session_or_token(tmp_path: Path, how: str) -> None:
    async with served(tmp_path) as (plant, server):
        identities = plant.app.state.identities
        identities.add_user("ana", PersonRole.VIEWER, "a horse in the rain 7")
        plant.tokens["viewer"], session = identities.log_in("ana", "a horse in the rain 7", "here")
        if how == "revoke":
            plant.tokens["viewer"] = identities.create("board", PersonRole.VIEWER)
        async with listening(plant, server) as told:
            await anext(told)
            await plant.live(5)
            await anext(told)
            match how:
                case "log out":
                    identities.sessions.end(session.id, "ana")
                case "disable":
                    identities.change_user("ana", enabled=False)
                case "new password":
                    identities.change_user("ana", password="another horse, dry")
                case "revoke":
                    identities.revoke("board")
            await plant.live(5)
            async with asyncio.timeout(BOUND_S):
                assert [message async for message in told] == []


async def test_questions_under_way_are_answered_when_genba_stops(
    tmp_path: Path, eventually: Any
) -> None:
    async with served(tmp_path) as (plant, server):
        await plant.live(3600)
        headers = {"Authorization": f"Bearer {plant.tokens['viewer']}"}
        async with httpx.AsyncClient(headers=headers, timeout=BOUND_S) as client:
            url = f"{server.url}/api/v1/kpis?from=2026-01-05T06:00:00Z"
            asking = asyncio.create_task(client.get(url))
            readers = plant.app.state.readers
            await eventually(lambda: readers.borrowed_tokens, BOUND_S, "the question")
            await server.stop()
            assert (await asking).status_code == 200


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", "stop what uses that port or choose another with --port"),
        ("192.0.2.1", "give one of this computer's addresses with --host"),
        ("no.such.host.invalid", "give one of this computer's addresses with --host"),
    ],
)
def test_where_nobody_can_listen(host: str, said: str) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(GenbaError, match=f"the API cannot listen on {host}:{port}: .*; {said}"):
            listen(host, port)


def test_loopback_is_told_from_the_network() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.4", "plant.example")))
