"""Equipment in people's hands: taken by somebody, or found out from what devices show.

Whoever takes something into manual wins over Genba until it is given back. The same holds where
somebody turned a knob at the machine: a setpoint that changes without Genba having written it is
left alone for ``manual_hold_s`` of the plant file. What is held survives a restart.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from genba.errors import PlantError, Refused
from genba.guard import Guard, Override
from genba.guard.overrides import DEVICE
from genba.operate.readback import same_value
from genba.operate.state import write_atomically
from genba.plant import US, Clock, Command, Plant, Quality, Role, Sample, Scalar, Signal

logger = logging.getLogger(__name__)

WRITTEN = 8
"""Values of one setpoint that count as Genba's own writing, newest last."""
RECIPE_S = 30.0
"""A machine that takes a job sets its own setpoints about then; nobody turned a knob."""
_JOB_ROLES = frozenset({Role.JOB_ACK, Role.JOB_REQUEST, Role.JOB_OPERATION, Role.LOTS})
_MODES = frozenset({Role.MODE, Role.VEHICLE_MODE})

Tell = Callable[[str, Mapping[str, Any]], None]


class Manual:
    """Keeps the guard's overrides, on disk and on the record.

    Parameters
    ----------
    plant, guard, clock
        The plant, the guard that holds the overrides, the plant's clock.
    file : Path
        Where they are kept.
    tell : callable
        Takes rows for the historian.

    Raises
    ------
    PlantError
        If the file cannot be read: nobody knows what people hold then.
    """

    def __init__(self, plant: Plant, guard: Guard, clock: Clock, file: Path, tell: Tell) -> None:
        self._plant = plant
        self._guard = guard
        self._clock = clock
        self._file = file
        self._tell = tell
        self._watched = {s.id: s for s in plant.signals.values() if s.writable and s.role is None}
        self._shown: dict[str, Scalar] = {}
        self._written: dict[str, deque[Scalar]] = {}
        self._job_at: dict[str, int] = {}
        self._by_device: dict[str, str] = {}
        self._saving: asyncio.Task[None] | None = None
        self._restore()

    # -- people -------------------------------------------------------------------------------

    def all(self) -> list[Override]:
        """Return what is held now, oldest first, with what devices show of their own."""
        now = self._clock.now()
        held = [o for o in self._guard.overrides.all() if o.until is None or now < o.until]
        shown = [Override(e, DEVICE, why, 0) for e, why in self._by_device.items()]
        return sorted([*held, *shown], key=lambda override: override.since)

    async def take(
        self, target: str, by: str, reason: str, hours: float | None, *, program: bool = False
    ) -> Override:
        """Take a piece of equipment or a signal into manual, on disk when this returns.

        Genba's own proposals on it are refused from now on, and its commands that are under way
        stop before their next write. What somebody else holds for longer stays held as long.

        Raises
        ------
        PlantError
            If there is neither equipment nor setpoint of that id.
        Refused
            If ``program`` says that ``by`` is no person, and somebody else holds it.
        """
        signal = self._plant.signals.get(target)
        if target not in self._plant.equipment_by_id and (signal is None or not signal.writable):
            raise PlantError(
                f"'{target}' is neither equipment nor a setpoint of this plant; give one of them"
            )
        now = self._clock.now()
        until = None if hours is None else now + round(hours * 3600 * US)
        override = Override(target, by, reason, now, until)
        held = self._of_another(target, by, program=program)
        if held is not None and held.outlasts(override):
            override = replace(override, until=held.until)
        self._hold(override)
        await self._saved()
        return override

    def _of_another(self, target: str, by: str, *, program: bool) -> Override | None:
        """Return what somebody else holds; a program leaves that to people."""
        held = self._guard.overrides.on(target, self._clock.now())
        if held is None or held.by == by:
            return None
        if program:
            raise Refused(f"{held.by} holds {target}: a program leaves that to people who log in")
        return held

    async def release(self, target: str, by: str, *, program: bool = False) -> Override:
        """Give a target back to Genba.

        Raises
        ------
        Refused
            If it is not held, the device itself shows that somebody works on it, or ``program``
            says that ``by`` is no person, and somebody else holds it.
        """
        self._of_another(target, by, program=program)
        shown = self._guard.overrides.shown_by_device(target)
        released = self._guard.overrides.release(target)
        if released is None and shown:
            raise Refused(f"{shown}; switch it back there")
        if released is None:
            raise Refused(f"nobody holds '{target}' in manual")
        self._record("released", target, f"{by} gives {target} back to Genba", {"by": by})
        await self._saved()
        return released

    # -- devices ------------------------------------------------------------------------------

    def wrote(self, command: Command) -> None:
        """Learn what Genba is about to write, so that it is not taken for somebody else's."""
        for write in command.writes:
            if write.signal in self._watched:
                self._written.setdefault(write.signal, deque(maxlen=WRITTEN)).append(write.value)

    def watch(self, batch: Sequence[Sample]) -> None:
        """Look for hands at the machines in what came since the last tick."""
        now = self._clock.now()
        signals = self._plant.signals
        for sample in batch:
            role = signals[sample.signal].role if sample.signal in signals else None
            if role in _JOB_ROLES:
                before = self._shown.get(sample.signal)
                self._shown[sample.signal] = sample.value
                if before is not None and before != sample.value:
                    self._job_at[signals[sample.signal].equipment] = now
            elif role in _MODES:
                self._mode(signals[sample.signal].equipment)
        for sample in batch:
            signal = self._watched.get(sample.signal)
            if signal is not None and sample.quality != Quality.BAD and sample.value is not None:
                self._look_at(signal, sample.value, now)
        self._expire(now)

    def _look_at(self, signal: Signal, value: Scalar, now: int) -> None:
        before = self._shown.get(signal.id)
        self._shown[signal.id] = value
        if before is None or same_value(signal, value, before):
            return
        own = self._written.get(signal.id, ())
        if any(same_value(signal, value, written) for written in own):
            return
        if now - self._job_at.get(signal.equipment, -(10**18)) <= RECIPE_S * US:
            return
        reason = f"it was changed at the machine from {before!r} to {value!r} {signal.unit}"
        turned = Override(
            signal.id, DEVICE, reason, now, now + round(self._plant.manual_hold_s * US)
        )
        held = self._guard.overrides.on(signal.id, now)
        if held is not None and held.outlasts(turned):
            return  # whoever holds it may turn it; that does not give it back any earlier
        self._hold(turned)
        self._save_soon()

    def _mode(self, equipment: str) -> None:
        shown = self._guard.overrides.shown_by_device(equipment)
        if shown and equipment not in self._by_device:
            self._record("set", equipment, f"{shown}; Genba keeps off it", {"by": DEVICE})
        elif not shown and equipment in self._by_device:
            text = f"{equipment} is back in automatic"
            self._record("released", equipment, text, {"by": DEVICE})
        if shown:
            self._by_device[equipment] = shown
        else:
            self._by_device.pop(equipment, None)

    def _expire(self, now: int) -> None:
        for override in self._guard.overrides.all():
            if override.until is not None and now >= override.until:
                self._guard.overrides.release(override.target)
                text = f"the time that {override.target} was held for is over"
                self._record("released", override.target, text, {"by": "time"})
                self._save_soon()

    # -- on the record, and on disk -----------------------------------------------------------

    def _hold(self, override: Override) -> None:
        self._guard.overrides.hold(override)
        text = f"{override.target} is in manual, by {override.by}: {override.reason}"
        self._record("set", override.target, text, asdict(override))

    def _record(self, word: str, target: str, text: str, data: Mapping[str, Any]) -> None:
        now = self._clock.now()
        signal = self._plant.signals.get(target)
        self._tell(
            "events",
            {
                "id": f"E-override-{target}-{word}-{now}",
                "time": now,
                "equipment": signal.equipment if signal else target,
                "kind": f"override.{word}",
                "severity": "warning" if word == "set" else "info",
                "text": text,
                "data": json.dumps(data),
            },
        )

    def _restore(self) -> None:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        try:
            held = [_override(entry) for entry in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise PlantError(
                f"{self._file} is damaged ({error}): nobody knows what people hold in manual; "
                "look at the plant, then delete the file"
            ) from None
        for override in held:
            self._guard.overrides.hold(override)

    def _save_soon(self) -> None:
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._saved())

    async def _saved(self) -> None:
        """Write what is held, off the loop: the disk may be slow."""
        text = json.dumps([asdict(override) for override in self._guard.overrides.all()], indent=1)
        await asyncio.to_thread(write_atomically, self._file, text + "\n")

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._saving is not None:
            await asyncio.wait({self._saving})


def _override(entry: object) -> Override:
    """Make an override of what the file holds.

    Raises
    ------
    TypeError
        If a field is missing, unknown, or of another type than declared.
    """
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r:.80} is no override")
    override = Override(**entry)
    words = (override.target, override.by, override.reason)
    # A flag is a whole number to Python, and no time.
    timed = type(override.since) is int and type(override.until) in (int, type(None))
    if not timed or not all(isinstance(word, str) for word in words):
        raise TypeError(f"a field of {entry!r:.80} is of a wrong type")
    return override
