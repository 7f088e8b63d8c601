"""The moment against which age is measured: a clock that leaps ahead forgets next to nothing."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from genba.errors import StateError
from genba.historian.folder import write_whole
from genba.historian.moving import Store
from genba.historian.schema import SAMPLES
from genba.plant import US

_NAME = "age.json"
_BELIEVED_US = 3 * 86_400 * US
"""A step of the newest store time that a weekend explains."""
_STRIDE_US = 20 * 60 * US
"""How far it moves on at once after a longer step: as retention runs every ten minutes, twice as
fast as time itself, so that what a long stop left catches up."""


@dataclass(frozen=True, slots=True)
class Age:
    """Up to when retention went: ``now`` in microseconds UTC, and whether that was held back."""

    now: int
    held: bool = False

    @classmethod
    def last(cls, root: Path) -> "Age | None":
        """Read what the last run used; None before the first.

        Raises
        ------
        StateError
            If the file is damaged; nothing may be deleted then.
        """
        path = root / _NAME
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(told["now"]), bool(told["held"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise StateError(
                f"{path} is damaged; nothing is forgotten until a person runs "
                "`genba historian retention`, or removes it"
            ) from None

    def after(self, newest: int) -> "Age":
        """Say what the next run may use, where the newest store time is ``newest``."""
        if newest <= self.now + _BELIEVED_US:
            return Age(newest)
        return Age(self.now + _STRIDE_US, held=True)

    def write(self, root: Path) -> None:
        """Note it, before anything goes."""
        write_whole(root / _NAME, json.dumps(asdict(self)) + "\n")


def newest(store: Store) -> int | None:
    """Return the newest store time, but no moment after now by this computer's clock.

    So a historian to which nothing is added forgets nothing, and one whose clock was ahead for a
    while goes by the right time when it is mended.
    """
    files = store.tables[SAMPLES.name].snapshot().files
    times = [file.high["store_time"] for file in files if file.high.get("store_time")]
    if not times:
        return None
    return min(int(max(times).timestamp() * US), time.time_ns() // 1000)


def next_age(store: Store) -> Age | None:
    """Move on to the moment that retention may use now, and note it; None without samples.

    Raises
    ------
    StateError
        As with :meth:`Age.last`.
    """
    root = store.folder.root
    found = newest(store)
    if found is None:
        return None
    last = Age.last(root)
    age = Age(found) if last is None else last.after(found)
    age.write(root)
    return age
