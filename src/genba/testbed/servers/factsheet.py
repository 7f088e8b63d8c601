"""What a vehicle says of its type: the VDA 5050 factsheet, in the words of 2.x or 3.0."""

from typing import Any

from genba.plant import Vehicle, VehicleKind

_ACTIONS = (
    ("pick", "NODE", ("loadId",)),
    ("drop", "NODE", ("loadId",)),
    ("startPause", "INSTANT", ()),
    ("stopPause", "INSTANT", ()),
    ("cancelOrder", "INSTANT", ()),
    ("stateRequest", "INSTANT", ()),
    ("factsheetRequest", "INSTANT", ()),
)
_LENGTH_M, _WIDTH_M, _HEIGHT_M = 1.1, 0.7, 0.35
_LOAD_KG = 150.0


def factsheet(version: str, name: str, vehicle: Vehicle | None) -> dict[str, Any]:
    """Describe a vehicle, without the header. Sizes are those of a common small carrier."""
    kind = vehicle.kind if vehicle is not None else VehicleKind.AMR
    speed = vehicle.speed_m_s if vehicle is not None else 1.0
    places = vehicle.capacity_lots if vehicle is not None else 1
    handling_s = vehicle.handling_s if vehicle is not None else 20.0
    if int(version.split(".", maxsplit=1)[0]) >= 3:
        return _factsheet_3(name, kind, speed, places, handling_s)
    return _factsheet_2(name, kind, speed, places, handling_s)


def _factsheet_2(
    name: str, kind: VehicleKind, speed: float, places: int, handling_s: float
) -> dict[str, Any]:
    hoist = kind is VehicleKind.HOIST
    return {
        "typeSpecification": {
            "seriesName": f"genba-{kind}",
            "seriesDescription": f"simulated vehicle {name}",
            "agvKinematic": "OMNI" if hoist else "DIFF",
            "agvClass": "CARRIER",
            "maxLoadMass": _LOAD_KG,
            "localizationTypes": ["GRID"] if hoist else ["NATURAL"],
            "navigationTypes": ["VIRTUAL_LINE_GUIDED"] if hoist else ["AUTONOMOUS"],
        },
        "physicalParameters": {
            "speedMin": 0.0,
            "speedMax": speed,
            "accelerationMax": 0.5,
            "decelerationMax": 1.0,
            "heightMin": _HEIGHT_M,
            "heightMax": _HEIGHT_M,
            "width": _WIDTH_M,
            "length": _LENGTH_M,
        },
        "protocolLimits": {
            "maxStringLens": {},
            "maxArrayLens": {},
            "timing": {
                "minOrderInterval": 1.0,
                "minStateInterval": 1.0,
                "defaultStateInterval": 30.0,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [],
            "agvActions": [
                {
                    "actionType": action,
                    "actionScopes": [scope],
                    "actionParameters": [
                        {"key": key, "valueDataType": "STRING"} for key in parameters
                    ],
                    "blockingTypes": ["HARD"],
                }
                for action, scope, parameters in _ACTIONS
            ],
        },
        "agvGeometry": {},
        "loadSpecification": {
            "loadPositions": [f"place-{n}" for n in range(1, places + 1)],
            "loadSets": [_load_set(handling_s, "maxWeight")],
        },
    }


def _factsheet_3(
    name: str, kind: VehicleKind, speed: float, places: int, handling_s: float
) -> dict[str, Any]:
    hoist = kind is VehicleKind.HOIST
    return {
        "typeSpecification": {
            "seriesName": f"genba-{kind}",
            "seriesDescription": f"simulated vehicle {name}",
            "mobileRobotKinematics": "OMNIDIRECTIONAL" if hoist else "DIFFERENTIAL",
            "mobileRobotClass": "CARRIER",
            "maximumLoadMass": _LOAD_KG,
            "localizationTypes": ["GRID"] if hoist else ["NATURAL"],
            "navigationTypes": ["PHYSICAL_LINE_GUIDED"] if hoist else ["FREELY_NAVIGATING"],
        },
        "physicalParameters": {
            "minimumSpeed": 0.0,
            "maximumSpeed": speed,
            "maximumAcceleration": 0.5,
            "maximumDeceleration": 1.0,
            "minimumHeight": _HEIGHT_M,
            "maximumHeight": _HEIGHT_M,
            "width": _WIDTH_M,
            "length": _LENGTH_M,
        },
        "protocolLimits": {
            "maximumStringLengths": {},
            "maximumArrayLengths": {},
            "timing": {
                "minimumOrderInterval": 1.0,
                "minimumStateInterval": 1.0,
                "defaultStateInterval": 30.0,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [],
            "mobileRobotActions": [
                {
                    "actionType": action,
                    "actionScopes": [scope],
                    "actionParameters": [
                        {"key": key, "valueDataType": "STRING"} for key in parameters
                    ],
                    "blockingTypes": ["HARD"],
                    "pauseAllowed": scope == "NODE",
                    "cancelAllowed": False,
                }
                for action, scope, parameters in _ACTIONS
            ],
        },
        "mobileRobotGeometry": {},
        "loadSpecification": {
            "loadPositions": [f"place-{n}" for n in range(1, places + 1)],
            "loadSets": [_load_set(handling_s, "maximumWeight")],
        },
    }


def _load_set(handling_s: float, weight_field: str) -> dict[str, Any]:
    return {
        "setName": "lot",
        "loadType": "tray",
        "pickTime": handling_s,
        "dropTime": handling_s,
        weight_field: _LOAD_KG,
    }
