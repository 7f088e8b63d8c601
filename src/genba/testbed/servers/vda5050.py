"""VDA 5050 vehicles of the testbed (2.x and 3.0) on their MQTT broker.

A vehicle publishes its state when something in it changed (the simulated vehicle counts that up in
its own ``headerId``; on the wire the link counts) and at least every 30 s of plant time,
its connection (retained, with a last will) and its factsheet; orders and instant actions go to
the simulated vehicle. What that refuses is reported in the state's ``errors``, as the standard
wants it.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import aiomqtt

from genba.errors import DeviceError, TestbedError
from genba.plant import US, Connection, Plant, Role, Signal, format_time
from genba.testbed.servers.device import Change, Simulation, host_and_port
from genba.testbed.servers.factsheet import factsheet
from genba.testbed.servers.mqtt import MqttLink

_log = logging.getLogger(__name__)
_AT_LEAST_EVERY = 30 * US
_HEADER = ("headerId", "timestamp", "version", "manufacturer", "serialNumber")
_MOST_ERRORS = 20


class VehicleLink:
    """One vehicle's side of the fleet protocol."""

    def __init__(
        self,
        plant: Plant,
        connection: Connection,
        simulation: Simulation,
        login: tuple[str, str] | None,
    ) -> None:
        self.url = connection.url
        self.signals = tuple(s for s in plant.signals.values() if s.connection == connection.id)
        self._vehicle = _vehicle_of(plant, connection, self.signals)
        self._plant = plant
        self._simulation = simulation
        self._order = plant.roles.get((self._vehicle, Role.VEHICLE_ORDER))
        self._actions = plant.roles.get((self._vehicle, Role.VEHICLE_INSTANT_ACTIONS))
        options = _options(connection)
        self._version = options["version"]
        self._manufacturer, self._serial = options["manufacturer"], options["serial"]
        major = self._version.split(".")[0]
        self._topic = f"{options['interface']}/v{major}/{self._manufacturer}/{self._serial}"
        self._broken = "CONNECTION_BROKEN" if int(major) >= 3 else "CONNECTIONBROKEN"
        self._headers: dict[str, int] = {}
        self._errors: list[dict[str, Any]] = []
        self._published = 0
        self._revision: int | None = None
        host, port = host_and_port(connection.url, 1883)
        self._link = MqttLink(
            host,
            port,
            f"{self._manufacturer}-{self._serial}",
            login,
            self._will,
            [f"{self._topic}/order", f"{self._topic}/instantActions"],
            self._say_hello,
            self._on_message,
        )

    async def start(self) -> None:
        """Connect and say who and where the vehicle is."""
        await self._link.start()

    async def push(self, changes: Sequence[Change], now: int) -> None:
        """Publish the state, if something changed or the last one is old."""
        message = self._simulation.vehicle_message(self._vehicle)
        due = bool(changes) or message.get("headerId") != self._revision
        if due or now - self._published >= _AT_LEAST_EVERY:
            await self._publish_state(message)

    async def stop(self) -> None:
        """Say OFFLINE, then leave."""
        await self._publish("connection", {"connectionState": "OFFLINE"}, qos=1, retain=True)
        await self._link.stop()

    async def _say_hello(self) -> None:
        await self._publish("connection", {"connectionState": "ONLINE"}, qos=1, retain=True)
        await self._publish_factsheet()
        await self._publish_state()

    async def _publish_factsheet(self) -> None:
        vehicle = self._plant.vehicles_by_id.get(self._vehicle)
        body = factsheet(self._version, self._vehicle, vehicle)
        await self._publish("factsheet", body, retain=True)

    async def _publish_state(self, message: Mapping[str, Any] | None = None) -> None:
        if message is None:
            message = self._simulation.vehicle_message(self._vehicle)
        self._revision = message.get("headerId")
        state = {key: value for key, value in message.items() if key not in _HEADER}
        if self._errors:
            state["errors"] = [*state.get("errors", ()), *self._errors]
        self._published = self._simulation.now
        await self._publish("state", state)

    async def _publish(
        self, kind: str, body: Mapping[str, Any], qos: int = 0, retain: bool = False
    ) -> None:
        payload = json.dumps({**self._header(kind), **body}, separators=(",", ":")).encode()
        await self._link.publish(f"{self._topic}/{kind}", payload, qos=qos, retain=retain)

    def _header(self, kind: str) -> dict[str, Any]:
        number = self._headers[kind] = self._headers.get(kind, -1) + 1
        return {
            "headerId": number,
            "timestamp": _timestamp(self._simulation.now),
            "version": self._version,
            "manufacturer": self._manufacturer,
            "serialNumber": self._serial,
        }

    def _will(self) -> aiomqtt.Will:
        body = {**self._header("connection"), "connectionState": self._broken}
        return aiomqtt.Will(
            f"{self._topic}/connection", json.dumps(body).encode(), qos=1, retain=True
        )

    async def _on_message(self, topic: str, content: bytes) -> None:
        kind = topic.rsplit("/", 1)[-1]
        message = _json_object(content)
        if message is None:
            self._report("validationError", f"{kind} is no JSON object", {})
            await self._publish_state()
            return
        body = {key: value for key, value in message.items() if key not in _HEADER}
        if kind == "order":
            self._take(self._order, body, "orderError", {"orderId": body.get("orderId")})
        else:
            ids = [a.get("actionId") for a in body.get("actions", ()) if isinstance(a, dict)]
            references = {"actionId": ids[0]} if ids else {}
            self._take(self._actions, body, "instantActionError", references)
            if _asks_for(body, "factsheetRequest"):
                await self._publish_factsheet()
        await self._publish_state()

    def _take(
        self,
        signal: Signal | None,
        body: dict[str, Any],
        error_type: str,
        references: Mapping[str, Any],
    ) -> None:
        """Hand a message to the vehicle; the errors of former ones end with one that it takes."""
        if signal is None:
            self._report(error_type, "the vehicle takes no such message", references)
            return
        try:
            self._simulation.write(signal.id, json.dumps(body, separators=(",", ":")))
        except DeviceError as error:
            self._report(error_type, str(error), references)
        else:
            self._errors.clear()

    def _report(self, error_type: str, text: str, references: Mapping[str, Any]) -> None:
        _log.info("%s: %s: %s", self._vehicle, error_type, text)
        self._errors.append(
            {
                "errorType": error_type,
                "errorLevel": "WARNING",
                "errorDescription": text,
                "errorReferences": [
                    {"referenceKey": key, "referenceValue": str(value)}
                    for key, value in references.items()
                    if value is not None
                ],
            }
        )
        del self._errors[:-_MOST_ERRORS]


def _vehicle_of(plant: Plant, connection: Connection, signals: Sequence[Signal]) -> str:
    owners = {s.equipment for s in signals}
    if len(owners) != 1:
        raise TestbedError(
            f"connection {connection.id} carries the signals of {len(owners)} pieces of equipment; "
            "a VDA 5050 connection is that of one vehicle"
        )
    return owners.pop()


def _options(connection: Connection) -> dict[str, str]:
    options = {"interface": "uagv", "version": "2.1.0"} | {
        key: str(value) for key, value in connection.options.items()
    }
    missing = [key for key in ("manufacturer", "serial") if key not in options]
    if missing:
        raise TestbedError(
            f"connection {connection.id}: options.{missing[0]} is missing; "
            "a VDA 5050 vehicle is found by manufacturer and serial"
        )
    return options


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(content)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _asks_for(body: Mapping[str, Any], action_type: str) -> bool:
    return any(
        isinstance(action, dict) and action.get("actionType") == action_type
        for action in body.get("actions", ())
    )


def _timestamp(when: int) -> str:
    """ISO 8601 in UTC with milliseconds, as both versions of the standard show it."""
    whole, rest = divmod(when, US)
    return f"{format_time(whole * US)[:-1]}.{rest // 1000:03d}Z"
