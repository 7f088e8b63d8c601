"""Reads the audit log back, newest part or all of it."""

from collections.abc import Iterator
from pathlib import Path

from genba.errors import StateError
from genba.operate.audit.chain import Entry, parse, segments


def entries(
    folder: Path,
    *,
    after: int = 0,
    actor: str | None = None,
    action: str | None = None,
    since: str = "",
    until: str = "",
) -> Iterator[Entry]:
    """Yield entries, oldest first; lines that are none are left to :func:`verify`.

    Parameters
    ----------
    folder : Path
        Of the log.
    after : int
        Only entries with a higher number.
    actor, action : str, optional
        Only entries of one; ``action`` also matches by how it begins.
    since, until : str
        Only entries from the first on and before the second, ISO 8601 in UTC, by the computer's
        clock.
    """
    files = segments(folder)
    for index, path in enumerate(files):
        if index + 1 < len(files) and _begins(files[index + 1]) <= after + 1:
            continue
        try:
            with path.open("rb") as file:
                for line in file:
                    entry = parse(line)
                    if (
                        entry is not None
                        and entry.number > after
                        and actor in (None, entry.actor)
                        and (action is None or entry.action.startswith(action))
                        and (not since or entry.time >= since)
                        and (not until or entry.time < until)
                    ):
                        yield entry
        except OSError as error:
            raise StateError(
                f"the audit log {path} cannot be read: {error.strerror}; mend its access rights"
            ) from None


def _begins(segment: Path) -> int:
    text = segment.stem.removeprefix("audit-")
    return int(text) if text.isdecimal() else 0
