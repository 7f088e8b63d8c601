"""``genba model retrain``: learn anew where a rule asks for it, and propose what is better."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.model_watch import look_at, named, parted
from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, says_errors
from genba.cli.training import FileOption, JsonOption, StateOption, now_text, registry_of

if TYPE_CHECKING:
    from genba.learn import Dataset, Registered
    from genba.learn.retrain.retrain import Retrained
    from genba.learn.watch.rules import Rules
    from genba.learn.watch.watched import Watched
    from genba.learn.watch.where import Force

_BROKEN = ("calibration", "answers", "false_alarms")


@says_errors
def retrain(
    given: Annotated[
        list[str],
        typer.Argument(help="The model (how its digest begins), and the plant file."),
    ],
    state: StateOption = None,
    file: FileOption = None,
    start: Annotated[
        str,
        typer.Option("--from", help=f"Begin; default as long a time as it learned from. {TIMES}"),
    ] = "",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    rules: Annotated[
        Path | None, typer.Option(help="YAML with what triggers it; default as in the docs.")
    ] = None,
    why: Annotated[
        str, typer.Option(help="Learn anew whatever the rules say; stands in the history.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Learn a model anew, in the same way from newer rows, where a rule asks for it."""
    from genba.learn.retrain.retrain import retrain as again
    from genba.learn.watch.rules import Rules, read_rules

    model, plant = parted(given)
    if not model:
        fail("name the model; `genba model list` shows them")
    folder = state or plant.resolve().parent / "state"
    told = Rules() if rules is None else read_rules(rules)
    registry = registry_of(folder)
    found, force = named(registry, model)[0]
    watched, data = _rows(found, force, plant, folder, file, (start, end), told)
    trigger = why or watched.why(told.retrain)
    if not trigger:
        if json:
            emit_json({"model": found.digest, "trigger": "", "proposed": False})
        else:
            typer.echo(
                f"{found.digest[:12]}: nothing triggers it ({watched.verdict(told)}); --why TEXT "
                "does so all the same."
            )
        return
    outcome = again(registry, found, data, trigger, now_text(), broken=watched.why(_BROKEN))
    if json:
        emit_json(outcome.as_json())
    else:
        _show(outcome)


def _rows(
    found: "Registered",
    force: "Force | None",
    plant: Path,
    folder: Path,
    file: Path | None,
    span: tuple[str, str],
    rules: "Rules",
) -> "tuple[Watched, Dataset]":
    """Look at the model as it does now, and get the rows to learn from."""
    from genba.historian import Historian
    from genba.learn.verify.unseen import learned_from
    from genba.learn.watch.again import from_file, from_historian
    from genba.plant import SystemClock, format_time, load_plant

    if file is not None:
        return look_at(found, force, file, span, rules, None), from_file(found.card, file)
    loaded = load_plant(plant)
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        trained = learned_from(found.card)
        if trained is None:
            fail("this model learned from a file; name one with newer rows with --file")
        until = moment(historian, span[1])
        begin = moment(historian, span[0]) if span[0] else until - (trained[1] - trained[0])
        looked = (format_time(max(begin, trained[1])), span[1])
        watched = look_at(found, force, (historian, loaded), looked, rules, None)
        return watched, from_historian(found.card, historian, loaded, begin, until)


def _show(outcome: "Retrained") -> None:
    typer.echo(f"Triggered: {outcome.trigger}.")
    if outcome.candidate is None:
        typer.echo(f"Nothing was learned: {outcome.why}")
        return
    name = outcome.candidate.digest[:12]
    typer.echo(f"Candidate {name}: {outcome.why}.")
    if outcome.proposed:
        typer.echo(
            f"Proposed; nothing runs it. See `genba model show {name}`, then `genba model verify "
            f"{name}` and `genba model release {name}`."
        )
    else:
        typer.echo("Not proposed: the one in force stays.")
