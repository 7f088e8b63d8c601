"""The alarms that a plant file defines, before any of them ever came."""

from collections.abc import Iterator

from genba.operate.alarms.alarm import Alarm, alarm_for
from genba.plant import Plant, Role, Signal, SignalKind
from genba.plant.alarm_rules import LIMITS


def catalog(plant: Plant) -> list[Alarm]:
    """Return all alarms that can be named from the plant file alone, in their normal state.

    Others (of planners, plug-ins, devices themselves) are known once they came.
    """
    alarms = [
        alarm_for(plant, signal.equipment, kind, signal.id)
        for signal in plant.signals.values()
        for kind in _kinds(signal)
    ]
    alarms += [alarm_for(plant, "", "link_down", connection.id) for connection in plant.connections]
    return [alarm for alarm in alarms if alarm.setting.enabled is not False]


def _kinds(signal: Signal) -> Iterator[str]:
    if signal.limits is not None:
        for name in LIMITS:
            if getattr(signal.limits, name) is not None:
                yield f"limit_{name}"
    if signal.max_rate is not None and signal.kind is not SignalKind.SETPOINT:
        yield "rate"
    if signal.kind is SignalKind.MEASUREMENT:
        yield "stale"
    if signal.role is Role.STATE:
        yield "machine_aborted"
