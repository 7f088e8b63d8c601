"""Elements of products and orders, from the operations that ended in a period."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from genba.assess.elements import Amount, Elements, total
from genba.assess.energy import by_tariff, electricity
from genba.assess.series import ROLES, Records, Series
from genba.assess.steps import steps_on
from genba.assess.times import time_elements
from genba.plant import US, Plant

Row = Mapping[str, Any]


def operation_rows(records: Records, start: int, end: int) -> list[dict[str, Any]]:
    """Rows of operations that ended in ``[start, end)``, times as microseconds.

    ``share`` is the part that a row has in its machine's time: lots that are treated together
    share it evenly.
    """
    table = records.rows("operations", start, end)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            numbers = table.column(index).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            table = table.set_column(index, field.name, numbers)
    rows: list[dict[str, Any]] = table.to_pylist()
    together = Counter(_job(row) for row in rows)
    return [{**row, "share": 1.0 / together[_job(row)]} for row in rows]


def _job(row: Row) -> tuple[str, int, int]:
    return row["equipment"], row["start"], row["end"]


def run_elements(plant: Plant, rows: Iterable[Row], series: Mapping[str, Series]) -> Elements:
    """Elements of operations that belong together (one product, one order).

    Good parts are those of the last step of the routing; scrap and rework add up over all steps;
    material is paid for what entered the first step; a machine's time costs its hourly rate while
    it was busy with the lot.
    """
    listed = list(rows)
    spans: dict[str, tuple[int, int]] = {}
    for row in listed:
        first, last = spans.get(row["order"], (row["start"], row["end"]))
        spans[row["order"]] = (min(first, row["start"]), max(last, row["end"]))
    executed = sum(last - first for first, last in spans.values()) / US
    summed = total(_one(plant, row, series) for row in listed)
    return replace(summed, execution_s=executed, working_s=executed)


def _one(plant: Plant, row: Row, series: Mapping[str, Series]) -> Elements:
    step = steps_on(plant, row["equipment"]).get(f"{row['product']}/{row['operation']}")
    unit = plant.equipment_by_id.get(row["equipment"])
    times = _times(plant, row, series)
    good, scrap = float(row["good"] or 0), float(row["scrap"] or 0)
    cycle_s = row["planned_cycle_s"]
    if step is None or cycle_s is None:
        planned: Amount = None
    else:
        planned = cycle_s if step.is_batch else cycle_s * (good + scrap)
    energy, price, carbon = row["energy_kwh"], *_mean_tariff(plant, row)
    busy_s = times.busy_s
    finished = None if step is None else good if step.is_last else 0.0
    material = None if step is None else step.product.material_cost if step.is_first else 0.0
    return replace(
        times,
        planned_run_s=planned,
        good=finished,
        output=finished,
        throughput=None if finished is None else finished + scrap,
        finished=finished,
        scrap=scrap,
        rework=float(row["rework"] or 0),
        energy_kwh=energy,
        energy_cost=None if energy is None or price is None else energy * price,
        carbon_kg=None if energy is None or carbon is None else energy * carbon,
        machine_cost=None if unit is None or busy_s is None else busy_s / 3600 * unit.hourly_cost,
        material_cost=None if material is None else float(row["quantity"]) * material,
        people_cost=0.0,
    )


def _times(plant: Plant, row: Row, series: Mapping[str, Series]) -> Elements:
    """Split the time of one operation by the states of its machine."""
    of = {
        role: series.get(plant.roles[row["equipment"], role].id)
        for role in ROLES
        if (row["equipment"], role) in plant.roles
    }
    found = time_elements(of, [(row["start"], row["end"])], None)
    if found.production_s is None or found.setup_s is None or found.delay_s is None:
        return Elements()
    share = row["share"]
    return Elements(
        production_s=found.production_s * share,
        setup_s=found.setup_s * share,
        delay_s=found.delay_s * share,
        unknown_s=(found.unknown_s or 0.0) * share,
    )


def _mean_tariff(plant: Plant, row: Row) -> tuple[Amount, Amount]:
    """Price and carbon (kg) of a kWh, averaged over an operation: its energy has one figure."""
    last = max(row["end"] - 1, row["start"])
    times = np.linspace(row["start"], last, 16).astype(np.int64)
    return by_tariff(electricity(plant), plant.timezone, times, np.full(16, 1 / 16))
