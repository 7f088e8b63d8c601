"""A file of rows that only its owner may read, shared by several processes."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from genba.errors import StateError
from genba.operate.state import locked, write_atomically

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


class SecretFile(Generic[Row]):
    """Rows by key, in one JSON file of mode 0600; read again when somebody changed it.

    Parameters
    ----------
    path : Path
        The file.
    build : callable
        Makes a row of what the file holds; may raise ValueError, TypeError or KeyError.
    key : callable
        Names a row.
    mend : str
        What to do when the file is damaged.
    """

    def __init__(
        self,
        path: Path,
        build: Callable[[dict[str, Any]], Row],
        key: Callable[[Row], str],
        mend: str,
    ) -> None:
        self._path = path
        self._build = build
        self._key = key
        self._mend = mend
        self._rows: dict[str, Row] = {}
        self._read: tuple[int, int] | None = None
        self._guard = threading.RLock()
        self.rows()

    def rows(self) -> dict[str, Row]:
        """Return the rows as they are now; not to be changed."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._rows if self._read is None else {}
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._read:
            with self._guard:
                self._rows = self._load()
                self._read = seen
        return self._rows

    def _load(self) -> dict[str, Row]:
        try:
            rows = [self._build(row) for row in json.loads(self._path.read_text(encoding="utf-8"))]
        except (ValueError, TypeError, KeyError):
            raise StateError(f"{self._path} is damaged; {self._mend}") from None
        return {self._key(row): row for row in rows}

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, Row]]:
        """Yield a copy of the rows to change; it is stored when the block ends well."""
        with self._guard, locked(self._path.with_name(f".{self._path.name}.lock")):
            rows = dict(self.rows())
            yield rows
            text = json.dumps([asdict(row) for row in rows.values()], indent=2, default=_plain)
            write_atomically(self._path, text + "\n", mode=0o600)
            found = self._path.stat()
            self._rows, self._read = rows, (found.st_mtime_ns, found.st_ino)


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")
