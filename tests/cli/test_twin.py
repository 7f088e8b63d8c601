"""``genba twin whatif`` answers on a plant file alone, and says what it does not know."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import genba.testbed
from genba.cli.main import app

PLANT = Path(genba.testbed.__file__).parent / "reference" / "plant.yaml"
CLI = CliRunner()


def test_the_difference_is_told_with_its_interval_and_unknown_energy_is_undefined() -> None:
    arguments = ["twin", "whatif", str(PLANT), "mill-2 down until thu 06:00", "-n", "3", "--json"]
    done = CLI.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    output = told["measures"]["output"]
    assert output["changed_p50"] < output["base_p50"]
    assert output["low"] <= output["difference"] <= output["high"] < 0
    assert told["measures"]["energy_kwh"] is None


def test_people_get_a_table() -> None:
    done = CLI.invoke(app, ["twin", "whatif", str(PLANT), "add vehicle amr", "-n", "2"])
    assert done.exit_code == 0, done.output
    assert "one more vehicle like amr" in done.stdout
    assert "undefined" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mil-2 down until thu 06:00"], "there is no machine 'mil-2'"),
        (["turn it off and on"], "is not understood"),
        (["halve lots", "--horizon", "long"], "no length"),
        (["halve lots", "--at", "soon"], "not a time"),
    ],
)
def test_what_makes_no_sense_gets_one_line(arguments: list[str], said: str) -> None:
    done = CLI.invoke(app, ["twin", "whatif", str(PLANT), *arguments])
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
