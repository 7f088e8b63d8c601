"""``genba control``: set-points by looking ahead in what was learned of a process."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from genba.cli import control_runs as by_run
from genba.cli.client import HERE, JsonOption, TokenOption, UrlOption, fetch, send
from genba.cli.output import emit_json, noun, print_table, says_errors
from genba.cli.twin_learn import (
    PROCESSES,
    Json,
    PlantFile,
    ProcessArgument,
    StateOption,
    state_and_key,
)

if TYPE_CHECKING:
    from genba.control.advice import Advice

app = noun("Choose set-points by looking ahead in what was learned of a process.")

_ROWS = 120


@app.command("advise")
@says_errors
def advise(
    process: ProcessArgument,
    plant: PlantFile = Path("plant.yaml"),
    state: StateOption = None,
    rows: Annotated[int, typer.Option(min=5, help="Recent steps that are followed first.")] = _ROWS,
    json: Json = False,
) -> None:
    """Say what to set now and what is expected of it. Nothing is written to any device."""
    from dataclasses import asdict

    from genba.cli.moments import moment
    from genba.control.advice import advise as advise_on
    from genba.control.advice import newest
    from genba.control.bound import bound
    from genba.control.learned import kept_world, with_networks
    from genba.control.recorded import episodes_of
    from genba.historian import Historian
    from genba.plant import US, SystemClock, load_plant
    from genba.twin.process import Clock

    loaded = load_plant(plant)
    joined = bound(loaded, process)
    folder, key = state_and_key(plant, state)
    if joined.physics.clock is Clock.RUN:
        by_run.advise(loaded, joined, folder, folder / PROCESSES, key, json)
        return
    world, seen = kept_world(joined, folder / PROCESSES, key)
    joined = with_networks(joined, world)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        last = moment(historian, "now")
        first = last - round(rows * joined.process.step_s * US)
        recent = newest(episodes_of(historian, joined, first, last), rows)
    found = advise_on(joined, world.belief, recent, seen, last)
    if json:
        emit_json(asdict(found))
    else:
        _show(process, found)


ControlledArgument = Annotated[
    str, typer.Argument(help="The process, or a machine that has one process alone.")
]


@app.command("run")
@says_errors
def run(process: ControlledArgument, url: UrlOption = HERE, token: TokenOption = "") -> None:
    """Switch control of a process on in the running core, at the level of the plant file."""
    told = send(url, token, "POST", f"/control/{quote(process, safe='')}/run")
    typer.echo(f"control of {told['process']} is on, at the level {told['level']}. {_who(told)}")


@app.command("stop")
@says_errors
def stop(process: ControlledArgument, url: UrlOption = HERE, token: TokenOption = "") -> None:
    """Switch control of a process off; its own set-points come back step by step."""
    told = send(url, token, "POST", f"/control/{quote(process, safe='')}/stop")
    typer.echo(f"control of {told['process']} is off. {_who(told)}")


@app.command("experiment")
@says_errors
def experiment(
    process: ControlledArgument,
    steps: Annotated[int, typer.Option(min=2, max=1000, help="Steps of the process.")] = 40,
    url: UrlOption = HERE,
    token: TokenOption = "",
) -> None:
    """Let the running core move set-points a little in order to learn, where that is allowed."""
    path = f"/control/{quote(process, safe='')}/experiment"
    told = send(url, token, "POST", path, {"steps": steps})
    typer.echo(
        f"an experiment of {steps} steps on {told['process']} is asked for; `genba control status` "
        "says how it goes"
    )


@app.command("status")
@says_errors
def status(url: UrlOption = HERE, token: TokenOption = "", json: JsonOption = False) -> None:
    """Show who drives each process, since when and why, what was expected and what came."""
    found = fetch(url, token, "/control")
    if json:
        emit_json(found)
        return
    if not found:
        typer.echo("no process is controlled; give one 'control: true' in the plant file")
        return
    for one in found:
        driver = one["driver"] if one["on"] else f"{one['driver']} (off)"
        typer.echo(f"{one['process']}: {driver} since {one['since']}, level {one['level']}")
        for word, told in (
            ("why", one["why"]),
            ("in force", _values(one["in_force"])),
            ("its own", _values(one["plain"])),
            ("advised", _values(one["advised"])),
            ("experiment", one["experiment"]),
            (f"model {one['model']}" if one["model"] else "without a model", one["about"]),
            (f"relearning ({one['relearned_at']})", one["relearned"]),
            *(("expected", _told(effect)) for effect in (*one["expected"], *one["came"])),
        ):
            if told:
                typer.echo(f"  {word}: {told}")
        if one["checked"]:
            share = f"{one['within']} of {one['checked']}"
            typer.echo(f"  {share} expectations came within their 95% interval")


def _values(points: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.5g}" for name, value in points.items())


def _told(effect: dict[str, Any]) -> str:
    told = (
        f"{effect['name']} {effect['chosen']:.5g} {effect['unit']} "
        f"({effect['low']:.5g} to {effect['high']:.5g}), {effect['stays']:.5g} if nothing changes"
    )
    return told if effect["came"] is None else f"{told}; {effect['came']:.5g} came"


def _who(told: dict[str, Any]) -> str:
    return f"Now drives: {told['driver']}{': ' if told['why'] else ''}{told['why']}"


def _show(process: str, found: "Advice") -> None:
    if not found.inputs:
        mend = (
            "what it advised before holds no more, so go back to the recipe"
            if found.withdrawn
            else "leave the set-points as they are"
        )
        typer.echo(f"no advice for {process}: {found.why}; {mend}")
        return
    print_table(
        f"Advice for {process}",
        ("set-point", "now", "advised", "unit"),
        [[name, f"{now:.5g}", f"{to:.5g}", unit] for name, unit, now, to in found.inputs],
    )
    print_table(
        f"Expected in {found.ahead_s:g} s",
        ("output", "now", "if nothing changes", "as advised", "95%", "unit"),
        [
            [
                one.name,
                f"{one.now:.5g}",
                f"{one.stays:.5g}",
                f"{one.advised:.5g}",
                f"{one.low:.5g} to {one.high:.5g}",
                one.unit,
            ]
            for one in found.expected
        ],
    )
    for name in found.beyond:
        typer.echo(f"'{name}' was never there when the process was learned: take small steps")
