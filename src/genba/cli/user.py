"""``genba user``: the people who may log in to a plant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.acting import audited
from genba.cli.output import emit_json, fail, noun, print_table, says_errors

if TYPE_CHECKING:
    from genba.operate.people import Identities
    from genba.operate.state import StateFolder

app = noun("Add, list and change the people who may log in.")

StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]
NameArgument = Annotated[str, typer.Argument(help="Name of the person.")]
RoleHelp = "viewer, operator, engineer or admin; each may do all of the former."


@app.command("add")
@says_errors
def add(
    name: NameArgument,
    role: Annotated[str, typer.Option(help=RoleHelp)] = "viewer",
    state: StateOption = Path("state"),
) -> None:
    """Add a person; asks for the password, or reads it from standard input."""
    from genba.cli.passwords import ask_password
    from genba.operate.people import PersonRole

    given = PersonRole.of(role)
    folder, identities = _open(state, create=True)
    password = ask_password(f"Password of {name}", twice=True)
    with audited(folder, "user.add", name, given_role=role):
        identities.add_user(name, given, password)
    typer.echo(f"'{name}' may log in as {role}: genba login {name}")


@app.command("list")
@says_errors
def list_users(
    state: StateOption = Path("state"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who may log in, with which role."""
    _, identities = _open(state)
    columns = ("name", "role", "enabled", "created", "password changed", "sessions", "locked s")
    rows = [
        (
            user.name,
            str(user.role),
            user.enabled,
            user.created,
            user.changed,
            len(identities.sessions.of(user.name)),
            round(identities.attempts.waiting(user.name)),
        )
        for user in identities.users.all()
    ]
    if json:
        keys = [column.replace(" ", "_") for column in columns]
        emit_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table("Users", columns, rows)


@app.command("role")
@says_errors
def role(
    name: NameArgument,
    new: Annotated[str, typer.Argument(metavar="ROLE", help=RoleHelp)],
    state: StateOption = Path("state"),
) -> None:
    """Give a person another role; holds at once, also for open sessions."""
    from genba.operate.people import PersonRole

    given = PersonRole.of(new)
    folder, identities = _open(state)
    with audited(folder, "user.role", name, given_role=new):
        identities.change_user(name, role=given)
    typer.echo(f"'{name}' is {new} now.")


@app.command("password")
@says_errors
def password(name: NameArgument, state: StateOption = Path("state")) -> None:
    """Set a new password; open sessions of the person end."""
    from genba.cli.passwords import ask_password

    folder, identities = _open(state)
    if identities.users.get(name) is None:
        fail(f"there is no user '{name}'; `genba user list` shows them")
    given = ask_password(f"New password of {name}", twice=True)
    with audited(folder, "user.password", name):
        identities.change_user(name, password=given)
    typer.echo(f"The password of '{name}' is changed; open sessions have ended.")


@app.command("disable")
@says_errors
def disable(name: NameArgument, state: StateOption = Path("state")) -> None:
    """Let a person in no more; open sessions end. What they did stays on record."""
    folder, identities = _open(state)
    with audited(folder, "user.disable", name):
        identities.change_user(name, enabled=False)
    typer.echo(f"'{name}' may not log in any more.")


@app.command("enable")
@says_errors
def enable(name: NameArgument, state: StateOption = Path("state")) -> None:
    """Let a disabled person in again."""
    folder, identities = _open(state)
    with audited(folder, "user.enable", name):
        identities.change_user(name, enabled=True)
    typer.echo(f"'{name}' may log in again.")


@app.command("unlock")
@says_errors
def unlock(name: NameArgument, state: StateOption = Path("state")) -> None:
    """Let a person try again at once whom failed log-ins keep out."""
    folder, identities = _open(state)
    if identities.users.get(name) is None:
        fail(f"there is no user '{name}'; `genba user list` shows them")
    with audited(folder, "user.unlock", name):
        identities.attempts.unlock(name)
    typer.echo(f"'{name}' may try again.")


def _open(state: Path, *, create: bool = False) -> "tuple[StateFolder, Identities]":
    from genba.operate.people import Identities
    from genba.operate.state import StateFolder

    folder = StateFolder(state, create=create)
    return folder, Identities(folder.secrets)
