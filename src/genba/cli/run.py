"""``genba run``: the execution loop and the API of one plant."""

import asyncio
import logging
import signal
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import fail, says_errors

if TYPE_CHECKING:
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder
    from genba.plant import Clock, Plant

DEFAULT_PORT = 8460


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run is made of. ``end`` in microseconds UTC."""

    plant: "Plant"
    state: "StateFolder"
    clock: "Clock"
    credentials: Path | None
    end: int | None


@says_errors
def run(
    plant: Annotated[Path, typer.Argument(help="The plant file.")] = Path("plant.yaml"),
    state: Annotated[
        Path | None,
        typer.Option(
            help="State folder; default: 'state' beside the plant file.", envvar="GENBA_STATE"
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address of the API. Anything but loopback opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the API.", min=0, max=65535)] = DEFAULT_PORT,
    clock: Annotated[
        str,
        typer.Option(
            help="The plant's clock: 'system', or START*SPEED@WALLTIME for a simulated one."
        ),
    ] = "system",
    until: Annotated[
        str | None, typer.Option(help="Stop by itself at this plant time (ISO 8601).")
    ] = None,
    credentials: Annotated[
        Path | None, typer.Option(help="File with the devices' credentials (mode 0600).")
    ] = None,
) -> None:
    """Run a plant: connect, record, judge, plan, guard, act. Ctrl-C stops cleanly."""
    from genba.operate.api.serve import is_loopback, listen
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder
    from genba.plant import load_plant, parse_clock, parse_time

    _quiet_libraries()
    loaded = load_plant(plant)
    plant_clock = parse_clock(clock)
    end = None if until is None else parse_time(until)
    with StateFolder(state or plant.resolve().parent / "state") as held:
        # Before anything is connected or written: is the port free?
        listener = listen(host, port)
        if not is_loopback(host):
            typer.echo(
                f"genba: the API answers the network at {host}, unencrypted: tokens can be read on "
                "the way. Put a TLS proxy in front of it, or leave --host away.",
                err=True,
            )
        with listener:
            identities = Identities(held.secrets)
            asyncio.run(
                _serve(_Run(loaded, held, plant_clock, credentials, end), identities, listener)
            )


def _quiet_libraries() -> None:
    """Our own warnings go to standard error; those of the protocol libraries go nowhere."""
    logging.basicConfig(format="genba: %(message)s", level=logging.WARNING)
    for name in ("asyncua", "pymodbus", "amqtt", "mqtt", "transitions", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def _serve(run: _Run, identities: "Identities", listener: socket.socket) -> None:
    from genba.operate.api import create_app
    from genba.operate.api.serve import ApiServer
    from genba.operate.runtime import Core

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    core = Core(run.plant, run.state, run.clock, credentials=run.credentials)
    server = ApiServer(create_app(core, identities), listener)
    try:
        await _first(stop.wait(), core.start())
        if not stop.is_set():
            await server.start()
            _first_token(identities)
            _announce(run, server.url)
            over = [] if run.end is None else [run.clock.sleep_until(run.end)]
            await _first(stop.wait(), core.run(), *over)
    finally:
        await server.stop()
        await core.stop()
    _farewell(core.health()["historian"])


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


def _announce(run: _Run, url: str) -> None:
    name = run.plant.name or run.plant.id
    signals = len(run.plant.signals)
    count = "1 signal" if signals == 1 else f"{signals} signals"
    typer.echo(f"{name}: {count}, API at {url}/api/v1. Ctrl-C stops.")


def _farewell(historian: Mapping[str, Any]) -> None:
    lost = historian["unrecorded"] + historian["rejected"]
    typer.echo(f"Stopped. {historian['acknowledged']:,} samples and records are stored.")
    if lost:
        fail(f"{lost:,} were received and could not be stored; the log says why")
