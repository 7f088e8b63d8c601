"""Rows of the historian's table ``events`` about what is no finding."""

import json
from typing import Any

from genba.plant import US, PackMLMode, PackMLState


def state_ended(
    equipment: str, start: int, end: int, state: PackMLState, mode: PackMLMode | None
) -> dict[str, Any]:
    """Tell of a machine's state that is over; times in microseconds UTC."""
    duration_s = (end - start) / US
    data = {
        "state": int(state),
        "mode": None if mode is None else int(mode),
        "start": start,
        "end": end,
        "duration_s": duration_s,
    }
    return {
        "id": f"E-state-{equipment}-{start}-{int(state)}",
        "time": end,
        "equipment": equipment,
        "kind": "state",
        "severity": "info",
        "text": f"{state.name} for {duration_s:.0f} s",
        "data": json.dumps(data),
    }


def link_changed(connection: str, now: int, why: str, *, up: bool) -> dict[str, Any]:
    """Tell of a connection that came up or went down, and why."""
    text = f"connection {connection} is up" if up else f"connection {connection} is down: {why}"
    return {
        "id": f"E-link-{connection}-{now}",
        "time": now,
        "equipment": None,
        "kind": "link.up" if up else "link.down",
        "severity": "info" if up else "warning",
        "text": text,
        "data": json.dumps({"connection": connection}),
    }


def stalled(now: int, what: str, stacks: str) -> dict[str, Any]:
    """Tell that an earlier run ended because its loop stood still."""
    return {
        "id": f"E-stall-{now}",
        "time": now,
        "equipment": None,
        "kind": "loop.stalled",
        "severity": "critical",
        "text": f"Genba had ended itself: {what} Its stacks are in {stacks}",
        "data": json.dumps({"stacks": stacks}),
    }


def clock_jumped(now: int, by: int) -> dict[str, Any]:
    """Tell that the plant's clock was set; ``now`` is what it says since, both microseconds."""
    way = "ahead" if by > 0 else "back"
    return {
        "id": f"E-clock-{now}",
        "time": now,
        "equipment": None,
        "kind": "clock.jumped",
        "severity": "warning",
        "text": f"the plant's clock was set {way} by {abs(by) / US:,.1f} s; synchronize it by NTP",
        "data": json.dumps({"by_s": by / US}),
    }
