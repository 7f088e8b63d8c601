"""``genba run``: the execution loop and the API of one plant."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.output import fail, says_errors

if TYPE_CHECKING:
    from genba.operate.api.certificate import Tls

DEFAULT_PORT = 8460


class LogFormat(StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """Least level of what is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@says_errors
def run(
    plant: Annotated[Path, typer.Argument(help="The plant file.")] = Path("plant.yaml"),
    state: Annotated[
        Path | None,
        typer.Option(
            help="State folder; default: 'state' beside the plant file.", envvar="GENBA_STATE"
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address of the API. Anything but loopback opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the API.", min=0, max=65535)] = DEFAULT_PORT,
    clock: Annotated[
        str,
        typer.Option(
            help="The plant's clock: 'system', or START*SPEED@UNIXSECONDS for a simulated one."
        ),
    ] = "system",
    until: Annotated[
        str | None, typer.Option(help="Stop by itself at this plant time (ISO 8601).")
    ] = None,
    credentials: Annotated[
        Path | None, typer.Option(help="File with the devices' credentials (mode 0600).")
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the secrets; default: 'secrets' in the state.", envvar="GENBA_SECRETS"
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt the API, with a certificate of Genba's own.")
    ] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Encrypt the API with this certificate chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="The private key of --tls-cert (PEM, mode 0600).")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Answer the network without TLS all the same.")
    ] = False,
    behind_proxy: Annotated[
        str | None,
        typer.Option(help="Address of a proxy in front; its X-Forwarded-For is believed."),
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option(help="How the log is written: for people or for machines.")
    ] = LogFormat.TEXT,
    log_level: Annotated[LogLevel, typer.Option(help="Least level of it.")] = LogLevel.WARNING,
    log_file: Annotated[
        Path | None,
        typer.Option(help="Write the log here, rotated at 20 MiB; default: standard error."),
    ] = None,
) -> None:
    """Run a plant: connect, record, judge, plan, guard, act. Ctrl-C stops cleanly."""
    import asyncio

    from genba.cli.running import Run, serve
    from genba.operate.identity import Identities
    from genba.operate.listening import listen
    from genba.operate.logs import set_up
    from genba.operate.state import StateFolder
    from genba.plant import load_plant, parse_clock, parse_time

    set_up(log_format, level=log_level, file=log_file)
    loaded = load_plant(plant)
    plant_clock = parse_clock(clock)
    end = None if until is None else parse_time(until)
    folder = state or plant.resolve().parent / "state"
    _upgrade(folder)
    with StateFolder(folder, secrets=secrets) as held:
        # Before anything is connected or written: is the port free?
        listener = listen(host, port)
        with listener:
            encrypted = _tls(held.pki, host, tls_cert, tls_key, own=tls)
            _check_open(host, encrypted, insecure=insecure)
            identities = Identities(held.secrets)
            of_run = Run(loaded, held, plant_clock, credentials, end, encrypted, behind_proxy)
            asyncio.run(serve(of_run, identities, listener))


def _tls(
    pki: Path, host: str, certificate: Path | None, key: Path | None, *, own: bool
) -> "Tls | None":
    from genba.operate.api.certificate import Tls, own_tls

    if (certificate is None) != (key is None):
        fail("--tls-cert and --tls-key go together; give both, or --tls alone")
    if certificate is not None and key is not None:
        return Tls(certificate, key)
    return own_tls(pki, host) if own else None


def _check_open(host: str, tls: "Tls | None", *, insecure: bool) -> None:
    """Keep passwords and tokens from crossing a network for everybody to read."""
    from genba.operate.listening import is_loopback

    if tls is not None or is_loopback(host):
        return
    if not insecure:
        fail(
            f"the API would answer the network at {host} unencrypted; add --tls, or --tls-cert "
            "and --tls-key, or --insecure where something else encrypts"
        )
    typer.echo(f"genba: the API answers the network at {host}, unencrypted.", err=True)


def _upgrade(folder: Path) -> None:
    """Bring an older state folder to this format; every step has a way back."""
    from genba.operate.upgrade import upgrade

    if not (folder / "version.json").exists():
        return
    for step in upgrade(folder):
        typer.echo(f"genba: {folder} is upgraded to format {step.to}: {step.text}", err=True)
        typer.echo("genba: the way back is `genba state rollback`", err=True)
