"""Whether Genba itself does well: what is wrong, in words, with the mend."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from genba.errors import HistorianError
from genba.historian import Historian
from genba.historian.disk import DiskState, DiskWatch, Room
from genba.operate.alarms import Fact
from genba.plant import Plant, Severity

LOOK_S = 5.0
"""Wall seconds between looks at the disk and the counters."""
RECENT_S = 60.0
"""Wall seconds for which a missed or failed tick counts against the loop."""
AWAY_S = 60.0
"""Wall seconds that a hub may be away before it is told."""
_STILL_S = 10.0
_LATE_PART = 0.5


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not all is well: which part, what is wrong, and what to do."""

    part: str
    text: str
    mend: str


class Wellbeing:
    """Watches the disk and the loop of one core, and gathers what is wrong.

    Parameters
    ----------
    plant : Plant
        Whose loop has a period.
    speed : float
        Plant seconds in a wall second.
    historian : Historian
        What is watched.
    disk : DiskWatch
        Of the historian's folder.
    report : callable
        Gives the figures of health.
    """

    def __init__(
        self,
        plant: Plant,
        speed: float,
        historian: Historian,
        disk: DiskWatch,
        report: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._period_s = plant.tick_s / speed
        self._historian, self._watch, self._report = historian, disk, report
        self._task: asyncio.Task[None] | None = None
        self._disk: DiskState | None = None
        self._disk_error = ""
        self._ticks = -1
        self._ticked_s = time.monotonic()
        self._troubles = {"missed": 0, "failed": 0}
        self._troubled_s: dict[str, float] = {}

    async def start(self) -> None:
        """Look once, and from now on again and again."""
        await self._look()
        self._ticked_s = time.monotonic()
        self._task = asyncio.create_task(self._go_on(), name="wellbeing")

    async def stop(self) -> None:
        """Look no more. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()

    async def _look(self) -> None:
        self._count(self._report()["loop"])
        try:
            # A disk that hangs must not hold up the loop.
            self._disk = await asyncio.to_thread(self._watch.look, time.monotonic())
            self._disk_error = ""
        except HistorianError as error:
            self._disk_error = str(error)

    def _count(self, loop: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if loop["ticks"] != self._ticks:
            self._ticks, self._ticked_s = loop["ticks"], now
        for name, before in self._troubles.items():
            if loop[name] > before:
                self._troubled_s[name] = now
            self._troubles[name] = loop[name]

    @property
    def running(self) -> bool:
        """Whether the loop ticks, as far as it was looked at."""
        if self._task is None:  # under a virtual clock somebody else ticks
            return True
        still_s = time.monotonic() - self._ticked_s
        return still_s < max(_STILL_S, 5 * self._period_s) + LOOK_S

    @property
    def records(self) -> bool:
        """Whether samples are taken and stored."""
        return not self._report()["historian"]["error"] and (
            self._disk is None or self._disk.room is not Room.NONE
        )

    def disk(self) -> dict[str, int | float | str | None]:
        """Return what was last seen of the disk."""
        if self._disk is None:
            return {}
        figures = asdict(self._disk)
        del figures["folder"]
        return {**figures, "room": str(self._disk.room)}

    def facts(self) -> Iterable[Fact]:
        """Return what is an alarm of the disk."""
        if self._disk is None or self._disk.room is Room.ENOUGH:
            return
        if self._disk.room is Room.NONE:
            yield Fact("disk_full", "historian", str(self._disk), Severity.CRITICAL)
        else:
            yield Fact("disk_low", "historian", str(self._disk), Severity.WARNING)

    def reasons(self, figures: Mapping[str, Any]) -> list[Reason]:
        """Return everything that is wrong, by the figures of now."""
        self._count(figures["loop"])
        return [
            *_links(figures["connections"]),
            *absent_hubs(figures["uplinks"]),
            *self._loop(figures["loop"]),
            *self._recording(figures["historian"]),
            *_rest(figures),
        ]

    def _loop(self, loop: Mapping[str, Any]) -> Iterable[Reason]:
        now = time.monotonic()
        if self._task is not None and not self.running:
            yield Reason(
                "loop",
                f"the execution loop has not ticked for {now - self._ticked_s:.0f} s",
                "look into the log; restart Genba if it does not come back",
            )
        recent = {n for n, since in self._troubled_s.items() if now - since < RECENT_S}
        if "failed" in recent:
            yield Reason(
                "loop",
                f"{loop['failed']} ticks have failed, the last one within a minute",
                "the log says why; a plug-in may be at fault",
            )
        if "missed" in recent:
            yield Reason(
                "loop",
                f"{loop['missed']} ticks were missed, the last one within a minute",
                "give the computer less to do, or the plant a longer tick_s",
            )
        late_ms = loop.get("late_p99_ms", 0.0)
        if late_ms > 1000 * _LATE_PART * self._period_s:
            yield Reason(
                "loop",
                f"1% of the ticks are {late_ms:.0f} ms late or more, of a period of "
                f"{1000 * self._period_s:.0f} ms",
                "give the computer less to do, or the plant a longer tick_s",
            )

    def _recording(self, figures: Mapping[str, Any]) -> Iterable[Reason]:
        if figures["error"]:
            yield Reason("historian", figures["error"], "make room, or mend the disk")
        elif figures["unrecorded"]:
            yield Reason(
                "historian",
                f"{figures['unrecorded']:,} samples were not recorded since the start",
                "see `genba historian gaps` for which; a faster disk, or fewer samples",
            )
        committer = self._historian.committer
        if committer is not None and committer["pid"] is None:
            yield Reason(
                "committer",
                f"no process moves samples into the tables: {committer['last_error']}",
                "it is started again by itself; look into the log if it does not stay",
            )
        if self._disk_error:
            yield Reason("disk", self._disk_error, "mend the file system")
        elif self._disk is not None and self._disk.room is not Room.ENOUGH:
            yield Reason("disk", self._disk.told, self._disk.mend)


def _links(connections: Mapping[str, Any]) -> Iterable[Reason]:
    for name, link in connections.items():
        if link["link"] != "up":
            why = f": {link['error']}" if link["error"] else ""
            yield Reason(
                f"connection {name}",
                f"the link is {link['link']}{why}",
                "look after the device and the network; Genba goes on trying",
            )


def absent_hubs(uplinks: Mapping[str, Any]) -> Iterable[Reason]:
    """Return a reason for each uplink whose hub has been away for a while, by its health."""
    for name, link in uplinks.items():
        if link["away_s"] > AWAY_S:
            why = f": {link['error']}" if link["error"] else ""
            yield Reason(
                f"uplink {name}",
                f"the hub has been away for {link['away_s']:.0f} s{why}",
                "look after the broker, the hub and the network; what is recorded meanwhile is "
                "sent when it is back",
            )


def _rest(figures: Mapping[str, Any]) -> Iterable[Reason]:
    if figures["audit"]["error"]:
        yield Reason("audit", str(figures["audit"]["error"]), "make room, or mend the disk")
    if figures["audit"]["broken"]:
        yield Reason(
            "audit",
            f"somebody changed the audit log: {figures['audit']['broken']}",
            "see `genba audit verify`; stop Genba and move STATE/audit away to keep it as evidence",
        )
    if figures["alarms"]["flood"]:
        yield Reason(
            "alarms",
            f"{figures['alarms']['last_10_min']} alarms came within ten minutes",
            "deal with the worst first; `genba alarm list` shows them by priority",
        )
