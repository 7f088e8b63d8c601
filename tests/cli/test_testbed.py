"""``genba testbed shift`` tells what left the plant, as the ledger has it."""

import json

from tests.cli.command import genba


def test_a_shift_shows_actuators_and_orders_that_were_delivered() -> None:
    options = ("testbed", "shift", "--hours", "4", "--seeds", "2")
    (ledger,) = json.loads(genba(*options, "--json").stdout)
    shown = genba(*options).stdout
    orders = ledger["orders"].values()
    delivered = sum(order["delivered"] for order in orders)
    complete = sum(order["delivered_at"] is not None for order in orders)
    assert delivered > 100
    rows = [line.replace("│", " ").split() for line in shown.splitlines()]
    words = next(row for row in rows if row and row[0] == "2")
    scrap = sum(machine["scrap"] for machine in ledger["machines"].values())
    assert words[:4] == ["2", str(delivered), str(scrap), str(complete)]


def test_help_says_what_the_columns_of_a_shift_are() -> None:
    told = " ".join(genba("testbed", "shift", "--help").stdout.split())
    assert "actuators that came to the dock" in told
