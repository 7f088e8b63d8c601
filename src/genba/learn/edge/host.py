"""The models of a plant's core at work, in a process of their own: what one does harms no loop.

The core sends :class:`Begin`, once, and then a :class:`Moment` whenever a model is due; back go
:class:`Told`. :mod:`genba.learn.edge.host_process` is the process.
"""

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genba.historian import Historian
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import Trust
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.node import Node, Slot
from genba.learn.edge.past import Past
from genba.learn.edge.pictures import PICTURES, PictureFolder
from genba.learn.edge.runner import Answer
from genba.learn.edge.runners import Runners
from genba.plant import Clock, Plant, Sample, VirtualClock

WELL_AFTER, WELL_AFTER_S = 60, 60.0
"""Moments, or seconds of the wall clock, after which a start counts as a good one."""
LOOK_EVERY_S = 0.2
"""How often it is looked for orders, in seconds of the wall clock."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begin:
    """What the process works with.

    ``now`` in microseconds UTC, plant clock. Without a ``clock`` the moments alone say what time
    it is.
    """

    plant: Plant
    models: Path
    historian: Path
    keys: tuple[str, ...]
    trial_answers: int
    now: int
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand: values by signal, and by equipment whether it executes; and what came.

    ``wants`` is the number of the :class:`Told` that said which values are wanted. ``came`` holds
    every sample, since the moment before, of what models hear; ``lost`` says that some of them are
    missing.
    """

    now: int
    wants: int
    values: dict[str, float]
    came: tuple[Sample, ...] = ()
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a moment, or of an order.

    ``contracts`` is what those ask for that run now, None where that has not changed; ``number``
    counts these changes.
    """

    answers: Sequence[Answer]
    slots: dict[str, Slot]
    withheld: int
    number: int
    contracts: tuple[Contract, ...] | None = None
    moment: bool = True
    unfit: Mapping[str, str] = field(default_factory=dict)
    """By equipment: why its newest picture could not be judged."""


class Host:
    """The models of a core at work, as long as :meth:`serve` runs."""

    def __init__(self, begin: Begin) -> None:
        self._clock = begin.clock or VirtualClock(begin.now)
        self._trust = Trust.of(begin.keys)
        past = Past(
            begin.plant,
            lambda: Historian.open(begin.historian, self._clock, read_only=True),
            self._clock.now,
            begin.models.parent / PICTURES,
        )
        self._node = Node(
            begin.models, CORE, self._trust, self._clock.now, set(begin.plant.signals), past.windows
        )
        self._runners = Runners(self._node, past.feed, begin.trial_answers)
        self._box = Mailbox(begin.models)
        self._pictures = PictureFolder(begin.models.parent / PICTURES)
        self._asked: tuple[Contract, ...] = ()
        self._number = 0
        self._moments = 0
        self._started: float | None = time.monotonic()
        self._revision = -1
        self._ending = threading.Event()

    def take(self, moment: Moment) -> Told:
        """Show a moment to all models.

        A moment that was made before it was known what the present models want is none for them.
        """
        if isinstance(self._clock, VirtualClock):
            self._clock.set(moment.now)
        self._runners.follow()
        changed = self._changed()
        answers: Sequence[Answer] = ()
        if moment.lost or moment.wants != self._number:
            self._runners.lose()
        if moment.wants == self._number:
            values = moment.values
            answers = self._runners.tick(
                moment.now, lambda name: values.get(name, math.nan), moment.came
            )
            answers = [*answers, *self._shown(moment.now)]
            changed |= self._changed()
        self._moments += 1
        self._well()
        return self._told(answers, changed, moment=True)

    def look_again(self) -> Told | None:
        """Follow what orders did since; None where that changes nothing."""
        self._well()
        if self._node.revision == self._revision:
            return None
        self._revision = self._node.revision
        self._runners.follow()
        return self._told((), self._changed(), moment=False)

    def obey(self) -> None:
        """Obey orders until :meth:`close`; for a thread of its own."""
        while not self._ending.wait(LOOK_EVERY_S):
            try:
                while self._box.obey_next(self._node, self._trust):
                    continue
            except OSError as error:
                logger.warning("orders cannot be read: %s", error)

    def close(self) -> None:
        """End in good order."""
        self._ending.set()
        self._runners.close()
        self._node.well()

    def _shown(self, now: int) -> Sequence[Answer]:
        """Judge the pictures that came."""
        pictures, _ = self._pictures.look(self._asked, now)
        if not pictures:
            return ()
        answers = self._runners.show(now, pictures)
        self._pictures.judged(pictures, [answer.about for answer in answers])
        return answers

    def _well(self) -> None:
        """Say, once, that this process lives."""
        if self._started is None:
            return
        if self._moments >= WELL_AFTER or time.monotonic() - self._started >= WELL_AFTER_S:
            self._started = None
            self._node.well()

    def _changed(self) -> bool:
        """Note whether other values are wanted than before."""
        contracts = tuple(self._runners.contracts())
        if contracts == self._asked:
            return False
        self._asked = contracts
        self._number += 1
        return True

    def _told(self, answers: Sequence[Answer], changed: bool, *, moment: bool) -> Told:
        contracts = self._asked if changed else None
        slots = dict(self._node.slots())
        unfit = self._pictures.told()
        return Told(answers, slots, self._runners.withheld, self._number, contracts, moment, unfit)
