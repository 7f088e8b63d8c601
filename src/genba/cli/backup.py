"""``genba backup`` and ``genba restore``: keep a plant's state elsewhere, and bring it back."""

from pathlib import Path
from typing import Annotated

import typer

from genba.cli.acting import audited
from genba.cli.output import emit_json, fail, noun, says_errors

app = noun("Keep a plant's state elsewhere, also while it runs.")

PassphraseOption = Annotated[
    str | None,
    typer.Option(
        help="Passphrase of the secrets; better given in the environment, or typed when asked.",
        envvar="GENBA_PASSPHRASE",
        show_default=False,
    ),
]


@app.command("make")
@says_errors
def make(
    state: Annotated[Path, typer.Argument(help="State folder; a core may be running on it.")],
    folder: Annotated[Path, typer.Argument(help="Where backups lie, best on another disk.")],
    plant: Annotated[
        Path | None,
        typer.Option(help="Plant file to keep with it; default 'plant.yaml' beside the state."),
    ] = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Put keys and secrets in too, encrypted.")
    ] = False,
    passphrase: PassphraseOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a backup. What did not change since the last one takes no room again."""
    from genba.operate.backup import MANIFEST, back_up
    from genba.operate.manifest import Manifest
    from genba.operate.state import StateFolder

    beside = state.resolve().parent / "plant.yaml"
    if with_secrets and passphrase is None:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    held = StateFolder(state, create=False)
    with audited(held, "backup", str(folder), with_secrets=with_secrets) as told:
        made = back_up(
            state,
            folder,
            plant=plant or (beside if beside.exists() else None),
            secrets=held.secrets if with_secrets else None,
            passphrase=passphrase if with_secrets else None,
        )
        told["backup"] = made.name
    files = Manifest.read(made / MANIFEST).files
    size = sum(size for size, _ in files.values())
    if json:
        emit_json({"backup": str(made), "files": len(files), "bytes": size})
        return
    typer.echo(f"{made}: {len(files):,} files, {size:,} bytes")
    if not with_secrets:
        typer.echo("Keys, passwords and credentials are not in it (see --with-secrets).")


@app.command("verify")
@says_errors
def verify(
    backup: Annotated[Path, typer.Argument(help="One backup, or a folder: then its newest.")],
) -> None:
    """Compare every file of a backup with its manifest."""
    from genba.operate.backup import MANIFEST, newest
    from genba.operate.manifest import Manifest

    if not (backup / MANIFEST).exists():
        backup = newest(backup) or backup
    manifest = Manifest.read(backup / MANIFEST)
    faults = manifest.faults(backup)
    if faults:
        fail("\n".join(f"{backup}: {fault}" for fault in faults))
    typer.echo(f"{backup}: all {len(manifest.files):,} files are as they were")


@says_errors
def restore(
    backup: Annotated[Path, typer.Argument(help="One backup.")],
    state: Annotated[Path, typer.Argument(help="New or empty folder for the state.")],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Bring back keys and secrets too.")
    ] = False,
    passphrase: PassphraseOption = None,
) -> None:
    """Check a backup and make a state folder out of it."""
    from genba.operate.restore import restore as bring_back

    if with_secrets and passphrase is None:
        passphrase = typer.prompt("Passphrase", hide_input=True)
    manifest = bring_back(backup, state, passphrase=passphrase if with_secrets else None)
    with audited(state, "restore", str(backup), made=str(manifest.about["created"])):
        pass  # the log that tells of it is the restored one
    typer.echo(f"{state} is as it was at {manifest.about['created']}")
    if not with_secrets:
        typer.echo("It has no keys and no secrets: people and devices need new ones.")
