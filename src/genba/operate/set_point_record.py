"""What is put on record of controlled processes: who drives, doubts, what outlasts a restart."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genba.operate.driven import Driven, Driver, restore
from genba.operate.judge import Judgement
from genba.operate.set_point_proposal import doubt_of
from genba.operate.state import write_atomically
from genba.plant import Clock

Tell = Callable[[str, Mapping[str, Any]], None]


class SetPointRecord:
    """Writes down what happens to controlled processes.

    Parameters
    ----------
    driven : mapping
        The controlled processes; what is kept of them is taken up.
    clock
        Of the core.
    file : Path
        Where it is kept what is switched on, and what the plain controller's own set-points are.
    tell : callable
        Takes rows for the historian.

    Raises
    ------
    ControlError
        If the file is damaged: nobody knows what to give back then.
    """

    def __init__(self, driven: Mapping[str, Driven], clock: Clock, file: Path, tell: Tell) -> None:
        self._driven, self._clock, self._file, self.tell = driven, clock, file, tell
        restore(file, driven)
        self._kept = self._as_text()
        self._judgements: list[Judgement] = []

    def turn(self, one: Driven, driver: Driver, why: str, now: int) -> None:
        """Note who drives from now on, and why."""
        before, one.driver, one.why = one.driver, driver, why
        one.expected_at = one.expected_at if driver is Driver.CONTROL else 0
        if before is not driver:
            one.since = now
            self.tell("events", one.turned(before, now))

    def say(self, one: Driven, kind: str, text: str) -> None:
        """Tell of something else."""
        self.tell("events", one.told(kind, text, self._clock.now()))

    def doubt(self, one: Driven, why: str, now: int) -> None:
        """Find, once, that its model is not to be trusted."""
        if one.doubted:
            return
        one.doubted = True
        name, rule = one.process.id, one.process.relearn
        mend = f"run `genba twin learn {name}`"
        if rule and one.heard:
            mend = f"it is learned anew after {rule.after_h:g} h in all, or {mend}"
        text = f"control of {name} stands back: {why}; if it lasts, {mend}"
        self._judgements.append(doubt_of(one, text, now, stands=True))

    def trust(self, one: Driven) -> None:
        """Find that it is trusted again, where it was doubted."""
        if one.doubted:
            one.doubted = False
            text = f"control of {one.process.id} is trusted again"
            self._judgements.append(doubt_of(one, text, self._clock.now(), stands=False))

    def found(self) -> list[Judgement]:
        """Return what was found since the last call."""
        found, self._judgements = self._judgements, []
        return found

    def keep(self) -> None:
        """Write down what has to survive a restart, where it changed."""
        text = self._as_text()
        if text != self._kept:
            write_atomically(self._file, text + "\n")
            self._kept = text

    def _as_text(self) -> str:
        return json.dumps({name: one.kept() for name, one in self._driven.items()}, indent=1)
