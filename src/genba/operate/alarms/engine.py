"""The alarm system: what judges say becomes alarms, with delays, shelving and suppression."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from genba.errors import Refused
from genba.operate.alarms.alarm import Alarm, alarm_for, name_of
from genba.operate.alarms.catalog import catalog
from genba.operate.alarms.facts import Refusals
from genba.operate.alarms.flood import Flood
from genba.operate.alarms.journal import TABLE, mark, replay, row_of
from genba.operate.alarms.suppression import LINK_DOWN, Suppression, link_of
from genba.operate.alarms.transitions import AlarmEvent, after
from genba.operate.judge import Judgement
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    AlarmPriority,
    AlarmSetting,
    AlarmState,
    Plant,
    Quality,
    Sample,
    Severity,
    format_time,
)

logger = logging.getLogger(__name__)

Tell = Callable[[str, Mapping[str, Any]], None]
MOST_SHELVED_S: Mapping[AlarmPriority, float] = {
    AlarmPriority.LOW: 24 * 3600.0,
    AlarmPriority.MEDIUM: 8 * 3600.0,
    AlarmPriority.HIGH: 2 * 3600.0,
    AlarmPriority.CRITICAL: 1800.0,
}
"""How long a person may shelve an alarm of each priority."""
CONFIRM_S = 60.0
"""After a restart an alarm about no signal is gone when its judge was silent for this long."""
GENBA = "genba"
"""Who does what happens by itself."""


class Alarms:
    """All alarms of one plant; for the thread of the loop.

    Parameters
    ----------
    plant : Plant
        Defines the alarms.
    live : LiveValues
        Newest values, for suppression by design.
    tell : callable
        Takes rows for the historian's tables ``alarms`` and ``events``.
    """

    def __init__(self, plant: Plant, live: LiveValues, tell: Tell) -> None:
        self._plant = plant
        self._live = live
        self._tell = tell
        self._alarms: dict[str, Alarm] = {}
        self._of_equipment: dict[str, list[Alarm]] = {}
        self._ignored: set[str] = set()
        self._timed: set[str] = set()
        self._shelved: set[str] = set()
        self._unconfirmed: dict[str, int] = {}
        self._suppression = Suppression(plant, live)
        self._numbers = 0
        self._marks: dict[str, int] = {}
        self.flood = Flood()
        self.refusals = Refusals()
        """What the guard refuses is counted here; see :class:`FactJudge`."""
        self.annunciated: Counter[AlarmPriority] = Counter()
        """How often alarms of each priority annunciated since this start."""
        for alarm in catalog(plant):
            self._add(alarm)

    # -- looking -------------------------------------------------------------------------------

    def all(self) -> list[Alarm]:
        """Return every alarm that is defined or ever came."""
        return list(self._alarms.values())

    def standing(self) -> list[Alarm]:
        """Return what is not normal, most urgent first: unacknowledged, priority, newest."""
        listed = [a for a in self._alarms.values() if a.state is not AlarmState.NORMAL]
        return sorted(
            listed,
            key=lambda a: (
                a.state.hidden,
                not a.state.unacknowledged,
                -a.priority.rank,
                -(a.raised or a.since),
            ),
        )

    def find(self, name: str) -> Alarm | None:
        """Return one alarm, None where there is none of that id."""
        return self._alarms.get(name)

    def changed_since(self, cursor: int) -> tuple[int, list[Alarm]]:
        """Return a new cursor, and the alarms that changed after the old one. Begin with 0."""
        changed = []
        for name, number in reversed(self._marks.items()):
            if number <= cursor:
                break
            changed.append(self._alarms[name])
        changed.reverse()
        return self._numbers, changed

    # -- from the plant ------------------------------------------------------------------------

    def take(self, judgements: Iterable[Judgement], now: int) -> None:
        """Take what was judged: what stands raises, what clears returns, what is told does both."""
        for judgement in judgements:
            finding = judgement.finding
            if finding.severity is Severity.INFO and not judgement.clears:
                continue
            equipment, kind, about = judgement.key
            alarm = self.define(equipment, kind, about, now)
            if alarm is None:
                continue
            if judgement.clears:
                self.condition(alarm, now, holds=False)
                continue
            value = finding.evidence[0].value if finding.evidence else None
            if not alarm.active:
                alarm.text, alarm.value = finding.text, value
            self.condition(alarm, now, holds=True, at_once=not judgement.stands)
            if not judgement.stands and alarm.active:
                self._wait(alarm, now, holds=False)

    def define(
        self, equipment: str, kind: str, about: str, now: int, hint: AlarmSetting | None = None
    ) -> Alarm | None:
        """Return an alarm, new where it never came before; None where nobody wants it."""
        name = name_of(equipment, kind, about)
        found = self._alarms.get(name)
        if found is None and name not in self._ignored:
            found = alarm_for(self._plant, equipment, kind, about, hint)
            if found.setting.enabled is False:
                self._ignored.add(name)
                return None
            self._add(found)
            if self._suppression.holds(name):
                self._suppress([name], now)
        return found

    def condition(
        self, alarm: Alarm, now: int, *, holds: bool, at_once: bool = False, why: str = ""
    ) -> None:
        """Say that the condition of an alarm holds or is gone; delays are counted from here."""
        if holds:
            self._unconfirmed.pop(alarm.id, None)
        if alarm.active is holds:
            alarm.due = None
        elif at_once or not alarm.delay_us(holds=holds):
            self._set(alarm, now, holds=holds, why=why)
        elif alarm.due is None or alarm.due[1] is not holds:
            self._wait(alarm, now, holds=holds)

    def suppress(self, now: int, batch: Sequence[Sample]) -> None:
        """Look at what suppresses by design; call it with new samples before they are judged."""
        for names in self._suppression.changed(batch):
            self._suppress(names, now)

    def tick(self, now: int) -> None:
        """Let delays and shelving end, and watch for a flood; after the judges of a tick."""
        for name in [n for n in self._timed if self._is_due(n, now)]:
            alarm = self._alarms[name]
            due, alarm.due = alarm.due, None
            self._timed.discard(name)
            if due is not None and due[1] is not alarm.active:
                self._set(alarm, now, holds=due[1])
        for name in list(self._shelved):
            alarm = self._alarms[name]
            if alarm.until is not None and now >= alarm.until:
                self._go(alarm, AlarmEvent.UNSHELVE, now, GENBA, "", "its time is over")
        if self._unconfirmed:
            self._confirm(now)
        if self.flood.changed(now):
            self._tell_flood(now)

    def _is_due(self, name: str, now: int) -> bool:
        due = self._alarms[name].due
        return due is None or now >= due[0]

    def _wait(self, alarm: Alarm, now: int, *, holds: bool) -> None:
        alarm.due = (now + alarm.delay_us(holds=holds), holds)
        self._timed.add(alarm.id)

    def _set(self, alarm: Alarm, now: int, *, holds: bool, why: str = "") -> None:
        alarm.active, alarm.due = holds, None
        self._go(alarm, AlarmEvent.RAISE if holds else AlarmEvent.RETURN, now, GENBA, "", why)
        if alarm.kind == LINK_DOWN:
            link = link_of(alarm)
            names = self._suppression.link(link, down=holds)
            self._suppress(names, now, f"link {link} is {'down' if holds else 'up'}")

    def _suppress(self, names: Iterable[str], now: int, why: str = "") -> None:
        """Hide or show alarms as their suppression by design says now."""
        for name in sorted(names):
            alarm = self._alarms[name]
            on = self._suppression.holds(name)
            reason = f"by design: {why or alarm.setting.suppress_when}"
            if on and not alarm.state.hidden:
                self._go(alarm, AlarmEvent.SUPPRESS, now, GENBA, "", reason)
            elif not on and alarm.state is AlarmState.SUPPRESSED:
                self._go(alarm, AlarmEvent.UNSUPPRESS, now, GENBA, "", reason)

    # -- from people ---------------------------------------------------------------------------

    def acknowledge(self, name: str, now: int, by: str, comment: str = "") -> Alarm:
        """Note that a person saw an alarm.

        Raises
        ------
        Refused
            If there is none of that id, or nothing to acknowledge. The same for all below.
        """
        return self._by_person(name, AlarmEvent.ACKNOWLEDGE, now, by, comment)

    def reset(self, name: str, now: int, by: str, comment: str = "") -> Alarm:
        """Release a latched alarm that returned."""
        return self._by_person(name, AlarmEvent.RESET, now, by, comment)

    def shelve(self, name: str, now: int, by: str, duration_s: float, comment: str) -> Alarm:
        """Hide an alarm for a time; it comes back by itself."""
        alarm = self._known(name)
        most_s = MOST_SHELVED_S[alarm.priority]
        if not 0 < duration_s <= most_s:
            raise Refused(
                f"alarm '{name}' has priority {alarm.priority}, which is shelved for "
                f"{most_s / 60:.0f} minutes at most; ask for less"
            )
        self._need(comment, "shelved")
        after(alarm.state, AlarmEvent.SHELVE, active=alarm.active, latch=alarm.latch)
        alarm.until = now + round(duration_s * US)
        return self._by_person(
            name, AlarmEvent.SHELVE, now, by, comment, f"until {format_time(alarm.until)}"
        )

    def unshelve(self, name: str, now: int, by: str, comment: str = "") -> Alarm:
        """Show a shelved alarm again."""
        return self._by_person(name, AlarmEvent.UNSHELVE, now, by, comment)

    def remove(self, name: str, now: int, by: str, comment: str) -> Alarm:
        """Take an alarm out of service, until it is put back."""
        self._need(comment, "taken out of service")
        return self._by_person(name, AlarmEvent.REMOVE, now, by, comment)

    def put_back(self, name: str, now: int, by: str, comment: str = "") -> Alarm:
        """Put an alarm back in service."""
        return self._by_person(name, AlarmEvent.RESTORE, now, by, comment)

    def _known(self, name: str) -> Alarm:
        alarm = self._alarms.get(name)
        if alarm is None:
            raise Refused(f"there is no alarm '{name}'; `genba alarm list --all` shows their ids")
        return alarm

    def _need(self, comment: str, what: str) -> None:
        if not comment.strip():
            raise Refused(f"an alarm is {what} for a reason; say it in the comment")

    def _by_person(
        self, name: str, event: AlarmEvent, now: int, by: str, comment: str, why: str = ""
    ) -> Alarm:
        alarm = self._known(name)
        try:
            self._go(alarm, event, now, by, comment, why)
        except Refused as error:
            raise Refused(f"'{name}': {error}") from None
        return alarm

    # -- one transition ------------------------------------------------------------------------

    def _go(
        self, alarm: Alarm, event: AlarmEvent, now: int, by: str, comment: str, why: str
    ) -> None:
        """Do one transition and write it into the journal."""
        before = alarm.state
        state = after(
            before,
            event,
            active=alarm.active,
            latch=alarm.latch,
            suppressed=self._suppression.holds(alarm.id),
        )
        if state is not before:
            alarm.state, alarm.since = state, now
        alarm.by, alarm.comment = by, comment
        if state is not AlarmState.SHELVED:
            alarm.until = None
        (self._shelved.add if state is AlarmState.SHELVED else self._shelved.discard)(alarm.id)
        if state is AlarmState.UNACKNOWLEDGED:
            self._annunciate(alarm, now)
        self._numbers += 1
        self._marks.pop(alarm.id, None)
        self._marks[alarm.id] = self._numbers
        self._tell(TABLE, row_of(alarm, self._numbers, now, event, before, why))

    def _annunciate(self, alarm: Alarm, now: int) -> None:
        alarm.raised = now
        alarm.recent.append(now)
        alarm.first_out = not any(
            other.active and not other.state.hidden
            for other in self._of_equipment[alarm.equipment]
            if other is not alarm
        )
        self.flood.annunciated(now)
        self.annunciated[alarm.priority] += 1

    def _add(self, alarm: Alarm) -> None:
        self._alarms[alarm.id] = alarm
        self._of_equipment.setdefault(alarm.equipment, []).append(alarm)
        self._suppression.add(alarm)

    def _tell_flood(self, now: int) -> None:
        begun = self.flood.since is not None
        text = (
            f"alarm flood: {self.flood.rate:.0f} alarms in 10 minutes"
            if begun
            else "the alarm flood is over"
        )
        self._tell(
            "events",
            {
                "id": f"E-alarm-flood-{now}",
                "time": now,
                "equipment": None,
                "kind": "alarm_flood.raised" if begun else "alarm_flood.cleared",
                "severity": "warning" if begun else "info",
                "text": text,
                "data": "{}",
            },
        )

    # -- restart -------------------------------------------------------------------------------

    def restore(self, rows: Iterable[Mapping[str, Any]], now: int) -> None:
        """Take up what stood when Genba stopped, from the newest row of each alarm."""
        for alarm in replay(self._plant, rows).values():
            known = self._alarms.pop(alarm.id, None)
            if known is not None:
                self._of_equipment[known.equipment].remove(known)
            self._add(alarm)
            if alarm.state is AlarmState.SHELVED:
                self._shelved.add(alarm.id)
            if alarm.active:
                self._unconfirmed[alarm.id] = now
        for alarm in self._alarms.values():
            suppressed = alarm.state is AlarmState.SUPPRESSED
            if suppressed and not (
                alarm.setting.suppress_when or self._suppression.holds(alarm.id)
            ):
                why = "nothing suppresses it any more"
                self._go(alarm, AlarmEvent.UNSUPPRESS, now, GENBA, "", why)
        self._tell(TABLE, mark("start", now))

    def stop(self, now: int) -> None:
        """Write into the journal that it ends here."""
        self._tell(TABLE, mark("stop", now))

    def _confirm(self, now: int) -> None:
        """Return alarms to normal that no judge raised again since Genba started."""
        for name, since in list(self._unconfirmed.items()):
            alarm = self._alarms[name]
            about_signal = alarm.signal in self._plant.signals
            sample = self._live.get(alarm.signal) if about_signal else None
            seen = sample is not None and sample.quality != Quality.BAD
            if seen or (not about_signal and now - since > CONFIRM_S * US):
                del self._unconfirmed[name]
                why = "not found again after Genba's restart"
                self.condition(alarm, now, holds=False, why=why)
