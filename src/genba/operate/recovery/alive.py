"""A sign of life in the state folder: up to when all that was received has been stored."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genba.errors import StateError


@dataclass(frozen=True, slots=True)
class LastRun:
    """What an earlier run left behind.

    ``time`` (microseconds UTC, plant clock) is when everything received was stored last.
    """

    time: int
    clean: bool
    """Whether it was stopped, not killed."""
    signals: frozenset[str]
    """What it recorded."""
    skew_s: Mapping[str, float]
    """How far the clocks of its devices were from Genba's, by connection."""


class AliveMark:
    """Two files: which signals are recorded, written when there are new ones, and up to when.

    The time is not forced to the disk: the page cache outlives the process, and after a power
    failure an older time only makes the gap longer. Both are replaced as a whole.

    Parameters
    ----------
    folder : Path
        The state folder's root.
    """

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "alive.json"
        self._signals = folder / "recorded-signals.json"

    def last_run(self) -> LastRun | None:
        """Return what the earlier run left, None where there was none.

        Raises
        ------
        StateError
            If a file is there and cannot be read.
        """
        try:
            told = json.loads(self._mark.read_text(encoding="utf-8"))
            names = json.loads(self._signals.read_text(encoding="utf-8"))
            skew_s = {str(name): float(skew) for name, skew in told["skew_s"].items()}
            return LastRun(
                int(told["time"]), bool(told["clean"]), frozenset(map(str, names)), skew_s
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(
                f"{self._mark} or {self._signals.name} cannot be read ({error}); the historian "
                "has to say since when Genba did not run"
            ) from None

    def recorded(self, signals: Iterable[str]) -> None:
        """Note which signals have been recorded; errors as with :meth:`write`."""
        _replace(self._signals, json.dumps(sorted(signals)))

    def write(self, time: int, skew_s: Mapping[str, float], *, clean: bool = False) -> None:
        """Note that everything that was received before ``time`` is stored.

        Raises
        ------
        OSError
            If it cannot be written; what was there before stays.
        """
        _replace(self._mark, json.dumps({"time": time, "clean": clean, "skew_s": dict(skew_s)}))


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)
