"""Acting: commands to devices, each write read back, each job answered, within limits of time."""

import asyncio
import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from genba.connect.driver import Driver
from genba.errors import GenbaError, StateError
from genba.guard import Guard
from genba.operate.journal import CommandJournal
from genba.operate.readback import same_value
from genba.operate.sense import LiveValues
from genba.operate.set_points import SetPoints
from genba.plant import (
    US,
    Clock,
    Command,
    Evidence,
    Outcome,
    Plant,
    Proposal,
    Role,
    Scalar,
    Signal,
    Write,
)

logger = logging.getLogger(__name__)

WRITE_LIMIT_S = 5.0
"""Wall seconds for one write: a device that takes longer counts as not answering."""
ANSWER_LIMIT_S = 20.0
"""Plant seconds for reading back, and again for the answer to a job."""
LEAST_WALL_S = 3.0
"""No device is given up earlier than this by the wall clock, however fast the plant's runs."""

REMEMBERED = 2000
"""Commands that are known to have been begun; a repeated one follows its first closely."""
ASK_AFTER_S = 0.4
"""Wall seconds that the subscription has to show a written value before the device is asked."""

RESUMED_LIMIT_S = 60.0
"""The same for a command from before a restart: its device has to be reached first."""

Ended = Callable[[Proposal, Command, Outcome], None]


class Step(StrEnum):
    """How far a command is."""

    WRITING = "writing"
    READING_BACK = "reading back"
    ANSWER = "waiting for the answer"


@dataclass(slots=True)
class _Open:
    """A command on its way."""

    proposal: Proposal
    command: Command
    step: Step = Step.WRITING
    since: int = 0
    since_wall: float = 0.0
    asked_wall: float = 0.0
    task: asyncio.Task[None] | None = None
    error: str = ""
    answered: bool = False
    read: dict[str, Evidence] = field(default_factory=dict)
    sent: int = 0
    """Writes that went out to a driver."""
    resumed: bool = False


class Actor:
    """Carries commands out. A slow device holds up its own commands only.

    Parameters
    ----------
    plant, drivers, clock, live, guard
        The plant, its drivers by connection id, its clock, newest values, and the guard, which is
        asked again right before each write, and told of every one that was read back.
    ended : callable
        Told of every command's outcome, once.
    journal : CommandJournal
        Holds every command but heartbeats before its first write goes out.
    """

    def __init__(
        self,
        plant: Plant,
        drivers: Mapping[str, Driver],
        clock: Clock,
        live: LiveValues,
        guard: Guard,
        ended: Ended,
        journal: CommandJournal,
    ) -> None:
        self._plant = plant
        self._drivers = drivers
        self._clock = clock
        self._live = live
        self._guard = guard
        self._ended = ended
        self._journal = journal
        self._open: dict[str, _Open] = {}
        self._begun: deque[str] = deque(maxlen=REMEMBERED)
        self._stepped = math.isinf(clock.speed)

    def start(self, proposal: Proposal, command: Command) -> None:
        """Begin a command. Begun once: the same command again changes nothing."""
        if command.id in self._begun:
            return
        self._begun.append(command.id)
        taken = self._being_written(proposal) & {write.signal for write in command.writes}
        open_ = _Open(proposal, command)
        self._mark(open_, Step.WRITING)
        if taken:
            self._open[command.id] = open_
            names = ", ".join(sorted(taken))
            self._end(open_, done=False, detail=f"another command to {names} is on its way")
            return
        open_.task = asyncio.create_task(self._write_all(open_), name=f"act {command.id}")
        self._open[command.id] = open_

    def resume(self, proposal: Proposal, command: Command) -> None:
        """Take up a command that was begun before a restart: nothing of it is written again.

        What its devices show, once they are reached, says how it ended.
        """
        self._begun.append(command.id)
        open_ = _Open(proposal, command, resumed=True)
        self._mark(open_, Step.READING_BACK)
        signals = [self._plant.signals.get(write.signal) for write in command.writes]
        known = [signal for signal in signals if signal is not None]
        self._open[command.id] = open_
        if len(known) < len(signals):
            self._end(open_, done=False, unknown=True, detail="the plant file has changed since")
            return
        open_.task = asyncio.create_task(self._read(open_, known), name=f"ask {command.id}")

    def _being_written(self, proposal: Proposal) -> set[str]:
        """Return signals of other open commands: two jobs at once would become a third.

        Beats overtake each other, and instant actions are messages of their own.
        """
        if proposal.kind == "heartbeat":
            return set()
        names = {write.signal for open_ in self._open.values() for write in open_.command.writes}
        return {
            name
            for name in names
            if self._plant.signals[name].role is not Role.VEHICLE_INSTANT_ACTIONS
        }

    def busy(self) -> frozenset[str]:
        """Return equipment and lots of commands whose outcome is open.

        Heartbeats and set-points that control chooses hold up none.
        """
        names: set[str] = set()
        for open_ in self._open.values():
            if open_.proposal.kind != "heartbeat" and not SetPoints.owns(open_.proposal):
                names.add(open_.proposal.equipment)
                names.update(lots_of(open_.proposal))
        return frozenset(names)

    @property
    def open(self) -> int:
        """Commands whose outcome is open."""
        return len(self._open)

    def check(self) -> None:
        """Look at every open command once a tick: read back, answered, failed, or too late?"""
        for open_ in list(self._open.values()):
            if open_.task is not None and open_.task.done():
                self._advance(open_)

    async def settle(self) -> None:
        """Wait until all writing and reading that is under way has ended."""
        tasks = [o.task for o in self._open.values() if o.task is not None and not o.task.done()]
        if tasks:
            await asyncio.wait(tasks, timeout=2 * WRITE_LIMIT_S)

    def give_up(self, reason: str) -> None:
        """End all open commands as failed; for when the core stops."""
        for open_ in list(self._open.values()):
            if open_.task is not None:
                open_.task.cancel()
            # A command from before the last restart stays open in the journal.
            if not open_.resumed:
                sent = bool(open_.sent)
                self._end(open_, done=False, unknown=sent, detail=f"{reason} while {open_.step}")

    # -- writing ------------------------------------------------------------------------------

    async def _write_all(self, open_: _Open) -> None:
        if open_.proposal.kind != "heartbeat":
            try:
                await self._journal.begin(open_.proposal, open_.command)
            except StateError as error:
                open_.error = f"nothing was written: {error}"
                return
        for number, write in enumerate(open_.command.writes):
            signal = self._plant.signals[write.signal]
            driver = self._drivers.get(signal.connection)
            if driver is None:
                open_.error = f"{signal.id}: connection '{signal.connection}' has no driver"
                return
            # Nothing may come between this question and the write: no await.
            reasons = self._guard.recheck(open_.command, number)
            if reasons:
                open_.error = f"stopped before writing {signal.id}: {'; '.join(reasons)}"
                return
            open_.sent += 1
            try:
                async with asyncio.timeout(WRITE_LIMIT_S):
                    await driver.write(signal, write.value)
            except TimeoutError:
                open_.error = f"{signal.id}: the device did not answer within {WRITE_LIMIT_S:g} s"
                return
            except (GenbaError, OSError) as error:
                open_.error = f"{signal.id}: {error}"
                return
            except Exception as error:
                # A driver of somebody else's may raise anything; the device may have it or not.
                logger.exception("driver of '%s' failed", signal.connection)
                open_.error = f"{signal.id}: its driver failed: {error!r}"
                return

    async def _read(self, open_: _Open, signals: list[Signal]) -> None:
        """Ask the devices themselves for what the subscription has not shown yet."""
        for signal in signals:
            try:
                async with asyncio.timeout(WRITE_LIMIT_S):
                    samples = await self._drivers[signal.connection].read([signal])
            except (GenbaError, OSError, TimeoutError):
                continue
            except Exception:
                logger.exception("driver of '%s' failed", signal.connection)
                continue
            for sample in samples:
                open_.read[sample.signal] = Evidence(
                    sample.signal, sample.source_time, sample.value
                )

    # -- judging how it went ------------------------------------------------------------------

    def _advance(self, open_: _Open) -> None:
        if open_.step is Step.WRITING:
            if open_.error:
                self._end(open_, done=False, detail=open_.error)
                return
            self._mark(open_, Step.READING_BACK)
        if open_.step is Step.READING_BACK and not self._read_back(open_):
            return
        if open_.step is Step.ANSWER:
            self._answer(open_)

    def _read_back(self, open_: _Open) -> bool:
        """Compare what devices show with what was written; True once nothing is missing."""
        missing = [w for w in open_.command.writes if not self._shows(open_, w)]
        if missing:
            if self._too_late(open_):
                self._end_unread(open_, missing)
            elif open_.proposal.kind != "heartbeat" and self._may_ask(open_):
                signals = [self._plant.signals[write.signal] for write in missing]
                asked = [s for s in signals if s.role not in _NOT_READABLE]
                open_.task = asyncio.create_task(self._read(open_, asked))
            return False
        now = self._clock.now()
        for write in open_.command.writes:
            self._guard.confirm_written(write, now)
        if self._role_of(open_, Role.JOB_REQUEST) is None:
            self._end(open_, done=True)
            return False
        self._mark(open_, Step.ANSWER)
        return True

    def _end_unread(self, open_: _Open, missing: list[Write]) -> None:
        """End a command of which not all was read back: not done, or nobody knows."""
        names = ", ".join(write.signal for write in missing)
        detail = f"{names}: not read back as written"
        if not open_.resumed:
            self._end(open_, done=False, detail=detail)
            return
        told = {write.signal for write in open_.command.writes if self._told(open_, write)}
        if len(told) < len(open_.command.writes):
            why = "Genba was stopped in the middle of it, and its device does not say how it ended"
            self._end(open_, done=False, unknown=True, detail=why)
        elif len(missing) == len(open_.command.writes):
            why = "Genba was stopped before it took effect"
            self._end(open_, done=False, detail=why)
        else:
            why = f"Genba was stopped in the middle of it; {names} did not take effect"
            self._end(open_, done=False, unknown=not self._is_job(open_), detail=why)

    def _told(self, open_: _Open, write: Write) -> bool:
        """Whether the device has said what it holds where something was to be written."""
        signal = self._plant.signals[write.signal]
        if signal.role is Role.VEHICLE_INSTANT_ACTIONS:
            return False
        if signal.role is Role.VEHICLE_ORDER:
            shown = self._shown_of_order(write)
            return bool(shown) and all(self._live.evidence(s.id) is not None for s, _ in shown)
        return write.signal in open_.read or self._live.evidence(write.signal) is not None

    def _is_job(self, open_: _Open) -> bool:
        """Whether the last write is what a machine acts on: without it the others mean nothing."""
        last = self._plant.signals[open_.command.writes[-1].signal]
        return last.role is Role.JOB_REQUEST and not self._shows(open_, open_.command.writes[-1])

    def _may_ask(self, open_: _Open) -> bool:
        """Whether the subscription had its chance, and the device was not asked just now."""
        now = time.monotonic()
        if self._stepped or now - max(open_.since_wall, open_.asked_wall) > ASK_AFTER_S:
            open_.asked_wall = now
            return True
        return False

    def _shows(self, open_: _Open, write: Write) -> bool:
        signal = self._plant.signals[write.signal]
        if signal.role is Role.VEHICLE_INSTANT_ACTIONS:
            return not open_.resumed
        if signal.role is Role.VEHICLE_ORDER:
            shown = self._shown_of_order(write)
            return bool(shown) and all(self._seen(open_, s, v, s.id) for s, v in shown)
        return self._seen(open_, signal, write.value, write.signal)

    def _shown_of_order(self, write: Write) -> list[tuple[Signal, Scalar]]:
        """Return what a vehicle shows once it has taken an order: its id, and its update's."""
        order, vehicle = json.loads(str(write.value)), self._plant.signals[write.signal].equipment
        wanted = (
            (Role.VEHICLE_ORDER_ID, order["orderId"]),
            (Role.VEHICLE_ORDER_UPDATE, order["orderUpdateId"]),
        )
        roles = self._plant.roles
        return [(roles[vehicle, role], v) for role, v in wanted if (vehicle, role) in roles]

    def _seen(self, open_: _Open, signal: Signal, wanted: Scalar, key: str) -> bool:
        """Whether the device shows a value, by subscription or by a read of its own."""
        live = self._live.evidence(signal.id)
        for piece in (live, open_.read.get(key)):
            if piece is not None and same_value(signal, piece.value, wanted):
                open_.read[key] = Evidence(signal.id, piece.source_time, piece.value)
                return True
        return False

    def _answer(self, open_: _Open) -> None:
        """Wait for the machine's ``job_ack``, then look at its ``job_error``."""
        request = self._role_of(open_, Role.JOB_REQUEST)
        assert request is not None  # noqa: S101 - _read_back saw to it
        equipment = self._plant.signals[request.signal].equipment
        error = self._value(equipment, Role.JOB_ERROR)
        if self._value(equipment, Role.JOB_ACK) == request.value:
            # One more tick, so that the reason has come too.
            if open_.answered:
                self._end(open_, done=not error, detail=str(error or ""))
            open_.answered = True
        elif self._too_late(open_):
            why = f": {error}" if error else ""
            detail = f"{equipment} did not acknowledge the job{why}"
            self._end(open_, done=False, unknown=open_.resumed, detail=detail)

    def _role_of(self, open_: _Open, role: Role) -> Write | None:
        return next(
            (w for w in open_.command.writes if self._plant.signals[w.signal].role is role), None
        )

    def _value(self, equipment: str, role: Role) -> Scalar:
        signal = self._plant.roles.get((equipment, role))
        return self._live.value(signal.id) if signal else None

    # -- time ---------------------------------------------------------------------------------

    def _mark(self, open_: _Open, step: Step) -> None:
        open_.step, open_.since, open_.since_wall = step, self._clock.now(), time.monotonic()

    def _too_late(self, open_: _Open) -> bool:
        limit_s = max(RESUMED_LIMIT_S if open_.resumed else ANSWER_LIMIT_S, 4 * self._plant.tick_s)
        if self._clock.now() - open_.since <= limit_s * US:
            return False
        return self._stepped or time.monotonic() - open_.since_wall > LEAST_WALL_S

    def _end(self, open_: _Open, *, done: bool, detail: str = "", unknown: bool = False) -> None:
        del self._open[open_.command.id]
        read_back = tuple(open_.read.values())
        now = self._clock.now()
        outcome = Outcome(open_.command.id, now, done, detail, read_back, unknown)
        if open_.proposal.kind != "heartbeat":
            self._journal.end(outcome)
        self._ended(open_.proposal, open_.command, outcome)


_NOT_READABLE = frozenset({Role.VEHICLE_ORDER, Role.VEHICLE_INSTANT_ACTIONS})


def lots_of(proposal: Proposal) -> list[str]:
    """Return the lots that a proposal speaks of."""
    return [lot for lot in str(proposal.context.get("lot") or "").split(",") if lot]
