"""Alarms that devices keep themselves (OPC UA Alarms and Conditions), as alarms of Genba."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from genba.connect.driver import ConditionSource, Driver
from genba.errors import GenbaError, Refused
from genba.operate.alarms.engine import Alarms
from genba.plant import AlarmPriority, AlarmSetting, Clock, ConditionEvent, Plant

logger = logging.getLogger(__name__)

KIND = "condition"
ANSWER_S = 10.0
"""Wall seconds that a device may take to acknowledge."""
_LOW_UNTIL, _MEDIUM_UNTIL = 333, 666
"""OPC UA severities 1 to 1000 in three parts; the plant's rules may say otherwise."""


class DeviceConditions:
    """Turns what devices tell into alarms, and passes acknowledgements on to them.

    Parameters
    ----------
    plant : Plant
        Says which equipment a connection belongs to.
    alarms : Alarms
        Where the alarms live.
    clock : Clock
        The plant's clock.
    drivers : callable
        Returns the drivers by connection.
    """

    def __init__(
        self,
        plant: Plant,
        alarms: Alarms,
        clock: Clock,
        drivers: Callable[[], Mapping[str, Driver]],
    ) -> None:
        self._alarms = alarms
        self._clock = clock
        self._drivers = drivers
        self._events: dict[str, ConditionEvent] = {}
        owners: dict[str, set[str]] = {}
        for signal in plant.signals.values():
            owners.setdefault(signal.connection, set()).add(signal.equipment)
        self._owner = {c: min(found) for c, found in owners.items() if len(found) == 1}

    def told(self, event: ConditionEvent) -> None:
        """Take a change of a device's condition. Past occurrences stay with the device."""
        if event.branch:
            return
        now = self._clock.now()
        source = f"{event.source_name}/{event.name}" if event.source_name else event.name
        about = f"{event.connection}/{source}"
        hint = AlarmSetting(priority=_priority(event.severity), consequence="")
        equipment = self._owner.get(event.connection, "")
        alarm = self._alarms.define(equipment, KIND, about, now, hint)
        if alarm is None:
            return
        self._events[alarm.id] = event
        holds = bool(event.active) and event.enabled is not False and not event.suppressed
        if holds and not alarm.active:
            alarm.text, alarm.value = event.message or event.name, event.severity
        self._alarms.condition(alarm, now, holds=holds)
        if event.acknowledged and alarm.state.unacknowledged:
            by = event.user or event.connection
            comment = event.comment or "acknowledged at the device"
            self._alarms.acknowledge(alarm.id, now, by, comment)

    async def acknowledge(self, name: str, by: str, comment: str) -> None:
        """Pass an acknowledgement on to the device, where the alarm is one of a device.

        Raises
        ------
        Refused
            If the device does not take it; the alarm stays acknowledged in Genba.
        """
        event = self._events.get(name)
        if event is None or event.acknowledged is not False:
            return
        driver: object = self._drivers().get(event.connection)
        if not isinstance(driver, ConditionSource):
            return
        text = f"{by}: {comment}" if comment else by
        try:
            async with asyncio.timeout(ANSWER_S):
                await driver.acknowledge(event.condition, event.event, text)
        except (GenbaError, OSError, TimeoutError) as error:
            why = str(error) or f"no answer within {ANSWER_S:.0f} s"
            logger.warning("alarm %s is not acknowledged at its device: %s", name, why)
            raise Refused(
                f"'{name}' is acknowledged here, but its device did not take it: {why}; "
                "acknowledge it at the device"
            ) from None


def _priority(severity: int) -> AlarmPriority:
    if severity <= _LOW_UNTIL:
        return AlarmPriority.LOW
    return AlarmPriority.MEDIUM if severity <= _MEDIUM_UNTIL else AlarmPriority.HIGH
