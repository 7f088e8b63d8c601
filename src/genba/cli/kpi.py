"""``genba kpi``: what a plant achieved."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from genba.cli.moments import TIMES, moment
from genba.cli.output import emit_json, fail, print_table, says_errors

if TYPE_CHECKING:
    from genba.assess import By, KpiReport

TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Effectiveness", ("availability", "effectiveness", "quality_ratio", "oee", "nee")),
    (
        "Flow and quality",
        (
            *("setup_ratio", "technical_efficiency", "throughput_rate"),
            *("first_pass_yield", "scrap_ratio"),
        ),
    ),
    ("Energy and cost", ("energy_per_part", "carbon_per_part", "cost_per_part")),
)
"""Three tables that fit a narrow terminal; a wide one gets them as one."""
HEADINGS = {
    "availability": "Availability",
    "effectiveness": "Effectiveness",
    "quality_ratio": "Quality",
    "oee": "OEE",
    "nee": "NEE",
    "setup_ratio": "Set-up",
    "technical_efficiency": "Technical",
    "throughput_rate": "Throughput",
    "first_pass_yield": "First pass",
    "scrap_ratio": "Scrap",
    "energy_per_part": "Energy/part",
    "carbon_per_part": "Carbon/part",
    "cost_per_part": "Cost/part",
}
WIDE = 170
GAP = "~"
"""Marks groups that rest on signals with a gap; a line below the tables says which."""
GROUPINGS = ("equipment", "product", "order", "shift")
_MACHINES = "no equipment has a signal with the role state; add 'role: state' in the plant file"
_RUNS = "no operation ended in this period; widen it with --from and --to"
NOTHING = {
    "equipment": _MACHINES,
    "shift": f"{_MACHINES}, and a calendar with shifts",
    "product": _RUNS,
    "order": _RUNS,
}
"""Why there may be no rows, and what to do."""


@says_errors
def kpi(
    plant: Annotated[Path, typer.Argument(help="The plant file.")] = Path("plant.yaml"),
    by: Annotated[str, typer.Option(help="equipment, product, order or shift.")] = "equipment",
    start: Annotated[str, typer.Option("--from", help=f"Begin, included. {TIMES}")] = "-8h",
    end: Annotated[str, typer.Option("--to", help=f"End, not included. {TIMES}")] = "now",
    state: Annotated[
        Path | None,
        typer.Option(help="State folder; default: 'state' beside the plant.", envvar="GENBA_STATE"),
    ] = None,
    alarms: Annotated[
        bool, typer.Option("--alarms", help="The load of alarms on people instead (EEMUA 191).")
    ] = False,
    operators: Annotated[
        int, typer.Option(min=1, max=100, help="Operator positions that share the alarms.")
    ] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print JSON with all elements.")] = False,
) -> None:
    """Show the KPIs of ISO 22400-2 for a period; what cannot be computed is undefined."""
    if by not in GROUPINGS:
        fail(f"'{by}' is no grouping; choose one of {', '.join(GROUPINGS)}")
    from genba.assess import alarm_rates, kpi_report
    from genba.cli.alarm_view import show_rates
    from genba.historian import Historian
    from genba.plant import SystemClock, load_plant

    loaded = load_plant(plant)
    folder = (state or plant.resolve().parent / "state") / "historian"
    with Historian.open(folder, SystemClock(), read_only=True) as historian:
        first, last = moment(historian, start), moment(historian, end)
        if first >= last:
            fail(f"--from {start} is not before --to {end}; swap them")
        if alarms:
            rates = alarm_rates(historian, first, last, operators=operators)
            told = rates.model_dump(mode="json", by_alias=True)
            (emit_json if json else show_rates)(told)
            return
        report = kpi_report(historian, loaded, first, last, by=cast("By", by))
    if json:
        emit_json(report.to_json())
    else:
        show_report(report)


def show_report(report: "KpiReport") -> None:
    """Print a report as tables, flags below them."""
    import shutil

    from genba.plant import format_time

    typer.echo(
        f"KPIs by {report.by}, {format_time(report.start)} to {format_time(report.end)} "
        "(ISO 22400-2; see docs/kpi.md)\n"
        "parts are good ones that left; throughput per hour, energy in kWh, carbon in kg, "
        f"cost in {report.currency}"
    )
    if not report.rows:
        typer.echo(f"Nothing to show: {NOTHING[report.by]}")
        return
    tables = TABLES
    if shutil.get_terminal_size().columns >= WIDE:
        tables = (("KPIs", tuple(kpi for _, shown in TABLES for kpi in shown)),)
    for title, shown in tables:
        with_parts = "cost_per_part" in shown
        rows = [
            [
                f"{row.key} {GAP}" if row.touched else row.key,
                *([row.elements.output] if with_parts else []),
                *(row.kpis[name] for name in shown),
            ]
            for row in report.rows
        ]
        columns = (
            report.by,
            *(["parts"] if with_parts else []),
            *(HEADINGS[name] for name in shown),
        )
        print_table(title, columns, rows)
    said: dict[str, list[str]] = {}
    for row in report.rows:
        for flag in row.flags:
            said.setdefault(flag, []).append(row.key)
    for flag, keys in said.items():
        typer.echo(f"  {', '.join(keys)}: {flag}")
    if any(row.touched for row in report.rows):
        typer.echo(f"  {GAP} marks what rests on signals that were not received all the time")
