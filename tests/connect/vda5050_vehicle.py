"""A small VDA 5050 vehicle for tests: answers every order with a state."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

Json = dict[str, Any]
TIME = "2026-01-05T06:00:00.250Z"
TIME_US = 1_767_592_800_250_000


class Vehicle:
    """Speaks version ``2.1.0`` or ``3.0.0``; refuses orders whose id begins with ``bad``."""

    def __init__(
        self, port: int, version: str = "2.1.0", silent: bool = False, retain: bool = False
    ) -> None:
        self.port, self.version, self.silent, self.retain = port, version, silent, retain
        self.base = f"uagv/v{version[0]}/Acme/7"
        self.received: list[tuple[str, Json]] = []
        self.requests = 0
        self.body: Json = empty_state(version)
        self.numbers: dict[str, int] = {}
        self.client: aiomqtt.Client
        self._task: asyncio.Task[None]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Vehicle"]:
        broken = "CONNECTION_BROKEN" if self.version[0] == "3" else "CONNECTIONBROKEN"
        payload = json.dumps(self._message("connection", {"connectionState": broken}))
        will = aiomqtt.Will(f"{self.base}/connection", payload, 1, retain=True)
        async with aiomqtt.Client("127.0.0.1", self.port, will=will) as self.client:
            await self.client.subscribe([(f"{self.base}/order", 0)])
            await self.client.subscribe([(f"{self.base}/instantActions", 0)])
            await self.online()
            self._task = asyncio.create_task(self._listen())
            try:
                yield self
            finally:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task

    async def online(self, state: str = "ONLINE") -> None:
        await self._publish("connection", {"connectionState": state}, 1, retain=True)

    async def tell(self, **changes: Any) -> None:
        self.body = {**self.body, **changes}
        await self._publish("state", self.body, retain=self.retain)

    async def raw(self, topic: str, payload: bytes) -> None:
        await self.client.publish(f"{self.base}/{topic}", payload)

    async def _listen(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in self.client.messages:
                topic = str(message.topic).rsplit("/", 1)[-1]
                assert isinstance(message.payload, bytes)
                content = json.loads(message.payload)
                if _is_state_request(content):
                    self.requests += 1
                    await self.tell()
                    continue
                self.received.append((topic, content))
                if not self.silent:
                    await self.tell(**self._answer(topic, content))

    def _answer(self, topic: str, content: Json) -> Json:
        if topic == "instantActions":
            done = [
                {"actionId": a["actionId"], "actionStatus": "FINISHED"} for a in content["actions"]
            ]
            key = "instantActionStates" if self.version[0] == "3" else "actionStates"
            return {key: done}
        if content["orderId"].startswith("bad"):
            reference = {"referenceKey": "orderId", "referenceValue": content["orderId"]}
            error: Json = {
                "errorType": "orderError",
                "errorLevel": "WARNING",
                "errorDescription": "no route",
                "errorReferences": [reference],
            }
            if content["orderId"].startswith("bad-and-mute"):
                del error["errorReferences"]
            return {"errors": [*self.body["errors"], error]}
        return {"orderId": content["orderId"], "orderUpdateId": content["orderUpdateId"]}

    async def _publish(self, topic: str, body: Json, qos: int = 0, retain: bool = False) -> None:
        payload = json.dumps(self._message(topic, body))
        await self.client.publish(f"{self.base}/{topic}", payload, qos=qos, retain=retain)

    def _message(self, topic: str, body: Json) -> Json:
        number = self.numbers[topic] = self.numbers.get(topic, -1) + 1
        return {
            "headerId": number,
            "timestamp": TIME,
            "version": self.version,
            "manufacturer": "Acme",
            "serialNumber": "7",
            **body,
        }


def _is_state_request(content: Json) -> bool:
    return any(a["actionType"] == "stateRequest" for a in content.get("actions", ()))


def empty_state(version: str) -> Json:
    """An idle vehicle at node N1."""
    common: Json = {
        "orderId": "",
        "orderUpdateId": 0,
        "lastNodeId": "N1",
        "lastNodeSequenceId": 0,
        "nodeStates": [],
        "edgeStates": [],
        "driving": False,
        "actionStates": [],
        "loads": [],
        "operatingMode": "AUTOMATIC",
        "errors": [],
    }
    if version[0] == "3":
        return {
            **common,
            "instantActionStates": [],
            "powerSupply": {"stateOfCharge": 80.5, "charging": False},
            "safetyState": {"activeEmergencyStop": "NONE", "fieldViolation": False},
        }
    return {
        **common,
        "batteryState": {"batteryCharge": 80.5, "charging": False},
        "safetyState": {"eStop": "NONE", "fieldViolation": False},
    }


def order(order_id: str, **fields: Any) -> str:
    """An order from N1 to N2, with a pick there, as the text that is written to the setpoint."""
    pick = {
        "actionId": "a1",
        "actionType": "pick",
        "blockingType": "HARD",
        "actionParameters": [{"key": "loadId", "value": "O-1-01"}],
    }
    edge = {"edgeId": "E1", "sequenceId": 1, "released": True, "actions": []}
    body = {
        "orderId": order_id,
        "nodes": [
            {"nodeId": "N1", "sequenceId": 0, "released": True, "actions": []},
            {"nodeId": "N2", "sequenceId": 2, "released": True, "actions": [pick]},
        ],
        "edges": [{**edge, "startNodeId": "N1", "endNodeId": "N2"}],
        **fields,
    }
    return json.dumps(body)
