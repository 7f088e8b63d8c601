"""Tracking: from samples to the situation that planning sees. Survives a restart of the core."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from genba.errors import GenbaError
from genba.operate.fleet import Failed, Fleet
from genba.operate.production import Production, Tell
from genba.operate.runs import COUNTERS, Run, Runs, names_in
from genba.operate.sense import LiveValues
from genba.plan import MachineState, Situation
from genba.plant import (
    US,
    Evidence,
    Outcome,
    PackMLMode,
    PackMLState,
    Plant,
    Proposal,
    Quality,
    Role,
    Sample,
    Scalar,
)

logger = logging.getLogger(__name__)

_HOLDS = re.compile(r"\bholds? (\d+) parts?\b")

LOOK_BACK_S = 14 * 24 * 3600
"""How far back a restarted core looks, at least, for set-ups and transports."""

_RUN_ROLES = frozenset(
    {
        Role.LOTS,
        Role.STATE,
        Role.MODE,
        Role.PART,
        Role.JOB_OPERATION,
        *COUNTERS,
    }
)
_JOB_ROLES = (Role.JOB_LOTS, Role.JOB_OPERATION, Role.JOB_QUANTITY, Role.JOB_REQUEST, Role.JOB_ACK)


class History(Protocol):
    """What tracking asks of the historian after a restart."""

    def rows(self, name: str, start: int, end: int, **equals: Any) -> Any:
        """Return an Arrow table of rows."""
        ...

    def samples(self, signals: Sequence[str], start: int, end: int) -> Any:
        """Return an Arrow table of samples."""
        ...


class Tracker:
    """Knows what goes on in the plant, from what its devices say and nothing else.

    Parameters
    ----------
    plant : Plant
        What there is.
    live : LiveValues
        Newest values.
    tell : callable
        Takes rows for the historian's tables ``lots``, ``operations`` and ``events``.
    failed : callable
        Told of every transport that failed: vehicle, lot, time.
    """

    def __init__(self, plant: Plant, live: LiveValues, tell: Tell, failed: Failed) -> None:
        self._plant = plant
        self._live = live
        self.production = Production(plant, tell)
        self.runs = Runs(plant, self.production, tell)
        self.fleet = Fleet(plant, live, self.production, tell, failed)
        self._roles = {
            signal.id: (signal.equipment, signal.role)
            for signal in plant.signals.values()
            if signal.role is not None
        }
        self._machines = [
            equipment.id
            for equipment in plant.equipment
            if all((equipment.id, role) in plant.roles for role in (*_JOB_ROLES, Role.STATE))
        ]
        self._vehicles = frozenset(plant.vehicles_by_id)
        self._down_since: dict[str, int] = {}
        self._past: History | None = None
        self._restarted: int | None = None
        self._unknown: list[Run] = []
        """Runs that began before this core did: what the counters showed then is on record."""
        self.changed = True
        """Whether anything came that planning cares about since :meth:`situation` was called."""

    def update(self, batch: Sequence[Sample], now: int) -> None:
        """Take the samples of one tick, in the order of receiving."""
        for sample in batch:
            known = self._roles.get(sample.signal)
            if known is not None and sample.quality != Quality.BAD and sample.value is not None:
                self._take(known[0], known[1], sample)
        self.production.release(now)
        self.fleet.follow(now)
        self.runs.settle(now)

    def _take(self, equipment: str, role: Role, sample: Sample) -> None:
        time = sample.source_time
        match role:
            case Role.STATION:
                self.production.standing(equipment, names_in(sample.value), time)
            case Role.ORDER_RELEASED:
                self.production.learn_order(str(sample.value), time)
            case Role.VEHICLE_LOADS:
                self.production.carried(equipment, names_in(sample.value), time)
            case Role.HEARTBEAT | Role.ENERGY | Role.PART | Role.AMBIENT:
                pass
        if role in _RUN_ROLES:
            before = self.runs.run_on(equipment)
            self.runs.sample(equipment, role, sample)
            run = self.runs.run_on(equipment)
            if self._restarted is not None and run is not None and run is not before:
                self._note_begun(run, self._restarted)
        if role not in (Role.HEARTBEAT, Role.ENERGY, Role.PART, Role.AMBIENT):
            self.changed = True

    def correct(self, proposal: Proposal, outcome: Outcome) -> None:
        """Believe a machine that refused a job because it counts other parts in the lot.

        After a batch of several lots nobody but the next machine knows which lot lost a part.
        """
        found = _HOLDS.search(outcome.detail)
        lot = self.production.lots.get(str(proposal.context.get("lot")))
        if proposal.kind == "dispatch" and found is not None and lot is not None:
            lot.quantity = int(found[1])

    # -- what planning sees -------------------------------------------------------------------

    def situation(self, now: int, busy: frozenset[str]) -> Situation:
        """Return the picture for planning.

        Parameters
        ----------
        now : int
            Plant time, microseconds UTC.
        busy : frozenset of str
            Equipment and lots for which nothing new is to be proposed now.
        """
        self.changed = False
        return self.look(now, busy)

    def look(self, now: int, busy: frozenset[str] = frozenset()) -> Situation:
        """Return the same picture without taking notice of it, for people to look at."""
        unsettled = self.runs.unsettled()
        return Situation(
            time=now,
            lots=self.production.view(busy, unsettled),
            machines=tuple(self._machine(m, now, busy | unsettled) for m in self._machines),
            vehicles=self.fleet.view(busy),
            source=self.production.source,
            sink=self.production.sink,
            upcoming=self.production.upcoming(),
        )

    def _machine(self, machine: str, now: int, busy: frozenset[str]) -> MachineState:
        state, mode = self._value(machine, Role.STATE), self._value(machine, Role.MODE)
        work = tuple(names_in(self._value(machine, Role.LOTS)))
        run = self.runs.run_on(machine)
        down = state is None or state in (PackMLState.ABORTED, PackMLState.ABORTING)
        if down:
            self._down_since.setdefault(machine, now)
        else:
            self._down_since.pop(machine, None)
        evidence = (self._evidence(machine, r) for r in (Role.STATE, Role.MODE, Role.STATION))
        return MachineState(
            id=machine,
            state=state if isinstance(state, int) else None,
            mode=mode if isinstance(mode, int) else None,
            able=not down,
            ready=state == PackMLState.IDLE
            and mode in (None, PackMLMode.PRODUCTION)
            and not work
            and machine not in busy,
            places=self._plant.equipment_by_id[machine].input_buffer_lots,
            station=tuple(names_in(self._value(machine, Role.STATION))),
            work=work,
            family=self.runs.family.get(machine),
            free_at=self.runs.free_at(machine, now),
            request=max(
                (
                    value
                    for role in (Role.JOB_REQUEST, Role.JOB_ACK)
                    if isinstance(value := self._value(machine, role), int)
                ),
                default=0,
            ),
            tools=run.way.tools if run is not None else (),
            down_since=self._down_since.get(machine),
            evidence=tuple(piece for piece in evidence if piece is not None),
        )

    def _value(self, equipment: str, role: Role) -> Scalar:
        signal = self._plant.roles.get((equipment, role))
        return self._live.value(signal.id) if signal else None

    def _evidence(self, equipment: str, role: Role) -> Evidence | None:
        signal = self._plant.roles.get((equipment, role))
        return self._live.evidence(signal.id) if signal else None

    # -- after a restart ----------------------------------------------------------------------

    def restore(self, history: History, now: int) -> None:
        """Rebuild from the historian what no device tells: orders, steps, families, transports."""
        start, end = now - LOOK_BACK_S * US, now + 1
        # Orders and lots from the very beginning: what was made must not be made again, and what
        # takes longer than that must not start anew.
        lots = history.rows("lots", 0, end).to_pylist()
        operations = history.rows(
            "operations", min(start, _oldest_open(lots, end)), end
        ).to_pylist()
        self.production.restore(
            (row["data"] for row in history.rows("events", 0, end, kind="order").to_pylist()),
            lots,
            operations,
        )
        for row in operations:
            product = self._plant.products_by_id.get(row["product"])
            for operation in product.routing if product else ():
                for way in operation.alternatives:
                    if operation.id == row["operation"] and way.equipment == row["equipment"]:
                        self.runs.family[way.equipment] = way.setup_family
        sent = history.rows("decisions", start, end, stage="proposal", kind="transport")
        for row in sent.to_pylist():
            context = json.loads(row["data"]).get("context", {})
            if "vehicle_order" in context:
                self.fleet.earlier[context["vehicle_order"]] = context
        self._past, self._restarted = history, now

    def _note_begun(self, run: Run, restarted: int) -> None:
        if run.start < restarted:
            self._unknown.append(run)
        else:
            self._restarted = None

    async def look_up(self) -> None:
        """Take the counters from the record where jobs began before this core did.

        The record is read off the event loop. To be called after :meth:`update`.
        """
        if not self._unknown or self._past is None:
            return
        runs, self._unknown = self._unknown, []
        for run in runs:
            try:
                found = await asyncio.to_thread(self._baseline, self._past, run)
            except GenbaError as error:
                logger.warning("what %s counted before is not known: %s", run.equipment, error)
            else:
                run.base.update(found)

    def _baseline(self, history: History, run: Run) -> dict[Role, float]:
        signals = {
            self._plant.roles[run.equipment, role].id: role
            for role in COUNTERS
            if (run.equipment, role) in self._plant.roles
        }
        if not signals:
            return {}
        rows = history.samples(list(signals), run.start - 24 * 3600 * US, run.start + 1).to_pylist()
        return {signals[r["signal"]]: r["value"] for r in rows if r["value"] is not None}


def _oldest_open(lots: Sequence[Mapping[str, Any]], now: int) -> int:
    """Return when the oldest lot that is still under way was released, else ``now``."""
    over = {row["lot"] for row in lots if row["status"] in ("finished", "scrapped")}
    times = (row["time"] for row in lots if row["lot"] not in over)
    return min((round(time.timestamp() * US) for time in times), default=now)
