"""Uplinks show signals that are there, each as a node of its own."""

from fnmatch import fnmatchcase

from genba.plant.checks.report import Report, near
from genba.plant.model import Plant


def check_uplinks(plant: Plant, report: Report) -> None:
    """Check that patterns find signals, and that no two uplinks are the same node to a broker."""
    nodes: dict[tuple[str, str, str], str] = {}
    for index, uplink in enumerate(plant.uplinks):
        path = ("uplinks", index)
        for place, pattern in enumerate(uplink.signals):
            if not any(fnmatchcase(signal, pattern) for signal in plant.signals):
                where = (*path, "signals", place)
                report.error(
                    where, f"no signal fits '{pattern}'", near(pattern, plant.signals, "signal")
                )
        node = (uplink.url, uplink.group, uplink.node)
        if node in nodes:
            report.error(
                (*path, "node"),
                f"uplink '{nodes[node]}' is node '{uplink.node}' of group '{uplink.group}' there",
                "give this one another node",
            )
        nodes.setdefault(node, uplink.id)
        if not uplink.url.startswith(("mqtt://", "mqtts://")):
            report.error(
                (*path, "url"),
                f"'{uplink.url}' is no MQTT broker",
                "write it like mqtts://hub.example:8883",
            )
