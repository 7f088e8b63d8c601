"""The ``genba`` command. Heavy rooms are imported inside the commands, so that help is instant."""

import typer

from genba import __version__
from genba.cli import (
    alarm,
    audit,
    backup,
    control,
    demo,
    edge,
    federate,
    historian,
    inspect,
    kpi,
    model,
    override,
    plan,
    plant,
    proposals,
    run,
    session,
    state,
    status,
    systemd,
    testbed,
    token,
    train,
    trust,
    twin,
    user,
)
from genba.cli.output import noun

app = noun("Genba runs a plant: sense, judge, plan, guard, act; and records everything.")


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


app.command("init", short_help="Make a commented plant.yaml.")(plant.init)
app.command("check", short_help="Find what is wrong with a plant file.")(plant.check)
app.command("run", short_help="Run a plant. Ctrl-C stops cleanly.")(run.run)
app.command("status", short_help="Show how a running Genba does.")(status.status)
app.command("kpi", short_help="Show the KPIs of a period (ISO 22400-2).")(kpi.kpi)
app.command("plan", short_help="Plan orders: a schedule, its chart, what is late and why.")(
    plan.plan
)
app.command("demo", short_help="Run a simulated plant for one shift.")(demo.demo)
app.add_typer(alarm.app, name="alarm", short_help="See and answer alarms (ISA-18.2).")
app.add_typer(historian.app, name="historian", short_help="Look into what was recorded.")
app.add_typer(proposals.app, name="proposals", short_help="Answer what waits for a person's yes.")
app.add_typer(override.app, name="override", short_help="Take equipment into manual.")
app.command("login", short_help="Log in to a running Genba.")(session.login)
app.command("logout", short_help="End the session of `genba login`.")(session.logout)
app.add_typer(user.app, name="user", short_help="Add and change the people who may log in.")
app.add_typer(audit.app, name="audit", short_help="See who did what, and check that log.")
app.add_typer(backup.app, name="backup", short_help="Keep a plant's state elsewhere.")
app.command("restore", short_help="Make a state folder out of a backup.")(backup.restore)
app.add_typer(edge.app, name="edge", short_help="Run models at a machine; roll releases out.")
app.add_typer(state.app, name="state", short_help="See and change a state folder's format.")
app.command("systemd", short_help="Make a unit that runs a plant.")(systemd.systemd)
app.add_typer(token.app, name="token", short_help="Give, list and revoke API tokens.")
app.add_typer(trust.app, name="trust", short_help="Decide which devices are trusted.")
app.add_typer(train.app, name="train", short_help="Learn a model from what was recorded.")
app.command("inspect", short_help="Judge pictures with a model, and show where the defect is.")(
    inspect.inspect
)
app.add_typer(federate.app, name="federate", short_help="Train one model with other sites.")
app.add_typer(model.app, name="model", short_help="See models, and what happened to them.")
app.add_typer(control.app, name="control", short_help="Choose set-points by looking ahead.")
app.add_typer(twin.app, name="twin", short_help="Ask what would be: the line twin.")
app.add_typer(testbed.app, name="testbed", short_help="Serve or step a simulated plant.")


def main() -> None:
    """Entry point of the ``genba`` command."""
    app()
