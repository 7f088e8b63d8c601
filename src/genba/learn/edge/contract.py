"""What a model promises to those who run it: what asks it, its inputs, answers and budget."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from genba.errors import LearnError
from genba.learn.data.sums import SUMS

MOST_INPUTS = 4_000_000
"""Numbers in one window, at most."""
STANDS, TOLD, LAST_OF = "stands", "told:", "last:"
"""What a part's row holds beside sums of a measurement (:data:`~genba.learn.data.sums.SUMS`): a
setpoint as it stood at its end; a number that was told with it, by name; and one that was told with
the last gauged part before."""


class Misfit(LearnError):
    """A model takes or gives other shapes than its card says."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The part of a model card that a machine acts on; plain values, read from JSON.

    A model is asked every ``step_s``, about a window of rows of a grid, or, where ``asked_at``
    names a signal, at the end of each part that this announces, about the rows of the last parts;
    where it sees a ``picture``, at each one.

    Parameters
    ----------
    name, version : str
        Of the model; the version is for people, the content address tells models apart.
    task : str
        A :class:`~genba.learn.recipe.protocol.Task`.
    equipment : str
        Id of the equipment that findings are about.
    columns : tuple of str
        Signal ids, in the order of the model's columns; of a model of parts each as often as there
        are columns of it, of one of pictures none.
    window : int
        Rows that it sees.
    step_s : float
        Seconds between rows, of the plant's clock; between parts, as they usually come.
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
    settle_s : float
        Plant seconds for which it is not asked after a standstill of at least as long: what it
        learned from is of a settled machine (:mod:`genba.learn.data.settle`).
    asked_at : str
        Id of the signal that announces parts; empty for a model that is asked every ``step_s``.
    counters : tuple of str
        Of a machine that announces none: the ids of the counters whose rises end a part, of which
        ``asked_at`` is the first.
    takes : tuple of str
        Of a model of parts: what each column holds of its signal, over a part's own time.
    picture : tuple of int, optional
        Of a model of pictures: height and width in pixels as it sees them; ``shot``, as the camera
        takes them, where that is another size; ``gray``, whether colors may be turned into gray.

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
    settle_s: float = 0.0
    asked_at: str = ""
    counters: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    picture: tuple[int, int] | None = None
    shot: tuple[int, int] | None = None
    gray: bool = False

    def __post_init__(self) -> None:
        for wrong in self._problems():
            raise LearnError(f"the card of model '{self.name}' {wrong}; release it anew")

    def _problems(self) -> list[str]:
        texts = (self.name, self.version, self.task, self.equipment, *self.columns)
        named = all(isinstance(text, str) and text for text in texts)
        if not named or bool(self.columns) == (self.picture is not None):
            return ["names no model, version, task, equipment or columns"]
        sizes = [size for size in (self.picture, self.shot) if size is not None]
        stray = self.shot is not None and self.picture is None
        if stray or not all(_whole(*size) and len(size) == 2 for size in sizes):
            return [f"has pictures of {self.picture!r}, taken as {self.shot!r}"]
        if not _whole(self.window) or self.shape[0] * self.shape[1] > MOST_INPUTS:
            return [f"has a window of {self.window!r} rows"]
        positive = {"step_s": self.step_s, "budget_us": self.budget_us, "memory_mb": self.memory_mb}
        wrong = [f"has {name} {v!r}" for name, v in positive.items() if not _finite(v) or v <= 0]
        if not (_finite(self.low) and _finite(self.high) and self.low < self.high):
            wrong.append(f"allows answers from {self.low!r} to {self.high!r}")
        if not _finite(self.settle_s) or self.settle_s < 0:
            wrong.append(f"has settle_s {self.settle_s!r}")
        wrong += self._unaskable()
        if self.threshold is not None and not _finite(self.threshold):
            wrong.append(f"has threshold {self.threshold!r}")
        return wrong

    def _unaskable(self) -> list[str]:
        if not isinstance(self.asked_at, str) or len(self.takes) != len(self.columns) * bool(
            self.asked_at
        ):
            return [f"says for {len(self.takes)} of {len(self.columns)} columns what a part has"]
        if self.counters and self.asked_at not in self.counters:
            return [f"is asked at {self.asked_at!r}, which is none of its counters"]
        strange = [
            take for take in self.takes
            if not (take in (STANDS, *SUMS) or str(take).startswith((TOLD, LAST_OF)))
        ]  # fmt: skip
        return [f"takes {strange[0]!r} of a part, which nobody knows here"] if strange else []

    @property
    def question(self) -> tuple[object, ...]:
        """What asks it, and about what: with the same, two models are asked the same."""
        if self.picture is not None:
            return self.equipment, 0.0, self.picture, self.shot, self.gray
        every = 0.0 if self.asked_at else self.step_s
        seen = self.columns, self.takes, self.window, self.settle_s
        return self.asked_at, every, *seen, self.counters

    @property
    def one_by_one(self) -> bool:
        """Whether each answer is about one thing, a part or a picture, not about a moment."""
        return bool(self.asked_at) or self.picture is not None

    @property
    def tells(self) -> frozenset[str]:
        """Signals that tell of parts: the one that announces them, or counters."""
        if not self.asked_at:
            return frozenset()
        return frozenset(self.counters) or frozenset({self.asked_at})

    @property
    def needs(self) -> frozenset[str]:
        """Signals without which it cannot be asked."""
        return frozenset(self.columns) | self.tells

    @property
    def looks(self) -> frozenset[str]:
        """What it has to know the present value of: signals, and equipment, whether it executes."""
        if self.asked_at:
            pairs = zip(self.columns, self.takes, strict=True)
            return frozenset(name for name, take in pairs if take == STANDS)
        return frozenset(self.columns) | ({self.equipment} if self.working else frozenset())

    @property
    def hears(self) -> frozenset[str]:
        """Signals each sample of which it has to be shown."""
        return self.needs if self.asked_at else frozenset()

    @property
    def shape(self) -> tuple[int, int]:
        """Of one window: (rows, columns); of a picture (height, width)."""
        if self.picture is not None:
            return self.picture
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
        for name in ("columns", "takes", "counters", "picture", "shot"):
            if isinstance(known.get(name), list):
                known[name] = tuple(known[name])
        try:
            return cls(**known)
        except TypeError as error:
            missing = str(error).partition(": ")[2] or str(error)
            raise LearnError(
                f"a model's card lacks or garbles {missing}; release the model anew"
            ) from None


def _whole(*values: object) -> bool:
    """Whether all are whole numbers above 0."""
    return all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in values)


def _finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
