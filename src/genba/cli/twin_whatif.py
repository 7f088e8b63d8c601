"""``genba twin whatif``: many futures of a plant with and without a change, side by side."""

import json as json_module
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.moments import length_us, moment
from genba.cli.output import emit_json, fail, print_table, says_errors
from genba.cli.twin_calibrate import CALIBRATION, Json, PlantFile, Seed
from genba.errors import PlanError

if TYPE_CHECKING:
    from genba.plant import Plant
    from genba.twin import Comparison, Line, Schedule, State

LABELS = {
    "output": "Good parts",
    "lots": "Lots done",
    "tardiness_h": "Weighted hours late",
    "energy_kwh": "Energy, kWh",
    "cost": "Cost",
}
_BACK_US = 2 * 86_400_000_000
"""How far back a recording is read for what is on the line now."""


@dataclass(frozen=True)
class _Start:
    """What the futures start from, and where that comes from."""

    line: "Line"
    state: "State"
    basis: str


@says_errors
def whatif(
    plant: PlantFile,
    changes: Annotated[
        list[str],
        typer.Argument(
            help="Changes, all together: 'mill-2 down until thu 06:00', 'add vehicle amr', "
            "'halve lots', 'extra hours sat 06:00 to 14:00' ..."
        ),
    ],
    state: Annotated[
        Path | None,
        typer.Option(
            help="State folder of a recorded plant: its calibration, and what is on the line. "
            "Without one: the orders of the plant file on an empty line.",
            envvar="GENBA_STATE",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Start: ISO 8601 with a zone, or 'now'. Default: the newest.")
    ] = None,
    horizon: Annotated[str, typer.Option(help="How far to look: 8h, 2d ...")] = "24h",
    plan: Annotated[
        Path | None, typer.Option(help="Plan (JSON of `genba plan`) that is followed in both.")
    ] = None,
    futures: Annotated[int, typer.Option("--futures", "-n", min=2, help="How many.")] = 200,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Tell what would come of changes: P50, P90, and the difference with its 95 % interval."""
    from genba.plant import US, load_plant
    from genba.twin import parse_change, what_if

    loaded = load_plant(plant)
    start = _recorded(loaded, state, at) if state is not None else _ordered(loaded, at)
    wanted = [parse_change(text, start.line, start.state) for text in changes]
    schedule = () if plan is None else _planned(plan, start)
    found = what_if(
        start.line,
        start.state,
        wanted,
        length_us(horizon, "--horizon") / US,
        futures,
        seed,
        schedule,
    )
    if json:
        emit_json(_as_plain(found, start))
    else:
        _show(found, start)


def _recorded(plant: "Plant", folder: Path, at: str | None) -> _Start:
    """Start from what was recorded, with the calibration where there is one."""
    from genba.historian import Historian
    from genba.plant import SystemClock, format_time
    from genba.twin import build_line, state_of_orders
    from genba.twin.calibration_file import load
    from genba.twin.record import read_recording
    from genba.twin.record_state import state_at

    line, basis = build_line(plant), "planned times; `genba twin calibrate` makes them real ones"
    if (folder / CALIBRATION).exists():
        found = load(folder / CALIBRATION, line)
        line, basis = found.line, f"times as recorded until {format_time(found.end)}"
    with Historian.open(folder / "historian", SystemClock(), read_only=True) as historian:
        when = moment(historian, at or "now")
        recording = read_recording(historian, plant, when - _BACK_US, when)
    state = state_at(recording, line, when, when)
    later = [order for order in plant.orders if order.release > when]
    state = replace(state, lots=(*state.lots, *state_of_orders(line, later, when).lots))
    return _Start(line, state, f"the line as recorded at {format_time(when)}, {basis}")


def _ordered(plant: "Plant", at: str | None) -> _Start:
    """Start with an empty line and the orders of the plant file."""
    from genba.plant import format_time, parse_time
    from genba.twin import build_line, state_of_orders

    if not plant.orders:
        fail(f"plant {plant.id} has no orders; add some, or give the --state of a recorded plant")
    line = build_line(plant)
    when = min(o.release for o in plant.orders) if at is None else parse_time(at)
    state = state_of_orders(line, plant.orders, when)
    told = f"an empty line and the plant file's orders at {format_time(when)}, planned times"
    return _Start(line, state, told)


def _planned(path: Path, start: _Start) -> "Schedule":
    """Read a plan as the twin takes it; what is done already, or no more there, is left out."""
    from genba.plan.report.export import plan_of_json
    from genba.plant import US, parse_time
    from genba.twin import PlannedJob

    text = path.read_text(encoding="utf-8")
    found, document = plan_of_json(text), json_module.loads(text)
    try:
        zero, tick_us = parse_time(document["zero"]), float(document["tick_s"]) * US
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"{path} does not say when it begins ({error}); make it anew") from None
    names = {
        product.id: [step.operation for step in product.steps] for product in start.line.products
    }
    jobs = []
    for assignment in found.assignments:
        lot, _, operation = assignment.operation.rpartition("/")
        there = start.state.lots_by_id.get(lot)
        if there is None or operation not in names[there.product]:
            continue
        step = names[there.product].index(operation)
        begin = zero + round(assignment.setup_start * tick_us)
        jobs.append(PlannedJob(lot, step, assignment.machine, begin))
    if not jobs:
        raise PlanError(f"{path} plans nothing that is on the line; make it anew for this state")
    return tuple(jobs)


def _show(found: "Comparison", start: _Start) -> None:
    base = found.base
    typer.echo(
        f"What if {' and '.join(found.changes)}? {len(base.seeds)} simulated futures of "
        f"{base.horizon_s / 3600:g} h from {start.basis}. Seeds {base.seeds[0]} to "
        f"{base.seeds[-1]}, the same in both."
    )
    rows: list[tuple[object, ...]] = [
        (
            LABELS[name] + (f", {start.line.currency}" if name == "cost" else ""),
            *(
                round(value, 1)
                for value in (
                    told.base_p50,
                    told.base_p90,
                    told.changed_p50,
                    told.changed_p90,
                )
            ),
            f"{told.difference:+,.1f}",
            f"{told.low:+,.1f} to {told.high:+,.1f}",
        )
        for name, told in found.measures.items()
        if name != "energy_kwh" or _knows_power(start.line)
    ]
    if not _knows_power(start.line):
        rows.append((LABELS["energy_kwh"], *(None,) * 6))
    columns = ("", "P50", "P90", "P50 then", "P90 then", "Difference", "95 % interval")
    print_table("Without and with the change", columns, rows)
    unclear = [
        LABELS[name]
        for name, told in found.measures.items()
        if not told.is_clear and (name != "energy_kwh" or _knows_power(start.line))
    ]
    if unclear:
        typer.echo(f"No clear difference: {'; '.join(unclear)}.")
    if not _knows_power(start.line):
        typer.echo("Energy, and what it costs, is not known before `genba twin calibrate`.")


def _knows_power(line: "Line") -> bool:
    """Whether anything is known of what machines draw; a plant file does not say it."""
    return any(machine.power.run > 0 for machine in line.machines)


def _as_plain(found: "Comparison", start: _Start) -> dict[str, Any]:
    return {
        "changes": found.changes,
        "basis": start.basis,
        "horizon_s": found.base.horizon_s,
        "futures": len(found.base.seeds),
        "seed": found.base.seeds[0],
        "currency": start.line.currency,
        "measures": {
            name: asdict(told) if name != "energy_kwh" or _knows_power(start.line) else None
            for name, told in found.measures.items()
        },
    }
