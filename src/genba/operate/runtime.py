"""The core of one running plant: builds all parts, runs the loop, stops cleanly."""

import asyncio
import itertools
import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genba.connect.driver import Driver
from genba.guard import Guard, wire_slack_s
from genba.historian import Historian, Ingest
from genba.historian.disk import DiskWatch
from genba.historian.policy import Policy
from genba.learn.registry.signature import KEY
from genba.operate.act import Actor
from genba.operate.alarms import (
    Alarms,
    DeviceConditions,
    FactJudge,
    audit_facts,
    heartbeat_facts,
    link_facts,
    newest,
    recording_facts,
)
from genba.operate.audit import AuditLog
from genba.operate.buffered import Buffered
from genba.operate.by_hand import ByHand
from genba.operate.drivers import open_all
from genba.operate.events import clock_jumped, link_changed, stalled, state_ended
from genba.operate.figures import Gauges
from genba.operate.gate import Gate
from genba.operate.heartbeat import Heartbeats
from genba.operate.hosted_models import HostedModels
from genba.operate.journal import CommandJournal
from genba.operate.judge import Judge, LimitJudge, RateJudge, StaleJudge
from genba.operate.lateness import Lateness
from genba.operate.links import Links
from genba.operate.loop import ExecutionLoop
from genba.operate.manual import Manual
from genba.operate.model_host import ModelHost
from genba.operate.model_judge import ModelJudge
from genba.operate.model_watch import ModelWatch
from genba.operate.outbox import Outbox
from genba.operate.pace import Pace
from genba.operate.packml import PackMLJudge
from genba.operate.patience import Patience
from genba.operate.planners import planners_of
from genba.operate.planning import Planning, deadline_s
from genba.operate.plugins import registered
from genba.operate.production import Production
from genba.operate.records import Records
from genba.operate.recovery import Recovery
from genba.operate.sense import LiveValues
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.set_point_relearning import SetPointRelearning
from genba.operate.set_points import SetPoints
from genba.operate.state import PROCESSES, StateFolder
from genba.operate.track import Tracker
from genba.operate.uplink import Uplinks
from genba.operate.watchdog import Watchdog
from genba.operate.wellbeing import Wellbeing
from genba.plan import EarliestDueDate, Planner, Situation
from genba.plan.floor.desk import Answer
from genba.plant import (
    Clock,
    Command,
    Gap,
    Health,
    Outcome,
    PackMLMode,
    PackMLState,
    Plant,
    Proposal,
    Sample,
    VirtualClock,
)

logger = logging.getLogger(__name__)

FIRST_CONNECT_S = 10.0
"""Wall seconds that starting waits for devices; those that come later are taken in then."""
COMMIT_S = 5.0


class Core:
    """One plant under Genba's command.

    Parameters
    ----------
    plant : Plant
        What there is, and the guard's envelope.
    state : StateFolder
        Held by the caller.
    clock : Clock
        The plant's clock.
    credentials : Path, optional
        File with the devices' credentials; default ``secrets/credentials.yaml`` of the state.
    drivers : mapping of str to Driver, optional
        Ready-made drivers by connection id; without them, those that the plant file names.
    judges, planners : sequence, optional
        In addition to the built-in ones; default those that packages register under the entry
        points ``genba.judges`` and ``genba.planners``, and the optimizing planner after them.
    trial_answers : int
        Good answers that a released model on trial needs before it is in force.

    Raises
    ------
    GenbaError
        If a driver is unknown, credentials are missing, or the historian cannot be opened.
    """

    def __init__(
        self,
        plant: Plant,
        state: StateFolder,
        clock: Clock,
        *,
        credentials: Path | None = None,
        drivers: Mapping[str, Driver] | None = None,
        judges: Sequence[Judge] | None = None,
        planners: Sequence[Planner] | None = None,
        trial_answers: int = 100,
    ) -> None:
        self.plant = plant
        self.clock = clock
        self.audit = AuditLog(state.audit, state.secrets, clock)
        self.live = LiveValues()
        self.guard = Guard(plant, clock)
        self.alarms = Alarms(plant, self.live, self._tell)
        self.conditions = DeviceConditions(plant, self.alarms, clock, lambda: self._drivers)
        self._drivers = (
            dict(drivers)
            if drivers is not None
            else open_all(
                plant,
                state,
                clock,
                credentials,
                conditions=self.conditions.told,
                record=self._late,
                missed=self._missed,
                unfit=self._unfit,
            )
        )
        disk = DiskWatch(state.historian, plant.storage)
        self.historian = Historian.open(state.historian, clock, disk=disk)
        Policy.of(plant).hand_over(state.historian)
        self.wellbeing = Wellbeing(plant, clock.speed, self.historian, disk, self._figures)
        self._ingest = Ingest(self.historian)
        self._outbox = Outbox(self._ingest.put_rows)
        self.gate = Gate(
            plant, clock, self.live, self.guard, self._ingest, self._tell, self._refused
        )
        self._intake = self.gate.intake
        hold = self.gate.quarantine.hold
        self._buffered = Buffered(plant, self.historian, self._ingest, self._intake.record, hold)
        self._uplinks = Uplinks(plant, self.historian, self.live, clock, state, credentials)
        self.recovery = Recovery(
            plant,
            clock,
            self._drivers,
            self.historian,
            self._ingest,
            self.gate,
            self.live,
            state.root,
            self._tell,
            lambda: self._outbox.waiting,
        )
        self._patience = Patience()
        self._records = Records(self._tell)
        self._host = ModelHost(plant, state, clock, trial_answers)
        self._watch = ModelWatch(plant, state, clock)
        self._models = HostedModels(
            self._host, ModelJudge(plant, self.guard, self.live, self._records)
        )
        learned, key = state.root / PROCESSES, state.secrets / KEY
        self.set_points = SetPoints(
            plant,
            self.guard,
            self.live,
            clock,
            SetPointDesk(plant, clock, learned, key),
            SetPointRelearning(plant, clock, state.historian, learned, key),
            learned,
            state.root / "control.json",
            self._tell,
        )
        self._links = Links(plant, self._drivers, clock, self._intake, self._link_changed)
        self._tracker = Tracker(plant, self.live, self._tell, self._transport_failed)
        self._journal = CommandJournal(state.root / "commands", clock)
        self._actor = Actor(
            plant, self._drivers, clock, self.live, self.guard, self._ended, self._journal
        )
        self.manual = Manual(plant, self.guard, clock, state.root / "manual.json", self._tell)
        found_planners = planners_of(plant, state, clock) if planners is None else planners
        self._planning = Planning(
            EarliestDueDate(plant), found_planners, deadline_s(plant.tick_s, clock.speed)
        )
        self._heartbeats = Heartbeats(plant, self.live, clock.speed)
        self.loop = ExecutionLoop(
            clock,
            self.live,
            self.guard,
            self._actor,
            self._tracker,
            self._judges(judges),
            self._planning,
            self._records,
            self._heartbeats,
            self._patience,
            self.alarms,
            self.manual,
            self.set_points,
            self._tell,
        )
        self.by_hand = ByHand(self.loop, self.guard, self._journal, clock, self._put_rows)
        self._lateness = Lateness()
        self._gauges = Gauges(
            plant, clock, self.gate, self._links, self.guard, self._uplinks, self.loop,
            self._lateness, self._actor, self._planning, self._models, self.alarms, self._ingest,
            self.recovery, self._outbox, self.audit, self._tracker,
        )  # fmt: skip
        self._pace: Pace | None = None
        self._watchdog = Watchdog(plant.tick_s / clock.speed, state.root / "stall.txt")
        self._ticked = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped = False
        self._numbers = itertools.count(1)

    def _judges(self, given: Sequence[Judge] | None) -> list[Judge]:
        plant = self.plant
        more = registered("genba.judges", plant) if given is None else list(given)
        built_in: list[Judge] = [
            LimitJudge(plant),
            RateJudge(plant),
            StaleJudge(plant, wire_slack_s(self.clock.speed)),
            PackMLJudge(plant, self._state_ended),
            FactJudge(
                lambda _: link_facts(self.gate.with_skew(self._links.health())),
                lambda _: recording_facts(self._ingest.error or ""),
                self.alarms.refusals.facts,
                lambda _: heartbeat_facts(self._heartbeats.failing()),
                lambda _: audit_facts(self.audit.broken),
                lambda _: self.recovery.facts(),
                lambda _: self.wellbeing.facts(),
                lambda _: self._host.facts(),
                self._watch.facts,
                lambda _: self.set_points.facts(),
            ),
            self._models,
            self.set_points,
        ]
        return [*built_in, *more]

    # -- running ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, connect to the devices, and begin to record."""
        self.audit.look_back()
        await asyncio.to_thread(self._tracker.restore, self.historian, self.clock.now())
        await asyncio.to_thread(self.gate.restore, self.historian, self.clock.now())
        self.alarms.restore(await asyncio.to_thread(newest, self.historian), self.clock.now())
        if not isinstance(self.clock, VirtualClock):
            self.historian.start_committing(COMMIT_S)
            await self.wellbeing.start()
        self.by_hand.take_up(await asyncio.to_thread(self.by_hand.restore, self.historian))
        if (stall := self._watchdog.left_behind()) is not None:
            self._tell("events", stalled(self.clock.now(), *stall))
        self._uplinks.start()
        await asyncio.to_thread(self.recovery.restore, self.historian)
        self.recovery.start()
        self._put_rows()
        await self._links.start(FIRST_CONNECT_S)
        for proposal, command in self._journal.unfinished():
            self._actor.resume(proposal, command)

    async def step(self, now: int) -> None:
        """Do one tick at plant time ``now``, and wait for the writes that it caused.

        For plants that step in process: under a virtual clock every run is the same.
        """
        if isinstance(self.clock, VirtualClock):
            self.clock.set(now)
        await self._tick()
        await self._actor.settle()
        await asyncio.to_thread(self._host.settle)
        if self.set_points.driven:
            await asyncio.to_thread(self.set_points.settle)
        if self._ingest.full:
            await self._ingest.drained()

    async def recorded(self) -> None:
        """Wait until all that was received and decided so far can be read from the historian."""
        self._put_rows()
        await self._ingest.drained()

    async def run(self) -> None:
        """Tick at the plant's clock until :meth:`stop`."""
        await self._clock_moves()
        self._pace = Pace(self.clock, self.plant.tick_s, self._lateness)
        self._watchdog.start()
        await self._pace.keep(self._stopping, self._watched_tick, self._clock_jumped)

    async def _clock_moves(self) -> None:
        """Wait until the clock moves: one that is shared may stand until all have started."""
        moves = asyncio.ensure_future(self.clock.sleep_until(self.clock.now() + 1))
        stops = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({moves, stops}, return_when=asyncio.FIRST_COMPLETED)
        moves.cancel()
        stops.cancel()

    async def _watched_tick(self) -> None:
        try:
            await self._tick()
        finally:
            self._watchdog.tick()

    def _clock_jumped(self, by: int) -> None:
        self._tell("events", clock_jumped(self.clock.now(), by))

    async def stop(self) -> None:
        """Stop ticking, end open commands, close the devices, store all. Safe to call twice."""
        self._stopping.set()
        self._ticked.set()
        if self._stopped:
            return
        self._stopped = True
        self._watchdog.stop()
        await asyncio.to_thread(self._planning.close)
        await asyncio.to_thread(self._host.close)
        await asyncio.to_thread(self._watch.close)
        await asyncio.to_thread(self.set_points.close)
        await self._actor.settle()
        self._actor.check()
        self._actor.give_up("Genba stopped")
        self._records.flush(self.clock.now())
        self.alarms.stop(self.clock.now())
        await self.wellbeing.stop()
        stopped = self.clock.now()
        await self.recovery.stop()
        await self._links.stop()
        await self._uplinks.stop()
        await self._buffered.stop()
        self._put_rows()
        try:
            await asyncio.to_thread(self._close_historian, stopped)
        finally:
            await self.manual.close()
            self._journal.close()
            self.audit.close()

    def _close_historian(self, stopped: int) -> None:
        try:
            self._ingest.close()
            self.recovery.stopped(stopped)
            self.historian.commit()
        finally:
            self.historian.close()

    async def _tick(self) -> None:
        up, batch = self._links.alive(), self._intake.take()
        self.recovery.tick(batch)
        await self.loop.tick(batch, up)
        self._put_rows()
        self._ticked.set()
        self._ticked = asyncio.Event()

    # -- for people and outside systems -------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """Return an id that nothing else has."""
        return f"{prefix}-{self.clock.now()}-{next(self._numbers)}"

    @property
    def production(self) -> Production:
        """Orders and lots as they are followed; to be read on the event loop, never changed."""
        return self._tracker.production

    @property
    def plan(self) -> Answer | None:
        """The plan that is followed, None where earliest due date alone dispatches."""
        return self._planning.in_force

    def next_tick_s(self) -> float:
        """Return wall seconds until the next tick; infinite during one, and where none comes."""
        return math.inf if self._pace is None else self._pace.due_s()

    def situation(self) -> Situation:
        """Return what planning would see now if no command were on its way."""
        return self._tracker.look(self.clock.now())

    async def subscribe_ticks(self) -> AsyncIterator[tuple[int, list[Sample]]]:
        """Yield, tick by tick, the plant's time and the newest samples of what changed.

        Whoever is slow gets fewer, larger batches; nobody holds up the loop.
        """
        cursor = 0
        while not self._stopping.is_set():
            ticked = self._ticked
            cursor, changed = self.live.changed_since(cursor)
            yield self.clock.now(), changed
            await ticked.wait()

    def health(self) -> dict[str, Any]:
        """Return how everything does, from what was measured, and every reason why not well."""
        figures = self._figures()
        reasons = [asdict(reason) for reason in self.wellbeing.reasons(figures)]
        status = "degraded" if reasons else "ok"
        return {"status": status, "reasons": reasons, **figures, "disk": self.wellbeing.disk()}

    def _figures(self) -> dict[str, Any]:
        return self._gauges.read()

    # -- what the parts tell ------------------------------------------------------------------

    def _missed(self, gap: Gap) -> None:
        self.recovery.missed(gap)

    def _refused(self, samples: Sequence[Sample]) -> None:
        self.recovery.refused(samples)

    def _late(self, samples: Sequence[Sample]) -> None:
        self._buffered(samples)

    def _unfit(self, sample: Sample, why: str) -> None:
        self.gate.unfit(sample, why)

    def _tell(self, table: str, row: Mapping[str, Any]) -> None:
        self._outbox.tell(table, row)

    def _put_rows(self) -> None:
        """Offer the rows of this tick to the historian; what it has no room for is kept."""
        self._outbox.flush()

    def _ended(self, proposal: Proposal, command: Command, outcome: Outcome) -> None:
        self.loop.ended(proposal, command, outcome)

    def _transport_failed(self, vehicle: str, lot: str | None, now: int) -> None:
        for cause in (vehicle, lot):
            if cause is not None:
                self._patience.failed(cause, now)

    def _state_ended(
        self, equipment: str, start: int, end: int, state: PackMLState, mode: PackMLMode | None
    ) -> None:
        self._tell("events", state_ended(equipment, start, end, state, mode))

    def _link_changed(self, connection: str, up: bool, health: Health) -> None:
        self._tell("events", link_changed(connection, self.clock.now(), health.error, up=up))
        self.recovery.link_changed(connection, health, up=up)
