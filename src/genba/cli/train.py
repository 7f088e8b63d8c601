"""``genba train``: learn a model from what was recorded, or from a file, and say how good it is."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from genba.cli import train_series
from genba.cli.output import fail, noun, says_errors
from genba.cli.training import (
    EquipmentOption,
    FileOption,
    FromOption,
    GroupOption,
    JsonOption,
    PlantFile,
    SeedOption,
    SignalsOption,
    SplitOption,
    StateOption,
    StepOption,
    TimeOption,
    ToOption,
    VouchOption,
    WithoutOption,
    from_file,
    from_machine,
    learn,
    one_source,
    parted_by,
)

app = noun("Learn a model from what was recorded. It leaves a candidate that nothing runs yet.")
app.command(
    "softsensor", short_help="Say a value that is measured seldom from those that are often."
)(train_series.softsensor)
app.command("forecast", short_help="Say what a value will be in the next steps.")(
    train_series.forecast
)
app.command("life", short_help="Say how long a unit will last.")(train_series.life)


@app.command("anomaly", short_help="Find what is not normal. Needs no labels.")
@says_errors
def anomaly(
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    file: FileOption = None,
    target: Annotated[
        str | None, typer.Option(help="Column of the file that labels faults (first is normal).")
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(min=0.00001, max=0.2, help="Share of normal rows that may alarm.")
    ] = 0.01,
    idle_too: Annotated[
        bool, typer.Option("--idle-too", help="Also moments at which the machine does not work.")
    ] = False,
    start: FromOption = "-14d",
    end: ToOption = "now",
    step: StepOption = None,
    signal: SignalsOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    group: GroupOption = None,
    split: SplitOption = "time",
    state: StateOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn what is normal, and set limits on normal data that nothing was fitted on."""
    from genba.learn import anomaly_ladder, slice_of_equipment

    one_source(equipment, file)
    folder = state or plant.resolve().parent / "state"
    if file is not None:
        data = from_file(file, target, time, group, without)
    else:
        data = from_machine(
            plant,
            folder,
            equipment,
            (start, end),
            slice_of_equipment,
            step=step,
            signal=signal,
            without=without,
            working=not idle_too,
        )
    data, parted = parted_by(data, split, seed)
    ladder = anomaly_ladder(
        parted.take(data, "train"),
        false_alarms=false_alarms,
        labelled=data.target is not None,
        seed=seed,
    )
    limits = () if data.target is not None else (NO_LABELS,)
    learn(data, parted, ladder, folder, equipment, vouch, limits, seed, json)


NO_LABELS = (
    "All of the period was taken for normal, and drills are faults put into it, of one signal and "
    "known size: they show what would be noticed, not what will go wrong here."
)


@app.command("quality", short_help="Say of a part how likely it is bad, or a measure of it.")
@says_errors
def quality(
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    file: FileOption = None,
    target: Annotated[
        str, typer.Option(help="'result', a measure of gauged parts, or a column of the file.")
    ] = "result",
    bad: Annotated[
        str | None, typer.Option(help="Of a file's target: the value that is looked for.")
    ] = None,
    missed_cost: Annotated[
        float | None, typer.Option(min=0, help="Cost of a bad part that passes.")
    ] = None,
    alarm_cost: Annotated[
        float | None, typer.Option(min=0, help="Cost of a good part that is stopped.")
    ] = None,
    start: FromOption = "-14d",
    end: ToOption = "now",
    signal: SignalsOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    group: GroupOption = None,
    split: SplitOption = "time",
    state: StateOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn from gauged parts what comes of each part: calibrated, with sets and intervals."""
    from genba.learn import quality_ladder, slice_of_parts

    one_source(equipment, file)
    if (missed_cost is None) != (alarm_cost is None):
        fail("one cost alone says nothing; give both --missed-cost and --alarm-cost")
    folder = state or plant.resolve().parent / "state"
    if file is not None:
        data = from_file(file, target, time, group, without, bad=bad)
    else:
        parts = partial(slice_of_parts, target=target)
        data = from_machine(
            plant, folder, equipment, (start, end), parts, signal=signal, without=without
        )
    data, parted = parted_by(data, split, seed)
    costs = None
    if missed_cost is not None and alarm_cost is not None:
        costs = (missed_cost, alarm_cost)
    if data.target is None:
        fail(f"'{data.name}' has no target; name the column that holds it with --target")
    ladder = quality_ladder(data.target, costs=costs)
    learn(data, parted, ladder, folder, equipment, vouch, (), seed, json)
