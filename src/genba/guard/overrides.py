"""Manual override: what people have taken out of Genba's hands. It wins over everything else."""

from dataclasses import dataclass

from genba.guard.knowledge import Knowledge
from genba.plant import PackMLMode, Plant, Role, Signal

MANUAL_MODES = {
    int(PackMLMode.MAINTENANCE): "maintenance",
    int(PackMLMode.MANUAL): "manual",
}
"""PackML unit modes in which somebody works on a machine."""

MANUAL_VEHICLE_MODES = frozenset({"MANUAL", "SERVICE", "TEACHIN", "TEACH_IN", "INTERVENED"})
"""VDA 5050 operating modes in which somebody else moves a vehicle."""


@dataclass(frozen=True, slots=True)
class Override:
    """One piece of equipment, or one signal, that Genba keeps its hands off.

    Times in microseconds UTC; ``until`` None holds until it is released. ``by`` is a person, or
    ``device`` where a setpoint was changed at the machine itself.
    """

    target: str
    by: str
    reason: str
    since: int
    until: int | None = None

    def outlasts(self, other: "Override") -> bool:
        """Whether it holds for longer than another."""
        return other.until is not None and (self.until is None or self.until > other.until)


DEVICE = "device"
PERSON, PROGRAM = "person", "program"
"""Sources of what comes over the API: by somebody who logged in, or by whoever holds a token. A
program keeps off what people hold; otherwise it stands for whoever gave it the token."""
FROM_OUTSIDE = frozenset({PERSON, PROGRAM})


class Overrides:
    """All overrides that hold, and what devices show of their own."""

    def __init__(self, plant: Plant, knowledge: Knowledge) -> None:
        self._plant = plant
        self._knowledge = knowledge
        self._held: dict[str, Override] = {}

    def hold(self, override: Override) -> None:
        """Keep Genba off a piece of equipment or a signal. The newest on a target holds."""
        self._held[override.target] = override

    def on(self, target: str, now: int) -> Override | None:
        """Return what is held on a target itself, None if nothing is."""
        held = self._held.get(target)
        return held if held is not None and (held.until is None or now < held.until) else None

    def release(self, target: str) -> Override | None:
        """Give a target back; returns what was held, None if nothing was."""
        return self._held.pop(target, None)

    def all(self) -> list[Override]:
        """Return what is held, also what has just run out and nobody took out yet."""
        return list(self._held.values())

    def refusals(self, signal: Signal, now: int) -> list[str]:
        """Return why Genba keeps off a signal of its own accord; empty if it need not."""
        reasons = []
        for target in (signal.id, signal.equipment):
            held = self.on(target, now)
            if held is not None:
                reasons.append(f"{target} is in manual, by {held.by}: {held.reason}")
        shown = self.shown_by_device(signal.equipment)
        if shown:
            reasons.append(shown)
        return reasons

    def shown_by_device(self, equipment: str) -> str:
        """Return what a device shows if it is in somebody else's hands, else nothing."""
        mode = self._plant.roles.get((equipment, Role.MODE))
        if mode is not None:
            value = self._knowledge.newest(mode.id)
            if isinstance(value, int) and value in MANUAL_MODES:
                return f"{equipment} itself shows mode {value} ({MANUAL_MODES[value]})"
        mode = self._plant.roles.get((equipment, Role.VEHICLE_MODE))
        if mode is not None:
            value = self._knowledge.newest(mode.id)
            if isinstance(value, str) and value.upper() in MANUAL_VEHICLE_MODES:
                return f"{equipment} itself shows the operating mode {value}"
        return ""
