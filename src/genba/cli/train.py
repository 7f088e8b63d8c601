"""``genba train``: learn a model from what was recorded, or from a file, and say how good it is."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli import train_backbone, train_inspect, train_series
from genba.cli.output import fail, noun, says_errors
from genba.cli.train_sisters import (
    PooledOption,
    StartFromOption,
    parted_and_taught,
    with_sisters_apart,
)
from genba.cli.training import (
    FROM,
    TO,
    EquipmentOption,
    FileOption,
    FromOption,
    GroupOption,
    JsonOption,
    LabelTimeOption,
    PlantFile,
    ScaleOption,
    SeedOption,
    SignalsOption,
    SplitOption,
    StateOption,
    StepOption,
    SweepOption,
    TimeOption,
    ToOption,
    VouchOption,
    WithoutOption,
    from_file,
    from_machine,
    learn,
    one_source,
    parted_by,
    refuse_idle,
)

if TYPE_CHECKING:
    from genba.learn import Dataset

app = noun("Learn a model from what was recorded. It leaves a candidate that nothing runs yet.")
app.command(
    "softsensor", short_help="Say a value that is measured seldom from those that are often."
)(train_series.softsensor)
app.command("forecast", short_help="Say what a value will be in the next steps.")(
    train_series.forecast
)
app.command("inspect", short_help="Tell good pictures from defective ones, and show where.")(
    train_inspect.inspect
)
app.command("life", short_help="Say how long a unit will last.")(train_series.life)
app.command("backbone", short_help="Train one network on many processes, for the ladders.")(
    train_backbone.backbone
)


@app.command("anomaly", short_help="Find what is not normal. Needs no labels.")
@says_errors
def anomaly(
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    file: FileOption = None,
    target: Annotated[
        str | None, typer.Option(help="Column of the file that labels faults (first is normal).")
    ] = None,
    alarms_week: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100,
            help="False alarms a week of running time; of a machine 2 by default.",
        ),
    ] = None,
    false_alarms: Annotated[
        float | None,
        typer.Option(
            min=0.00001,
            max=0.2,
            help="Share of normal rows that may alarm instead; of a file 0.01 by default.",
        ),
    ] = None,
    idle_too: Annotated[
        bool, typer.Option("--idle-too", help="Also moments at which the machine does not work.")
    ] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="Judge each part, with those before it, not moments.")
    ] = False,
    settle: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=240,
            help="Minutes left out after each standstill of as long; by default as measured.",
        ),
    ] = None,
    start: FromOption = FROM,
    end: ToOption = TO,
    step: StepOption = None,
    signal: SignalsOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    group: GroupOption = None,
    split: SplitOption = "time",
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn what is normal, and set limits on normal data that nothing was fitted on."""
    from genba.learn import anomaly_ladder
    from genba.learn.anomaly.settling import slice_of_settled
    from genba.learn.anomaly.usual import settings_told
    from genba.learn.verify.budget import BUDGET_A_WEEK

    one_source(equipment, file)
    of_machines = {"--step": step, "--signal": signal, "--idle-too": idle_too}
    of_files = {"--target": target, "--time": time, "--group": group}
    refuse_idle(file, (start, end), of_machines, of_files)
    if alarms_week is not None and false_alarms is not None:
        fail("limits follow one wish; give --alarms-week or --false-alarms, not both")
    if alarms_week is None and false_alarms is None and file is None:
        alarms_week = BUDGET_A_WEEK
    folder = state or plant.resolve().parent / "state"
    if file is not None:
        if parts or settle is not None:
            fail("a file says itself what its rows are; give --parts and --settle with --equipment")
        data = from_file(file, target, time, group, without)
    else:
        data = from_machine(
            plant,
            folder,
            equipment,
            (start, end),
            partial(
                slice_of_settled,
                settle_s=None if settle is None else settle * 60,
                parts=parts,
            ),
            step=step,
            signal=signal,
            without=without,
            working=not idle_too,
            mode=True,
        )
        if settles := float(data.lineage.query.get("settle_s", 0.0)):
            typer.echo(
                f"left out: {settles / 60:g} minutes after each standstill of as long, while it "
                "settles",
                err=True,
            )
    data, parted = parted_by(data, split, seed)
    if alarms_week is not None and not data.timed:
        fail(f"'{data.name}' has no times to count weeks by; name their column with --time")
    train = parted.take(data, "train")
    ladder = anomaly_ladder(
        train,
        false_alarms=SHARE if false_alarms is None else false_alarms,
        a_week=alarms_week,
        labelled=data.target is not None,
        parts=parts,
        seed=seed,
    )
    limits = settings_told(train, parted.take(data, "test"))
    limits += () if data.target is not None else (NO_LABELS,)
    learn(
        data, parted, ladder, folder, equipment, vouch, limits, seed, json, sweep=sweep, scale=scale
    )


SHARE = 0.01
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
    window: Annotated[
        int,
        typer.Option(min=1, help="Rows whose mean and spread the model sees; 1 for its own alone."),
    ] = 1,
    physics: Annotated[
        list[str] | None,
        typer.Option("--physics", help="What columns are together, like power=torque*speed."),
    ] = None,
    pooled: PooledOption = None,
    start_from: StartFromOption = "",
    start: FromOption = FROM,
    end: ToOption = TO,
    signal: SignalsOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    label_time: LabelTimeOption = None,
    group: GroupOption = None,
    split: SplitOption = "time or lot",
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn from gauged parts what comes of each part: calibrated, with sets and intervals."""
    from genba.learn import quality_ladder, slice_of_parts
    from genba.learn.physics.quantity import parse_quantity

    one_source(equipment, file)
    of_files = {"--bad": bad, "--time": time, "--label-time": label_time, "--group": group}
    refuse_idle(file, (start, end), {"--signal": signal}, of_files)
    if (missed_cost is None) != (alarm_cost is None):
        fail("one cost alone says nothing; give both --missed-cost and --alarm-cost")
    folder = state or plant.resolve().parent / "state"

    def read(name: str) -> "Dataset":
        parts, span = partial(slice_of_parts, target=target), (start, end)
        return from_machine(plant, folder, name, span, parts, signal=signal, without=without)

    if file is not None:
        data = from_file(file, target, time, group, without, bad=bad, label_time=label_time)
    else:
        data = read(equipment)
    data, sisters = with_sisters_apart(data, pooled, None if file else read)
    costs = None
    if missed_cost is not None and alarm_cost is not None:
        costs = (missed_cost, alarm_cost)
    if data.target is None:
        fail(f"'{data.name}' has no target; name the column that holds it with --target")
    kind = data.target
    for text in physics or ():
        parse_quantity(text, data)  # refused here, not within a rung
    data, parted, ladder, limits = parted_and_taught(
        data,
        split,
        seed,
        lambda data: quality_ladder(kind, window=window, costs=costs, physics=tuple(physics or ())),
        folder,
        sisters,
        start_from,
    )
    learn(
        data, parted, ladder, folder, equipment, vouch, limits, seed, json, sweep=sweep, scale=scale
    )
