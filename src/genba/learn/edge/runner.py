"""Running one model at a machine: what is in force in this process, what is on trial beside it."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genba.errors import LearnError
from genba.learn.edge.contract import Contract
from genba.learn.edge.node import Node
from genba.learn.edge.part_feed import PartFeed
from genba.learn.edge.pictures import Picture, PictureFeed
from genba.learn.edge.sandbox import Sandbox
from genba.learn.edge.session import EdgeModel, Window, usable
from genba.learn.edge.shadow import Limits, drift_of
from genba.learn.edge.speaking import Share, speaking
from genba.learn.edge.window import Feed, Look, Question
from genba.learn.inspect.place import Box
from genba.plant import Sample

TRIAL_ANSWERS = 100
"""Good answers after which a release on trial is put in force."""
WORST_FAULTS = 3
"""Answers without sense, one after the other, after which a release in force is taken back."""
TIMED = 1000
"""Answers in force whose times are kept."""
LEAST_TIMED = 100
"""Fewer say nothing of a p99."""
HANG_S = 0.25
_LATE_SHARE = 0.05

Came = Sample | Picture
AnyFeed = Feed | PartFeed | PictureFeed
Feeding = Callable[[Contract], AnyFeed]
"""Gives what feeds a model from now on, filled with what was before; see
:meth:`genba.learn.edge.past.Past.feed`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of the newest window, of a part or of a picture.

    ``time`` in microseconds UTC: of a part its end. ``about`` is the part's serial, where it has
    one, or the picture's name; ``box`` where that is worst, in pixels as it was taken; ``parts``
    the columns that speak most for a finding.
    """

    time: int
    value: float
    address: str
    contract: Contract
    about: str = ""
    box: Box | None = None
    parts: tuple[Share, ...] = ()

    @property
    def found(self) -> bool:
        """Whether it is a finding."""
        threshold = self.contract.threshold
        return threshold is not None and self.value >= threshold


class _Running:
    """A release in force: in this process."""

    def __init__(self, address: str, model: EdgeModel, feed: AnyFeed, usual: Window) -> None:
        self.address = address
        self.model = model
        self.feed = feed
        self.usual = usual
        """A window that nothing is found in."""
        self.faults = 0
        self.cpu_us: deque[float] = deque(maxlen=TIMED)
        """CPU time of the newest answers."""


class _OnTrial:
    """A release on trial: in a process of its own, beside what is in force."""

    def __init__(self, address: str, sandbox: Sandbox, feed: AnyFeed) -> None:
        self.address = address
        self.sandbox = sandbox
        self.feed = feed
        self.answers: list[float] = []
        self.beside: list[float] = []
        """What the release in force said at the same moments; NaN where nothing."""
        self.late = 0


class Runner:
    """Gives the answers of one model, only such that make sense, and keeps to the node's word.

    While a release is on trial, what is in force goes on to answer, and the two are compared; only
    where nothing is in force does a release on trial answer itself. One that misbehaves is taken
    back at once.

    Parameters
    ----------
    node : Node
        Says what is in force and on trial, and is told of what is taken back or proven.
    name : str
        Of the model.
    feeding : callable, optional
        Gives what feeds a model; by default one that knows nothing from before now.
    trial_answers : int
        Good answers that a trial takes.
    limits : Limits
        What a release on trial may differ by.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        feeding: Feeding | None = None,
        trial_answers: int = TRIAL_ANSWERS,
        limits: Limits | None = None,
    ) -> None:
        self._node = node
        self.name = name
        self._feeding = feeding or feed_of
        self._trial_answers = trial_answers
        self._limits = limits or Limits()
        self._force: _Running | None = None
        self._trial: _OnTrial | None = None
        self.withheld = 0
        """Answers that made no sense and went nowhere."""

    def tick(self, now: int, look: Look, came: Sequence[Came] = ()) -> Sequence[Answer]:
        """Take the present values, and what came; answer where that asks the model.

        Parameters
        ----------
        now : int
            Microseconds UTC, plant clock.
        look : callable
            Present value of a signal; NaN where it is unknown, bad or stale.
        came : sequence of Sample or Picture
            Every sample since the last tick of what its contracts hear, and pictures.
        """
        self.follow()
        answers = self._force is not None
        said = list(self._ask_force(now, look, came))
        beside = {answer.time: answer for answer in said}
        tried = list(self._ask_trial(now, look, came, beside))
        return said if answers else tried

    def lose(self) -> None:
        """Say that samples were lost on the way: no part is judged of which some are missing."""
        for one in (self._force, self._trial):
            if one is not None and isinstance(one.feed, PartFeed):
                one.feed.lose()

    def follow(self) -> None:
        """Load and let go, as the node's slot says. Taking back takes effect here."""
        slot = self._node.slot(self.name)
        if self._trial is not None and self._trial.address != slot.trial:
            self._end_trial()
        if self._force is not None and self._force.address != slot.force:
            self._force = None
        if self._force is None and slot.force is not None:
            self._load(slot.force)
        if self._trial is None and slot.trial is not None:
            self._try(slot.trial)

    def contracts(self) -> list[Contract]:
        """Return what is asked for by what is in force and by what is on trial."""
        force = [] if self._force is None else [self._force.model.contract]
        return force + ([] if self._trial is None else [self._trial.sandbox.contract])

    def p99_us(self) -> tuple[str, float] | None:
        """Return what is in force, by address, and the p99 of the CPU time of its answers; None
        where it gave fewer than :data:`LEAST_TIMED`.
        """
        force = self._force
        if force is None or len(force.cpu_us) < LEAST_TIMED:
            return None
        return force.address, float(np.percentile(force.cpu_us, 99))

    def close(self) -> None:
        """End the process of a trial."""
        self._end_trial()

    # -- in force -----------------------------------------------------------------------------

    def _load(self, address: str, feed: AnyFeed | None = None) -> None:
        try:
            bundle = self._node.bundle(address)
            model = EdgeModel(bundle.model, bundle.contract)
        except LearnError as error:
            self._node.roll_back(self.name, str(error), address=address)
            return
        feed = feed or self._feeding(bundle.contract)
        middle = np.argsort(bundle.answers)[len(bundle.answers) // 2]
        self._force = _Running(address, model, feed, bundle.rows[middle])

    def _ask_force(self, now: int, look: Look, came: Sequence[Came]) -> Iterable[Answer]:
        running = self._force
        for question in () if running is None else running.feed.ask(now, look, came):
            if self._force is running and running is not None:
                answer = self._answered(running, question)
                if answer is not None:
                    yield answer

    def _answered(self, running: _Running, question: Question) -> Answer | None:
        model = running.model
        np.copyto(model.window[0], question.window)
        begun = time.thread_time_ns()
        try:
            value = model.answer()
        except LearnError as error:
            self._fault(running, str(error))
            return None
        running.cpu_us.append((time.thread_time_ns() - begun) / 1000)
        if usable(value, model.contract):
            running.faults = 0
            answer = _answer(question, value, running.address, model.contract, model.place())
            return replace(answer, parts=speaking(model, running.usual)) if answer.found else answer
        if not math.isnan(value) or np.isfinite(question.window).all():
            self._fault(running, f"it answers {value:g}, which makes no sense")
        return None  # else it does not know, since something that it needs is unknown

    def _fault(self, running: _Running, why: str) -> None:
        self.withheld += 1
        running.faults += 1
        if running.faults >= WORST_FAULTS:
            self._node.roll_back(self.name, why, address=running.address)
            self._force = None

    # -- on trial -----------------------------------------------------------------------------

    def _try(self, address: str) -> None:
        try:
            bundle = self._node.bundle(address)
            sandbox = Sandbox(bundle.model, bundle.contract)
        except LearnError as error:
            self._node.roll_back(self.name, str(error), address=address)
            return
        self._trial = _OnTrial(address, sandbox, self._feeding(bundle.contract))

    def _ask_trial(
        self, now: int, look: Look, came: Sequence[Came], beside: Mapping[int, Answer]
    ) -> Iterable[Answer]:
        trial = self._trial
        for question in () if trial is None else trial.feed.ask(now, look, came):
            if trial is None:
                return
            force, answer = self._force, None
            if self._trial is trial:
                answer = self._tried(trial, question, beside.get(question.time))
            elif force is not None and force.address == trial.address:
                answer = self._answered(force, question)  # it was proven by the one before
            if answer is not None:
                yield answer

    def _tried(self, trial: _OnTrial, question: Question, said: Answer | None) -> Answer | None:
        contract = trial.sandbox.contract
        window = question.window
        try:
            told = trial.sandbox.answer(window[None], HANG_S + 20 * contract.budget_us / 1e6)
        except LearnError as error:
            self._take_back(trial, str(error))
            return None
        value = float(told.values[0])
        if not usable(value, contract):
            if not math.isnan(value) or np.isfinite(window).all():
                self._take_back(trial, f"it answers {value:g}, which makes no sense")
            return None
        trial.late += told.cpu_us[0] > contract.budget_us
        trial.answers.append(value)
        trial.beside.append(math.nan if said is None else said.value)
        if why := self._misbehaves(trial, said):
            self._take_back(trial, why)
            return None
        if len(trial.answers) >= self._trial_answers:
            self._prove(trial)
        return _answer(question, value, trial.address, contract, told.box(0))

    def _misbehaves(self, trial: _OnTrial, said: Answer | None) -> str:
        count = len(trial.answers)
        if trial.late > max(2, _LATE_SHARE * count):
            return f"{trial.late} of {count} answers took longer than its budget"
        if said is None or count < self._limits.least_windows:
            return ""
        contract = trial.sandbox.contract
        new, old = np.array(trial.answers), np.array(trial.beside)
        found = drift_of(new, contract, old, said.contract)
        if found.windows < self._limits.least_windows:
            return ""
        shift = max(found.shift, found.lately)
        if found.flips > self._limits.flips or shift > self._limits.shift:
            return f"drift: {found.flips:.1%} of findings differ, shift {shift:.2g} IQR"
        return ""

    def _take_back(self, trial: _OnTrial, why: str) -> None:
        self.withheld += 1
        self._node.roll_back(self.name, why, address=trial.address)
        self._end_trial()

    def _prove(self, trial: _OnTrial) -> None:
        self._node.confirm(self.name)
        feed = trial.feed
        self._end_trial()
        self._force = None
        self._load(trial.address, feed)

    def _end_trial(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None:
            trial.sandbox.close()


def _answer(
    question: Question, value: float, address: str, contract: Contract, box: Box | None
) -> Answer:
    """Return an answer; its place is told in the pixels of the camera."""
    if box is not None and contract.picture is not None and contract.shot is not None:
        down, across = (s / p for s, p in zip(contract.shot, contract.picture, strict=True))
        left, top, right, bottom = box
        box = round(left * across), round(top * down), round(right * across), round(bottom * down)
    return Answer(question.time, value, address, contract, question.about, box)


def feed_of(contract: Contract) -> AnyFeed:
    """Return what feeds a model that nothing from before now is known for."""
    if contract.picture is not None:
        return PictureFeed(contract)
    return PartFeed(contract) if contract.asked_at else Feed(contract)
