"""What is asked of each alarm of an OPC UA server, and how its answer reads (OPC 10000-9)."""

from collections.abc import Sequence
from typing import Any

from asyncua import ua

from genba.connect.opcua.address import format_address
from genba.connect.opcua.notification import microseconds
from genba.plant import ConditionEvent

_BASE, _CONDITION = ua.ObjectIds.BaseEventType, ua.ObjectIds.ConditionType
_ACKNOWLEDGEABLE, _ALARM = (
    ua.ObjectIds.AcknowledgeableConditionType,
    ua.ObjectIds.AlarmConditionType,
)
_FIELDS: tuple[tuple[str, int, str], ...] = (
    ("event", _BASE, "EventId"),
    ("type", _BASE, "EventType"),
    ("source", _BASE, "SourceNode"),
    ("source_name", _BASE, "SourceName"),
    ("time", _BASE, "Time"),
    ("message", _BASE, "Message"),
    ("severity", _BASE, "Severity"),
    ("condition", _CONDITION, ""),  # an empty path is the condition's own node id (5.5.2.13)
    ("name", _CONDITION, "ConditionName"),
    ("branch", _CONDITION, "BranchId"),
    ("retain", _CONDITION, "Retain"),
    ("enabled", _CONDITION, "EnabledState/Id"),
    ("comment", _CONDITION, "Comment"),
    ("user", _CONDITION, "ClientUserId"),
    ("acknowledged", _ACKNOWLEDGEABLE, "AckedState/Id"),
    ("confirmed", _ACKNOWLEDGEABLE, "ConfirmedState/Id"),
    ("active", _ALARM, "ActiveState/Id"),
    ("suppressed", _ALARM, "SuppressedOrShelved"),
    ("shelving", _ALARM, "ShelvingState/CurrentState/Id"),
)
_SHELVING = {
    ua.ObjectIds.ShelvedStateMachineType_Unshelved: "unshelved",
    ua.ObjectIds.ShelvedStateMachineType_TimedShelved: "timed_shelved",
    ua.ObjectIds.ShelvedStateMachineType_OneShotShelved: "one_shot_shelved",
}


def event_filter() -> ua.EventFilter:
    """Ask for the fields of every event; what is no condition has no condition id."""
    return ua.EventFilter(SelectClauses=[_clause(kind, path) for _, kind, path in _FIELDS])


def _clause(kind: int, path: str) -> ua.SimpleAttributeOperand:
    attribute = ua.AttributeIds.Value if path else ua.AttributeIds.NodeId
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(kind),
        BrowsePath=[ua.QualifiedName(part) for part in path.split("/") if part],
        AttributeId=attribute,
    )


def fields_of(event: ua.EventFieldList) -> dict[str, Any]:
    """Name the fields of an event; what the device does not have is None."""
    values = [variant.Value for variant in event.EventFields]
    names = [name for name, _, _ in _FIELDS]
    return {
        name: None if isinstance(value, ua.StatusCode) else value
        for name, value in zip(names, values, strict=False)
    }


def condition_event(
    found: dict[str, Any],
    connection: str,
    kinds: dict[ua.NodeId, str],
    namespaces: Sequence[str],
    now: int,
    refreshed: bool,
) -> ConditionEvent | None:
    """Bring the fields of an event into plant words; None for what is no condition."""
    if _null(found.get("condition")) or found.get("event") is None:
        return None

    def address(name: str) -> str:
        node = found.get(name)
        return "" if _null(node) else format_address(node, namespaces)

    return ConditionEvent(
        connection=connection,
        condition=address("condition"),
        event=bytes(found["event"]).hex(),
        kind=kinds.get(found["type"], address("type")),
        name=str(found["name"] or ""),
        source=address("source"),
        source_name=str(found["source_name"] or ""),
        time=microseconds(found["time"]) or now,
        receive_time=now,
        severity=int(found["severity"] or 0),
        message=_text(found["message"]),
        retain=bool(found["retain"]),
        active=found["active"],
        acknowledged=found["acknowledged"],
        confirmed=found["confirmed"],
        enabled=found["enabled"],
        suppressed=found["suppressed"],
        shelving=_shelving(found["shelving"]),
        comment=_text(found["comment"]),
        user=str(found["user"] or ""),
        branch=address("branch"),
        refreshed=refreshed,
    )


def _null(node: object) -> bool:
    return not isinstance(node, ua.NodeId) or node.is_null()


def _text(value: Any) -> str:
    return str(value.Text or "") if isinstance(value, ua.LocalizedText) else str(value or "")


def _shelving(node: object) -> str:
    if not isinstance(node, ua.NodeId) or node.NamespaceIndex != 0:
        return ""
    return _SHELVING.get(int(node.Identifier), "")
