"""How every part of a running core does, from what was measured: what ``health`` shows."""

from dataclasses import dataclass
from typing import Any

from genba.guard import Guard
from genba.historian import Ingest
from genba.operate.act import Actor
from genba.operate.alarms import Alarms, summary
from genba.operate.audit import AuditLog
from genba.operate.gate import Gate
from genba.operate.hosted_models import HostedModels
from genba.operate.lateness import Lateness
from genba.operate.links import Links
from genba.operate.loop import ExecutionLoop
from genba.operate.outbox import Outbox
from genba.operate.planning import Planning
from genba.operate.recovery import Recovery
from genba.operate.track import Tracker
from genba.operate.uplink import Uplinks
from genba.plant import Clock, Plant


@dataclass(frozen=True, slots=True)
class Gauges:
    """The parts that are looked at."""

    plant: Plant
    clock: Clock
    gate: Gate
    links: Links
    guard: Guard
    uplinks: Uplinks
    loop: ExecutionLoop
    lateness: Lateness
    actor: Actor
    planning: Planning
    models: HostedModels
    alarms: Alarms
    ingest: Ingest
    recovery: Recovery
    outbox: Outbox
    audit: AuditLog
    tracker: Tracker

    def read(self) -> dict[str, Any]:
        """Gather the figures of all parts."""
        links = self.gate.with_skew(self.links.health())
        counts = {str(decision): n for decision, n in self.guard.counts.items()}
        return {
            "plant": self.plant.name or self.plant.id,
            "time": self.clock.now(),
            "connections": links,
            "uplinks": self.uplinks.health(),
            "loop": {
                "ticks": self.loop.ticks,
                "tick_s": self.plant.tick_s,
                **self.lateness.report(),
                "open_commands": self.actor.open,
                "commands_done": self.loop.outcomes[True],
                "commands_failed": self.loop.outcomes[False],
                "planner_fallbacks": self.planning.fallbacks,
            },
            "guard": counts,
            "models": self.models.figures(),
            "control": self.loop.set_points.figures(),
            "alarms": summary(self.alarms, self.clock.now()),
            "historian": self._historian(),
            "audit": self.audit.report(),
            "production": {
                **self.tracker.production.counts(),
                "transports_done": self.tracker.fleet.done,
                "transports_failed": self.tracker.fleet.failed,
                "operations_finished": self.tracker.runs.finished,
            },
        }

    def _historian(self) -> dict[str, Any]:
        ingest = self.ingest
        return {
            "received": self.gate.intake.received,
            "accepted": ingest.accepted,
            "acknowledged": ingest.acknowledged,
            "waiting": ingest.waiting,
            "unrecorded": self.gate.intake.unrecorded,
            **self.gate.health(),
            **self.recovery.health(),
            "rejected": ingest.rejected,
            "rows_waiting": self.outbox.waiting,
            "rows_dropped": self.outbox.dropped,
            "error": ingest.error or "",
        }
