"""One process under set-point control: who drives it, since when and why, what was expected."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from genba.control.chooser import Effect
from genba.control.handover import Handover
from genba.errors import ControlError, PlantError
from genba.operate.sense import LiveValues
from genba.plant import US, Plant, Process
from genba.plant.units import convert


class Driver(StrEnum):
    """Whose set-points are in force."""

    PLAIN = "plain"
    """The plain controller's own."""
    ADVICE = "advice"
    """The plain controller's own; others are advised, or wait for people."""
    CONTROL = "control"
    EXPERIMENT = "experiment"
    BACK = "handing back"
    """On the way back to the plain controller's own, step by step."""


DRIVING = frozenset({Driver.CONTROL, Driver.EXPERIMENT, Driver.BACK})
RETURNING = frozenset({Driver.EXPERIMENT, Driver.BACK})
"""After which the plain controller's own set-points come back, whatever happens."""


@dataclass(frozen=True, slots=True)
class Came:
    """An effect that was expected, and what came."""

    effect: Effect
    came: float | None
    """In the effect's unit; None where nothing was measured."""

    @property
    def within(self) -> bool | None:
        """Whether it came within its 95% interval."""
        return None if self.came is None else self.effect.low <= self.came <= self.effect.high


@dataclass(slots=True)
class Driven:
    """What the core knows of one controlled process."""

    process: Process
    on: bool = True
    by: str = ""
    """Who switched it on or off last; empty: the plant file says so."""
    driver: Driver = Driver.PLAIN
    since: int = 0
    why: str = ""
    model: str = ""
    about: str = ""
    stamp: int = 0
    """Of the file that was learned; 0: none."""
    handover: Handover = field(default_factory=lambda: Handover(()))
    steps: dict[str, float] = field(default_factory=dict)
    plain: dict[str, float] = field(default_factory=dict)
    """As it was kept, until the set-points are followed."""
    left: dict[str, float] = field(default_factory=dict)
    """Where its set-points were when Genba stopped, where they were still to come back."""
    heard: int = 0
    """When its chooser answered last; 0: it is not ready."""
    moved: int = 0
    """When the last step back was taken."""
    doubted: bool = False
    held: int = 0
    """How many answers in a row chose nothing."""
    advised: Mapping[str, float | int] = field(default_factory=dict)
    advised_at: int = 0
    proposal: str = ""
    """Its last proposal, while that is under way or waits for people."""
    wish: tuple[Driver, str] = (Driver.PLAIN, "")
    """Who would drive by it, and why."""
    tried: str = ""
    """What came of the last wish for an experiment."""
    trying: bool = False
    waits: bool = False
    """Whether its experiments wait between jobs."""
    lot: str | None = None
    lot_since: int = 0
    """What the machine works on, and since when; followed where its experiments wait."""
    first: int = 0
    """Steps of a first experiment that are asked for, where nothing was learned; 0: none."""
    trying_since: int = 0
    effects: Sequence[Effect] = ()
    """What is expected of the last set-points that were written."""
    expected_at: int = 0
    came: Sequence[Came] = ()
    checked: int = 0
    within: int = 0
    expectations: deque[tuple[int, bool]] = field(default_factory=lambda: deque(maxlen=100))
    """When an expectation was seen, and whether it came within its interval; the newest last."""
    doubted_us: int = 0
    """For how long the model was doubted in all, since ``doubted_since`` until ``doubted_last``."""
    doubted_since: int = 0
    doubted_last: int = 0
    relearned: str = ""
    """What came of learning it anew by itself, last."""
    relearned_at: int = 0

    @property
    def step_us(self) -> int:
        """The process' step in microseconds."""
        return max(1, round(self.process.step_s * US))

    def ready(self, plant: Plant, model: str, about: str, steps: Mapping[str, float]) -> None:
        """Take up a chooser that was made; what was known of its set-points stays."""
        self.model, self.about = model, about
        if dict(steps) != self.steps or not self.handover.signals:
            plain = self.handover.plain or self.plain
            self.steps = dict(steps)
            self.handover = Handover([(plant.signals[n], s) for n, s in steps.items()], plain)

    def resume(self, plant: Plant) -> None:
        """Go on giving set-points back, where that was still to be done when Genba stopped."""
        steps = {n: s for n, s in self.steps.items() if n in self.left and n in plant.signals}
        if steps:
            self.steps, self.driver = steps, Driver.BACK
            self.handover = Handover(
                [(plant.signals[n], s) for n, s in steps.items()], self.plain, self.left
            )

    def works_on(self, lots: str, equipment: str, time: int) -> None:
        """Take what is in force at the start of a job by run for its recipe."""
        lot = lots.split(",", maxsplit=1)[0]
        if not self.waits or equipment != self.process.equipment or lot == self.lot:
            return
        if self.lot is not None:
            self.lot_since = time
            self.handover.begin()
        self.lot = lot

    def shows(self, name: str, value: float, time: int) -> bool:
        """Take in what a set-point shows; whether somebody else changed it in the middle of all."""
        if time <= self.lot_since:
            self.handover.written(name, value)
            return False
        return self.handover.shown(name, value)

    def expect(self, effects: Sequence[Effect], ahead_s: float, now: int) -> None:
        """Note what is expected, unless an earlier expectation is still to be seen."""
        shown = [one for one in effects if one.signal]
        if shown and ahead_s > 0 and not self.expected_at:
            self.effects, self.expected_at = shown, now + round(ahead_s * US)

    def look(self, plant: Plant, live: LiveValues, now: int) -> None:
        """Set what came beside what was expected, once it is time."""
        if not self.expected_at or now < self.expected_at:
            return
        self.came = [Came(one, _shown(one, plant, live)) for one in self.effects]
        self.expected_at = 0
        self.checked += sum(one.within is not None for one in self.came)
        self.within += sum(one.within is True for one in self.came)
        seen = [one.within for one in self.came if one.within is not None]
        self.expectations.extend((now, held) for held in seen)

    def kept(self) -> dict[str, Any]:
        """Give what has to survive a restart."""
        told = {"on": self.on, "by": self.by, "plain": self._owed()}
        if told["plain"] and (not self.on or self.driver in RETURNING):
            told |= {"steps": self.steps, "left": self.handover.left}
        if self.relearned_at:
            told |= {"relearned": self.relearned, "relearned_at": self.relearned_at}
        return told

    def _owed(self) -> dict[str, float]:
        """Give the plain controller's own set-points, where others are in force or may be."""
        followed = bool(self.handover.signals) and self.handover.known()
        if followed and self.driver not in DRIVING and not self.handover.way_back():
            return {}
        return self.handover.plain or self.plain

    def turned(self, before: Driver, now: int) -> dict[str, Any]:
        """Tell of a change of who drives, for the historian's table ``events``."""
        data = {
            "process": self.process.id, "driver": self.driver, "before": before,
            "model": self.model, "plain": self.handover.plain,
        }  # fmt: skip
        return _event(self, "control.turned", f"{self.driver} drives: {self.why}", data, now)

    def told(self, kind: str, text: str, now: int) -> dict[str, Any]:
        """Tell of something else."""
        return _event(self, kind, text, {"process": self.process.id}, now)


def _event(of: Driven, kind: str, text: str, data: Mapping[str, Any], now: int) -> dict[str, Any]:
    return {
        "id": f"E-{kind}-{of.process.id}-{now}",
        "time": now,
        "equipment": of.process.equipment,
        "kind": kind,
        "severity": "info",
        "text": f"{of.process.id}: {text}",
        "data": json.dumps(data),
    }


def _shown(effect: Effect, plant: Plant, live: LiveValues) -> float | None:
    value = live.value(effect.signal)
    if not isinstance(value, int | float):
        return None
    try:
        return convert(float(value), plant.signals[effect.signal].unit, effect.unit)
    except PlantError:
        return None


def restore(file: Path, driven: Mapping[str, Driven]) -> None:
    """Take up what was switched on, and what the plain controller's own set-points were.

    Raises
    ------
    ControlError
        If the file is damaged: nobody knows what to give back then.
    """
    try:
        told = json.loads(file.read_text("utf-8"))
        for name, kept in told.items():
            if name in driven:
                one = driven[name]
                one.on, one.by = bool(kept["on"]), str(kept["by"])
                one.plain = {str(n): float(v) for n, v in kept["plain"].items()}
                one.steps = {str(n): float(v) for n, v in kept.get("steps", {}).items()}
                one.left = {str(n): float(v) for n, v in kept.get("left", {}).items()}
                one.why = "" if one.on else f"{one.by} switched control off"
                one.relearned = str(kept.get("relearned", ""))
                one.relearned_at = int(kept.get("relearned_at", 0))
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ControlError(
            f"{file} is damaged ({error}): look at the set-points of the controlled processes, "
            "then delete the file"
        ) from None
