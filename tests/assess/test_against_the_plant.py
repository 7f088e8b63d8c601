"""What the KPIs count from signals is what the simulated plant knows to have happened."""

from pathlib import Path
from typing import Any

import pytest
from tests.assess.records import Records

import genba.testbed
from genba.assess import kpi_report
from genba.plant import US, Plant, parse_time
from genba.testbed import load_testbed
from genba.testbed.simulation import PlantSimulation

REFERENCE = Path(genba.testbed.__file__).parent / "reference"
START = parse_time("2026-01-05T06:00:00Z")
END = START + 215 * 60 * US


@pytest.fixture(scope="module")
def lived() -> tuple[Plant, Records, dict[str, Any]]:
    plant, physics = load_testbed(REFERENCE / "plant.yaml", REFERENCE / "physics.yaml")
    simulation = PlantSimulation(plant, physics, 1, START, True)
    simulation.advance(END)  # the first lots are packed, and no machine is between batch and book
    names = (".state", ".mode", ".lots", "_count", ".energy", ".job_operation")
    samples = [s for s in simulation.drain() if s[0].endswith(names)]
    return plant, Records(samples), simulation.ledger()


def test_counts_energy_and_times_agree_with_the_ledger(
    lived: tuple[Plant, Records, dict[str, Any]],
) -> None:
    plant, records, ledger = lived
    rows = {row.key: row.elements for row in kpi_report(records, plant, START, END + 1).rows}
    assert set(rows) == {*ledger["machines"], "all"}
    for name, true in ledger["machines"].items():
        e, spent = rows[name], true["seconds"]
        assert (e.good, e.scrap, e.rework) == (true["good"], true["scrap"], true["rework"]), name
        assert e.energy_kwh == pytest.approx(true["energy_kwh"], abs=0.05), name
        assert e.setup_s == pytest.approx(spent["setup"], abs=5), name
        assert e.delay_s == pytest.approx(spent["paused"] + spent["down"], abs=5), name
        assert e.production_s == pytest.approx(spent["run"], rel=0.1, abs=60), name
        times = (e.production_s, e.setup_s, e.delay_s, e.down_s, e.maintenance_s, e.unknown_s)
        assert sum(times) == pytest.approx(e.planned_busy_s, abs=5), name  # type: ignore[arg-type]


def test_planned_times_are_known_from_the_lots_where_no_job_is_told(
    lived: tuple[Plant, Records, dict[str, Any]],
) -> None:
    plant, records, ledger = lived
    rows = {row.key: row for row in kpi_report(records, plant, START, END + 1).rows}
    furnace, true = rows["furnace"].elements, ledger["machines"]["furnace"]
    assert furnace.planned_run_s == true["planned_run_s"] > 0
    finished = rows["pack"].elements.finished
    assert finished == ledger["machines"]["pack"]["good"] > 0
