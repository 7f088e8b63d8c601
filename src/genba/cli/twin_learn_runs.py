"""``genba twin learn`` for a process that goes by run: product by product."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from genba.cli.output import emit_json, print_table

if TYPE_CHECKING:
    from genba.control.bound import Bound
    from genba.control.runs_learned import ProductBelief
    from genba.historian import Historian
    from genba.plant import Plant
    from genba.twin.process.findings import Finding


def learn(
    historian: "Historian",
    plant: "Plant",
    joined: "Bound",
    period: tuple[int, int],
    folder: Path,
    key: Path,
    json: bool,
) -> None:
    """Learn each product that was made in a period, keep what was found, and say how good it is."""
    from genba.control.examined_runs import learned_soundly_by_run
    from genba.control.runs_kept import keep_runs

    found, left_out, findings = learned_soundly_by_run(historian, plant, joined, period)
    path = keep_runs(joined, found, period, folder, key, findings=findings)
    if json:
        emit_json(as_plain(joined, found, left_out, findings, path))
    else:
        show(joined, found, left_out, findings, path)


def as_plain(
    joined: "Bound",
    found: "list[ProductBelief]",
    left_out: list[str],
    findings: "list[Finding]",
    path: Path,
) -> dict[str, Any]:
    """Plain values of what was learned."""
    from dataclasses import asdict

    return {
        "process": joined.process.id,
        "file": str(path),
        "outputs": [wire.variable.name for wire in joined.outputs],
        "products": [
            {
                "product": one.product,
                "rows": one.belief.rows,
                "recipe": dict(
                    zip([w.variable.name for w in joined.inputs], one.recipe.tolist(), strict=True)
                ),
                "parameters": {
                    name: {"value": value, "interval": one.belief.intervals()[name]}
                    for name, value in one.belief.values().items()
                },
                "learned": one.belief.learned(),
                "standing": None if one.standing is None else asdict(one.standing),
            }
            for one in found
        ],
        "left_out": left_out,
        "findings": [finding.as_plain() for finding in findings],
    }


def show(
    joined: "Bound",
    found: "list[ProductBelief]",
    left_out: list[str],
    findings: "list[Finding]",
    path: Path,
) -> None:
    """Print what was learned of each product, how good it is, and what is unknown."""
    for one in found:
        learned, between = one.belief.learned(), one.belief.intervals()
        values = one.belief.values()
        print_table(
            f"{joined.process.id}, {one.product}, from {one.belief.rows:,} parts",
            ("parameter", "value", "95%", "unit", "told by the data"),
            [
                [
                    p.name,
                    f"{values[p.name]:.4g}",
                    f"{between[p.name][0]:.4g} to {between[p.name][1]:.4g}",
                    p.unit,
                    f"{learned[p.name]:.0%}",
                ]
                for p in joined.physics.parameters
            ],
        )
        _show_standing(joined, one)
    for text in left_out:
        typer.echo(f"left out: {text}")
    for finding in findings:
        typer.echo(f"{finding.grade}: {finding}")
    typer.echo(f"kept in {path}")


def _show_standing(joined: "Bound", one: "ProductBelief") -> None:
    if one.standing is None:
        return
    rows = [
        [
            f"{ahead.steps} parts",
            output.name,
            f"{ahead.error[place]:.3g} {output.unit}",
            f"{ahead.persistence[place]:.3g}",
            f"{ahead.within[place]:.0%}",
        ]
        for ahead in one.standing.horizons
        for place, output in enumerate(joined.physics.outputs)
        if ahead.error[place] == ahead.error[place]
    ]
    print_table(
        f"{one.product}, on the newest quarter, which it did not learn from",
        ("ahead", "output", "mean error", "if nothing changed", "in the 95% interval"),
        rows,
    )
