"""How a procedure asks all sites at once, whatever carries the question; sums alone come back."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Floats
from genba.learn.federated.message import Message

if TYPE_CHECKING:
    from genba.learn.federated.worker import Worker


class NoSum(LearnError):
    """A sum did not come about, since sites stay away: nothing is wrong with what is trained."""


Total: TypeAlias = Callable[[Message], Floats]
"""Asks a question of all sites, and returns the sum of their answers."""


def asked(
    kind: str, arrays: Mapping[str, AnyArray] | None = None, ring: str = "wide", **facts: Any
) -> Message:
    """Return a question."""
    return Message({"kind": kind, "ring": ring, **facts}, arrays or {})


def plain(workers: "Sequence[Worker]") -> Total:
    """Add up without masks, where all rows are in one place: for one site alone, and for tests."""

    def total(question: Message) -> Floats:
        return np.asarray(np.sum([worker.answer(question) for worker in workers], axis=0))

    return total
