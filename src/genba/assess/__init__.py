"""What the plant achieved: KPIs after ISO 22400-2, computed from the historian."""

from genba.assess.alarm_rates import AlarmRates, alarm_rates
from genba.assess.definitions import KPIS, Kpi
from genba.assess.elements import Elements
from genba.assess.kpi import By, KpiReport, KpiRow, kpi_report

__all__ = [
    "KPIS",
    "AlarmRates",
    "By",
    "Elements",
    "Kpi",
    "KpiReport",
    "KpiRow",
    "alarm_rates",
    "kpi_report",
]
