"""The alarm system in figures, for health and metrics."""

from collections import Counter
from typing import Any

from genba.operate.alarms.engine import Alarms
from genba.plant import AlarmPriority, AlarmState


def summary(alarms: Alarms, now: int) -> dict[str, Any]:
    """Count alarms by priority and state.

    Returns
    -------
    dict
        ``counts`` (by priority, then state, what is not normal), ``unacknowledged`` (by priority),
        ``annunciated`` (by priority, since this start), ``active``, ``shelved``, ``suppressed``,
        ``out_of_service``, ``chattering``, ``stale``, ``last_10_min`` and ``flood``.
    """
    standing = alarms.standing()
    counts = {str(p): {str(s): 0 for s in AlarmState} for p in AlarmPriority}
    for alarm in standing:
        counts[str(alarm.priority)][str(alarm.state)] += 1
    states = Counter(alarm.state for alarm in standing)
    asking = Counter(a.priority for a in standing if a.state.unacknowledged)
    return {
        "counts": {
            priority: {s: n for s, n in row.items() if s != AlarmState.NORMAL}
            for priority, row in counts.items()
        },
        "unacknowledged": {str(p): asking[p] for p in AlarmPriority},
        "annunciated": {str(p): alarms.annunciated[p] for p in AlarmPriority},
        "active": sum(a.active and not a.state.hidden for a in standing),
        "shelved": states[AlarmState.SHELVED],
        "suppressed": states[AlarmState.SUPPRESSED],
        "out_of_service": states[AlarmState.OUT_OF_SERVICE],
        "chattering": sum(a.chattering(now) for a in standing),
        "stale": sum(a.stale(now) for a in standing),
        "last_10_min": round(alarms.flood.rate),
        "flood": alarms.flood.since is not None,
    }
