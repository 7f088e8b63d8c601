"""User names and passwords of the testbed's devices."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from genba.errors import TestbedError
from genba.plant import Plant

_FILE = "credentials.yaml"


def variable_of(name: str) -> str:
    """Environment variable that may hold ``user:password`` of the credentials called ``name``."""
    return "GENBA_CREDENTIALS_" + "".join(c if c.isalnum() else "_" for c in name).upper()


def ensure_logins(
    plant: Plant, runtime: Path, environment: Mapping[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    """Find user and password for each name that a connection gives under ``credentials``.

    The environment goes before ``credentials.yaml`` in the runtime folder; a login that is in
    neither is made up and written there (readable by its owner only), as a panel builder hands
    one over with the machine.

    Raises
    ------
    TestbedError
        If a login is malformed. No message shows a password.
    """
    held = os.environ if environment is None else environment
    names = sorted({c.credentials for c in plant.connections if c.credentials is not None})
    file = runtime / _FILE
    written = _read(file)
    logins: dict[str, tuple[str, str]] = {}
    for name in names:
        text = held.get(variable_of(name))
        if text is not None:
            user, colon, password = text.partition(":")
            if not (user and colon):
                raise TestbedError(f"{variable_of(name)} is not of the form user:password")
            logins[name] = (user, password)
        else:
            entry = written.setdefault(
                name, {"user": "genba", "password": secrets.token_urlsafe(18)}
            )
            logins[name] = _login(file, name, entry)
    made_up = {name: written[name] for name in names if name in written}
    if made_up and made_up != _read(file):
        _write(file, written)
    return logins


def _login(file: Path, name: str, entry: object) -> tuple[str, str]:
    if isinstance(entry, dict):
        user, password = entry.get("user"), entry.get("password")
        if isinstance(user, str) and isinstance(password, str):
            return user, password
    raise TestbedError(
        f"{file}: '{name}' needs user and password as text; "
        f"write {name}: {{user: U, password: 'P'}}, or delete it to have one made up"
    )


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict):
        raise TestbedError(
            f"{file} is no YAML mapping of names to user and password; mend it, or delete it to "
            "have logins made up"
        )
    return content


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        yaml.safe_dump(dict(content), out)
