"""Health as Prometheus metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class _Health(Collector):
    def __init__(self, health: Mapping[str, Any]) -> None:
        self._health = health

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for part in ("loop", "guard", "historian", "production"):
            for name, value in self._health.get(part, {}).items():
                if isinstance(value, int | float):
                    yield GaugeMetricFamily(f"genba_{part}_{name}", f"{part}: {name}", value)
        up = GaugeMetricFamily(
            "genba_connection_up", "1 where the link is up", labels=["connection"]
        )
        received = GaugeMetricFamily(
            "genba_connection_received", "samples received", labels=["connection"]
        )
        for name, link in self._health["connections"].items():
            up.add_metric([name], 1.0 if link["link"] == "up" else 0.0)
            received.add_metric([name], link["received"])
        yield up
        yield received


def expose(health: Mapping[str, Any]) -> bytes:
    """Write a health report in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_Health(health))
    return generate_latest(registry)
