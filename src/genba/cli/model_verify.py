"""``genba model verify``: a model in shadow over what was recorded, or photographed, and it never
saw.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.model_verdict import show_verdict
from genba.cli.model_verify_case import Case, release_in_force
from genba.cli.model_verify_pictures import of_pictures
from genba.cli.model_verify_signals import of_signals
from genba.cli.moments import TIMES
from genba.cli.output import emit_json, fail, says_errors
from genba.cli.training import JsonOption, PlantFile, StateOption, now_text, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from genba.learn.verify.verified import Verdict

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
        float | None,
        typer.Option(help="Findings that the plant bears in a week of running time; default 2."),
    ] = None,
    certain: Annotated[
        bool, typer.Option("--certain", help="Pass only if it is sure that the budget holds.")
    ] = False,
    budget_us: Annotated[
        float | None,
        typer.Option(help="Longest p99 of an answer; default 10000, of a picture 1000000."),
    ] = None,
    memory_mb: Annotated[float, typer.Option(help="Most memory that it may add.")] = 256.0,
    low: Annotated[float, typer.Option(help="Lowest answer that makes sense.")] = -1e30,
    high: Annotated[float, typer.Option(help="Highest answer that makes sense.")] = 1e30,
    twin: Annotated[
        str, typer.Option(help="Also seek faults as what was learned of this process knows them.")
    ] = "",
    fault_hours: Annotated[float, typer.Option(help="How long such a fault lasts.", min=0.01)] = 1,
    found_share: Annotated[
        float | None,
        typer.Option(
            "--found",
            help="Share of them that it has to find, where they show; of labelled defects in "
            "pictures, default 0.5.",
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Of a model of pictures: a folder of them; its sub-folders say what they show. "
            "Default what the camera has put into the state folder."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns picture and label, instead of sub-folders."),
    ] = None,
    good: Annotated[
        str, typer.Option(help="Label of good pictures; default as when it was trained.")
    ] = "",
    false_alarms: Annotated[
        float | None,
        typer.Option(help="Share of good pictures that may be told falsely; default 0.05."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who verifies; stands in the history.")] = "",
    json: JsonOption = False,
) -> None:
    """Run a model in shadow over recorded data, or pictures; what passes may be released."""
    from genba.learn import Task
    from genba.learn.edge.pack import BUDGET_US, PICTURE_BUDGET_US
    from genba.learn.verify.budget import BUDGET_A_WEEK
    from genba.learn.verify.verified import FALSE_ALARMS, LEAST_FOUND, Terms, note
    from genba.plant import load_plant

    if hours is not None and start is not None:
        fail("--hours and --from say two things; give one of them")
    loaded = load_plant(plant)
    folder = state or plant.resolve().parent / "state"
    registry = registry_of(folder)
    found = registry.get(model)
    shows = found.card.task is Task.INSPECT
    _refuse_idle(
        found.digest,
        shows=shows,
        only_signals={"--hours": hours, "--from": start, "--twin": twin, "--budget": budget},
        only_pictures={
            "--pictures": pictures,
            "--labels": labels,
            "--good": good,
            "--false-alarms": false_alarms,
        },
    )
    if found_share and not (twin or shows):
        fail("--found is a share of imagined faults; name the process with --twin")
    usual_us, usual_found = (PICTURE_BUDGET_US, LEAST_FOUND) if shows else (BUDGET_US, 0.0)
    terms = Terms(
        *(usual_us if budget_us is None else budget_us, memory_mb, low, high),
        *(BUDGET_A_WEEK if budget is None else budget, certain),
        usual_found if found_share is None else found_share,
        FALSE_ALARMS if false_alarms is None else false_alarms,
    )
    in_force = release_in_force(registry, f"{found.card.equipment}.{found.card.task.value}")
    case = Case(registry, found, loaded, folder, terms, in_force)
    if shows:
        asked = found_share is not None or false_alarms is not None or certain
        run = of_pictures(case, pictures=pictures, labels=labels, good=good, asked=asked)
    else:
        run = of_signals(case, span=(start, end, hours), twin=(twin, fault_hours))
    verdict = _shown_running(run)
    note(registry, found, verdict, now_text(), by)
    if json:
        emit_json({"model": found.digest, "passed": verdict.passed, **verdict.as_json()})
    else:
        show_verdict(found.digest, verdict)
    if not verdict.passed:
        raise typer.Exit(1)


def _refuse_idle(
    digest: str, *, shows: bool, only_signals: dict[str, object], only_pictures: dict[str, object]
) -> None:
    """Refuse options that would do nothing: those of pictures with signals, and the other way."""
    for name, value in (only_signals if shows else only_pictures).items():
        if value:
            sees = "pictures, whose times and rates say nothing" if shows else "no pictures"
            fail(f"model {digest[:12]} judges {sees}; leave {name} out")


def _shown_running(run: "Callable[..., Verdict]") -> "Verdict":
    """Run it, with a bar that shows how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("beginning", total=1.0)

        def told(what: str, share: float) -> None:
            progress.update(task, description=what, completed=share)

        return run(told=told)
