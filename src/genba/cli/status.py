"""``genba status``: how a running plant does."""

from typing import Annotated, Any

import typer

from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.run import DEFAULT_PORT


@says_errors
def status(
    url: Annotated[
        str, typer.Option(help="Where the API answers.", envvar="GENBA_URL")
    ] = f"http://127.0.0.1:{DEFAULT_PORT}",
    token: Annotated[
        str,
        typer.Option(help="API token; better given in the environment.", envvar="GENBA_TOKEN"),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how a running Genba does: links, loop, guard, historian."""
    health = fetch(url, token, "/health")
    if json:
        emit_json(health)
    else:
        _show(health)


def fetch(url: str, token: str, route: str, **query: str) -> Any:
    """Ask the API of a running core; leave with one clear line when it does not answer."""
    from urllib.parse import urlsplit

    import httpx

    if not token:
        fail("no token; set GENBA_TOKEN, or create one with `genba token create NAME`")
    try:
        answer = httpx.get(
            f"{url.rstrip('/')}/api/v1{route}",
            params=query,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
            # A proxy that the environment names has no way to this computer's own loopback.
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"),
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        fail(f"no Genba answers at {url} ({error}); start one with `genba run`, or give --url")
    try:
        told = answer.json()
        detail = None if answer.is_success else told["detail"]
    except (ValueError, KeyError, TypeError):
        fail(f"{url} answered with status {answer.status_code}, but is no Genba; give --url")
    if detail is not None:
        fail(f"{url} refused: {detail}")
    return told


def _show(health: dict[str, Any]) -> None:
    typer.echo(f"{health['plant']}: {health['status']}, plant time {health['time']}")
    print_table(
        "Connections",
        ("connection", "link", "received", "reconnects", "error"),
        [
            (name, link["link"], link["received"], link["reconnects"], link["error"])
            for name, link in health["connections"].items()
        ],
    )
    for part in ("loop", "guard", "historian", "production"):
        print_table(part.capitalize(), ("what", "value"), list(health[part].items()))
