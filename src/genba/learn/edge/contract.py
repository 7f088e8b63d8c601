"""What a model promises to those who run it: its inputs, its answers and its budget."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from genba.errors import LearnError

MOST_INPUTS = 4_000_000
"""Numbers in one window, at most."""


class Misfit(LearnError):
    """A model takes or gives other shapes than its card says."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The part of a model card that a machine acts on; plain values, read from JSON.

    Parameters
    ----------
    name, version : str
        Of the model; the version is for people, the content address tells models apart.
    task : str
        A :class:`~genba.learn.recipe.protocol.Task`.
    equipment : str
        Id of the equipment that findings are about.
    columns : tuple of str
        Signal ids, in the order of the model's columns.
    window : int
        Rows that it sees.
    step_s : float
        Seconds between rows, of the plant's clock.
    threshold : float or None
        From which answer on there is a finding; None where the answer is a number only.
    low, high : float
        Answers that make sense, both ends included.
    budget_us : float
        Longest p99 of one answer, in microseconds.
    memory_mb : float
        Most memory that running it may add to a process.
    working : bool
        Whether it knows the equipment only at work: rows count only while that executes.

    Raises
    ------
    LearnError
        If a value makes no sense.
    """

    name: str
    version: str
    task: str
    equipment: str
    columns: tuple[str, ...]
    window: int
    step_s: float
    threshold: float | None = None
    low: float = -1e30
    high: float = 1e30
    budget_us: float = 10_000.0
    memory_mb: float = 256.0
    working: bool = False

    def __post_init__(self) -> None:
        for wrong in self._problems():
            raise LearnError(f"the card of model '{self.name}' {wrong}; release it anew")

    def _problems(self) -> list[str]:
        texts = (self.name, self.version, self.task, self.equipment, *self.columns)
        if not all(isinstance(text, str) and text for text in texts) or not self.columns:
            return ["names no model, version, task, equipment or columns"]
        whole = isinstance(self.window, int) and not isinstance(self.window, bool)
        if not whole or not 1 <= self.window * len(self.columns) <= MOST_INPUTS:
            return [f"has a window of {self.window!r} rows"]
        positive = {"step_s": self.step_s, "budget_us": self.budget_us, "memory_mb": self.memory_mb}
        wrong = [f"has {name} {v!r}" for name, v in positive.items() if not _finite(v) or v <= 0]
        if not (_finite(self.low) and _finite(self.high) and self.low < self.high):
            wrong.append(f"allows answers from {self.low!r} to {self.high!r}")
        if self.threshold is not None and not _finite(self.threshold):
            wrong.append(f"has threshold {self.threshold!r}")
        return wrong

    @property
    def shape(self) -> tuple[int, int]:
        """Of one window: (rows, columns)."""
        return self.window, len(self.columns)

    def to_json(self) -> bytes:
        """Write it; the same contract gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Contract":
        """Read what :meth:`to_json` wrote; names that it does not know are left alone.

        Raises
        ------
        LearnError
            If it is no such text, or something is missing.
        """
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise LearnError("a model's card is no JSON object; release the model anew")
        return cls.from_plain(told)

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> "Contract":
        """Read plain values, as of a model card.

        Raises
        ------
        LearnError
            If something is missing or makes no sense.
        """
        known = {one.name: told[one.name] for one in fields(cls) if one.name in told}
        if isinstance(known.get("columns"), list):
            known["columns"] = tuple(known["columns"])
        try:
            return cls(**known)
        except TypeError as error:
            missing = str(error).partition(": ")[2] or str(error)
            raise LearnError(
                f"a model's card lacks or garbles {missing}; release the model anew"
            ) from None


def _finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
