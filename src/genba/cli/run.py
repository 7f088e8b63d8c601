"""``genba run``: the execution loop and the API of one plant."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import fail, says_errors

if TYPE_CHECKING:
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder
    from genba.plant import Clock, Plant

DEFAULT_PORT = 8460


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
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder
    from genba.plant import load_plant, parse_clock, parse_time

    loaded = load_plant(plant)
    plant_clock = parse_clock(clock)
    end = None if until is None else parse_time(until)
    with StateFolder(state or plant.resolve().parent / "state") as held:
        identities = Identities(held.secrets)
        _first_token(identities)
        asyncio.run(_serve(loaded, held, identities, plant_clock, host, port, end, credentials))


def _first_token(identities: "Identities") -> None:
    """Create the admin's token on the first run and show it, once."""
    from genba.operate.identity import PersonRole

    if len(identities) == 0:
        token = identities.create("admin", PersonRole.ADMIN)
        typer.echo("The admin's token, shown only this once. Keep it, and use it like this:")
        typer.echo(f"  export GENBA_TOKEN={token}")


async def _serve(
    plant: "Plant",
    state: "StateFolder",
    identities: "Identities",
    clock: "Clock",
    host: str,
    port: int,
    end: int | None,
    credentials: Path | None,
) -> None:
    from genba.operate.api import create_app
    from genba.operate.api.serve import ApiServer
    from genba.operate.runtime import Core

    core = Core(plant, state, clock, credentials=credentials)
    server = ApiServer(create_app(core, identities), host, port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await core.start()
    running = asyncio.create_task(core.run(), name="core")
    try:
        await server.start()
        name = plant.name or plant.id
        typer.echo(
            f"{name}: {len(plant.signals)} signals, API at {server.url}/api/v1. Ctrl-C stops."
        )
        waits = {running, asyncio.create_task(stop.wait())}
        if end is not None:
            waits.add(asyncio.create_task(clock.sleep_until(end)))
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            running.result()
            fail("the core ended by itself; its log says why")
    finally:
        await server.stop()
        await core.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    typer.echo("Stopped. Everything received is stored.")
