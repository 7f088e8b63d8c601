"""``genba token``: who may use the API of a plant."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.output import emit_json, fail, noun, print_table, says_errors

app = noun("Give, list and revoke API tokens of a plant.")

StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]


@app.command("create")
@says_errors
def create(
    name: Annotated[str, typer.Argument(help="Who or what will hold the token.")],
    role: Annotated[
        str,
        typer.Option(help="viewer, operator, engineer or admin; each may do all of the former."),
    ] = "viewer",
    state: StateOption = Path("state"),
) -> None:
    """Create an identity and show its token, once."""
    from genba.operate.identity import Identities, PersonRole
    from genba.operate.state import StateFolder

    if role not in list(PersonRole):
        fail(f"'{role}' is no role; choose one of {', '.join(PersonRole)}")
    token = Identities(StateFolder(state).secrets).create(name, PersonRole(role))
    typer.echo(token)
    typer.echo(f"This is the only time that the token of '{name}' is shown.", err=True)


@app.command("list")
@says_errors
def list_identities(
    state: StateOption = Path("state"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who holds a token, with which role."""
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder

    known = Identities(StateFolder(state, create=False).secrets).all()
    rows = [(i.name, str(i.role), i.created) for i in known]
    if json:
        emit_json([dict(zip(("name", "role", "created"), row, strict=True)) for row in rows])
    else:
        print_table("Identities", ("name", "role", "created"), rows)


@app.command("revoke")
@says_errors
def revoke(
    name: Annotated[str, typer.Argument(help="Whose token to revoke.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a token worthless, also in a running core."""
    from genba.operate.identity import Identities
    from genba.operate.state import StateFolder

    Identities(StateFolder(state, create=False).secrets).revoke(name)
    typer.echo(f"'{name}' holds no token any more.")
