"""What verifying a model came to, as a person reads it."""

from typing import TYPE_CHECKING

import typer

from genba.cli.output import print_table

if TYPE_CHECKING:
    from genba.learn.verify.counted import Counted
    from genba.learn.verify.verified import Verdict

_NAMED = 10
"""Findings that are named."""


def show_verdict(digest: str, verdict: "Verdict") -> None:
    """Print what was found of a model, and whether it passed."""
    from genba.plant import format_time

    told = verdict.as_json()
    counted = verdict.pictures
    rows: list[tuple[str, object]] = [] if counted is None else _of_pictures(counted)
    if verdict.run is not None and counted is None:
        rows += [
            ("answers", f"{verdict.run.answers:,}"),
            ("unknown, of the moments at work", f"{verdict.run.unknown:.1%}"),
        ]
    if verdict.rate is not None:
        rate = verdict.rate
        rows += [
            ("findings", f"{rate.count} in {rate.weeks * 168:.1f} h"),
            ("findings a week", f"{rate.a_week:.2f} ({rate.low:.2f} to {rate.high:.2f})"),
            ("budget a week", f"{verdict.terms.a_week:g}"),
        ]
    if verdict.shadow.p99_us is not None:
        rows.append(("p99 of one answer, us of CPU", f"{verdict.shadow.p99_us:.0f}"))
    if verdict.shadow.memory_mb is not None:
        rows.append(("memory, MB", f"{verdict.shadow.memory_mb:.0f}"))
    if verdict.beside is not None:
        apart = verdict.beside.apart
        each = "moments" if counted is None else "pictures"
        rows += [
            ("agrees with what is in force", f"{1 - apart.flips:.1%} of {apart.windows:,} {each}"),
            ("findings of that one", verdict.beside.findings),
        ]
    rows.append(("what it reads", told["inputs"]["said"] if verdict.inputs else "undefined"))
    period = f"{format_time(verdict.start)} to {format_time(verdict.end)}"
    print_table(f"{digest[:12]} in shadow, {period}", ("what", "was"), rows)
    if verdict.sought:
        print_table(
            "Faults that a world model put into what was recorded",
            ("fault", "shows, times the noise", "found", "after"),
            [
                (
                    one.name,
                    f"{one.shown:.1f}",
                    f"{one.found} of {one.tried}",
                    "" if one.delay_s is None else f"{one.delay_s / 60:.0f} min",
                )
                for one in verdict.sought
            ],
        )
    for time in told.get("raised", [])[:_NAMED]:
        typer.echo(f"- found at {time}")
    if counted is not None:
        named = {"missed": counted.missed, "told falsely": counted.wrongly}
        for what, names in (named if counted.labelled else {"told": counted.told}).items():
            for name in names[:_NAMED]:
                typer.echo(f"- {what}: {name}")
        for why in list(counted.unfit.values())[:_NAMED]:
            typer.echo(f"- not judged: {why}")
    for warning in verdict.warnings:
        typer.echo(f"- {warning}")
    if verdict.passed:
        typer.echo(f"It passed: `genba model release {digest[:12]} --by NAME`")
        return
    for why in verdict.why:
        typer.echo(f"genba: refused: {why}", err=True)


def _of_pictures(counted: "Counted") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("pictures judged", f"{counted.judged:,}"),
        ("could not be judged", f"{len(counted.unfit):,}"),
        ("told to be defective", f"{len(counted.told):,}"),
    ]
    if counted.false is not None:
        rows.append(("good ones told falsely", str(counted.false)))
    if counted.found is not None:
        rows.append(("defects found", str(counted.found)))
    if len(counted.kinds) > 1:
        rows += [(f"of these {kind}", str(share)) for kind, share in counted.kinds.items()]
    if counted.auc is not None:
        rows.append(("AUC", f"{counted.auc:.3f}"))
    return rows
