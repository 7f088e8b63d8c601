"""One signed file for each process: what was learned of it, and a proof that nobody changed it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from genba.control.bound import Bound
from genba.errors import ControlError, LearnError
from genba.learn.registry.signature import public_text, sign, signing_key, verify
from genba.twin.whole_file import write_whole


def write(content: dict[str, Any], folder: Path, key: Path) -> Path:
    """Write what was learned of ``content["process"]``, signed with the plant's model key.

    Raises
    ------
    LearnError
        If the key cannot be used.
    TwinError
        If the file cannot be written.
    """
    private = signing_key(key)
    told = {
        "content": content,
        "signer": public_text(private),
        "signature": sign(private, _digest(content)),
    }
    path = file_of(content["process"], folder)
    write_whole(path, json.dumps(told, indent=1, allow_nan=False))
    return path


def read(bound: Bound, folder: Path, key: Path) -> tuple[dict[str, Any], str]:
    """Read what was learned of a process; also its digest.

    Raises
    ------
    ControlError
        If nothing was learned, the file was changed, or the physics is not the one it is of.
    """
    name, path = bound.process.id, file_of(bound.process.id, folder)
    if not path.exists():
        raise ControlError(f"nothing was learned of '{name}' yet; run `genba twin learn {name}`")
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        content: dict[str, Any] = told["content"]
        digest = _digest(content)
        verify(public_text(signing_key(key)), digest, told["signature"])
        same = content["physics"] == bound.physics.name and content["parameters"] == [
            one.name for one in bound.physics.parameters
        ]
    except (ValueError, KeyError, TypeError, LearnError) as error:
        raise damaged(path, error) from None
    if not same:
        raise ControlError(
            f"{path} is of physics '{content['physics']}', which was another then; learn the "
            "process again"
        )
    return content, digest


def file_of(process: str, folder: Path) -> Path:
    """Say where it lies."""
    return folder / f"{process}.json"


def damaged(path: Path, error: Exception) -> ControlError:
    """Say that a file cannot be believed."""
    return ControlError(f"{path} was changed or damaged ({error}); learn the process again")


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
