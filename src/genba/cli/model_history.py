"""How a history of models is shown: what ran where and when."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genba.cli.output import emit_json, print_table

if TYPE_CHECKING:
    from genba.learn import Event

_COLUMNS = ("time", "what", "model", "release", "where", "by", "why")


def show_history(events: "Sequence[Event]", title: str, *, json: bool) -> None:
    """Print events, oldest first."""
    from dataclasses import asdict

    if json:
        emit_json([asdict(event) for event in events])
        return
    rows = [
        [
            event.time,
            event.what.value,
            event.model[:12] or event.data.get("name", ""),
            str(event.data.get("address", ""))[:12],
            event.where,
            event.by,
            _why(event),
        ]
        for event in events
    ]
    print_table(title, _COLUMNS, rows)


def _why(event: "Event") -> str:
    why = event.data.get("why", "")
    return "; ".join(str(one) for one in why) if isinstance(why, list) else str(why or "")
