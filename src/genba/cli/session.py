"""``genba login`` and ``genba logout``: a person's session, used by the commands that ask the API.

The password is asked for, or read from standard input; never taken as an argument, which other
users of the computer could see.
"""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.client import HERE, UrlOption, ask, read
from genba.cli.kept_sessions import KeptSession, keep, kept_for
from genba.cli.output import fail, says_errors
from genba.cli.passwords import ask_password


@says_errors
def login(
    name: Annotated[str, typer.Argument(help="Your name, as `genba user list` shows it.")],
    url: UrlOption = HERE,
    ca: Annotated[
        Path | None,
        typer.Option(
            help="Certificate (PEM) that vouches for the API; kept with the session.",
            envvar="GENBA_CA",
        ),
    ] = None,
) -> None:
    """Log in to a running Genba; the session is kept for the commands that ask it."""
    given = {"name": name, "password": ask_password("Password")}
    told, refused = read(url, ask(url, "", "POST", "/login", given, ca=ca))
    if refused is not None:
        fail(f"{url} refused: {refused}")
    file = "" if ca is None else str(ca.resolve())
    try:
        opened = KeptSession(told["name"], told["token"], told["expires"], file)
    except (KeyError, TypeError):
        fail(f"{url} opened no session; it is no Genba that knows people")
    keep(url, opened)
    typer.echo(f"{opened.name} is logged in as {told['role']}, until {opened.expires} at most.")


@says_errors
def logout(url: UrlOption = HERE) -> None:
    """End the session that `genba login` opened."""
    kept = kept_for(url)
    if kept is None:
        fail(f"nobody is logged in to {url}")
    answer = ask(url, kept.token, "POST", "/logout")
    if not answer.is_success and answer.status_code != 401:  # 401: it was over already
        fail(f"{url} did not end the session (status {answer.status_code}); try again")
    keep(url, None)
    typer.echo(f"{kept.name} is logged out.")
