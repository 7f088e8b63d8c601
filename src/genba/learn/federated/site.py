"""A site: it decides what it answers, writes down what leaves, and computes on its own rows."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.data.fitness import misfits
from genba.learn.federated.figures import scores_of
from genba.learn.federated.identity import Identity, Roster
from genba.learn.federated.message import Message
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.party import Party
from genba.learn.federated.plan import Plan
from genba.learn.federated.recipes import line_alone, network_alone
from genba.learn.federated.ring import RINGS
from genba.learn.federated.worker import PARTS, Worker
from genba.learn.recipe.examine import Scores
from genba.learn.registry.history import History, What
from genba.learn.split.leakage import refuse_leaks
from genba.learn.split.named import split_of

ONCE = ("means", "spreads", "gram")
"""Questions that say most: of a run they are answered in one circle of sites alone, however they
are put, since a hub that varies a question by a hair is not held up by its digest."""
Clock = Callable[[], str]
"""Now, as ISO 8601 text."""


def ready(
    plan: Plan, data: Dataset, name: str, *, vouched: Collection[str] = (), fewest: int = 0
) -> Worker:
    """Check a site's rows against the plan, part them as it says, and get ready to compute.

    Parameters
    ----------
    vouched : collection of str
        What the leakage check, and the look for dead columns, is to leave alone.
    fewest : int
        Rows to learn from that the site itself asks for, beside what the plan asks for.

    Raises
    ------
    LearnError
        If columns, units or classes are others, or the rows cannot be learned from.
    """
    fitted = plan.fitted(data)
    found = [one for one in misfits(fitted, plan.fewest_rows) if one.column not in vouched]
    if found:
        raise LearnError("\n".join(str(one) for one in found))
    split = split_of(fitted, plan.split, seed=plan.seed)
    refuse_leaks(fitted, split, vouched)
    parts = {part: split.take(fitted, part) for part in ("train", "held", "choose", "test")}
    design = plan.design()

    def alone(recipe: str) -> FederatedModel:
        fit = line_alone if recipe == "line" else network_alone
        return fit(design, parts["train"], parts["held"])

    worker = Worker(design, parts, name, alone)
    least = max(plan.fewest_rows, fewest)
    if worker.rows("train") < least:
        raise LearnError(
            f"site '{name}' has {worker.rows('train')} rows to learn from, and it takes {least}: "
            "of fewer rows a sum tells too much; record longer"
        )
    return worker


class Site:
    """Answers the hub's questions, each once, and keeps a ledger of what left.

    Parameters
    ----------
    folder : Path
        Where the ledger and the salt of the commitment are kept.
    """

    def __init__(
        self, plan: Plan, worker: Worker, identity: Identity, folder: Path, clock: Clock
    ) -> None:
        self.plan, self.worker, self.name = plan, worker, worker.name
        self._identity, self._clock = identity, clock
        self._roster = Roster.at(identity.authority)
        self.ledger = History(folder / "federated.jsonl")
        self._salt_file = folder / "federated.salt"
        self._circles: dict[str, list[str]] = {}
        self._sums = 0
        self.last = 0
        """Number of the last question that was taken."""
        for event in self.ledger.events(plan.digest()):
            self.last = max(self.last, int(event.data.get("number", 0)))
            if event.what is What.AGREED:
                self._agree(event.data)
        self._session = self._kind = self._question = ""
        self._party: Party | None = None

    def commitment(self, digest: str) -> str:
        """Return what names the data without telling its digest: a salted hash.

        The salt stays here, so that this site alone can show later which data it was.
        """
        try:
            if not self._salt_file.exists():
                self._salt_file.parent.mkdir(parents=True, exist_ok=True)
                self._salt_file.touch(0o600)
                self._salt_file.write_bytes(secrets.token_bytes(32))
            salt = self._salt_file.read_bytes()
        except OSError as error:
            raise LearnError(f"{self._salt_file} cannot be used: {error.strerror}") from None
        return hashlib.sha256(salt + digest.encode()).hexdigest()

    def note(self, what: What, **facts: object) -> None:
        """Add a line to the ledger; it is on the disk when this returns."""
        self.ledger.add(what, self.plan.digest(), self._clock(), where=self.name, data=facts)

    def handle(self, number: int, content: bytes) -> bytes:
        """Take a question, and return the answer.

        Raises
        ------
        LearnError
            If it is not answered; the reason holds nothing of the data, and is on the ledger.
        """
        try:
            self._take(number)
            return self._stage(number, Message.unpack(content)).pack()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = f"question {number} is damaged ({type(error).__name__}); use one Genba everywhere"
            self.note(What.REFUSED, number=number, why=why)
            raise LearnError(why) from None
        except LearnError as error:
            self.note(What.REFUSED, number=number, why=str(error))
            raise

    def _take(self, number: int) -> None:
        if number <= self.last:
            raise LearnError(
                f"question {number} is not newer than {self.last}, which this site took; it is "
                "not answered twice"
            )
        self.last = number

    def _stage(self, number: int, message: Message) -> Message:
        stage, session = message.text("stage"), message.text("session")
        if stage == "keys":
            return self._begin(session, message)
        if self._party is None or session != self._session:
            raise LearnError("this site does not know that sum (any more); it is left out of it")
        if stage == "shares":
            return Message(self._party.shares(message.table("roster")))
        if stage == "masked":
            masked = self._party.masked(message.table("boxes"))
            told = hashlib.sha256(masked.tobytes()).hexdigest()
            self.note(
                What.TOLD, number=number, session=session, kind=self._kind, numbers=len(masked),
                bytes=masked.nbytes, sha256=told, question=self._question,
            )  # fmt: skip
            return Message({}, {"masked": masked})
        if stage == "confirm":
            survivors = [str(site) for site in message.head["sites"]]
            return Message({"signature": self._party.confirm(survivors)})
        if stage == "unmask":
            return Message(self._party.unmask(message.table("signatures")))
        raise LearnError(f"there is no step '{stage}' of a sum; use one Genba everywhere")

    def _begin(self, session: str, message: Message) -> Message:
        question = Message(message.table("question"), message.arrays)
        self._kind, self._question = question.text("kind"), question.digest()
        if question.text("ring") != ("narrow" if self._kind == "train" else "wide"):
            raise LearnError("the hub asks for numbers in another ring than the plan's")
        if self._sums >= self.plan.most_sums:
            raise LearnError(
                f"this site was in {self._sums} sums, and the plan takes {self.plan.most_sums} at "
                "most; ask why, and begin anew with another plan"
            )
        self._in_bounds(question)
        self._session = session
        self._party = Party(
            self.name, self._identity, session, self._question, RINGS[question.text("ring")],
            lambda: self.worker.answer(question), self._name_of, self,
        )  # fmt: skip
        return Message(self._party.keys())

    def _in_bounds(self, question: Message) -> None:
        """See that a question asks for what the plan says."""
        head, told = question.head, self.plan.network
        wrong = (
            int(head.get("round", 1)) > told.rounds
            or float(head.get("rate", told.rate)) > told.rate
            or str(head.get("part", "held")) not in PARTS
            or int(head.get("hidden", 0)) not in (0, told.hidden)
        )
        if wrong:
            raise LearnError("the question goes beyond the plan; nothing was sent")

    def _name_of(self, certificate: bytes) -> str:
        name = self._roster.name_of(certificate, dt.datetime.now(dt.UTC))
        if name not in self.plan.sites:
            raise LearnError(f"site '{name}' is not in the plan; nothing was sent")
        return name

    def _agree(self, told: Mapping[str, Any]) -> None:
        kind = str(told["kind"])
        self._circles[kind if kind in ONCE else str(told["question"])] = list(told["sites"])
        self._sums += 1

    # -- what a party remembers ----------------------------------------------------------------

    def circle(self, question: str) -> Collection[str] | None:
        """Return with whom a question was answered before; one of :data:`ONCE`, in any form."""
        return self._circles.get(self._kind if self._kind in ONCE else question)

    def note_circle(self, question: str, sites: Sequence[str]) -> None:
        """Remember it, on the ledger."""
        told = {"kind": self._kind, "question": question, "sites": list(sites)}
        self.note(What.AGREED, number=self.last, **told)
        self._agree(told)

    def own_scores(self, model: FederatedModel, recipe: str) -> tuple[Scores, Scores]:
        """Return the figures of a model, and of this site alone, on this site's test rows."""
        told = [self.worker.figures(one, "test") for one in (model, self.worker.alone(recipe))]
        return scores_of(self.plan.design(), told[0]), scores_of(self.plan.design(), told[1])
