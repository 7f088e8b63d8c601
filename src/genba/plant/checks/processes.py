"""Processes speak of equipment and signals that are there, and of signals that hold numbers."""

from genba.plant.checks.report import Report
from genba.plant.checks.signals import NUMBERS
from genba.plant.model import Plant
from genba.plant.signal import Role


def check_processes(plant: Plant, report: Report) -> None:
    """Check equipment and signals; the physics' own names are checked where they are loaded."""
    for index, process in enumerate(plant.processes):
        path = ("processes", index)
        if process.equipment not in plant.equipment_by_id:
            where = (*path, "equipment")
            report.unknown(where, "equipment", process.equipment, plant.equipment_by_id)
        for name, wired in process.signals.items():
            signal, _, field = wired.partition("#")
            known = plant.signals.get(signal)
            if known is None:
                report.unknown((*path, "signals", name), "signal", signal, plant.signals)
            elif field:
                if known.role is not Role.PART:
                    report.error(
                        (*path, "signals", name),
                        f"'{signal}' tells of no parts, so '#{field}' is nothing in it",
                        "name a signal with the role 'part' before '#'",
                    )
            elif known.type not in NUMBERS:
                report.error(
                    (*path, "signals", name), f"'{signal}' holds no numbers", "name one that does"
                )
        for product in process.tolerances:
            if product not in plant.products_by_id:
                at = (*path, "tolerances", product)
                report.unknown(at, "product", product, plant.products_by_id)
        if process.control and process.objective is None:
            report.error(
                (*path, "control"),
                f"nothing says what the set-points of '{process.id}' are for",
                "give it an objective, or take 'control' out",
            )
