"""A Sparkplug B edge node: birth with aliases, data by exception, death by last will, rebirth."""

import logging
from collections.abc import Mapping, Sequence

import aiomqtt

from genba.errors import DeviceError, TestbedError
from genba.plant import Connection, DataType, Plant, Scalar, Signal
from genba.testbed.servers.device import (
    Change,
    Simulation,
    from_raw,
    host_and_port,
    out_of_range,
    to_raw,
)
from genba.testbed.servers.mqtt import MqttLink
from genba.testbed.servers.sparkplug_payload import (
    Metric,
    Payload,
    SparkplugType,
    decode_payload,
    encode_payload,
)

_log = logging.getLogger(__name__)
_REBIRTH = "Node Control/Rebirth"
_TYPES: Mapping[DataType, SparkplugType] = {
    DataType.BOOL: SparkplugType.BOOLEAN,
    DataType.INT: SparkplugType.INT64,
    DataType.FLOAT: SparkplugType.DOUBLE,
    DataType.STRING: SparkplugType.STRING,
    DataType.JSON: SparkplugType.STRING,
}


class SparkplugNode:
    """The signals of one connection as metrics of one edge node (Sparkplug 3.0.0, chapter 6)."""

    def __init__(
        self,
        plant: Plant,
        connection: Connection,
        simulation: Simulation,
        login: tuple[str, str] | None,
    ) -> None:
        self.url = connection.url
        self.signals = tuple(s for s in plant.signals.values() if s.connection == connection.id)
        group, node = (connection.options.get(name) for name in ("group", "node"))
        if not group or not node:
            raise TestbedError(
                f"connection {connection.id}: options.group and options.node are needed for "
                "Sparkplug; give the edge node's group and name"
            )
        self._topic = f"spBv1.0/{group}/{{}}/{node}"
        self._simulation = simulation
        self._aliases = {s.id: alias for alias, s in enumerate(self.signals, start=1)}
        self._by_alias = dict(enumerate(self.signals, start=1))
        self._by_name = {s.address: s for s in self.signals}
        self._times: dict[str, int] = {}
        self._seq = 0
        self._deaths = -1
        host, port = host_and_port(connection.url, 1883)
        self._link = MqttLink(
            host,
            port,
            f"{group}-{node}",
            login,
            self._will,
            [self._topic.format("NCMD")],
            self._give_birth,
            self._on_command,
        )

    async def start(self) -> None:
        """Connect and give birth."""
        await self._link.start()

    async def push(self, changes: Sequence[Change], now: int) -> None:
        """Say what changed, and only that."""
        if not changes:
            return
        metrics = []
        for change in changes:
            signal = self._by_alias[self._aliases[change.signal]]
            self._times[change.signal] = change.source_time
            metrics.append(self._metric(signal, change.value, change.source_time))
        await self._publish("NDATA", tuple(metrics), now)

    async def stop(self) -> None:
        """Say that the node dies (a polite goodbye does not fire the will), then leave."""
        await self._link.publish(self._topic.format("NDEATH"), self._death(), qos=1)
        await self._link.stop()

    async def _give_birth(self) -> None:
        self._seq = 0
        now = self._simulation.now
        own = [
            Metric(self._deaths, SparkplugType.INT64, now // 1000, name="bdSeq"),
            Metric(
                value=False, type=SparkplugType.BOOLEAN, timestamp_ms=now // 1000, name=_REBIRTH
            ),
        ]
        metrics = [
            self._metric(s, self._simulation.value(s.id), self._times.get(s.id, now), birth=True)
            for s in self.signals
        ]
        await self._publish("NBIRTH", (*own, *metrics), now)

    async def _publish(self, kind: str, metrics: tuple[Metric, ...], now: int) -> None:
        payload = Payload(now // 1000, metrics, self._seq)
        self._seq = (self._seq + 1) % 256
        await self._link.publish(self._topic.format(kind), encode_payload(payload))

    def _metric(
        self, signal: Signal, value: Scalar, source_time: int, birth: bool = False
    ) -> Metric:
        raw = to_raw(signal, value)
        if signal.type is DataType.INT and isinstance(raw, float):
            raw = round(raw)
        scaled = signal.scale != 1.0 or signal.offset != 0.0
        return Metric(
            value=raw,
            type=_TYPES[signal.type],
            timestamp_ms=source_time // 1000,
            name=signal.address if birth else None,
            alias=self._aliases[signal.id],
            unit=signal.unit if birth and not scaled else None,
        )

    def _will(self) -> aiomqtt.Will:
        self._deaths = (self._deaths + 1) % 256
        return aiomqtt.Will(self._topic.format("NDEATH"), self._death(), qos=1)

    def _death(self) -> bytes:
        metric = Metric(self._deaths, SparkplugType.INT64, name="bdSeq")
        return encode_payload(Payload(self._simulation.now // 1000, (metric,)))

    async def _on_command(self, topic: str, content: bytes) -> None:
        try:
            command = decode_payload(content)
        except ValueError as error:
            _log.warning("%s: %s", topic, error)
            return
        for metric in command.metrics:
            if metric.name == _REBIRTH:
                if metric.value:
                    await self._give_birth()
            else:
                await self._take(metric)

    async def _take(self, metric: Metric) -> None:
        """Hand a setpoint to the machine; NDATA says what it holds now, taken or not."""
        signal = self._by_name.get(metric.name or "") or self._by_alias.get(metric.alias or 0)
        if signal is None or not signal.writable:
            _log.info("no setpoint %s", metric.name or metric.alias)
            return
        held = self._simulation.value(signal.id)
        value = from_raw(signal, metric.value)
        if out_of_range(signal, value):
            _log.info("refused: %s lies outside the range of %s", value, signal.id)
        else:
            try:
                self._simulation.write(signal.id, value)
                held = value
            except DeviceError as error:
                _log.info("refused: %s", error)
        now = self._simulation.now
        await self._publish("NDATA", (self._metric(signal, held, now),), now)
