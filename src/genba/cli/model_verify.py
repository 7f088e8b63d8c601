"""``genba model verify``: a model in shadow over what was recorded and it never saw."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.training import JsonOption, PlantFile, StateOption, now_text, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genba.historian import Historian
    from genba.learn import Registry
    from genba.learn.edge.past import Stretch
    from genba.learn.verify.imagined import Fault
    from genba.learn.verify.verified import Verdict
    from genba.plant import Plant

_ONSETS = 5
"""At how many moments each fault is imagined."""

ModelArgument = Annotated[str, typer.Argument(help="The model: its digest, or how that begins.")]


@says_errors
def verify(
    model: ModelArgument,
    plant: PlantFile = Path("plant.yaml"),
    state: StateOption = None,
    hours: Annotated[float | None, typer.Option(help="The newest so many hours.", min=0.01)] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help=f"Begin; default when its training ends. {TIMES}"),
    ] = None,
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    budget: Annotated[
        float, typer.Option(help="Findings that the plant bears in a week of running time.")
    ] = 2.0,
    certain: Annotated[
        bool, typer.Option("--certain", help="Pass only if it is sure that the budget holds.")
    ] = False,
    budget_us: Annotated[float, typer.Option(help="Longest p99 of an answer.")] = 10_000.0,
    memory_mb: Annotated[float, typer.Option(help="Most memory that it may add.")] = 256.0,
    low: Annotated[float, typer.Option(help="Lowest answer that makes sense.")] = -1e30,
    high: Annotated[float, typer.Option(help="Highest answer that makes sense.")] = 1e30,
    twin: Annotated[
        str, typer.Option(help="Also seek faults as what was learned of this process knows them.")
    ] = "",
    fault_hours: Annotated[float, typer.Option(help="How long such a fault lasts.", min=0.01)] = 1,
    found_share: Annotated[
        float, typer.Option("--found", help="Share of them that it has to find, where they show.")
    ] = 0.0,
    by: Annotated[str, typer.Option(help="Who verifies; stands in the history.")] = "",
    json: JsonOption = False,
) -> None:
    """Run a model in shadow over recorded data; what passes may be released."""
    from rich.console import Console
    from rich.progress import Progress

    from genba.historian import Historian
    from genba.learn.edge.past import Past
    from genba.learn.verify.unseen import unseen
    from genba.learn.verify.verified import Terms, note
    from genba.learn.verify.verified import verify as run
    from genba.plant import SystemClock, load_plant

    if hours is not None and start is not None:
        fail("--hours and --from say two things; give one of them")
    loaded, clock = load_plant(plant), SystemClock()
    folder = state or plant.resolve().parent / "state"
    registry = registry_of(folder)
    found = registry.get(model)
    terms = Terms(budget_us, memory_mb, low, high, budget, certain, found_share)
    if found_share and not twin:
        fail("--found is a share of imagined faults; name the process with --twin")

    def opened() -> "Historian":
        return Historian.open(folder / "historian", clock, read_only=True)

    with opened() as historian:
        begin = None if start is None else moment(historian, start)
        until, newest = moment(historian, end), moment(historian, "now")
    period = unseen(found.card, newest, start=begin, end=until, hours=hours)
    past = Past(loaded, opened, clock.now)
    imagine = _imagining(loaded, folder, twin, opened, fault_hours * 3600) if twin else None
    in_force = _in_force(registry, f"{found.card.equipment}.{found.card.task.value}")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("beginning", total=1.0)

        def told(what: str, share: float) -> None:
            progress.update(task, description=what, completed=share)

        verdict = run(
            *(registry, found, loaded, past, period, terms),
            in_force=in_force,
            imagine=imagine,
            told=told,
        )
    note(registry, found, verdict, now_text(), by)
    if json:
        emit_json({"model": found.digest, "passed": verdict.passed, **verdict.as_json()})
    else:
        _show(found.digest, verdict)
    if not verdict.passed:
        raise typer.Exit(1)


def _imagining(
    plant: "Plant",
    folder: Path,
    process: str,
    opened: "Callable[[], Historian]",
    length_s: float,
) -> "Callable[[Stretch], Sequence[Fault]]":
    """Return what imagines faults in a stretch, by what was learned of a process."""
    from genba.cli.twin_learn import PROCESSES
    from genba.control.bound import bound
    from genba.control.imagined import faults_in
    from genba.control.learned import kept_world
    from genba.learn.registry.signature import KEY
    from genba.learn.verify.imagined import onsets
    from genba.operate.state import StateFolder

    joined = bound(plant, process)
    key = StateFolder(folder, create=False).secrets / KEY
    world, _ = kept_world(joined, folder / PROCESSES, key)

    def imagine(stretch: "Stretch") -> "Sequence[Fault]":
        begins = onsets(stretch, length_s, _ONSETS)
        if not begins:
            fail(f"the stretch is too short for faults of {length_s / 3600:g} h; take a longer one")
        with opened() as historian:
            return faults_in(joined, world, historian, begins, length_s)

    return imagine


def _in_force(registry: "Registry", name: str) -> bytes | None:
    """Return the release of that name that is in force at the core."""
    from genba.learn import running

    slot = running(registry).get(name)
    if slot is None or slot.force is None:
        return None
    path = registry.root / "shelf" / f"{slot.force}.bundle"
    return path.read_bytes() if path.exists() else None


def _show(digest: str, verdict: "Verdict") -> None:
    from genba.plant import format_time

    told = verdict.as_json()
    rows: list[tuple[str, object]] = []
    if verdict.run is not None:
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
        rows += [
            ("agrees with what is in force", f"{1 - apart.flips:.1%} of {apart.windows:,} moments"),
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
    for time in told.get("raised", [])[:10]:
        typer.echo(f"- found at {time}")
    for warning in verdict.warnings:
        typer.echo(f"- {warning}")
    if verdict.passed:
        typer.echo(f"It passed: `genba model release {digest[:12]} --by NAME`")
        return
    for why in verdict.why:
        typer.echo(f"genba: refused: {why}", err=True)
