"""Two vehicles (VDA 5050 2.1 and 3.0) and a climate node on one broker, and what they said."""

import json
from collections.abc import Mapping
from typing import Any

from tests.testbed.servers.small_plant import Memory

from genba.plant import Plant


def mqtt_plant(port: int, credentials: str | None = None) -> Plant:
    """Vehicles ``amr`` and ``hoist``, climate station ``hall``."""
    link = {"url": f"mqtt://127.0.0.1:{port}", "credentials": credentials}
    fleet = {"interface": "plant", "manufacturer": "Acme"}
    setpoint = {"kind": "setpoint", "type": "json"}
    vehicle_signals = [
        {"id": "node", "kind": "state", "type": "string", "address": "state:/lastNodeId"},
        {"id": "order", "role": "vehicle_order", "address": "order", **setpoint},
        {
            "id": "instant_actions",
            "role": "vehicle_instant_actions",
            "address": "instantActions",
            **setpoint,
        },
    ]
    climate_signals = [
        {"id": "temperature", "unit": "Cel", "address": "Hall/Temperature"},
        {"id": "fan", "kind": "setpoint", "address": "Hall/Fan", "range": {"low": 0, "high": 100}},
    ]
    return Plant.model_validate(
        {
            "id": "fleet",
            "connections": [
                {
                    "id": "amr",
                    "driver": "vda5050",
                    "options": {**fleet, "serial": "A1", "version": "2.1.0"},
                    **link,
                },
                {
                    "id": "hoist",
                    "driver": "vda5050",
                    "options": {**fleet, "serial": "H1", "version": "3.0.0"},
                    **link,
                },
                {
                    "id": "climate",
                    "driver": "sparkplug",
                    "options": {"group": "works", "node": "hall"},
                    **link,
                },
            ],
            "equipment": [
                {"id": "amr", "kind": "vehicle", "connection": "amr", "signals": vehicle_signals},
                {
                    "id": "hoist",
                    "kind": "vehicle",
                    "connection": "hoist",
                    "signals": vehicle_signals,
                },
                {"id": "hall", "connection": "climate", "signals": climate_signals},
            ],
            "vehicles": [{"id": "amr"}, {"id": "hoist", "kind": "hoist"}],
        }
    )


def fleet_memory(plant: Plant, refuse: tuple[str, ...] = ()) -> Memory:
    """Device memory with a state for each vehicle, in the words of its version."""
    memory = Memory(plant, refuse)
    common: Mapping[str, Any] = {
        "orderId": "",
        "orderUpdateId": 0,
        "lastNodeId": "N1",
        "lastNodeSequenceId": 0,
        "nodeStates": [],
        "edgeStates": [],
        "driving": False,
        "actionStates": [],
        "operatingMode": "AUTOMATIC",
        "errors": [],
    }
    memory.states["amr"] = {
        **common,
        "batteryState": {"batteryCharge": 80.0, "charging": False},
        "safetyState": {"eStop": "NONE", "fieldViolation": False},
    }
    memory.states["hoist"] = {
        **common,
        "instantActionStates": [],
        "powerSupply": {"stateOfCharge": 100.0, "charging": False},
        "safetyState": {"activeEmergencyStop": "NONE", "fieldViolation": False},
    }
    memory.set("hall.temperature", 21.5)
    memory.set("hall.fan", 40.0)
    return memory


def order(order_id: str) -> dict[str, Any]:
    """An order with its header, as fleet control sends it."""
    return {
        "headerId": 0,
        "timestamp": "2026-01-05T06:00:00.000Z",
        "version": "2.1.0",
        "manufacturer": "Acme",
        "serialNumber": "A1",
        "orderId": order_id,
        "orderUpdateId": 0,
        "nodes": [{"nodeId": "N1", "sequenceId": 0, "released": True, "actions": []}],
        "edges": [],
    }


def as_json(content: bytes) -> dict[str, Any]:
    """Parse a message."""
    message = json.loads(content)
    assert isinstance(message, dict)
    return message
