"""The same plant on other ports."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from genba.plant import Plant

_DEFAULT_PORTS = {"opcua": 4840, "modbus": 502, "vda5050": 1883, "sparkplug": 1883}


def relocate(plant: Plant, ports: Mapping[int, int]) -> Plant:
    """Return the plant with the ports of its connections replaced where ``ports`` names them."""
    connections = []
    for connection in plant.connections:
        port = _port(connection.driver, connection.url)
        if port in ports:
            parts = urlsplit(connection.url)
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            moved = parts._replace(netloc=f"{host}:{ports[port]}").geturl()
            connection = connection.model_copy(update={"url": moved})  # noqa: PLW2901
        connections.append(connection)
    return plant.model_copy(update={"connections": tuple(connections)})


def free_ports(plant: Plant) -> dict[int, int]:
    """Find a free port of this machine for each port that the plant's connections use."""
    used = sorted({_port(c.driver, c.url) for c in plant.connections if c.driver in _DEFAULT_PORTS})
    probes = [socket.socket() for _ in used]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {port: probe.getsockname()[1] for port, probe in zip(used, probes, strict=True)}
    finally:
        for probe in probes:
            probe.close()


def _port(driver: str, url: str) -> int:
    return urlsplit(url).port or _DEFAULT_PORTS.get(driver, 0)
