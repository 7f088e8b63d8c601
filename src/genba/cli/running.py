"""What `genba run` runs: the core and its API, until they are told to stop."""

import asyncio
import signal
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from genba.cli.acting import by_whom
from genba.cli.output import fail

if TYPE_CHECKING:
    from genba.operate.api.certificate import Tls
    from genba.operate.api.serve import ApiServer
    from genba.operate.identity import Identities
    from genba.operate.runtime import Core
    from genba.operate.state import StateFolder
    from genba.plant import Clock, Plant


@dataclass(frozen=True, slots=True)
class Run:
    """What one run is made of. ``end`` in microseconds UTC."""

    plant: "Plant"
    state: "StateFolder"
    clock: "Clock"
    credentials: Path | None
    end: int | None
    tls: "Tls | None"
    proxy: str | None


async def serve(run: Run, identities: "Identities", listener: socket.socket) -> None:
    """Run a plant and its API until it is told to stop, or its time is over."""
    from genba.operate.memory import settle, unsettle
    from genba.operate.runtime import Core

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    core = Core(run.plant, run.state, run.clock, credentials=run.credentials)
    server: ApiServer | None = None
    try:
        await _first(stop.wait(), core.start())
        if not stop.is_set():
            # Recording comes first: the API takes as long to load as all the rest.
            server = await asyncio.to_thread(_api, run, core, identities, listener)
            await server.start()
            _first_token(identities)
            _announce(run, server.url)
            core.audit.record("genba", "", "start", run.plant.id, origin=by_whom())
            settle()
            over = [] if run.end is None else [run.clock.sleep_until(run.end)]
            await _first(stop.wait(), core.run(), *over)
    finally:
        if server is not None:
            await server.stop()
        core.audit.record("genba", "", "stop", run.plant.id, origin=by_whom())
        await core.stop()
        unsettle()
    _farewell(core.health()["historian"])


def _api(run: Run, core: "Core", identities: "Identities", listener: socket.socket) -> "ApiServer":
    from genba.operate.api.app import create_app
    from genba.operate.api.serve import ApiServer

    return ApiServer(create_app(core, identities), listener, run.tls, run.proxy)


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Work until the first of several is over, and leave the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _first_token(identities: "Identities") -> None:
    """Create the admin's token on the first run and show it, once."""
    from genba.operate.identity import PersonRole

    if len(identities) == 0:
        token = identities.create("admin", PersonRole.ADMIN)
        typer.echo("The admin's token, shown only this once. Keep it, and use it like this:")
        typer.echo(f"  export GENBA_TOKEN={token}")


def _announce(run: Run, url: str) -> None:
    name = run.plant.name or run.plant.id
    signals = len(run.plant.signals)
    count = "1 signal" if signals == 1 else f"{signals} signals"
    typer.echo(f"{name}: {count}, API at {url}/api/v1. Ctrl-C stops.")
    if run.tls is not None and run.tls.own:
        typer.echo(f"Its certificate is Genba's own (SHA-256 {run.tls.fingerprint()}).")
        typer.echo(f"  export GENBA_CA={run.tls.certificate}")


def _farewell(historian: Mapping[str, Any]) -> None:
    lost = historian["unrecorded"] + historian["rejected"]
    typer.echo(f"Stopped. {historian['acknowledged']:,} samples and records are stored.")
    if lost:
        fail(f"{lost:,} were received and could not be stored; the log says why")
