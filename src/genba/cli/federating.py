"""What ``genba federate join`` is made of: the rows that a plan asks for, and taking part."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from genba.cli.output import fail
from genba.cli.train_series import with_target_column
from genba.cli.training import from_machine, named_groups, now_text, one_source

if TYPE_CHECKING:
    from genba.learn import Dataset, Registered, Registry
    from genba.learn.federated.client import Line
    from genba.learn.federated.plan import Plan
    from genba.learn.federated.site import Site

Machine = tuple[Path, str, str, str, float | None]
"""Plant file, equipment, begin, end, and seconds from row to row."""


def rows_for(
    plan: "Plan",
    file: Path | None,
    machine: Machine,
    unit: list[str] | None,
    time: str | None,
    group: list[str] | None,
    state: Path,
) -> "Dataset":
    """Read this site's rows, from a file or its own historian, with the plan's target."""
    one_source(machine[1], file)
    if file is not None:
        return _from_file(plan, file, unit, time, group)
    from genba.learn import slice_of_equipment, slice_of_parts

    plant, equipment, start, end, step = machine
    if plan.task == "life":
        fail("remaining life is learned from a file of units that ran to their end; give --file")
    if plan.task == "quality":
        take = partial(slice_of_parts, target=plan.target.name)
        return from_machine(plant, state, equipment, (start, end), take)
    data = from_machine(
        plant, state, equipment, (start, end), slice_of_equipment, step=step, working=False
    )
    return with_target_column(data, plan.target.name)


def _from_file(
    plan: "Plan",
    file: Path,
    unit: list[str] | None,
    time: str | None,
    group: list[str] | None,
) -> "Dataset":
    from genba.errors import LearnError
    from genba.learn import read_release
    from genba.learn.life.target import with_life

    units = {}
    for text in unit or ():
        column, found, name = text.partition("=")
        if not (column and found and name):
            fail(f"'{text}' names no unit; write it like melt=Cel")
        units[column] = name
    how: dict[str, Any] = {"time": time, "groups": named_groups(group), "units": units}
    if plan.task == "life":
        if "unit" not in how["groups"]:
            fail("remaining life is that of a unit; say which column names it: --group unit=COLUMN")
        try:
            return read_release(file, target=plan.target.name, numeric=True, **how)
        except LearnError:
            data = read_release(file, **how)
            cap = None if plan.bounds is None else plan.bounds[1]
            return with_life(data, set(data.units.tolist()), cap=cap)
    numeric = plan.task != "quality"
    return read_release(file, target=plan.target.name, numeric=numeric, **how)


def taken_part(
    line: "Line",
    site: "Site",
    data: "Dataset",
    registry: "Registry",
    patience: float,
    equipment: str = "",
) -> "tuple[Registered, dict[str, list[float | None]]]":
    """Answer until the hub is done, keep the candidate, and measure it on this site's own rows."""
    from genba.learn.federated.client import take_part
    from genba.learn.federated.receiving import at_home, checked_files
    from genba.learn.registry.history import What

    typer.echo(f"{site.name} takes part; Ctrl-C ends it, and it can join again.", err=True)
    result = take_part(
        line,
        site,
        site.commitment(data.digest()),
        patience_s=patience,
        told=lambda text: typer.echo(text, err=True),
    )
    files, model = checked_files(site.plan, result)
    kept = registry.add(
        at_home(files, data, equipment), now_text(), by=f"genba federate join ({site.name})"
    )
    site.note(What.RECEIVED, model=kept.digest)
    recipe = "network" if model.shape.hidden else "line"
    shared, alone = site.own_scores(model, recipe)
    return kept, {name: [shared[name], alone.get(name)] for name in shared}
