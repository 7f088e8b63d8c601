"""What ``genba edge run`` runs, until it is told to stop."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from genba.learn.edge.keys import Trust
    from genba.learn.watch.rules import Rules
    from genba.operate.edge import Edge
    from genba.operate.edge_orders import Orderly
    from genba.operate.state import StateFolder
    from genba.plant import Clock, Plant


@dataclass(frozen=True, slots=True)
class EdgeRun:
    """What one run is made of."""

    plant: "Plant"
    state: "StateFolder"
    clock: "Clock"
    name: str
    trust: "Trust"
    hub: str | None
    hub_credentials: str | None
    ca_file: Path | None
    credentials: Path | None
    trial_answers: int
    pictures: Path | None
    rules: "Rules"
    act: bool


async def serve(run: EdgeRun) -> None:
    """Run a machine until it is told to stop."""
    from genba.operate.edge import Edge
    from genba.operate.memory import settle, unsettle

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    edge = Edge(
        run.plant,
        run.state,
        run.clock,
        run.name,
        run.trust,
        credentials=run.credentials,
        trial_answers=run.trial_answers,
        pictures=run.pictures,
        rules=run.rules,
        act=run.act,
    )
    orders = _orders(run, edge)
    try:
        await edge.start()
        if orders is not None:
            orders.start()
        models = len(edge.node.slots())
        typer.echo(f"{run.name}: {len(edge.plant.signals)} signals, {models} models. Ctrl-C stops.")
        settle()
        await _until(stop, edge.run())
    finally:
        if orders is not None:
            await orders.stop()
        await edge.stop()
        unsettle()
    stored = edge.health()["historian"]["acknowledged"]
    typer.echo(f"Stopped. {stored:,} samples and records are stored.")


def _orders(run: EdgeRun, edge: "Edge") -> "Orderly | None":
    if run.hub is None:
        return None
    from genba.connect.credentials import load
    from genba.operate.edge_orders import Orderly, context_of

    login = load(run.hub_credentials, run.credentials or run.state.secrets / "credentials.yaml")
    options: dict[str, Any] = {} if run.ca_file is None else {"ca_file": str(run.ca_file)}
    context = context_of(run.hub, run.clock, run.state.pki, options, login)
    return Orderly(context, edge.node, run.trust)


async def _until(stop: asyncio.Event, work: Any) -> None:
    running, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    for task in (running, stopping):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
