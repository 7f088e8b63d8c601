"""A machine's own process: senses, judges by limits and models, guards, records and passes on.

It does not plan and it does not act: no driver of it is ever asked to write. What the plant's core
does with its findings is the core's business; while the link to that is down, this goes on alone.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from genba.connect.driver import Driver
from genba.errors import PlantError
from genba.guard import Guard, wire_slack_s
from genba.historian import Historian, Ingest
from genba.historian.disk import DiskWatch
from genba.historian.policy import Policy
from genba.learn.edge.keys import Trust
from genba.learn.edge.node import Node
from genba.learn.edge.past import Past
from genba.learn.edge.pictures import PICTURES, PictureFolder, Refused
from genba.learn.edge.runner import Answer
from genba.learn.edge.runners import Runners
from genba.learn.watch.rules import Rules
from genba.operate.alarms import (
    Alarms,
    DeviceConditions,
    FactJudge,
    link_facts,
    newest,
    recording_facts,
)
from genba.operate.buffered import Buffered
from genba.operate.drivers import open_all
from genba.operate.edge_plant import with_findings
from genba.operate.edge_watch import EdgeWatch
from genba.operate.events import clock_jumped, link_changed
from genba.operate.gate import Gate
from genba.operate.judge import Judge, Judgement, LimitJudge, RateJudge, Sight, StaleJudge
from genba.operate.lateness import Lateness
from genba.operate.links import Links
from genba.operate.model_host import picture_facts
from genba.operate.model_judge import ModelJudge
from genba.operate.model_watch import ModelWatch
from genba.operate.outbox import Outbox
from genba.operate.pace import Pace
from genba.operate.records import Records
from genba.operate.recovery import Recovery
from genba.operate.sense import LiveValues
from genba.operate.state import StateFolder
from genba.operate.uplink import Uplinks
from genba.plant import Clock, Gap, Health, Plant, Sample, VirtualClock

logger = logging.getLogger(__name__)

FIRST_CONNECT_S = 10.0
WELL_AFTER = 60
"""Ticks after which a start counts as a good one."""
COMMIT_S = 60.0
"""How long what was recorded may wait in the spool; it is safe there, and passed on from there."""


class Edge:
    """Everything that runs at one machine.

    Parameters
    ----------
    plant : Plant
        The machine's part of the plant: its connections, its equipment, its uplinks.
    state : StateFolder
        Held by the caller; models lie in ``models`` of it.
    clock : Clock
        The plant's clock.
    name : str
        What this machine is called in roll-outs.
    trust : Trust
        Whose releases it takes.
    credentials : Path, optional
        As of :class:`~genba.operate.runtime.Core`.
    drivers : mapping of str to Driver, optional
        Ready-made drivers by connection id.
    trial_answers : int
        Good answers that a release on trial needs before it is in force.
    pictures : Path, optional
        Where cameras put pictures, a folder for each piece of equipment; default in the state.
    rules : Rules, optional
        What the machine puts up with of its models.
    act : bool
        Whether it takes a release back by itself where the rules say so.

    Raises
    ------
    GenbaError
        If a driver is unknown, credentials are missing, or folders cannot be opened.
    """

    def __init__(
        self,
        plant: Plant,
        state: StateFolder,
        clock: Clock,
        name: str,
        trust: Trust,
        *,
        credentials: Path | None = None,
        drivers: Mapping[str, Driver] | None = None,
        trial_answers: int = 100,
        pictures: Path | None = None,
        rules: Rules | None = None,
        act: bool = False,
    ) -> None:
        if not plant.connections:
            raise PlantError(f"plant '{plant.id}' has no connection, so that nothing is sensed")
        self.plant = plant = with_findings(plant)
        self.clock = clock
        self.live = LiveValues()
        self.guard = Guard(plant, clock)
        self.alarms = Alarms(plant, self.live, self._tell)
        disk = DiskWatch(state.historian, plant.storage)
        self.historian = Historian.open(state.historian, clock, disk=disk)
        Policy.of(plant).hand_over(state.historian)
        self._ingest = Ingest(self.historian)
        self._outbox = Outbox(self._ingest.put_rows)
        self.gate = Gate(
            plant, clock, self.live, self.guard, self._ingest, self._tell, self._refused
        )
        self._intake = self.gate.intake
        self._buffered = Buffered(
            plant, self.historian, self._ingest, self._intake.record, self.gate.quarantine.hold
        )
        conditions = DeviceConditions(plant, self.alarms, clock, lambda: self._drivers)
        self._drivers: dict[str, Driver] = (
            dict(drivers)
            if drivers is not None
            else open_all(
                plant, state, clock, credentials, conditions=conditions.told,
                record=self._late, missed=self._missed, unfit=self.gate.unfit,
            )
        )  # fmt: skip
        self._links = Links(plant, self._drivers, clock, self._intake, self._link_changed)
        self._uplinks = Uplinks(plant, self.historian, self.live, clock, state, credentials)
        self.recovery = Recovery(
            plant, clock, self._drivers, self.historian, self._ingest, self.gate, self.live,
            state.root, self._tell, lambda: self._outbox.waiting,
        )  # fmt: skip
        self._records = Records(self._tell)
        shown = pictures or state.root / PICTURES
        past = Past(plant, lambda: nullcontext(self.historian), clock.now, shown)
        self.node = Node(
            state.root / "models", name, trust, clock.now, set(plant.signals), past.windows
        )
        self.runners = Runners(self.node, past.feed, trial_answers)
        self.pictures = PictureFolder(shown)
        self.models = ModelJudge(plant, self.guard, self.live, self._records, self._intake)
        watch = ModelWatch(plant, state, clock, rules, trust, self.runners.p99_us)
        self.watch = EdgeWatch(plant, self.node, watch, act, self._intake)
        self._judges = self._built_in(plant)
        self._lateness = Lateness()
        self._pace: Pace | None = None
        self._stopping = asyncio.Event()
        self._stopped = False
        self.ticks = 0

    def _built_in(self, plant: Plant) -> list[Judge]:
        return [
            LimitJudge(plant),
            RateJudge(plant),
            StaleJudge(plant, wire_slack_s(self.clock.speed)),
            FactJudge(
                lambda _: link_facts(self.gate.with_skew(self._links.health())),
                lambda _: recording_facts(self._ingest.error or ""),
                lambda _: self.recovery.facts(),
                self.watch.facts,
                lambda _: picture_facts(self.pictures.told()),
            ),
        ]

    # -- running ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier run left, load the models, and connect."""
        await asyncio.to_thread(self.gate.restore, self.historian, self.clock.now())
        self.alarms.restore(await asyncio.to_thread(newest, self.historian), self.clock.now())
        await asyncio.to_thread(self.runners.follow)
        if not isinstance(self.clock, VirtualClock):
            self.historian.start_committing(COMMIT_S)
        self._uplinks.start()
        await asyncio.to_thread(self.recovery.restore, self.historian)
        self.recovery.start()
        await self._links.start(FIRST_CONNECT_S)

    async def run(self) -> None:
        """Tick at the plant's clock until :meth:`stop`."""
        self._pace = Pace(self.clock, self.plant.tick_s, self._lateness)
        await self._pace.keep(self._stopping, self.tick, self._clock_jumped)

    def _clock_jumped(self, by: int) -> None:
        self._tell("events", clock_jumped(self.clock.now(), by))

    async def tick(self) -> None:
        """Do one round with what came since the last."""
        now = self.clock.now()
        for connection in self._links.alive():
            self.guard.heard(connection, now)
        batch = self._intake.take()
        self.recovery.tick(batch)
        self.alarms.suppress(now, batch)
        for judge in self._judges:
            self._take(judge.judge(Sight(now, batch, self.live)))
        self.watch.tell(await asyncio.to_thread(self.watch.look_after, now))
        await asyncio.to_thread(self.runners.follow)
        answers = self.runners.tick(now, self.models.look(now), batch)
        shown, refused = await asyncio.to_thread(self._shown, now)
        self.models.refuse(refused)
        self._take(self.models.judged([*answers, *shown], self.node.slots(), now))
        self.alarms.tick(now)
        self._outbox.flush()
        self.ticks += 1
        if self.ticks == WELL_AFTER:
            await asyncio.to_thread(self.node.well)

    def _shown(self, now: int) -> tuple[Sequence[Answer], list[Refused]]:
        """Judge the pictures that came. May take its time."""
        pictures, refused = self.pictures.look(self.runners.contracts(), now)
        answers = self.runners.show(now, pictures) if pictures else ()
        refused += self.pictures.judged(pictures, [answer.about for answer in answers])
        return answers, refused

    async def stop(self) -> None:
        """Stop ticking, close devices and links, store all. Safe to call twice."""
        self._stopping.set()
        if self._stopped:
            return
        self._stopped = True
        self.watch.close()
        self.runners.close()
        self.node.well()
        stopped = self.clock.now()
        await self.recovery.stop()
        await self._links.stop()
        await self._uplinks.stop()
        await self._buffered.stop()
        self._records.flush(self.clock.now())
        self._outbox.flush()
        await asyncio.to_thread(self._close, stopped)

    def health(self) -> dict[str, Any]:
        """Return how everything does, from what was measured."""
        slots = {name: vars_of(slot) for name, slot in self.node.slots().items()}
        return {
            "node": self.node.name,
            "time": self.clock.now(),
            "connections": self.gate.with_skew(self._links.health()),
            "uplinks": self._uplinks.health(),
            "loop": {"ticks": self.ticks, **self._lateness.report()},
            "models": {
                "slots": slots,
                "answers": self.models.answers,
                "withheld": self.runners.withheld,
                "findings": self.models.findings,
                "refused": self.models.refused,
                "p99_us": self.runners.p99_us(),
            },
            "historian": {
                "received": self._intake.received,
                "acknowledged": self._ingest.acknowledged,
                "waiting": self._ingest.waiting,
                "error": self._ingest.error or "",
            },
        }

    def _close(self, stopped: int) -> None:
        try:
            self._ingest.close()
            self.recovery.stopped(stopped)
            self.historian.commit()
        finally:
            self.historian.close()

    # -- what the parts tell ------------------------------------------------------------------

    def _take(self, judgements: Any) -> None:
        listed: list[Judgement] = list(judgements)
        self.alarms.take(listed, self.clock.now())
        for judgement in listed:
            self._records.finding(judgement.finding)

    def _tell(self, table: str, row: Mapping[str, Any]) -> None:
        self._outbox.tell(table, row)

    def _refused(self, samples: Sequence[Sample]) -> None:
        self.recovery.refused(samples)

    def _late(self, samples: Sequence[Sample]) -> None:
        self._buffered(samples)

    def _missed(self, gap: Gap) -> None:
        self.recovery.missed(gap)

    def _link_changed(self, connection: str, up: bool, health: Health) -> None:
        self._tell("events", link_changed(connection, self.clock.now(), health.error, up=up))
        self.recovery.link_changed(connection, health, up=up)


def vars_of(slot: Any) -> dict[str, str | None]:
    """Return the addresses of a slot by name."""
    return {"force": slot.force, "trial": slot.trial, "before": slot.before}
