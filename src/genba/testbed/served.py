"""The plant behind real protocol servers, living on at the plant clock: :class:`ServedPlant`."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from genba.errors import TestbedError
from genba.plant import US, Clock, Connection, Plant
from genba.testbed.servers.broker import Broker, make_broker
from genba.testbed.servers.device import (
    Change,
    DeviceServer,
    Simulation,
    host_and_port,
    require_free_ports,
)
from genba.testbed.servers.modbus import modbus_servers
from genba.testbed.servers.opcua import opcua_servers
from genba.testbed.servers.sparkplug import SparkplugNode
from genba.testbed.servers.vda5050 import VehicleLink

_log = logging.getLogger(__name__)
_PORTS = {"opcua": 4840, "modbus": 502, "vda5050": 1883, "sparkplug": 1883}
_ON_MQTT = ("vda5050", "sparkplug")
_LONGEST_WAIT_S = 0.1
_LATE_S = 1.0
_DEVICE_USER = "testbed-device"

Users = Mapping[str, tuple[str, str]]
"""User and password by the name that a connection gives under ``credentials``."""


class ServedPlant:
    """One simulated plant in front of which every connection of the plant file is served.

    ``history`` names the OPC UA connections whose device keeps history. The plant takes one tick
    (a second) after the other; after each, what changed goes out at once, so that every change
    keeps its source time however fast the clock runs.
    """

    def __init__(
        self,
        plant: Plant,
        simulation: Simulation,
        clock: Clock,
        runtime: Path,
        *,
        users: Users | None = None,
        history: Collection[str] = (),
        embedded_broker: bool = False,
    ) -> None:
        self.plant = plant
        self.simulation = simulation
        self.clock = clock
        self.runtime = runtime
        self.samples = 0
        """Changes shown so far."""
        self.worst_lag_s = 0.0
        """Furthest that the plant was ever behind its clock, in plant seconds."""
        self._behind = False
        self._halted = False
        self._users = users or {}
        self._device_password = secrets.token_urlsafe(16)
        self.brokers = self._make_brokers(embedded_broker)
        self.servers = self._make_servers(history)
        self._server_of = {s.id: server for server in self.servers for s in server.signals}

    @property
    def unserved(self) -> list[Connection]:
        """Connections that are not the testbed's to serve (replay, other drivers)."""
        return [c for c in self.plant.connections if c.driver not in _PORTS]

    @property
    def lag_s(self) -> float:
        """How far the plant is behind its clock now, in plant seconds."""
        return max(0.0, (self.clock.now() - self.simulation.now) / US - 1.0)

    async def start(self) -> None:
        """Serve every connection; on return clients can connect.

        Raises
        ------
        TestbedError
            If a port is taken or an address of the plant file cannot be served; nothing is left
            running then.
        """
        require_free_ports(self._endpoints())
        self.runtime.mkdir(parents=True, exist_ok=True)
        try:
            await asyncio.gather(*(broker.start() for broker in self.brokers.values()))
            await asyncio.gather(*(server.start() for server in self.servers))
        except BaseException:
            await self.stop()
            raise

    async def advance(self, until: int) -> None:
        """Let the plant live on to ``until``, tick by tick, and show what changes."""
        while self.simulation.now + US <= until and not self._halted:
            self.simulation.advance(self.simulation.now + US)
            await self.push()
            await asyncio.sleep(0)

    async def run(self, until: int | None = None) -> None:
        """Follow the clock up to plant time ``until``, or until halted."""
        while not self._halted and (until is None or self.simulation.now + US <= until):
            target = self.clock.now() if until is None else min(self.clock.now(), until)
            # Bounded, so that a plant that cannot follow still says so and can be stopped.
            await self.advance(min(target, self.simulation.now + self._step()))
            self._watch_lag()
            await self._wait_for_next_tick()

    def halt(self) -> None:
        """Let :meth:`run` return after the present tick.

        Canceling it is not enough: up to Python 3.11, ``asyncio.wait_for`` within a publish can
        swallow that.
        """
        self._halted = True

    async def push(self) -> None:
        """Show everything that changed since the last time."""
        by_server: dict[DeviceServer, list[Change]] = defaultdict(list)
        for row in self.simulation.drain():
            server = self._server_of.get(row[0])
            if server is not None:
                by_server[server].append(Change(*row))
                self.samples += 1
        now = self.simulation.now
        for server in self.servers:
            await server.push(by_server.get(server, ()), now)

    async def stop(self) -> None:
        """Take everything down. Safe to call twice."""
        self.halt()
        await asyncio.gather(*(s.stop() for s in self.servers), return_exceptions=True)
        await asyncio.gather(*(b.stop() for b in self.brokers.values()), return_exceptions=True)

    def _step(self) -> int:
        speed = self.clock.speed
        return US if speed == float("inf") else max(US, round(speed * _LONGEST_WAIT_S * US))

    async def _wait_for_next_tick(self) -> None:
        speed = self.clock.speed
        if speed == float("inf"):
            await self.clock.sleep_until(self.simulation.now + US)
            return
        left_s = (self.simulation.now + US - self.clock.now()) / US / speed
        await asyncio.sleep(min(max(left_s, 0.0), _LONGEST_WAIT_S))

    def _watch_lag(self) -> None:
        lag = self.lag_s
        self.worst_lag_s = max(self.worst_lag_s, lag)
        late = lag > _LATE_S * self.clock.speed
        if late and not self._behind:
            _log.warning(
                "the plant is %.0f s of its time behind its clock: this machine cannot follow "
                "%g times real time; choose a lower speed",
                lag,
                self.clock.speed,
            )
        self._behind = late

    def _login(self, connection: Connection) -> tuple[str, str] | None:
        if connection.credentials is None:
            return None
        if connection.credentials not in self._users:
            raise TestbedError(
                f"connection {connection.id} names the credentials '{connection.credentials}', "
                "which are not known here; set GENBA_CREDENTIALS_"
                f"{_variable(connection.credentials)} to user:password"
            )
        return self._users[connection.credentials]

    def _make_brokers(self, embedded: bool) -> dict[tuple[str, int], Broker]:
        logins: dict[tuple[str, int], dict[str, str]] = {}
        for connection in self.plant.connections:
            if connection.driver in _ON_MQTT:
                known = logins.setdefault(host_and_port(connection.url, 1883), {})
                login = self._login(connection)
                if login is not None:
                    known |= {login[0]: login[1], _DEVICE_USER: self._device_password}
        return {
            place: make_broker(*place, known, self.runtime, embedded)
            for place, known in logins.items()
        }

    def _make_servers(self, history: Collection[str]) -> list[DeviceServer]:
        plant, simulation = self.plant, self.simulation
        logins = {c.id: self._login(c) for c in plant.connections}
        users = {name: dict([login]) for name, login in logins.items() if login is not None}
        servers: list[DeviceServer] = []
        servers += opcua_servers(plant, simulation, self.runtime, users, history)
        servers += modbus_servers(plant, simulation)
        guarded = {
            host_and_port(c.url, 1883)
            for c in plant.connections
            if c.driver in _ON_MQTT and logins[c.id] is not None
        }
        for connection in plant.connections:
            if connection.driver in _ON_MQTT:
                locked = host_and_port(connection.url, 1883) in guarded
                own = (_DEVICE_USER, self._device_password) if locked else None
                kind = VehicleLink if connection.driver == "vda5050" else SparkplugNode
                servers.append(kind(plant, connection, simulation, own))
        return servers

    def _endpoints(self) -> Sequence[tuple[str, str, int]]:
        """(connection, host, port) of everything that will listen, each once."""
        found: dict[tuple[str, int], tuple[str, str, int]] = {}
        drivers: dict[tuple[str, int], str] = {}
        for connection in self.plant.connections:
            if connection.driver not in _PORTS:
                continue
            place = host_and_port(connection.url, _PORTS[connection.driver])
            family = "mqtt" if connection.driver in _ON_MQTT else connection.driver
            if drivers.setdefault(place, family) != family or (
                family == "opcua" and place in found
            ):
                raise TestbedError(
                    f"connections {found[place][0]} and {connection.id} share port {place[1]} on "
                    f"{place[0]}; give each its own port in plant.yaml"
                )
            found.setdefault(place, (connection.id, *place))
        return list(found.values())


def _variable(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
