"""From when on a signal's samples and rollups are still there: written before anything goes."""

import json
from pathlib import Path

from genba.errors import StateError
from genba.historian.folder import write_whole

_NAME = "horizon.json"


class Horizons:
    """The file ``horizon.json``: by table and signal, the time before which rows may be gone.

    Times are microseconds UTC. It is read anew whenever it has changed.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / _NAME
        self._seen: tuple[int, int] | None = None
        self._times: dict[str, dict[str, int]] = {}

    def of(self, table: str) -> dict[str, int]:
        """Return the horizon of each signal that has one.

        Raises
        ------
        StateError
            If the file is damaged.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return {}
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            try:
                self._times = json.loads(self._path.read_text(encoding="utf-8"))["tables"]
            except (ValueError, KeyError, TypeError):
                raise StateError(
                    f"{self._path} is damaged; restore the folder from a backup"
                ) from None
            self._seen = seen
        return self._times.get(table, {})

    def before(self, table: str, time: int) -> dict[str, int]:
        """Return the horizons that lie after a time."""
        return {signal: since for signal, since in self.of(table).items() if since > time}

    def advance(self, table: str, horizons: dict[str, int]) -> None:
        """Move horizons on, never back; on disk when this returns."""
        known = dict(self.of(table))
        merged = {**known, **{s: max(t, known.get(s, t)) for s, t in horizons.items()}}
        if merged != known:
            self._times = {**self._times, table: merged}
            write_whole(self._path, json.dumps({"tables": self._times}) + "\n")
