"""Running one model at a machine: what is in force in this process, what is on trial beside it."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract
from genba.learn.edge.node import Node
from genba.learn.edge.sandbox import Sandbox
from genba.learn.edge.session import EdgeModel, usable
from genba.learn.edge.shadow import Limits, drift_of
from genba.learn.edge.window import Feed, Look

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

Past = Callable[[Contract, int], NDArray[np.float32] | None]
"""Gives rows (n, columns) from before now for a contract, oldest first; at most as many as asked
for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of the newest window. ``time`` in microseconds UTC."""

    time: int
    value: float
    address: str
    contract: Contract

    @property
    def found(self) -> bool:
        """Whether it is a finding."""
        threshold = self.contract.threshold
        return threshold is not None and self.value >= threshold


class _Running:
    """A release in force: in this process."""

    def __init__(self, address: str, model: EdgeModel, feed: Feed) -> None:
        self.address = address
        self.model = model
        self.feed = feed
        self.faults = 0
        self.cpu_us: deque[float] = deque(maxlen=TIMED)
        """CPU time of the newest answers."""


class _OnTrial:
    """A release on trial: in a process of its own, beside what is in force."""

    def __init__(self, address: str, sandbox: Sandbox, feed: Feed) -> None:
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
    past : callable, optional
        Rows from before now, so that nobody waits for a window to fill.
    trial_answers : int
        Good answers that a trial takes.
    limits : Limits
        What a release on trial may differ by.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        past: Past | None = None,
        trial_answers: int = TRIAL_ANSWERS,
        limits: Limits | None = None,
    ) -> None:
        self._node = node
        self.name = name
        self._past = past
        self._trial_answers = trial_answers
        self._limits = limits or Limits()
        self._force: _Running | None = None
        self._trial: _OnTrial | None = None
        self.withheld = 0
        """Answers that made no sense and went nowhere."""

    def tick(self, now: int, look: Look) -> Answer | None:
        """Take the present values; answer if a step is over and the window is full.

        Parameters
        ----------
        now : int
            Microseconds UTC, plant clock.
        look : callable
            Present value of a signal; NaN where it is unknown, bad or stale.
        """
        self.follow(now)
        answers = self._force is not None
        said = self._ask_force(now, look)
        tried = self._ask_trial(now, look, said)
        return said if answers else tried

    def follow(self, now: int) -> None:
        """Load and let go, as the node's slot says. Taking back takes effect here."""
        slot = self._node.slot(self.name)
        if self._trial is not None and self._trial.address != slot.trial:
            self._end_trial()
        if self._force is not None and self._force.address != slot.force:
            self._force = None
        if self._force is None and slot.force is not None:
            self._load(slot.force, now)
        if self._trial is None and slot.trial is not None:
            self._try(slot.trial, now)

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

    def _load(self, address: str, now: int, feed: Feed | None = None) -> None:
        try:
            bundle = self._node.bundle(address)
            model = EdgeModel(bundle.model, bundle.contract)
        except LearnError as error:
            self._node.roll_back(self.name, str(error), address=address)
            return
        self._force = _Running(address, model, feed or self._feed(bundle.contract, now))

    def _ask_force(self, now: int, look: Look) -> Answer | None:
        running = self._force
        if running is None or not running.feed.tick(now, look) or not running.feed.full:
            return None
        model = running.model
        window = running.feed.window()
        np.copyto(model.window[0], window)
        begun = time.thread_time_ns()
        try:
            value = model.answer()
        except LearnError as error:
            self._fault(running, str(error))
            return None
        running.cpu_us.append((time.thread_time_ns() - begun) / 1000)
        if usable(value, model.contract):
            running.faults = 0
            return Answer(now, value, running.address, model.contract)
        if not math.isnan(value) or np.isfinite(window).all():
            self._fault(running, f"it answers {value:g}, which makes no sense")
        return None  # else it does not know, since something that it needs is unknown

    def _fault(self, running: _Running, why: str) -> None:
        self.withheld += 1
        running.faults += 1
        if running.faults >= WORST_FAULTS:
            self._node.roll_back(self.name, why, address=running.address)
            self._force = None

    # -- on trial -----------------------------------------------------------------------------

    def _try(self, address: str, now: int) -> None:
        try:
            bundle = self._node.bundle(address)
            sandbox = Sandbox(bundle.model, bundle.contract)
        except LearnError as error:
            self._node.roll_back(self.name, str(error), address=address)
            return
        self._trial = _OnTrial(address, sandbox, self._feed(bundle.contract, now))

    def _ask_trial(self, now: int, look: Look, said: Answer | None) -> Answer | None:
        trial = self._trial
        if trial is None or not trial.feed.tick(now, look) or not trial.feed.full:
            return None
        contract = trial.sandbox.contract
        window = trial.feed.window()
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
            self._prove(trial, now)
        return Answer(now, value, trial.address, contract)

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

    def _prove(self, trial: _OnTrial, now: int) -> None:
        self._node.confirm(self.name)
        feed = trial.feed
        self._end_trial()
        self._force = None
        self._load(trial.address, now, feed)

    def _end_trial(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None:
            trial.sandbox.close()

    def _feed(self, contract: Contract, now: int) -> Feed:
        feed = Feed(contract)
        rows = None if self._past is None else self._past(contract, contract.window)
        if rows is not None and len(rows):
            feed.fill(rows, now)
        return feed
