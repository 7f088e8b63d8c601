"""Processes speak of equipment and signals that are there, and of signals that hold numbers."""

from genba.plant.checks.report import Report
from genba.plant.checks.signals import NUMBERS
from genba.plant.model import Plant
from genba.plant.process import Process
from genba.plant.signal import Role, SignalKind
from genba.plant.worktime import calendar_of


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
        families = {family.id for family in plant.setup_families}
        for product in process.tolerances:
            if product not in plant.products_by_id and product not in families:
                at = (*path, "tolerances", product)
                report.unknown(at, "product", product, [*plant.products_by_id, *families])
        paid_by_hour = process.objective is not None and process.objective.kwh
        if paid_by_hour and not any(t.carrier == "electricity" for t in plant.tariffs):
            report.error(
                (*path, "objective", "kwh"),
                "kilowatt hours are paid by a tariff of electricity, and the plant has none",
                "add one under 'tariffs', or give a fixed price under 'prices'",
            )
        _check_standby(plant, report, path, process)
        _check_wiring(plant, report, path, process)
        if process.control and process.objective is None:
            report.error(
                (*path, "control"),
                f"nothing says what the set-points of '{process.id}' are for",
                "give it an objective, or take 'control' out",
            )


def _check_standby(
    plant: Plant, report: Report, path: tuple[str | int, ...], process: Process
) -> None:
    """Where set-points go out of hours is wired, and there are such hours."""
    if not process.standby:
        return
    equipment = plant.equipment_by_id.get(process.equipment)
    if equipment is not None and calendar_of(plant, equipment) is None:
        report.error(
            (*path, "standby"),
            f"'{process.equipment}' has no calendar, so it never goes to standby",
            "give it one, or take 'standby' out",
        )
    for name in process.standby:
        if name not in process.signals:
            report.unknown((*path, "standby", name), "wired input", name, process.signals)


def _check_wiring(
    plant: Plant, report: Report, path: tuple[str | int, ...], process: Process
) -> None:
    """Doubt signals that stand for two things, come too seldom, or have no bounds."""
    first: dict[str, str] = {}
    for name, wired in process.signals.items():
        at = (*path, "signals", name)
        if wired in first:
            report.error(
                at,
                f"'{wired}' is wired as '{first[wired]}' and as '{name}'",
                "one of them is another signal; name it",
            )
        first.setdefault(wired, name)
        known = plant.signals.get(wired)
        if known is None:
            continue
        if known.kind is SignalKind.MEASUREMENT and known.sample_s > process.step_s:
            report.warning(
                at,
                f"'{wired}' comes every {known.sample_s:g} s, and a step takes {process.step_s:g}",
                "take longer steps, or sample it more often",
            )
        if (
            process.experiments
            and known.kind is SignalKind.SETPOINT
            and name not in process.inputs
            and (known.range is None or known.range.low is None or known.range.high is None)
        ):
            report.error(
                at,
                f"experiments may move '{wired}', which has no range",
                "give the signal a range, or 'inputs' of the process bounds for it",
            )
    wanted = process.objective
    for what, names in (
        () if wanted is None else (("targets", wanted.targets), ("keeps", wanted.keeps))
    ):
        for name in names:
            if name not in process.signals:
                report.warning(
                    (*path, "objective", what, name),
                    f"no signal shows '{name}', so nobody can tell whether it is kept",
                    "wire a signal to it, or leave it out",
                )
