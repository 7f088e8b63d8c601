"""What a check of a problem finds."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A job that cannot be planned, and the line that says why."""

    job: str
    line: str
    unable: str | None = None
    """A fixed operation that cannot stay either."""
