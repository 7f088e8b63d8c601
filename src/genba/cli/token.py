"""``genba token``: which machines may use the API of a plant."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.acting import audited
from genba.cli.output import emit_json, noun, print_table, says_errors

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
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Narrow the token to read, alarms, propose, approve, configure or admin; repeat "
            "it for several. Without, the role alone decides."
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="Let the token expire after so many days.", min=0.001)
    ] = None,
    state: StateOption = Path("state"),
) -> None:
    """Create an identity and show its token, once."""
    import datetime as dt

    from genba.operate.people import Identities, PersonRole, Scope
    from genba.operate.state import StateFolder

    given = PersonRole.of(role)
    scopes = frozenset(map(Scope.of, scope)) if scope else None
    expires = None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    folder = StateFolder(state)
    identities = Identities(folder.secrets)
    told = {"given_role": role, "scopes": sorted(scopes) if scopes else None, "days": days}
    with audited(folder, "token.create", name, **told):
        token = identities.create(name, given, scopes, expires)
    typer.echo(token)
    typer.echo(f"This is the only time that the token of '{name}' is shown.", err=True)


@app.command("list")
@says_errors
def list_identities(
    state: StateOption = Path("state"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who holds a token, with which role and scopes, and when it was last used."""
    from genba.operate.people import Identities
    from genba.operate.state import StateFolder

    tokens = Identities(StateFolder(state, create=False).secrets).tokens
    used = tokens.last_used()
    columns = ("name", "role", "scopes", "created", "expires", "last_used")
    rows = [
        (
            token.name,
            str(token.role),
            "all" if token.scopes is None else ", ".join(sorted(token.scopes)),
            token.created,
            token.expires or "never",
            used.get(token.id, "never"),
        )
        for token in tokens.all()
    ]
    if json:
        emit_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("Identities", columns, rows)


@app.command("revoke")
@says_errors
def revoke(
    name: Annotated[str, typer.Argument(help="Whose token to revoke.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a token worthless, also in a running core."""
    from genba.operate.people import Identities
    from genba.operate.state import StateFolder

    folder = StateFolder(state, create=False)
    identities = Identities(folder.secrets)
    with audited(folder, "token.revoke", name):
        identities.revoke(name)
    typer.echo(f"'{name}' holds no token any more.")
