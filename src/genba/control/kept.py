"""One signed file for each process: what was learned of it, and a proof that nobody changed it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genba.control.bound import Bound
from genba.errors import ControlError, LearnError
from genba.learn.registry.history import History, What
from genba.learn.registry.signature import public_text, sign, signing_key, verify
from genba.plant import SystemClock, format_time
from genba.twin.whole_file import write_whole

HISTORY = "history.jsonl"
"""What was learned of which process when and why, line by line, chained."""
FORMER = "former"
"""Folder of what was in force before."""
BY_HAND = "genba twin learn"


def write(content: dict[str, Any], folder: Path, key: Path, *, by: str = BY_HAND) -> Path:
    """Write what was learned of ``content["process"]``, signed with the plant's model key.

    What was in force before is kept beside it, and the history of the folder gets a line.

    Parameters
    ----------
    by : str
        Who or what had it learned, for the history.

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
    _set_aside(path, folder)
    write_whole(path, json.dumps(told, indent=1, allow_nan=False))
    about = {"process": content["process"], "period": content.get("period")}
    note(What.STARTED, content["process"], _digest(content), folder, by=by, data=about)
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


def note(
    what: What,
    process: str,
    model: str,
    folder: Path,
    *,
    by: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to the history of what was learned of processes.

    Raises
    ------
    LearnError
        If it was damaged, or cannot be written.
    """
    now = format_time(SystemClock().now())
    History(folder / HISTORY).add(what, model, now, by=by, where=process, data=data)


def _set_aside(path: Path, folder: Path) -> None:
    """Keep what is in force until now beside what comes, as it is."""
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        return
    name = f"{path.stem}-{hashlib.sha256(before).hexdigest()[:12]}.json"
    write_whole(folder / FORMER / name, before.decode("utf-8", "replace").removesuffix("\n"))


def file_of(process: str, folder: Path) -> Path:
    """Say where it lies."""
    return folder / f"{process}.json"


def damaged(path: Path, error: Exception) -> ControlError:
    """Say that a file cannot be believed."""
    return ControlError(f"{path} was changed or damaged ({error}); learn the process again")


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
