"""Relearning by itself: where a model is contradicted for long, it is learned anew, gated.

Learning is heavy and happens in a process of its own (:mod:`genba.operate.relearn_worker`), one
process of the plant at a time. It writes what it learned only where that is better
(:mod:`genba.control.relearn`); the core then finds the new file as it finds any.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genba.control.relearned import Relearned
from genba.operate.child import Child
from genba.operate.driven import Driven
from genba.operate.set_point_record import SetPointRecord
from genba.plant import US, Clock, Plant, format_time

logger = logging.getLogger(__name__)

MODULE = "genba.operate.relearn_worker"
LONGEST_S = 900.0
"""Wall seconds that learning anew may take."""
WATCHED, RIGHT = 20, 0.6
"""Newest expectations that are looked at, and the share that came within their 95% interval below
which what happens contradicts the model: a right one comes there hardly ever."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a worker is to learn anew."""

    plant: Plant
    process: str
    historian: Path
    folder: Path
    key: Path
    period: tuple[int, int]
    trigger: str


class SetPointRelearning:
    """Sees where it is time, and has it done.

    Parameters
    ----------
    plant, clock
        Of the core.
    historian : Path
        Folder of the historian.
    folder, key : Path
        Of what was learned of processes, and what signs it.
    """

    def __init__(
        self, plant: Plant, clock: Clock, historian: Path, folder: Path, key: Path
    ) -> None:
        self._plant, self._clock = plant, clock
        self._historian, self._folder, self._key = historian, folder, key
        self._child: Child | None = None
        self._of: Driven | None = None
        self._begun = 0.0
        self._looked = clock.now()
        self._closed = False

    def look(self, driven: Iterable[Driven], record: SetPointRecord, now: int) -> None:
        """Count for how long models are doubted; take what was learned, and begin what is due."""
        passed, self._looked = max(0, now - self._looked), now
        for one in driven:
            count(one, passed, now)
        self._take(record, now)
        if self._child is None and not self._closed:
            for one in driven:
                why, since = due(one, now)
                if why:
                    self._begin(one, why, since, record, now)
                    return

    def settle(self) -> None:
        """Wait until what is learned now is learned; for plants that step in process."""
        if self._child is not None:
            self._child.settle(LONGEST_S)

    def close(self) -> None:
        """End what is learned now; the model in force stays. Safe to call twice."""
        self._closed = True
        if self._child is not None:
            self._child.kill()
            self._child.close()

    def _begin(self, one: Driven, why: str, since: int, record: SetPointRecord, now: int) -> None:
        one.relearned_at = now
        asked = Asked(
            self._plant, one.process.id, self._historian, self._folder, self._key, (since, now), why
        )
        try:
            self._child = Child(MODULE)
        except OSError as error:
            self._tell(one, record, f"it could not be learned anew ({error.strerror})", now)
            return
        self._of, self._begun = one, time.monotonic()
        self._child.put(asked)
        self._tell(one, record, f"{why}; it is learned anew from what was recorded since", now)

    def _take(self, record: SetPointRecord, now: int) -> None:
        child, one = self._child, self._of
        if child is None or one is None:
            return
        answers = child.taken()
        if not answers and not child.ended and time.monotonic() - self._begun > LONGEST_S:
            child.kill()
            answers = [f"it took longer than {LONGEST_S:g} s"]
        elif not answers and child.ended:
            answers = [f"the process that learns is gone: {child.ended}"]
        if not answers:
            return
        answer, self._child, self._of = answers[0], None, None
        child.close()
        if not isinstance(answer, Relearned):
            logger.warning("%s was not learned anew: %s", one.process.id, answer)
            self._tell(one, record, f"it was not learned anew: {answer}", now)
        elif answer.taken:
            one.doubted_us = one.doubted_since = one.doubted_last = 0
            one.expectations.clear()
            text = f"learned anew as model {answer.model}, which is put to use: {answer.why}"
            self._tell(one, record, text, now)
        else:
            self._tell(one, record, f"learned anew and not taken: {answer.why}", now)

    @staticmethod
    def _tell(one: Driven, record: SetPointRecord, text: str, now: int) -> None:
        one.relearned = text
        record.say(one, "control.relearn", text)


def count(one: Driven, passed: int, now: int) -> None:
    """Add up for how long the model is doubted; a long rest makes it good again."""
    rule = one.process.relearn
    if not rule:
        return
    if one.on and one.doubted and one.heard:
        one.doubted_since = one.doubted_since or now
        one.doubted_us += passed
        one.doubted_last = now
    elif one.doubted_last and now - one.doubted_last > rule.every_h * 3600 * US:
        one.doubted_us = one.doubted_since = one.doubted_last = 0


def due(one: Driven, now: int) -> tuple[str, int]:
    """Say why a process is to be learned anew now, and from when on; empty where it is not."""
    rule = one.process.relearn
    if not rule or not (one.on and one.heard) or one.trying:
        return "", 0
    if one.relearned_at and now - one.relearned_at < rule.every_h * 3600 * US:
        return "", 0
    least = round(rule.after_h * 3600 * US)
    if one.doubted_us >= least:
        told = one.doubted_us / (60 * US)
        return (
            f"its model was contradicted for {told:.3g} min since {format_time(one.doubted_since)}",
            one.doubted_since,
        )
    newest = list(one.expectations)[-WATCHED:]
    held = sum(within for _, within in newest)
    if len(newest) == WATCHED and held < RIGHT * WATCHED:
        return (
            f"{held} of its last {WATCHED} expectations came within their 95% interval",
            min(newest[0][0], now - least),
        )
    return "", 0
