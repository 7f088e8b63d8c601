"""Where a data set comes from: enough to make it again, and to see that it is the same."""

from dataclasses import asdict, dataclass, field
from typing import Any

from genba import __version__


@dataclass(frozen=True, slots=True)
class Lineage:
    """The origin of a data set.

    ``query`` is what was asked, in plain values: signals, period, step, filters; or columns and
    options of a file. ``release`` names a published data set or file with its SHA-256.
    """

    source: str
    """``historian``, ``file`` or ``made`` (synthetic)."""
    query: dict[str, Any] = field(default_factory=dict)
    release: str = ""
    code: str = __version__
    seed: int = 0
    as_of: int | None = None
    """Moment up to which anything was known, microseconds UTC; None where times mean nothing."""
    steps: tuple[str, ...] = ()
    """What was done to it since, in order: ``rows 0..99 of 200``, ``shuffled`` ..."""

    def then(self, step: str) -> "Lineage":
        """Note one more thing that was done."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return Lineage(**{**told, "steps": (*self.steps, step)})

    def as_json(self) -> dict[str, Any]:
        """Plain values for a card or a manifest."""
        return {**asdict(self), "steps": list(self.steps)}
