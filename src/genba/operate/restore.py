"""Making a state folder out of a backup."""

import os
import shutil
from pathlib import Path

from genba.errors import StateError
from genba.operate.backup import MANIFEST, SECRETS, is_private
from genba.operate.manifest import Manifest
from genba.operate.sealed_box import unseal


def restore(backup: Path, state: Path, *, passphrase: str | None = None) -> Manifest:
    """Check a backup and put it into a new or empty folder; give back its manifest.

    The folder appears whole or not at all. Nothing is linked to the backup, so that nothing that
    happens to the one happens to the other.

    Parameters
    ----------
    backup : Path
        One backup, not the folder of several.
    state : Path
        Where the state shall be.
    passphrase : str, optional
        Of the secrets in it. Without it they are left out: the restored plant makes new keys,
        and people and devices need new credentials.

    Raises
    ------
    StateError
        If the backup is damaged, the folder holds something (a running core's as well), or the
        passphrase is wrong.
    """
    manifest = Manifest.read(backup / MANIFEST)
    if state.exists() and (not state.is_dir() or any(state.iterdir())):
        raise StateError(
            f"{state} holds something, perhaps a plant that runs; restore into a new folder, and "
            "put it in the place of the old one after stopping Genba"
        )
    for name in filter(is_private, manifest.files):
        raise StateError(
            f"{backup} has '{name}' lying open, which no backup of Genba's has: whoever put it "
            "there would own the restored plant; use another backup"
        )
    faults = manifest.faults(backup)
    if faults:
        raise StateError("\n".join(f"backup {backup}: {fault}" for fault in faults[:20]))
    secrets: dict[str, bytes] = {}
    if passphrase is not None:
        if SECRETS not in manifest.files:
            raise StateError(f"backup {backup} has no secrets in it; leave the passphrase away")
        secrets = unseal((backup / SECRETS).read_bytes(), passphrase)
    draft = state.with_name(f".{state.name}.restored-{os.getpid()}")
    try:
        draft.mkdir(parents=True, mode=0o700)
        for name in manifest.files:
            if name != SECRETS:
                target = draft / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(backup / name, target)
        for name, data in secrets.items():
            _write_secret(draft, name, data)
        for private in ("audit", "secrets"):
            if (draft / private).exists():
                (draft / private).chmod(0o700)
        if state.exists():
            state.rmdir()
        draft.rename(state)
    except OSError as error:
        raise StateError(f"{backup} cannot be restored to {state}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _write_secret(root: Path, name: str, data: bytes) -> None:
    target = root / name
    if not target.resolve().is_relative_to(root.resolve()):
        raise StateError(
            f"the sealed secrets name '{name}', which lies outside; use another backup"
        )
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
