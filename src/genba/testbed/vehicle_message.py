"""The VDA 5050 state message of a vehicle, in the words of version 2.1 or 3.0."""

from collections.abc import Mapping
from typing import Any

from genba.plant import Connection, format_time
from genba.testbed.vehicles import Transporter, action_state


def state_message(
    vehicle: Transporter, connection: Connection | None, map_id: str, now: int
) -> dict[str, Any]:
    """Build the ``state`` document, valid against the published JSON schema of its version."""
    options: Mapping[str, Any] = connection.options if connection else {}
    version = str(options.get("version", "2.1.0"))
    three = not version.startswith("2.")
    stops = [] if vehicle.going_home else vehicle.ahead
    x, y = vehicle.position
    position: dict[str, Any] = {
        "x": round(x, 2),
        "y": round(y, 2),
        "theta": int(vehicle.theta * 1000) / 1000,  # never beyond pi, as the schema demands
        "mapId": map_id,
        "localized" if three else "positionInitialized": True,
    }
    charge = round(100.0 * vehicle.charge, 1)
    message: dict[str, Any] = {
        "headerId": vehicle.revision,
        "timestamp": _timestamp(now),
        "version": version,
        "manufacturer": str(options.get("manufacturer", "Testbed")),
        "serialNumber": str(options.get("serial", vehicle.id)),
        "orderId": vehicle.order_id,
        "orderUpdateId": vehicle.order_update,
        "lastNodeId": vehicle.node,
        "lastNodeSequenceId": vehicle.sequence,
        "nodeStates": [
            {"nodeId": s.node, "sequenceId": s.sequence, "released": s.released} for s in stops
        ],
        "edgeStates": [
            {"edgeId": s.way.edge.id, "sequenceId": s.edge_sequence, "released": s.released}
            for s in stops
            if s.way is not None
        ],
        "mobileRobotPosition" if three else "agvPosition": position,
        "loads": [{"loadId": lot.id} for lot in vehicle.loads],
        "driving": vehicle.speed_m_s > 0.0,
        "paused": vehicle.paused,
        "operatingMode": vehicle.operating_mode,
        "errors": [dict(error) for error in vehicle.errors],
    }
    if three:
        message["actionStates"] = [_renamed(state) for state in vehicle.action_states()]
        message["instantActionStates"] = [_renamed(action_state(a)) for a in vehicle.instant]
        message["powerSupply"] = {"stateOfCharge": charge, "charging": vehicle.charging}
        message["safetyState"] = {"activeEmergencyStop": "NONE", "fieldViolation": False}
    else:
        # 2.1, 6.9: instant actions are shown among the others, until a new order is taken.
        message["actionStates"] = [
            *vehicle.action_states(),
            *(action_state(a) for a in vehicle.instant_since_order),
        ]
        message["batteryState"] = {"batteryCharge": charge, "charging": vehicle.charging}
        message["safetyState"] = {"eStop": "NONE", "fieldViolation": False}
    return message


def _renamed(state: Mapping[str, str]) -> dict[str, str]:
    return {("actionResult" if k == "resultDescription" else k): v for k, v in state.items()}


def _timestamp(now: int) -> str:
    text = format_time(now).removesuffix("Z")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{(fraction + '000')[:3]}Z"
