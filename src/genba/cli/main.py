"""The ``genba`` command. Heavy rooms are imported inside the commands, so that help is instant."""

import typer

from genba import __version__
from genba.cli import demo, historian, kpi, plant, run, status, testbed, token, trust

app = typer.Typer(
    help="Genba runs a plant: sense, judge, plan, guard, act; and records everything.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genba {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version.", callback=_version, is_eager=True
    ),
) -> None:
    pass


app.command("init")(plant.init)
app.command("check")(plant.check)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("kpi")(kpi.kpi)
app.add_typer(historian.app, name="historian")
app.add_typer(token.app, name="token")
app.add_typer(trust.app, name="trust")
app.add_typer(testbed.app, name="testbed")
app.command("demo")(demo.demo)


def main() -> None:
    """Entry point of the ``genba`` command."""
    app()
