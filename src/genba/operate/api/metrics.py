"""Health as Prometheus metrics."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from genba import __version__
from genba.plant import US

GAUGES = frozenset(
    {
        *("tick_s", "late_p50_ms", "late_p99_ms", "late_max_ms", "open_commands"),
        *("in_force", "on_trial"),
        *("waiting", "orders", "lots_open", "lots_in_work", "lots_moving"),
        *("total", "free", "reserve", "growth_bytes_h", "full_in_days"),
    }
)
"""Figures that can fall; all others only count up while a core runs."""


class _Health(Collector):
    def __init__(self, health: Mapping[str, Any]) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        health = self._health
        yield InfoMetricFamily(
            "genba", "Version and plant", {"version": __version__, "plant": health["plant"]}
        )
        ok = float(health["status"] == "ok")
        yield GaugeMetricFamily("genba_ok", "1 where nothing is degraded", ok)
        yield GaugeMetricFamily(
            "genba_plant_time_seconds", "The plant's clock since 1970", health["time"] / US
        )
        for part in ("loop", "models", "control", "historian", "disk", "audit", "production"):
            for name, value in health[part].items():
                if isinstance(value, int | float):
                    family = GaugeMetricFamily if name in GAUGES else CounterMetricFamily
                    yield family(f"genba_{part}_{name}", f"{part}: {name}", value)
        yield self._verdicts()
        yield from self._alarms()
        yield from self._connections()

    def _verdicts(self) -> Metric:
        verdicts = CounterMetricFamily(
            "genba_guard_verdicts", "Verdicts of the guard", labels=["decision"]
        )
        for decision, count in self._health["guard"].items():
            verdicts.add_metric([decision], count)
        return verdicts

    def _alarms(self) -> Iterator[Metric]:
        told = self._health["alarms"]
        standing = GaugeMetricFamily(
            "genba_alarms", "Alarms that are not normal", labels=["priority", "state"]
        )
        for priority, states in told["counts"].items():
            for state, count in states.items():
                standing.add_metric([priority, state], count)
        annunciated = CounterMetricFamily(
            "genba_alarms_annunciated", "Alarms that people had to look at", labels=["priority"]
        )
        for priority, count in told["annunciated"].items():
            annunciated.add_metric([priority], count)
        flood = GaugeMetricFamily(
            "genba_alarm_flood", "1 while there are too many alarms for a person", told["flood"]
        )
        yield from (standing, annunciated, flood)

    def _connections(self) -> Iterator[Metric]:
        links = self._health["connections"]
        label = ["connection"]
        up = GaugeMetricFamily("genba_connection_up", "1 where the link is up", labels=label)
        received = CounterMetricFamily(
            "genba_connection_received", "Samples received", labels=label
        )
        reconnects = CounterMetricFamily(
            "genba_connection_reconnects", "Times that a lost link came back", labels=label
        )
        skew = GaugeMetricFamily(
            "genba_connection_clock_skew_seconds", "Its clock less Genba's", labels=label
        )
        for name, link in links.items():
            if link["clock_skew_s"] is not None:
                skew.add_metric([name], link["clock_skew_s"])
            up.add_metric([name], float(link["link"] == "up"))
            received.add_metric([name], link["received"])
            reconnects.add_metric([name], link["reconnects"])
        yield from (up, received, reconnects, skew)


def expose(health: Mapping[str, Any]) -> bytes:
    """Write a health report, and what the process uses, in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_Health(health))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
