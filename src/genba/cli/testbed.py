"""``genba testbed``: the reference plant, or any other pair of plant and physics files."""

import json as json_text
import logging
import os
import re
import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import emit_json, fail, noun, print_table, says_errors
from genba.cli.seeds import seeds_in
from genba.cli.testbed_compare import compare

if TYPE_CHECKING:
    from genba.plant import Clock, Plant
    from genba.testbed.served import ServedPlant
    from genba.testbed.simulation import PlantSimulation

app = noun("Simulated plants: serve one over its real protocols, or step it in process.")
app.command("compare")(compare)


class Control(StrEnum):
    """Who commands the simulated plant."""

    REMOTE = "remote"
    CONVENTIONAL = "conventional"


PlantOption = Annotated[Path | None, typer.Option(help="Plant file; default: the reference plant.")]
PhysicsOption = Annotated[
    Path | None,
    typer.Option(help="What only the testbed knows; default: physics.yaml beside the plant file."),
]
ScenarioOption = Annotated[
    Path | None, typer.Option(help="Scripted disturbances, beside the random ones.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("run")
@says_errors
def run(
    plant: PlantOption = None,
    physics: PhysicsOption = None,
    clock: Annotated[
        str | None,
        typer.Option(
            help="Clock shared with other processes: START*SPEED@UNIXSECONDS, or 'system'.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Plant seconds per second; default 1.", min=0.01, max=5000)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Plant time of the first second (ISO 8601); default: the first order's."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In place of the seed in the files.")] = None,
    control: Annotated[
        Control,
        typer.Option(
            help="remote: whoever writes commands it, and where heartbeats end the conventional "
            "controller takes over. conventional: that one commands all the time."
        ),
    ] = Control.REMOTE,
    scenario: ScenarioOption = None,
    duration: Annotated[
        str | None, typer.Option(help="Stop after so much plant time: 8h, 30min, 90s.")
    ] = None,
    runtime: Annotated[
        Path,
        typer.Option(help="Folder of the devices: certificates, trust, logins, ledger."),
    ] = Path("testbed"),
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="Certificate of a client that may connect (DER or PEM); repeatable."),
    ] = None,
    embedded_broker: Annotated[
        bool, typer.Option("--embedded-broker", help="Use amqtt even where there is mosquitto.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve a simulated plant over its real protocols. Ctrl-C stops, and writes the ledger.

    RUNTIME/ready.json appears when every device answers; RUNTIME/certs holds the certificates of
    the OPC UA devices; RUNTIME/ledger.json says in the end what really happened.
    """
    import asyncio

    from genba.testbed.served import ServedPlant
    from genba.testbed.servers.identity import trust as trust_certificate
    from genba.testbed.servers.identity import trusted_folder
    from genba.testbed.servers.logins import ensure_logins

    _quiet_libraries()
    loaded, simulation, plant_clock = _build(
        plant, physics, scenario, seed, control is Control.CONVENTIONAL, clock, speed, start
    )
    until = None if duration is None else simulation.now + _microseconds(duration)
    trusted_folder(runtime)
    for certificate in trust or ():
        trust_certificate(runtime, certificate)
    served = ServedPlant(
        loaded,
        simulation,
        plant_clock,
        runtime,
        users=ensure_logins(loaded, runtime),
        history=_with_history(simulation),
        embedded_broker=embedded_broker,
    )
    asyncio.run(_serve(served, until, json, own_clock=clock is None))


@app.command("shift")
@says_errors
def shift(
    plant: PlantOption = None,
    physics: PhysicsOption = None,
    seeds: Annotated[str, typer.Option(help="Seeds: 1-5 or 1,4,7.")] = "1",
    hours: Annotated[float, typer.Option(help="Length in plant hours.", min=0.01)] = 8.0,
    start: Annotated[
        str | None,
        typer.Option(help="Plant time of the first second (ISO 8601); default: the first order's."),
    ] = None,
    scenario: ScenarioOption = None,
    json: JsonOption = False,
) -> None:
    """Step the plant in process under its conventional controller, once per seed.

    Columns: actuators that came to the dock, parts scrapped at any operation, orders delivered in
    full and of these on time, energy of the whole plant, breakdowns of machines, unsafe things that
    the plant's own monitor counted, plant seconds per second. --json prints the whole ledgers.
    """
    numbers = seeds_in(seeds)
    ledgers = [
        _one_shift(plant, physics, scenario, seed, start, hours)
        for seed in _watched(numbers, quiet=json)
    ]
    if json:
        emit_json(ledgers)
        return
    columns = (
        *("seed", "delivered", "scrap", "orders", "on time", "kWh"),
        *("downs", "unsafe", "speed"),
    )
    print_table(
        f"{hours:g} h under the conventional controller (simulated, in process)",
        columns,
        [_row(ledger) for ledger in ledgers],
    )


@app.command("files")
@says_errors
def files(
    folder: Annotated[Path, typer.Argument(help="Where to put plant.yaml and physics.yaml.")],
) -> None:
    """Copy the reference plant's two files, to make another plant of them."""
    from genba.testbed import copy_reference

    existing = [name for name in ("plant.yaml", "physics.yaml") if (folder / name).exists()]
    if existing:
        fail(f"{folder / existing[0]} exists and would be overwritten; choose another folder")
    copy_reference(folder)
    typer.echo(f"{folder}/plant.yaml and {folder}/physics.yaml are yours to change.")
    typer.echo(f"Serve them: genba testbed run --plant {folder}/plant.yaml")


def _build(
    plant: Path | None,
    physics: Path | None,
    scenario: Path | None,
    seed: int | None,
    conventional: bool,
    clock: str | None,
    speed: float | None,
    start: str | None,
) -> "tuple[Plant, PlantSimulation, Clock]":
    from genba.plant import AcceleratedClock, parse_clock, parse_time

    if clock is not None and (speed is not None or start is not None):
        fail(
            "--clock already says where time starts and how fast it runs; leave --speed and --start"
        )
    begin = None if start is None else parse_time(start)
    if clock is not None:
        shared = parse_clock(clock)
        begin = shared.start if isinstance(shared, AcceleratedClock) else shared.now()
        return *_simulation(plant, physics, scenario, seed, begin, conventional), shared
    loaded, simulation = _simulation(plant, physics, scenario, seed, begin, conventional)
    return loaded, simulation, AcceleratedClock(simulation.now, speed or 1.0, time.time())


def _simulation(
    plant: Path | None,
    physics: Path | None,
    scenario: Path | None,
    seed: int | None,
    start: int | None,
    conventional: bool,
) -> "tuple[Plant, PlantSimulation]":
    from genba.testbed import load_scenario, load_testbed, reference_files
    from genba.testbed.simulation import PlantSimulation

    if plant is None:
        plant, shipped = reference_files()
        physics = physics or shipped
    loaded, hidden = load_testbed(plant, physics or plant.parent / "physics.yaml")
    script = None if scenario is None else load_scenario(scenario)
    simulation = PlantSimulation(
        loaded, hidden, seed=seed, start=start, conventional=conventional, scenario=script
    )
    return loaded, simulation


def _with_history(simulation: "PlantSimulation") -> set[str]:
    """Connections whose machine keeps a history of its own, as ``physics.yaml`` says."""
    keeping = {name for name, m in simulation.physics.machines.items() if m.history_h > 0}
    return {s.connection for s in simulation.plant.signals.values() if s.equipment in keeping}


async def _serve(served: "ServedPlant", until: int | None, as_json: bool, own_clock: bool) -> None:
    import asyncio

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ready = served.runtime / "ready.json"
    ready.unlink(missing_ok=True)
    await served.start()
    if own_clock:
        # Starting took its time; nobody else goes by this clock yet.
        served.clock = replace(served.clock, anchor=time.time())  # type: ignore[type-var]
    living = asyncio.create_task(served.run(until), name="plant")
    stopping = asyncio.create_task(stop.wait())
    try:
        _announce(served, ready, as_json)
        done, _ = await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if living in done:
            living.result()
    finally:
        served.halt()
        stopping.cancel()
        await asyncio.gather(living, stopping, return_exceptions=True)
        ready.unlink(missing_ok=True)
        _write_ledger(served)
        await served.stop()
    if not as_json:
        typer.echo(
            f"Stopped at {_clock_text(served.simulation.now)} plant time; {served.samples:,} "
            f"changes shown, at most {served.worst_lag_s:.1f} s behind the clock. "
            f"What really happened: {served.runtime / 'ledger.json'}"
        )


def _announce(served: "ServedPlant", ready: Path, as_json: bool) -> None:
    """Say that every device answers: on the screen, and for other programs in a file."""
    endpoints = [
        {
            "connection": c.id,
            "driver": c.driver,
            "url": c.url,
            "signals": sum(s.connection == c.id for s in served.plant.signals.values()),
        }
        for c in served.plant.connections
    ]
    document = {
        "pid": os.getpid(),
        "clock": str(served.clock),
        "brokers": [broker.kind for broker in served.brokers.values()],
        "endpoints": endpoints,
    }
    partial = ready.with_suffix(".part")
    partial.write_text(json_text.dumps(document, indent=2) + "\n", encoding="utf-8")
    partial.replace(ready)
    if as_json:
        emit_json(document)
        return
    name, speed = served.plant.name or served.plant.id, served.clock.speed
    print_table(
        f"{name}, simulated at {speed:g} times real time",
        ("connection", "driver", "url", "signals"),
        [tuple(endpoint.values()) for endpoint in endpoints],
    )
    for connection in served.unserved:
        typer.echo(f"{connection.id} ({connection.driver}) is not the testbed's to serve.")
    typer.echo(f"Devices' certificates: {served.runtime / 'certs'}")
    typer.echo(f"Clients they trust:    {served.runtime / 'trusted'}")
    typer.echo("Ctrl-C stops and writes the ledger.")


def _write_ledger(served: "ServedPlant") -> None:
    document = {**served.simulation.ledger(), "worst_lag_s": round(served.worst_lag_s, 3)}
    path = served.runtime / "ledger.json"
    path.write_text(json_text.dumps(document, indent=2) + "\n", encoding="utf-8")


def _one_shift(
    plant: Path | None,
    physics: Path | None,
    scenario: Path | None,
    seed: int,
    start: str | None,
    hours: float,
) -> dict[str, Any]:
    from genba.plant import US, parse_time

    begin = None if start is None else parse_time(start)
    _, simulation = _simulation(plant, physics, scenario, seed, begin, conventional=True)
    began = time.perf_counter()
    end = simulation.now + round(hours * 3600 * US)
    while simulation.now + US <= end:
        simulation.advance(min(simulation.now + 600 * US, end))
        simulation.drain()
    wall_s = time.perf_counter() - began
    return {**simulation.ledger(), "times_real_time": round(hours * 3600 / wall_s)}


def _row(ledger: dict[str, Any]) -> tuple[object, ...]:
    machines = ledger["machines"].values()
    orders = ledger["orders"].values()
    complete = [order for order in orders if order["delivered_at"] is not None]
    return (
        ledger["seed"],
        sum(order["delivered"] for order in orders),
        sum(m["scrap"] for m in machines),
        len(complete),
        sum(order["lateness_s"] <= 0 for order in complete),
        round(ledger["energy"]["kwh"]),
        sum(m["breakdowns"] for m in machines),
        ledger["safety"]["total"],
        ledger["times_real_time"],
    )


def _watched(numbers: list[int], quiet: bool) -> Iterable[int]:
    """Go through seeds under a progress bar."""
    if quiet:
        return numbers
    from rich.progress import track

    return track(numbers, description="shifts", transient=True)


def _microseconds(text: str) -> int:
    match = re.fullmatch(r"([0-9.]+)\s*(h|min|s)", text.strip())
    try:
        amount = float(match[1]) if match else 0.0
    except ValueError:
        amount = 0.0
    if match is None or amount <= 0:
        fail(f"'{text}' is no duration; write it like 8h, 30min or 90s")
    return round(amount * {"h": 3600, "min": 60, "s": 1}[match[2]] * 1_000_000)


def _clock_text(when: int) -> str:
    from genba.plant import format_time

    return format_time(when)


def _quiet_libraries() -> None:
    """Our own warnings go to standard error; those of the protocol libraries go nowhere."""
    logging.basicConfig(format="genba: %(message)s", level=logging.WARNING)
    for name in ("asyncua", "pymodbus", "amqtt", "mqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
