"""Sums over sites that come and go: tried again where too many fell out, kept where they were made.

A sum that was made is on the disk under the digest of its question. What the hub asks follows from
the sums before, so a hub that was started anew comes to where it stopped without asking again.
"""

import io
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.federated.desk import Desk
from genba.learn.federated.message import Message
from genba.learn.federated.plan import Plan
from genba.learn.federated.tally import NameOf, Sum, TooFew, tally
from genba.learn.federated.total import NoSum
from genba.learn.federated.worker import size_of
from genba.learn.registry.history import History, What

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """One sum, for the record: what was asked, who is in it, and what it took (wall seconds)."""

    kind: str
    numbers: int
    sites: tuple[str, ...]
    lost: tuple[str, ...]
    seconds: float
    sent: int
    received: int
    kept: bool = False
    """Whether it was made in an earlier run."""


class Gathering:
    """Asks all sites that are there, and gives sums; a :data:`genba.learn.federated.total.Total`.

    Parameters
    ----------
    folder : Path
        Where sums and the hub's ledger are kept.
    told : callable
        Hears of each sum.
    """

    def __init__(
        self,
        plan: Plan,
        desk: Desk,
        name_of: NameOf,
        folder: Path,
        clock: Callable[[], str],
        told: Callable[[Asked], None] = lambda asked: None,
    ) -> None:
        self._plan, self._desk, self._name_of, self._clock = plan, desk, name_of, clock
        self._design, self._told = plan.design(), told
        self._view = self._design.view()
        self._sums = folder / "sums" / plan.digest()[:16]
        self.ledger = History(folder / "federation.jsonl")
        self.presence: Counter[str] = Counter()
        """In how many sums each site was."""
        self.made = 0

    def __call__(self, question: Message) -> Floats:
        """Return the sum over sites, (size of the question,).

        Raises
        ------
        LearnError
            If enough sites do not come, or fall out again and again.
        """
        file = self._sums / f"{question.digest()}.npz"
        size = size_of(self._design, self._view, question)
        if (kept := _read(file, size)) is not None:
            kind = question.text("kind")
            self._count(question, kept, Asked(kind, size, kept.sites, (), 0.0, 0, 0, kept=True))
            return kept.values
        for tried in range(_TRIES):
            sites = self._desk.gather(self._plan.fewest_sites, self._plan.gather_s)
            begun, moved = time.monotonic(), self._desk.bytes_moved()
            try:
                found = tally(self._ask, sites, question, size, self._name_of)
            except TooFew as error:
                kind = question.text("kind")
                self.note(What.FAILED, kind=kind, sites=sites, why=str(error))
                if self._desk.closed or tried == _TRIES - 1:
                    raise NoSum(
                        f"the sum '{kind}' broke {tried + 1} times, the last since {error}; the "
                        "hub's ledger says what sites told. Sums that were made are kept: begin "
                        "again when they are there"
                    ) from None
                continue
            _write(file, found)
            now = self._desk.bytes_moved()
            took = Asked(
                question.text("kind"), size, found.sites, found.lost, time.monotonic() - begun,
                now[0] - moved[0], now[1] - moved[1],
            )  # fmt: skip
            self._count(question, found, took)
            return found.values
        raise AssertionError

    @property
    def begun(self) -> bool:
        """Whether sums of an earlier run are kept."""
        return self._sums.exists()

    def commitments(self) -> dict[str, str]:
        """Return what sites said of their data in earlier runs of this plan."""
        return {
            str(event.data["site"]): str(event.data["commitment"])
            for event in self.ledger.events(self._plan.digest())
            if event.what is What.JOINED
        }

    def note(self, what: What, **facts: object) -> None:
        """Add a line to the hub's ledger."""
        self.ledger.add(what, self._plan.digest(), self._clock(), where="hub", data=facts)

    def _ask(self, told: Mapping[str, Message]) -> Mapping[str, Message]:
        return self._desk.ask(told, self._plan.wait_s)

    def _count(self, question: Message, found: Sum, took: Asked) -> None:
        self.made += 1
        self.presence.update(found.sites)
        if not took.kept:
            self.note(
                What.SUMMED, kind=took.kind, question=question.digest(), sites=list(found.sites),
                lost=list(found.lost), numbers=took.numbers, seconds=round(took.seconds, 3),
                sent=took.sent, received=took.received,
            )  # fmt: skip
        self._told(took)


def _write(file: Path, found: Sum) -> None:
    content = io.BytesIO()
    np.savez(content, values=found.values, sites=np.array(found.sites))
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        torn = file.with_suffix(".part")
        torn.write_bytes(content.getvalue())
        torn.replace(file)
    except OSError as error:
        raise LearnError(f"sum {file} cannot be kept: {error.strerror}; make room") from None


def _read(file: Path, size: int) -> Sum | None:
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as kept:
            values, sites = np.asarray(kept["values"], np.float64), tuple(kept["sites"].tolist())
    except (OSError, ValueError, KeyError):
        values, sites = np.empty(0), ()
    if values.shape != (size,):
        raise LearnError(f"sum {file} is damaged; delete it, and it is asked for again")
    return Sum(values, sites, ())
