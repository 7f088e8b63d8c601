"""Puts on the audit log what somebody does on the command line."""

import contextlib
import getpass
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genba.operate.state import StateFolder


def by_whom() -> str:
    """Return who uses this computer, as the audit log says it: ``cli ana@line-pc``.

    Whoever became root with sudo is told, too.
    """
    before = os.environ.get("SUDO_USER")
    name = user_name()
    return (
        f"cli {f'{before} as ' if before and before != name else ''}{name}@{socket.gethostname()}"
    )


def user_name() -> str:
    """Return the name of who uses this computer; the number, if there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@contextlib.contextmanager
def audited(
    state: "StateFolder | Path", action: str, target: str, **detail: Any
) -> Iterator[dict[str, Any]]:
    """Record an act on a plant's state once it is done, or that it failed and why.

    Yields the entry's details, to which more can be added. When the block has ended the entry is
    on disk.

    Raises
    ------
    StateError
        If the log cannot be written; before anything is done.
    """
    from genba.operate.audit import AuditLog, Result
    from genba.operate.state import StateFolder

    folder = state if isinstance(state, StateFolder) else StateFolder(state, create=False)
    told = dict(detail)
    with AuditLog(folder.audit, folder.secrets) as log:
        log.probe()

        def record(result: Result) -> None:
            log.record(user_name(), "", action, target, result, by_whom(), told).result()

        try:
            yield told
        except BaseException as error:
            told["why"] = str(error) or type(error).__name__
            record(Result.FAILED)
            raise
        record(Result.DONE)
