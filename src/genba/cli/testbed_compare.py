"""``genba testbed compare``: the conventional controller against Genba, seed by seed."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.comparison.interval import half_width
from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.seeds import seeds_in

if TYPE_CHECKING:
    from genba.cli.comparison.arms import Lived
    from genba.cli.comparison.limits import Hours
    from genba.cli.comparison.living import Testbed
    from genba.plant import Plant


@says_errors
def compare(
    plant: Annotated[
        Path | None, typer.Option(help="Plant file; default: the reference plant.")
    ] = None,
    physics: Annotated[
        Path | None,
        typer.Option(help="What only the testbed knows; default: physics.yaml beside the plant."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds: 1-5 or 1,4,7.")] = "1-3",
    hours: Annotated[float, typer.Option(help="Length in plant hours.", min=0.1)] = 16.0,
    arm: Annotated[
        list[str] | None,
        typer.Option(help="Only these, beside conventional: planning, control, both."),
    ] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(
            help="Choose set-points of these; default: all by run that allow experiments."
        ),
    ] = None,
    learn_hours: Annotated[
        float, typer.Option(help="Plant hours that set-points are learned from.", min=1.0)
    ] = 12.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Live the same seeds of a simulated plant under its own controller and under Genba.

    Each lever alone and together, in process and with a stepped clock. Set-points are learned from
    another seed, with experiments. Differences are paired by seed, with 95% intervals.
    """
    from genba.cli.comparison.experiment import by_run

    testbed = files(plant, physics)
    numbers = seeds_in(seeds)
    arms = arms_named(arm)
    known = by_run(testbed[0])
    for name in process or ():
        if name not in known:
            fail(f"'{name}' is no process by run; the plant has: {', '.join(known) or 'none'}")
    runs = watched(testbed, arms, numbers, hours, process or known, learn_hours, quiet=json)
    if json:
        emit_json([plain(testbed[0], run) for run in runs])
        return
    show(runs, hours)
    show_limits(testbed[0], runs)


def files(plant: Path | None, physics: Path | None) -> "Testbed":
    """Load a plant and its physics; the reference plant by default."""
    from genba.testbed import load_testbed

    if plant is None:
        return load_testbed()
    return load_testbed(plant, physics or plant.parent / "physics.yaml")


def arms_named(names: Sequence[str] | None) -> list[str]:
    """Turn what was asked for into arms; the conventional controller is always one."""
    from genba.cli.comparison.arms import ALL, CONTROL, CONVENTIONAL, PLANNING

    words = {"planning": PLANNING, "control": CONTROL, "both": ALL}
    for name in names or ():
        if name not in words:
            fail(f"'{name}' is none of {', '.join(words)}")
    chosen = [words[name] for name in names] if names else [PLANNING, CONTROL, ALL]
    return [CONVENTIONAL, *dict.fromkeys(chosen)]


def watched(
    testbed: "Testbed",
    arms: Sequence[str],
    seeds: Sequence[int],
    hours: float,
    processes: Sequence[str],
    learn_hours: float,
    *,
    quiet: bool,
) -> "list[Lived]":
    """Live all runs with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    from genba.cli.comparison.arms import compare as live

    found = []
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("beginning", total=len(seeds) * len(arms))

        def told(text: str) -> None:
            progress.update(task, description=text)

        for run in live(testbed, arms, seeds, hours, processes, told, learn_hours):
            found.append(run)
            progress.advance(task)
    return found


def plain(plant: "Plant", run: "Lived") -> dict[str, Any]:
    """Give a run as plain values."""
    from genba.cli.comparison.limits import hours as spent

    rows = [asdict(row) for row in spent(plant, [run.ledgers.end])]
    return {"arm": run.arm, "seed": run.seed, **asdict(run.account), "hours": rows}


def show(runs: "Sequence[Lived]", hours: float) -> None:
    """Print means, and paired differences to the conventional controller."""
    from genba.cli.comparison.account import FIGURES, WORDS

    by_arm: dict[str, list[Any]] = {}
    for run in runs:
        by_arm.setdefault(run.arm, []).append(run.account)
    first, *others = by_arm
    rows = []
    for name in FIGURES:
        before = [getattr(one, name) for one in by_arm[first]]
        row = [WORDS[name], mean(before)]
        row += [against(before, [getattr(one, name) for one in by_arm[arm]]) for arm in others]
        rows.append(row)
    seeds = sorted({run.seed for run in runs})
    print_table(
        f"{hours:g} h, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}: what really happened",
        ("what", first, *others),
        rows,
    )
    typer.echo(
        "Simulated plant in process, from its own ledger. In brackets: change of the mean, and the "
        "95% interval of the differences seed by seed."
    )


def show_limits(plant: "Plant", runs: "Sequence[Lived]") -> None:
    """Print where machines' time went, first arm and last, and what that leaves for output."""
    from genba.cli.comparison.limits import hours as spent

    by_arm: dict[str, list[Any]] = {}
    for run in runs:
        by_arm.setdefault(run.arm, []).append(run.ledgers.end)
    first, *_, last = by_arm
    before = {row.machines: row for row in spent(plant, by_arm[first])}
    rows = [
        [
            row.machines,
            _shares(before.get(row.machines)),
            _shares(row),
            "undefined" if row.room is None else f"+{row.room:.0%}",
        ]
        for row in spent(plant, by_arm[last])
    ]
    print_table(
        "where machines' time went: run / set-up / stopped / waiting, %",
        ("machines", first, last, "at most"),
        rows,
    )
    typer.echo(
        "At most: how much more they could have made in the last one's hours, never set up, "
        "stopped or waiting. A plant's output can rise by no more than its busiest machines leave."
    )


def _shares(row: "Hours | None") -> str:
    if row is None:
        return ""
    parts = (row.run, row.setup, row.stopped, row.idle)
    return " / ".join(f"{100 * part:.0f}" for part in parts)


def mean(values: Sequence[float | None]) -> str:
    """Say a mean; undefined where a run has none."""
    known = [value for value in values if value is not None]
    return f"{statistics.fmean(known):.4g}" if len(known) == len(values) else "undefined"


def against(before: Sequence[float | None], after: Sequence[float | None]) -> str:
    """Say a mean, and how it differs from the one before, seed by seed."""
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if a is not None and b is not None]
    told = mean(after)
    if len(pairs) < len(before):
        return told
    base = statistics.fmean(b for b, _ in pairs)
    if not base:
        return told
    apart = [a - b for b, a in pairs]
    change = f"{statistics.fmean(apart) / base:+.1%}"
    if len(apart) > 1:
        change += f" ± {half_width(apart) / abs(base):.1%}"
    return f"{told} ({change})"
