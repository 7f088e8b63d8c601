"""``genba train softsensor``, ``forecast`` and ``life``: numbers from the past of many signals."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import fail, says_errors
from genba.cli.train_backbone import BackboneOption, backbone_rungs
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

TargetOption = Annotated[str, typer.Option(help="The signal, or the column of the file, to say.")]
WindowOption = Annotated[int, typer.Option(min=1, help="Rows that the model looks back on.")]


@says_errors
def softsensor(
    target: TargetOption,
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    file: FileOption = None,
    window: WindowOption = 30,
    pooled: PooledOption = None,
    start_from: StartFromOption = "",
    start: FromOption = FROM,
    end: ToOption = TO,
    step: StepOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    label_time: LabelTimeOption = None,
    group: GroupOption = None,
    split: SplitOption = "time",
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn to say a signal, or a laboratory's value, from the others; never from its own past."""
    from genba.learn.softsensor.ladder import softsensor_ladder

    folder = state or plant.resolve().parent / "state"

    def read(name: str) -> "Dataset":
        wanted = target.replace(f"{equipment}.", f"{name}.", 1) if equipment else target
        of_file = (time, group, label_time)
        return _data(plant, folder, name, file, wanted, (start, end), step, without, of_file)

    data, sisters = with_sisters_apart(read(equipment), pooled, None if file else read)
    data, parted, ladder, limits = parted_and_taught(
        data,
        split,
        seed,
        lambda data: softsensor_ladder(window=window),
        folder,
        sisters,
        start_from,
    )
    learn(
        data, parted, ladder, folder, equipment, vouch, limits, seed, json, sweep=sweep, scale=scale
    )


@says_errors
def forecast(
    target: TargetOption,
    plant: PlantFile = Path("plant.yaml"),
    equipment: EquipmentOption = "",
    file: FileOption = None,
    steps: Annotated[int, typer.Option(min=1, max=500, help="Rows to say ahead.")] = 1,
    backbone: BackboneOption = "",
    start: FromOption = FROM,
    end: ToOption = TO,
    step: StepOption = None,
    without: WithoutOption = None,
    vouch: VouchOption = None,
    time: TimeOption = None,
    group: GroupOption = None,
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn to say a value ahead, from its past and that of the others; tested on the newest."""
    from genba.learn.forecast.ahead import ahead
    from genba.learn.forecast.ladder import forecast_ladder

    folder = state or plant.resolve().parent / "state"
    span, of_file = (start, end), (time, group, None)
    data = _data(plant, folder, equipment, file, target, span, step, without, of_file)
    data, parted = parted_by(ahead(data), "time", seed)
    more, limits = backbone_rungs(folder, backbone, data, steps, seed)
    ladder = forecast_ladder(data, steps=steps, more=more)
    learn(
        data, parted, ladder, folder, equipment, vouch, limits, seed, json, sweep=sweep, scale=scale
    )


@says_errors
def life(
    file: Annotated[
        Path, typer.Option("--file", help="A CSV or Parquet file of units run to their end.")
    ],
    group: Annotated[list[str], typer.Option("--group", help="unit=COLUMN, and others like it.")],
    plant: PlantFile = Path("plant.yaml"),
    time: TimeOption = None,
    cap: Annotated[
        float | None, typer.Option(min=0, help="More than so much left counts as so much.")
    ] = None,
    window: WindowOption = 30,
    start_from: StartFromOption = "",
    without: WithoutOption = None,
    vouch: VouchOption = None,
    state: StateOption = None,
    sweep: SweepOption = 0,
    scale: ScaleOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Learn from units that ran to their end how long others will last; tested on whole units."""
    from genba.learn.life.ladder import life_ladder
    from genba.learn.life.target import with_life

    folder = state or plant.resolve().parent / "state"
    data = from_file(file, None, time, group, without)
    if "unit" not in data.groups:
        fail("remaining life is that of a unit; say which column names it: --group unit=COLUMN")
    data = with_life(data, set(data.units.tolist()), cap=cap)
    data, parted, ladder, limits = parted_and_taught(
        data, "unit", seed, lambda data: life_ladder(window=window), folder, None, start_from
    )
    learn(data, parted, ladder, folder, "", vouch, limits, seed, json, sweep=sweep, scale=scale)


def _data(
    plant: Path,
    folder: Path,
    equipment: str,
    file: Path | None,
    target: str,
    span: tuple[str, str],
    step: float | None,
    without: list[str] | None,
    of_file: tuple[str | None, list[str] | None, str | None],
) -> "Dataset":
    """Read a file, or a machine of whose signals one is the target."""
    from genba.learn import slice_of_equipment

    one_source(equipment, file)
    time, group, label_time = of_file
    of_files = {"--time": time, "--group": group, "--label-time": label_time}
    refuse_idle(file, span, {"--step": step}, of_files)
    if file is not None:
        return from_file(file, target, time, group, without, label_time=label_time)
    data = from_machine(
        plant,
        folder,
        equipment,
        span,
        slice_of_equipment,
        step=step,
        without=without,
        working=False,
    )
    return with_target_column(data, target.removeprefix(f"{equipment}."))


def with_target_column(data: "Dataset", name: str) -> "Dataset":
    """Make one of the columns the target."""
    from genba.learn import Target

    values = data.column(name)
    column = data.columns[data.names.index(name)]
    target = Target(name, values, column.unit, signal=column.signal)
    return data.without([name]).with_target(target)
