"""Checks what must hold between the parts of a plant."""

from genba.plant.checks.alarms import check_alarms
from genba.plant.checks.identities import check_identities
from genba.plant.checks.interlocks import check_interlocks
from genba.plant.checks.logistics import check_logistics
from genba.plant.checks.processes import check_processes
from genba.plant.checks.production import check_production
from genba.plant.checks.report import Report
from genba.plant.checks.retention import check_retention
from genba.plant.checks.signals import check_signals
from genba.plant.checks.uplinks import check_uplinks
from genba.plant.model import Plant
from genba.plant.problem import Problem


def check_plant(plant: Plant) -> list[Problem]:
    """Return everything that is wrong with a plant whose values are valid each by itself.

    Errors keep it from running: ids that stand twice or for nothing, unknown units, limits outside
    ranges, roles that do not fit, incomplete interfaces, stations out of reach, overlapping
    shifts, interlocks that make no sense or contradict each other, alarms that
    can never come. Warnings deserve a look.
    """
    report = Report(plant)
    check_identities(plant, report)
    check_signals(plant, report)
    check_production(plant, report)
    check_logistics(plant, report)
    check_interlocks(plant, report)
    check_alarms(plant, report)
    check_retention(plant, report)
    check_uplinks(plant, report)
    check_processes(plant, report)
    return report.problems
