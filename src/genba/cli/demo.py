"""``genba demo``: the reference plant and Genba on it, for one shift, over the real protocols."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.output import fail, print_table, says_errors

if TYPE_CHECKING:
    from genba.plant import AcceleratedClock

START = "2026-01-05T06:00:00Z"
LEAD_S, MOST_LEAD_S = 25.0, 75.0
"""Wall seconds in which plant and core start before the shift begins: idle, and at most."""
MARK = ".genba-demo"
_DAY_H = 16.0
_LEARN_H = 12.0
_PRESSES = ("press-1-molding", "press-2-molding")


@dataclass(frozen=True, slots=True)
class _Demo:
    """Where one demonstration lives and how it runs."""

    folder: Path
    clock: "AcceleratedClock"
    end: int
    port: int
    seed: int
    embedded_broker: bool
    plain: bool
    environment: dict[str, str]

    @property
    def plant_file(self) -> Path:
        return self.folder / "plant.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"


@says_errors
def demo(
    folder: Annotated[
        Path, typer.Option("--dir", help="Where the demo lives; an earlier demo there is replaced.")
    ] = Path("demo"),
    speed: Annotated[float, typer.Option(help="Plant seconds per second.", min=1, max=600)] = 120,
    hours: Annotated[float, typer.Option(help="Length of the shift.", min=0.1, max=24)] = 8,
    seed: Annotated[int, typer.Option(help="Seed of the reference plant.")] = 1,
    port: Annotated[
        int, typer.Option(help="Port of the API; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    embedded_broker: Annotated[
        bool, typer.Option("--embedded-broker", help="Use amqtt even where there is mosquitto.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Dispatch by earliest due date, without the optimizer.")
    ] = False,
    against: Annotated[
        int,
        typer.Option(help="Seeds to compare with the conventional controller in the end.", min=0),
    ] = 1,
) -> None:
    """Let Genba run the simulated reference plant for one shift, faster than real time."""
    from genba.plant import US, AcceleratedClock, parse_time

    # Whoever stops the demo stops the plant and the core that it started, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    _clear(folder)
    start = parse_time(START)
    lead_s = _lead_s()
    clock = AcceleratedClock(start, speed, round(time.time() + lead_s, 1))
    environment = {**os.environ, "GENBA_CREDENTIALS_DEMO": f"genba:{secrets.token_urlsafe(18)}"}
    end = start + round(hours * 3600 * US)
    run = _Demo(folder, clock, end, port, seed, embedded_broker, plain, environment)
    typer.echo(
        f"A simulated plant, {hours:g} h at {speed:g} times real time: "
        f"about {max(1, round((hours * 3600 / speed + lead_s) / 60))} min. Ctrl-C stops."
    )
    token = _prepare(run)
    with _testbed(run), _core(run) as core:
        _watch(run, core, token)
    _report(run)
    if against:
        _compare(against)


def _lead_s() -> float:
    """Return how long to wait for plant and core: on a busy machine they get a share of it."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(LEAD_S * max(1.0, busy), MOST_LEAD_S)


def _compare(seeds: int) -> None:
    """Live the same day in process under the conventional controller and under Genba."""
    from genba.cli.testbed_compare import arms_named, files, show, show_limits, watched

    many = f"seed{'s 1 to ' if seeds > 1 else ' '}{seeds}"
    typer.echo(
        f"A day of {_DAY_H:g} h in process, {many}, under the plant's own controller and under "
        "Genba (planning, and set-points of the presses); a few minutes:"
    )
    numbers = range(1, seeds + 1)
    testbed, arms = files(None, None), arms_named(["both"])
    runs = watched(testbed, arms, numbers, _DAY_H, _PRESSES, _LEARN_H, quiet=False)
    show(runs, _DAY_H)
    show_limits(testbed[0], runs)
    typer.echo("A seed says little. More of them: genba testbed compare --seeds 1-10")


def _clear(folder: Path) -> None:
    """Make an empty folder; only ever delete one that an earlier demo made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            fail(f"{folder} holds files that no demo made; choose another with --dir")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _prepare(run: _Demo) -> str:
    """Lay out plant files, state folder and identities; return a token for watching."""
    from genba.connect.pki import ensure_identity
    from genba.operate.identity import Identities, PersonRole
    from genba.operate.state import StateFolder
    from genba.testbed import copy_reference

    copy_reference(run.folder)
    if not run.plain:
        _optimize(run.plant_file)
    _move_to_free_ports(run.plant_file)
    state = StateFolder(run.state)
    ensure_identity(state.pki, "genba")
    return Identities(state.secrets).create("demo", PersonRole.ADMIN)


def _optimize(path: Path) -> None:
    """Let the plant be planned by the optimizer."""
    text = path.read_text("utf-8")
    path.write_text(text.replace("optimize: false", "optimize: true"), encoding="utf-8")


def _move_to_free_ports(path: Path) -> None:
    """Let the simulated devices listen elsewhere where a port of theirs is taken."""
    from genba.plant import load_plant
    from genba.testbed.servers.relocate import free_ports, relocate

    plant = load_plant(path)
    ports = free_ports(plant)
    if all(map(_is_free, ports)):
        return
    text = path.read_text("utf-8")
    for old, new in zip(plant.connections, relocate(plant, ports).connections, strict=True):
        text = text.replace(f'"{old.url}"', f'"{new.url}"')
    path.write_text(text, encoding="utf-8")
    typer.echo("Ports of the reference plant are taken; its devices listen on free ones.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _process(run: _Demo, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a ``genba`` command beside us with a log of its own; interrupt it in the end."""
    with (run.folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "genba", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=run.environment,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _testbed(run: _Demo) -> Iterator[None]:
    """Start the reference plant, wait until its devices answer, and trust their certificates."""
    from genba.connect.pki import trust

    runtime = run.folder / "testbed"
    arguments = (
        *("testbed", "run", "--plant", str(run.plant_file)),
        *("--physics", str(run.folder / "physics.yaml"), "--clock", str(run.clock)),
        *("--seed", str(run.seed), "--runtime", str(runtime)),
        *("--trust", str(run.state / "pki" / "own.cert.der")),
        *(("--embedded-broker",) if run.embedded_broker else ()),
    )
    with _process(run, "testbed", *arguments) as process:
        _wait(process, runtime / "ready.json", "the reference plant", run.folder / "testbed.log")
        for certificate in sorted((runtime / "certs").glob("*.der")):
            trust(run.state / "pki", certificate)
        yield


@contextlib.contextmanager
def _core(run: _Demo) -> Iterator[subprocess.Popen[bytes]]:
    from genba.plant import format_time

    arguments = (
        *("run", str(run.plant_file), "--state", str(run.state), "--port", str(run.port)),
        *("--clock", str(run.clock), "--until", format_time(run.end)),
    )
    with _process(run, "genba", *arguments) as process:
        yield process


def _wait(process: subprocess.Popen[bytes], sign: Path, what: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while not sign.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            fail(f"{what} did not start; {log} says:\n" + _tail(log))
        time.sleep(0.1)


def _tail(log: Path, lines: int = 8) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    return "\n".join(line.removeprefix("genba: ") for line in text.splitlines()[-lines:])


def _watch(run: _Demo, core: subprocess.Popen[bytes], token: str) -> None:
    """Show a progress bar and live counts until the shift is over."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    begin, counts = run.clock.start, "starting"
    with Progress(*columns) as progress:
        task = progress.add_task("shift", total=run.end - begin, counts=counts)
        while core.poll() is None:
            counts = _counts(run, token) or counts
            progress.update(
                task,
                completed=min(run.clock.now(), run.end) - begin,
                description=time.strftime("%H:%M", time.gmtime(run.clock.now() // 1_000_000)),
                counts=counts,
            )
            time.sleep(0.5)
        progress.update(task, completed=run.end - begin)
    if core.returncode != 0:
        fail(
            f"genba run ended early; {run.folder / 'genba.log'} says:\n"
            + _tail(run.folder / "genba.log")
        )


def _counts(run: _Demo, token: str) -> str:
    """Fetch live counts; nothing in the first and last seconds, when the API does not answer."""
    import httpx

    log = (run.folder / "genba.log").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"API at (\S+/api/v1)", log)
    if found is None:
        return ""
    try:
        answer = httpx.get(
            f"{found[1]}/health",
            headers={"Authorization": f"Bearer {token}"},
            timeout=2,
            trust_env=False,
        )
        health = answer.json()
        return (
            f"{health['historian']['acknowledged']:,} samples stored, "
            f"{health['guard']['allowed']:,} commands allowed, "
            f"{health['guard']['refused']:,} refused, "
            f"{health['production']['lots_finished']} lots out"
        )
    except (httpx.HTTPError, ValueError, KeyError):
        return ""


def _report(run: _Demo) -> None:
    """Show KPIs from the historian, what the guard did, and the plant's own safety monitor."""
    from genba.assess import kpi_report
    from genba.cli.kpi import show_report
    from genba.historian import Historian
    from genba.plant import load_plant

    plant = load_plant(run.plant_file)
    with Historian.open(run.state / "historian", run.clock, read_only=True) as historian:
        show_report(kpi_report(historian, plant, run.clock.start, run.end, by="equipment"))
        decisions = historian.rows("decisions", run.clock.start, run.end).to_pylist()
        stored = historian.stats()
    ledger: dict[str, Any] = json.loads((run.folder / "testbed" / "ledger.json").read_text("utf-8"))
    print_table("What the guard did", ("kind", "verdict", "count"), _verdicts(decisions))
    print_table(
        "The simulated plant's own safety monitor",
        ("what", "count"),
        sorted(ledger["safety"]["by_kind"].items()) or [("unsafe events", 0)],
    )
    typer.echo(f"Simulated plant, accelerated clock, seed {run.seed}.")
    typer.echo(
        f"{stored['samples']:,} samples in {stored['bytes'] / 1e6:.2f} MB: {run.state}/historian"
    )
    typer.echo(f"Look further: genba kpi {run.plant_file} --by order; genba historian query --help")


def _verdicts(decisions: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    counts: dict[tuple[str, str], int] = {}
    for row in decisions:
        if row["stage"] == "verdict":
            key = (row["kind"], json.loads(row["data"])["decision"])
            counts[key] = counts.get(key, 0) + 1
    return [(kind, decision, count) for (kind, decision), count in sorted(counts.items())]
