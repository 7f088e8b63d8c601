"""``genba trust``: which devices' certificates this plant trusts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.acting import audited
from genba.cli.output import emit_json, noun, print_table, says_errors

if TYPE_CHECKING:
    from genba.connect.pki import Entry

app = noun("See and decide which devices' certificates this plant trusts.")

StateOption = Annotated[
    Path, typer.Option("--state", help="State folder of the plant.", envvar="GENBA_STATE")
]
FingerprintArgument = Annotated[
    str, typer.Argument(help="SHA-256 fingerprint, or the first 6 characters of it or more.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@says_errors
def list_certificates(state: StateOption = Path("state"), json: JsonOption = False) -> None:
    """List the certificates that are trusted, and those that were rejected."""
    from genba.connect import pki

    found = pki.certificates(_pki(state))
    if json:
        emit_json([_facts(entry) for entry in found])
        return
    rows = [
        ("trusted" if e.trusted else "rejected", e.fingerprint[:16], e.subject, e.uri,
         f"{e.not_after:%Y-%m-%d}")
        for e in found
    ]  # fmt: skip
    print_table("Certificates", ("status", "fingerprint", "subject", "application", "until"), rows)
    if any(not entry.trusted for entry in found):
        typer.echo("Compare a fingerprint with the one on the device, then: genba trust add ...")


@app.command("add")
@says_errors
def add(
    certificate: Annotated[
        str,
        typer.Argument(help="Fingerprint of a rejected certificate, or a file (DER or PEM)."),
    ],
    state: StateOption = Path("state"),
) -> None:
    """Trust a certificate from now on, also in a running core."""
    from genba.connect import pki

    folder = _pki(state)
    path = Path(certificate)
    with audited(state, "trust.add", certificate) as told:
        entry = pki.trust(folder, path if path.is_file() else pki.find(folder, certificate).path)
        told |= {"fingerprint": entry.fingerprint, "subject": entry.subject}
    typer.echo(f"trusted: {entry.subject} ({entry.fingerprint})")


@app.command("remove")
@says_errors
def remove(fingerprint: FingerprintArgument, state: StateOption = Path("state")) -> None:
    """Trust a certificate no longer, from the next connection on."""
    from genba.connect import pki

    folder = _pki(state)
    with audited(state, "trust.remove", fingerprint) as told:
        entry = pki.distrust(folder, fingerprint)
        told |= {"fingerprint": entry.fingerprint, "subject": entry.subject}
    typer.echo(f"no longer trusted: {entry.subject} ({entry.fingerprint})")


@app.command("issuer")
@says_errors
def issuer(
    file: Annotated[
        Path, typer.Argument(help="An authority's certificate or revocation list (DER or PEM).")
    ],
    state: StateOption = Path("state"),
) -> None:
    """Trust all certificates that an authority issues; or take its newest revocation list."""
    from genba.connect import pki

    with audited(state, "trust.issuer", str(file)) as told:
        taken = pki.trust_issuer(_pki(state), file)
        told |= {"taken": taken}
    typer.echo(f"taken: {taken}")


@app.command("renew")
@says_errors
def renew(
    state: StateOption = Path("state"),
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make a new private key as well.")
    ] = False,
) -> None:
    """Renew this plant's own certificate; the old one is kept in pki/archive."""
    from genba.connect import pki

    with audited(state, "trust.renew", "own certificate") as told:
        own = pki.renew_identity(_pki(state), new_key=new_key)
        told |= {"fingerprint": own.fingerprint, "new_key": new_key}
    typer.echo(f"renewed until {own.not_after:%Y-%m-%d}: {own.certificate}")
    typer.echo("Let each device trust it.")


@app.command("show")
@says_errors
def show(
    fingerprint: Annotated[
        str, typer.Argument(help="Fingerprint; without one, this plant's own certificate.")
    ] = "",
    state: StateOption = Path("state"),
    json: JsonOption = False,
) -> None:
    """Show a certificate: this plant's own, or a device's."""
    from genba.connect import pki

    if fingerprint:
        facts = _facts(pki.find(_pki(state), fingerprint))
    else:
        own = pki.ensure_identity(_pki(state, create=True))
        facts = {
            "fingerprint": own.fingerprint,
            "application": own.uri,
            "until": own.not_after.isoformat(),
            "file": str(own.certificate),
        }
    if json:
        emit_json(facts)
    else:
        for name, value in facts.items():
            typer.echo(f"{name:<12} {value}")  # in one piece, to be copied


def _pki(state: Path, *, create: bool = False) -> Path:
    from genba.operate.state import StateFolder

    return StateFolder(state, create=create).pki


def _facts(entry: "Entry") -> dict[str, object]:
    return {
        "status": "trusted" if entry.trusted else "rejected",
        "fingerprint": entry.fingerprint,
        "subject": entry.subject,
        "application": entry.uri,
        "until": entry.not_after.isoformat(),
        "file": str(entry.path),
    }
