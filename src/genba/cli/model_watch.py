"""``genba model watch``: whether models still are what their cards say, and back by rule."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from genba.cli.moments import TIMES, length_us, moment
from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.training import FileOption, JsonOption, StateOption, registry_of, sound

if TYPE_CHECKING:
    from genba.historian import Historian
    from genba.learn import Registered, Registry
    from genba.learn.watch.rules import Rules
    from genba.learn.watch.watched import Watched
    from genba.learn.watch.where import Force
    from genba.plant import Plant

Chosen: TypeAlias = "list[tuple[Registered, Force | None]]"
"""Models to look at, each with where it is in force."""
BY = "genba model watch"
_COLUMNS = ("model", "where", "since", "rows", "drift", "calibration", "false a week", "p99 us")

GivenArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="A model (how its digest begins) and the plant file; both may be left out."
    ),
]
RulesOption = Annotated[
    Path | None, typer.Option(help="YAML with what the plant puts up with; default as in the docs.")
]


@says_errors
def watch(
    given: GivenArgument = None,
    state: StateOption = None,
    file: FileOption = None,
    start: Annotated[
        str, typer.Option("--from", help=f"Begin, at most back to its training. {TIMES}")
    ] = "-7d",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    rules: RulesOption = None,
    act: Annotated[
        bool, typer.Option("--act", help="Take back what the rules say; else it is only said.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Look again and again, as 30m or 6h; Ctrl-C stops.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Look whether models in force still are what their cards say, and take them back by rule."""
    import time

    from genba.learn.watch.rules import Rules, read_rules

    model, plant = parted(given)
    folder = state or plant.resolve().parent / "state"
    told = Rules() if rules is None else read_rules(rules)
    pause = None if every is None else length_us(every, "--every") / 1e6
    if pause is not None and pause <= 0:
        fail("--every takes a length above 0, such as 30m or 6h")
    registry = registry_of(folder)
    if file is not None and not model:
        fail("--file holds rows of one model; name it")
    while True:
        chosen, failed = (named(registry, model), []) if model else wanted(registry)
        if not chosen:
            fail("\n".join(failed) or "there is no model yet; learn one with `genba train`")
        found = _looks(registry, chosen, plant, folder, file, (start, end), told)
        done = [_act(registry, one, told, act=act) for one in found]
        _show(found, done, told, json=json)
        if pause is None and failed:
            fail("\n".join(failed))
        if pause is None:
            return
        for text in failed:
            typer.echo(text, err=True)
        time.sleep(pause)


def parted(given: list[str] | None) -> tuple[str, Path]:
    """Tell a model from a plant file among the arguments."""
    model, plant = "", Path("plant.yaml")
    for text in given or ():
        if text.endswith((".yaml", ".yml")) or Path(text).is_file():
            plant = Path(text)
        elif model:
            fail(f"'{text}' is no plant file, and '{model}' is a model already")
        else:
            model = text
    return model, plant


def look_at(
    found: "Registered",
    force: "Force | None",
    source: "tuple[Historian, Plant] | Path | None",
    span: tuple[str, str],
    rules: "Rules",
    measured_us: float | None,
) -> "Watched":
    """Look at one model, with newer rows of a machine or of a file."""
    from genba.learn.watch.again import from_file
    from genba.learn.watch.round import look_at as from_machine
    from genba.learn.watch.subject import of_registered
    from genba.learn.watch.watched import look

    subject = of_registered(found)
    if isinstance(source, Path):
        data = from_file(found.card, source)
        return look(subject, data, rules, force=force, p99_us=measured_us)
    if source is None:
        why = "no newer rows: name them with --file"
        return look(subject, None, rules, force=force, p99_us=measured_us, unread=why)
    historian, plant = source
    begin, end = (moment(historian, text) for text in span)
    return from_machine(subject, force, historian, plant, (begin, end), rules, measured_us)


def named(registry: "Registry", model: str) -> Chosen:
    """Return a model by how its digest begins, once for each place where it is in force."""
    from genba.learn.watch.where import in_force

    found = registry.get(model)
    running = in_force(registry.history.events())
    mine: list[Any] = [one for one in running if one.model == found.digest] or [None]
    return [(found, one) for one in mine]


def wanted(registry: "Registry") -> tuple[Chosen, list[str]]:
    """Return all models in force; where nothing runs, the newest of each kind.

    Beside them is what is wrong with those of all that were altered or damaged.
    """
    from genba.learn.watch.where import in_force

    running = in_force(registry.history.events())
    having = set(registry.list())  # what was released elsewhere is watched there
    here = [one for one in running if one.model in having]
    if here:
        models, failed = sound(registry, dict.fromkeys(one.model for one in here))
        held = {found.digest: found for found in models}
        return [(held[one.model], one) for one in here if one.model in held], failed
    models, failed = sound(registry, registry.list())
    newest = {(found.card.equipment or found.digest, found.card.task): found for found in models}
    return [(found, None) for found in newest.values()], failed


def _looks(
    registry: "Registry",
    chosen: Chosen,
    plant: Path,
    folder: Path,
    file: Path | None,
    span: tuple[str, str],
    rules: "Rules",
) -> "list[Watched]":
    from genba.historian import Historian
    from genba.learn.watch.where import measured_us
    from genba.plant import SystemClock, load_plant

    events = registry.history.events()

    def each(found: "Registered", force: "Force | None", source: Any) -> "Watched":
        return look_at(found, force, source, span, rules, measured_us(events, found.digest))

    if file is not None:
        return [each(found, force, file) for found, force in chosen]
    if all(not found.card.equipment for found, _ in chosen):
        return [each(found, force, None) for found, force in chosen]
    loaded = load_plant(plant)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        sources = [(historian, loaded) if found.card.equipment else None for found, _ in chosen]
        return [
            each(found, force, source)
            for (found, force), source in zip(chosen, sources, strict=True)
        ]


def _act(registry: "Registry", one: "Watched", rules: "Rules", *, act: bool) -> str:
    """Take a model back where the rules say so; say what was done, or would be."""
    from genba.learn import rollback
    from genba.plant import SystemClock

    why = one.why(rules.roll_back)
    if not why or one.force is None:
        return ""
    if one.force.where != "core":
        return (
            f"{one.name} runs at {one.force.where}: take it back there with `genba model rollback "
            f"{one.model[:12]} --node {one.force.where}`, or have it do so with `genba edge run "
            "--act`"
        )
    if not act:
        return f"with --act it would be taken back at the core: {why}"
    rollback(registry, one.model, SystemClock().now(), by=BY, why=why)
    return f"ordered to take {one.name} back at the core: {why}"


def _show(found: "list[Watched]", done: list[str], rules: "Rules", *, json: bool) -> None:
    if json:
        emit_json(
            [{**one.as_json(rules), "done": what} for one, what in zip(found, done, strict=True)]
        )
        return
    print_table("Models", _COLUMNS, [_row(one) for one in found])
    for one, what in zip(found, done, strict=True):
        typer.echo(f"{one.model[:12]} {one.name}: {one.verdict(rules)}")
        if what:
            typer.echo(f"  {what}")


def _row(one: "Watched") -> list[object]:
    drifts = [drift for drift in (one.columns, one.answers) if drift is not None]
    said = {drift.said.value for drift in drifts}
    drift = next(
        (word for word in ("drifted", "too few rows to say", "steady") if word in said), ""
    )
    rate = None if one.alarms is None else one.alarms.rate
    alarms = "" if rate is None else f"{rate.a_week:.1f} ({rate.low:.1f}-{rate.high:.1f})"
    return [
        one.model[:12],
        "nowhere" if one.force is None else one.force.where,
        "" if one.force is None else one.force.since[:16],
        one.rows,
        drift or "unknown",
        _calibration(one),
        alarms or "unknown",
        "" if one.p99_us is None else f"{one.p99_us:,.0f}",
    ]


def _calibration(one: "Watched") -> str:
    if one.quality is None or not one.quality.figures:
        return "no truth yet"
    return "\n".join(
        f"{figure.name} {figure.value:.3g} ({figure.low:.3g}-{figure.high:.3g})"
        for figure in one.quality.figures
    )
