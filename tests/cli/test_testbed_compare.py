"""The conventional controller against Genba: what is counted, how it is said, and a short run."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from genba.cli.comparison.account import account
from genba.cli.comparison.arms import Lived
from genba.cli.comparison.limits import Hours, groups, hours
from genba.cli.comparison.living import Ledgers
from genba.cli.main import app
from genba.cli.testbed_compare import against, mean, show_limits
from genba.plant import US
from genba.testbed import load_testbed

HOUR = 3600 * US


def ledger(**changed: Any) -> dict[str, Any]:
    books = {"truly_bad": 0, "spares_cost": 0.0}
    told: dict[str, Any] = {
        "start": 0,
        "end": 4 * HOUR,
        "machines": {
            "press-1": books | {"truly_bad": 3},
            "mill-1": books | {"truly_bad": 1, "spares_cost": 80.0},
            "eol": books | {"truly_bad": 50},
        },
        "operations": [{"product": "JA14-P", "scrap": 2}],
        "orders": {"O-1": {"product": "JA14-P", "delivered": 21, "escaped": 1}},
        "energy": {"kwh": 30.0, "cost": 5.0},
        "safety": {"total": 0},
    }
    return told | changed


def test_an_account_counts_good_parts_and_what_they_cost() -> None:
    plant, physics = load_testbed()
    found = account(plant, physics, ledger())
    assert found.output == 40.0, "20 good parts in half a shift"
    assert found.defects == 200.0, "the tester's own count is not added again"
    assert found.energy == 1.5
    assert found.tools == 4.0
    hourly = sum(plant.equipment_by_id[m].hourly_cost for m in ("press-1", "mill-1", "eol"))
    material = 23 * plant.products_by_id["JA14-P"].material_cost
    assert found.cost == pytest.approx((4 * hourly + 5 + 80 + material) / 20)
    within = 20 * plant.products_by_id["JA14-P"].material_cost
    assert found.making == pytest.approx((4 * hourly + 5 + 80 + material - within) / 20)
    planned = [
        o.alternatives[0].cycle_s / (o.batch_parts or 1)
        for o in plant.products_by_id["JA14-P"].routing
    ]
    assert found.work == pytest.approx(40 * sum(planned) / 3600)


def test_what_bounds_output_is_the_group_of_machines_that_ran_most() -> None:
    plant, _ = load_testbed()
    idle = {"off": 100, "idle": 80, "run": 20}
    busy = {
        "off": 100,
        "idle": 10,
        "setup": 10,
        "run": 50,
        "paused": 5,
        "down": 15,
        "maintenance": 10,
    }
    machines = {name: {"seconds": idle} for name in plant.equipment_by_id}
    told = {"machines": machines | {"cell-1": {"seconds": busy}, "cell-2": {"seconds": busy}}}
    first, *others = hours(plant, [told, told])
    assert first == Hours("cell-1, cell-2", 0.5, 0.1, 0.3, 0.1)
    assert first.room == 1.0, "twice as much, had they run throughout"
    assert ("mill-1", "mill-2", "mill-3") in groups(plant)
    assert [row.run for row in others] == [0.2] * len(others)
    assert Hours("press", 0.0, 0.0, 0.0, 1.0).room is None


def test_where_time_went_is_printed_arm_by_arm(capsys: pytest.CaptureFixture[str]) -> None:
    plant, physics = load_testbed()
    spent = {"seconds": {"idle": 10, "setup": 10, "run": 80}}
    told = ledger() | {"machines": dict.fromkeys(plant.equipment_by_id, spent)}
    worth = account(plant, physics, ledger())
    runs = [Lived(arm, 1, worth, Ledgers(told, told)) for arm in ("conventional", "planning")]
    show_limits(plant, runs)
    printed = " ".join(capsys.readouterr().out.split())
    assert "80 / 10 / 0 / 10 │ 80 / 10 / 0 / 10 │ +25%" in printed
    assert "no more than its busiest machines leave" in printed


def test_nothing_delivered_is_undefined_and_not_free() -> None:
    found = account(*load_testbed(), ledger(orders={}))
    assert (found.output, found.cost, found.defects) == (0.0, None, None)
    assert mean([found.cost, 3.0]) == "undefined"
    assert against([2.0, 3.0], [found.cost, 3.0]) == "undefined"


def test_differences_are_paired_by_seed() -> None:
    assert against([10.0], [12.0]) == "12 (+20.0%)"
    # Differences of 1 and 3: mean 2, and 12.706 * sqrt(2) / sqrt(2) either way.
    assert against([10.0, 30.0], [11.0, 33.0]) == "22 (+10.0% ± 63.5%)"
    assert against([0.0, 0.0], [0.0, 1.0]) == "0.5"


def test_a_short_run_of_both_is_told_seed_by_seed() -> None:
    told = CliRunner().invoke(
        app,
        ["testbed", "compare", "--seeds", "3", "--hours", "0.5", "--arm", "planning", "--json"],
    )
    assert told.exit_code == 0, told.output
    runs = json.loads(told.output)
    assert [(run["arm"], run["seed"]) for run in runs] == [("conventional", 3), ("planning", 3)]
    assert all(run["unsafe"] == 0 for run in runs)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--arm", "wishes", "is none of planning, control, both"),
        ("--seeds", "one", "is no list of seeds"),
        ("--process", "furnace-heat", "is no process by run"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    option: str, value: str, says: str
) -> None:
    told = CliRunner().invoke(app, ["testbed", "compare", option, value])
    assert told.exit_code != 0
    assert says in " ".join(told.output.split())
