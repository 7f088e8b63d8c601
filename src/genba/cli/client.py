"""Asks the API of a running core; leaves with one clear line when it does not answer."""

from typing import Annotated, Any

import typer

from genba.cli.output import fail
from genba.cli.run import DEFAULT_PORT

HERE = f"http://127.0.0.1:{DEFAULT_PORT}"

UrlOption = Annotated[str, typer.Option("--url", help="Where the API answers.", envvar="GENBA_URL")]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token", help="API token; better given in the environment.", envvar="GENBA_TOKEN"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def fetch(url: str, token: str, route: str, **query: str) -> Any:
    """Ask a question."""
    return send(url, token, "GET", route, query=query)


def send(
    url: str,
    token: str,
    method: str,
    route: str,
    body: Any = None,
    query: dict[str, str] | None = None,
) -> Any:
    """Send a request; ``body`` goes as JSON."""
    from urllib.parse import urlsplit

    import httpx

    if not token:
        fail("no token; set GENBA_TOKEN, or create one with `genba token create NAME`")
    try:
        answer = httpx.request(
            method,
            f"{url.rstrip('/')}/api/v1{route}",
            params=query,
            json=body,
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
