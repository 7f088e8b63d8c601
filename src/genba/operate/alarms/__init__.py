"""Alarms after ISA-18.2 and IEC 62682: states, shelving, suppression, journal, floods."""

from genba.operate.alarms.alarm import Alarm
from genba.operate.alarms.engine import MOST_SHELVED_S, Alarms
from genba.operate.alarms.transitions import AlarmEvent, after

__all__ = ["MOST_SHELVED_S", "Alarm", "AlarmEvent", "Alarms", "after"]
