"""Tables read well: aligned numbers, undefined said, nothing drawn where there is nothing."""

import json
import math

import pytest

from genba.cli.output import emit_json, print_table


def test_numbers_of_a_column_have_the_same_decimals(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("KPIs", ("machine", "OEE"), [("mill", 0.47), ("saw", 0.734), ("cell", None)])
    cells = [line.split("│")[2] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [cell.strip() for cell in cells] == ["0.470", "0.734", "undefined"]
    assert len({len(cell.rstrip()) for cell in cells}) == 1


def test_text_of_a_device_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Samples", ("signal", "text"), [("saw.program", "[bold]cut[/bold]")])
    assert "[bold]cut[/bold]" in capsys.readouterr().out


def test_a_table_without_rows_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Certificates", ("status", "subject"), [])
    assert capsys.readouterr().out == "Certificates: none\n"


def test_what_is_no_number_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"error": (math.nan, 0.5), "of": [{"held": math.inf, "steps": 1, "on": True}]})
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told == {"error": [None, 0.5], "of": [{"held": None, "steps": 1, "on": True}]}
