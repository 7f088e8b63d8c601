"""User names and passwords of devices: from the environment or a protected file."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import yaml

from genba.connect.driver import Credentials
from genba.errors import DeviceError

VARIABLE = "GENBA_CREDENTIALS_"


def variable_of(name: str) -> str:
    """Name of the environment variable that holds the credentials called ``name``."""
    return VARIABLE + "".join(c if c.isalnum() else "_" for c in name).upper()


def load(
    name: str | None, file: Path, environment: Mapping[str, str] | None = None
) -> Credentials | None:
    """Find the credentials that a connection names; None where it names none.

    The environment (``GENBA_CREDENTIALS_<NAME>=user:password``) goes before the file, a YAML
    mapping ``name: {user: ..., password: ...}`` that only its owner may read.

    Raises
    ------
    DeviceError
        If they are nowhere, malformed, or others may read the file. No message shows a secret.
    """
    if name is None:
        return None
    variable = variable_of(name)
    text = (os.environ if environment is None else environment).get(variable)
    if text is not None:
        user, colon, password = text.partition(":")
        if not colon or not user:
            raise DeviceError(f"{variable} is not of the form user:password; set it again")
        return Credentials(user, password)
    found = _from_file(name, file) if file.exists() else None
    if found is None:
        raise DeviceError(
            f"credentials '{name}' are nowhere to be found; "
            f"set {variable}=user:password or add them to {file}"
        )
    return found


def _from_file(name: str, file: Path) -> Credentials | None:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise DeviceError(f"{file} can be read by others (mode {mode:04o}); run: chmod 600 {file}")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise DeviceError(
            f"{file} is not valid YAML; write name: {{user: U, password: P}}"
        ) from None
    entry = content.get(name) if isinstance(content, dict) else None
    if entry is None:
        return None
    user, password = (
        (entry.get("user"), entry.get("password")) if isinstance(entry, dict) else (None, None)
    )
    if not isinstance(user, str) or not isinstance(password, str):
        raise DeviceError(
            f"{file}: '{name}' needs user and password as text; "
            f"write {name}: {{user: U, password: 'P'}}"
        )
    return Credentials(user, password)
