"""The conventional controller against Genba: what is counted, how it is said, and a short run."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from genba.cli.comparison.account import account
from genba.cli.main import app
from genba.cli.testbed_compare import against, mean
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
