"""Alarms after ISA-18.2 and IEC 62682: states, shelving, suppression, journal, floods."""

from genba.operate.alarms.alarm import Alarm
from genba.operate.alarms.conditions import DeviceConditions
from genba.operate.alarms.engine import MOST_SHELVED_S, Alarms
from genba.operate.alarms.facts import (
    Fact,
    FactJudge,
    audit_facts,
    heartbeat_facts,
    link_facts,
    recording_facts,
)
from genba.operate.alarms.journal import newest
from genba.operate.alarms.summary import summary
from genba.operate.alarms.transitions import AlarmEvent, after

__all__ = [
    "MOST_SHELVED_S",
    "Alarm",
    "AlarmEvent",
    "Alarms",
    "DeviceConditions",
    "Fact",
    "FactJudge",
    "after",
    "audit_facts",
    "heartbeat_facts",
    "link_facts",
    "newest",
    "recording_facts",
    "summary",
]
