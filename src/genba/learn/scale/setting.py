"""The setting that says where heavy work runs: ``local``, ``workers=4``, ``ray``, ``ray=ADDRESS``.

It never changes what comes of the work, only where it is done.
"""

import os
import re
from dataclasses import dataclass
from enum import StrEnum

from genba.errors import LearnError

VARIABLE = "GENBA_SCALE"
_ADDRESS = r"auto|[^/\s]+:\d{1,5}"


class Place(StrEnum):
    """Where tasks run."""

    LOCAL = "local"
    WORKERS = "workers"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Scale:
    """Where tasks run; ``workers`` processes where it is this machine's, ``address`` of a cluster.

    ``address`` is ``auto`` for the Ray that already runs here, ``HOST:PORT`` for another, and
    empty for one that is started for the work and ends with it.
    """

    place: Place = Place.LOCAL
    workers: int = 1
    address: str = ""

    def __str__(self) -> str:
        if self.place is Place.WORKERS:
            return f"workers={self.workers}"
        return f"{self.place}={self.address}" if self.address else str(self.place)


def scale_of(text: str | None = None) -> Scale:
    """Read the setting; without a text, from ``GENBA_SCALE``, and without that ``local``.

    Raises
    ------
    LearnError
        If it is no such setting.
    """
    given = (os.environ.get(VARIABLE, "") if text is None else text).strip()
    name, equals, value = given.partition("=")
    if given in ("", Place.LOCAL):
        return Scale()
    if name == Place.WORKERS and (not equals or (value.isdecimal() and int(value) > 0)):
        return Scale(Place.WORKERS, int(value) if equals else cores())
    if name == Place.RAY and (not equals or re.fullmatch(_ADDRESS, value)):
        return Scale(Place.RAY, cores(), value)
    raise LearnError(
        f"'{given}' does not say where to run; write local, workers, workers=4, ray, ray=auto (the "
        "one that runs here) or ray=HOST:PORT"
    )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))
