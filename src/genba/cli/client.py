"""Asks the API of a running core; leaves with one clear line when it does not answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.kept_sessions import kept_for
from genba.cli.output import fail
from genba.cli.run import DEFAULT_PORT

if TYPE_CHECKING:
    import ssl

    import httpx

HERE = f"http://127.0.0.1:{DEFAULT_PORT}"
CA_VARIABLE = "GENBA_CA"
"""Names a certificate (PEM) that the API must show, or be vouched for by."""

UrlOption = Annotated[str, typer.Option("--url", help="Where the API answers.", envvar="GENBA_URL")]
TokenOption = Annotated[
    str,
    typer.Option(
        "--token",
        help="API token; better given in the environment, or by `genba login`.",
        envvar="GENBA_TOKEN",
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
    """Send a request; ``body`` goes as JSON. Returns the JSON of the answer, None if it is empty.

    Without a token, that of the session from ``genba login`` is taken.
    """
    kept = kept_for(url)
    held = token or ("" if kept is None else kept.token)
    if not held:
        fail(
            "no token; log in with `genba login NAME`, or set GENBA_TOKEN to one of "
            "`genba token create NAME`"
        )
    answer = ask(url, held, method, route, body, query)
    told, detail = read(url, answer)
    if detail is not None:
        fail(f"{url} refused: {detail}")
    return told


def read(url: str, answer: "httpx.Response") -> tuple[Any, str | None]:
    """Return what an answer says, and the reason if it is a refusal."""
    try:
        if answer.is_success:
            return (answer.json() if answer.content else None), None
        return None, str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        fail(f"{url} answered with status {answer.status_code}, but is no Genba; give --url")


def ask(
    url: str,
    token: str,
    method: str,
    route: str,
    body: Any = None,
    query: dict[str, str] | None = None,
    ca: Path | None = None,
) -> "httpx.Response":
    """Send a request and return the answer, whatever it says."""
    from urllib.parse import urlsplit

    import httpx

    try:
        return httpx.request(
            method,
            f"{url.rstrip('/')}/api/v1{route}",
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=10,
            # A proxy that the environment names has no way to this computer's own loopback.
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"),
            verify=_trusted(url, ca),
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            fail(
                f"{url} shows a certificate that nothing vouches for; if it is Genba's own, name "
                f"its file api.cert.pem in {CA_VARIABLE}"
            )
        fail(f"no Genba answers at {url} ({error}); start one with `genba run`, or give --url")


def _trusted(url: str, given: Path | None) -> "ssl.SSLContext | bool":
    """Return whose certificates are good: those of the system, or the one that was named."""
    import os
    import ssl

    kept = kept_for(url)
    named = given or os.environ.get(CA_VARIABLE) or (kept.ca if kept else "")
    if not named or not url.startswith("https:"):
        return True
    try:
        context = ssl.create_default_context(cafile=str(named))
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror
        fail(f"{named} cannot vouch for the API: {why}; name a certificate in PEM form")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
