"""``genba plan``: from a list, a plant file or a running plant to a plan, its files and reasons."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import genba, one_line

from genba.plan.report.export import plan_of_json

NOWHERE = "http://127.0.0.1:9"
BEGIN = "2026-01-05T06:00:00Z"
PLANT = """\
genba: 1
id: works
name: Works
timezone: Europe/Lisbon
equipment:
  - {id: store, kind: storage}
  - {id: saw, calendar: day}
  - {id: oven, calendar: day}
calendars:
  - id: day
    timezone: Europe/Lisbon
    shifts: [{id: day, days: [mon, tue, wed, thu, fri], start: "06:00", end: "14:00"}]
products:
  - id: A
    lot_size: 20
    routing:
      - {id: cut, alternatives: [{equipment: saw, cycle_s: 120.0}]}
      - {id: bake, batch_parts: 40, alternatives: [{equipment: oven, cycle_s: 3600.0}]}
orders:
  - {id: O-1, product: A, quantity: 40, release: 2026-01-05T06:00:00Z, due: "2026-01-05T14:00:00Z"}
"""
HEADER = "id,product,quantity,due,customer\n"


@pytest.fixture
def works(tmp_path: Path) -> Path:
    """A folder with a plant of a saw and an oven."""
    (tmp_path / "plant.yaml").write_text(PLANT, encoding="utf-8")
    return tmp_path


def plan(works: Path, *arguments: str | Path, **environment: str) -> Any:
    """Plan from Monday at six, briefly, into the folder ``out``."""
    return genba(
        *("plan", *arguments, "--plant", works / "plant.yaml", "--out", works / "out"),
        *("--time", "0.2"),
        **{"XDG_CONFIG_HOME": str(works), "GENBA_TOKEN": "", **environment},
    )


def listed(works: Path, rows: str) -> Path:
    path = works / "orders.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_a_list_becomes_a_plan_with_its_files(works: Path) -> None:
    told = plan(works, listed(works, "O-7,A,20,2026-01-05T14:00,Ekman\n"), "--now", BEGIN)
    assert told.exit_code == 0
    assert told.stdout.startswith("Plan of Works\n  1 orders, 1 lots, 2 operations on 2 machines")
    assert "0 of 1 orders late; weighted tardiness 0 s" in told.stdout
    assert "certified gap: 0%, no plan has a smaller weighted tardiness; found by" in told.stdout
    names = ("plan.html", "plan.png", "plan.csv", "plan.json", "late.txt")
    assert sorted(path.name for path in (works / "out").iterdir()) == sorted(names)
    made = plan_of_json((works / "out" / "plan.json").read_text("utf-8"))
    assert [a.operation for a in made.assignments] == ["O-7-01/cut", "O-7-01/bake"]
    assert (made.assignments[0].start, made.assignments[1].end) == (0, 2400 + 3600)
    assert (works / "out" / "late.txt").read_text("utf-8") == "no order is late\n"


def test_what_is_late_is_told_with_the_reason_and_what_helps(works: Path) -> None:
    rows = "O-7,A,40,2026-01-06T14:00,\nO-8,A,40,2026-01-05T07:00,Ekman\n"
    told = plan(works, listed(works, rows), "--now", BEGIN)
    assert "1 of 2 orders late" in told.stdout
    assert "O-8" in told.stdout
    assert "Ekman" in told.stdout
    late = (works / "out" / "late.txt").read_text("utf-8")
    assert late.startswith("O-8 its work and trips alone take 1 h 40 min, so it cannot be in time")
    assert "O-8-02/bake on oven is done after" in late


def test_wrong_rows_are_left_out_and_told(works: Path) -> None:
    rows = "O-7,B,20,2026-01-06,\nO-8,A,20,2026-01-06,\nO-9,A,20,2025-01-06,\n"
    told = plan(works, listed(works, rows), "--now", BEGIN)
    assert told.exit_code == 0
    assert "Left out (1)" in told.stdout
    assert "  orders.csv, line 2, column product: the plant makes no 'B'" in told.stdout
    assert "Note: orders.csv, line 4: order O-9 is due " in told.stdout


def test_json_is_for_scripts(works: Path) -> None:
    rows = "O-7,B,20,2026-01-06,\nO-8,A,40,2026-01-05T07:00,\n"
    told = plan(works, listed(works, rows), "--now", BEGIN, "--json")
    found = json.loads(told.stdout)
    assert (found["plant"], found["from"], found["ordered"]) == ("works", BEGIN, True)
    assert [goal["goal"] for goal in found["objective"]] == ["tardiness", "setups", "makespan"]
    assert [item["id"] for item in found["left_out"]] == ["O-7"]
    (late,) = found["late_orders"]
    assert late["order"] == "O-8"
    assert late["due"] == "2026-01-05T07:00:00Z"
    assert late["late_s"] > 0
    assert late["chain"]
    assert len(found["files"]) == 5


def test_the_goals_are_as_asked(works: Path) -> None:
    rows = listed(works, "O-8,A,40,2026-01-06,\n")
    given = ("--now", BEGIN, "--json")
    found = json.loads(plan(works, rows, *given, "--objective", "makespan").stdout)
    assert (found["objective"], found["ordered"]) == ([{"goal": "makespan", "weight": 1.0}], False)
    told = plan(works, rows, *given, "--objective", "tardiness=2,setups=0.5")
    assert json.loads(told.stdout)["objective"][1] == {"goal": "setups", "weight": 0.5}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--objective", "speed"), "'speed' is no goal; choose from makespan, tardiness"),
        (("--objective", "setups=a"), "'setups=a' holds no number; write it like NAME=1.5"),
        (("--objective", "setups=1,makespan"), "goal 'makespan' has no weight where others have"),
        (("--objective", "setups,setups"), "a goal stands twice in the objective"),
        (("--objective", "setups=-1"), "a goal's weight must be positive"),
        (("--power", "oven"), "'oven' holds no number"),
        (("--now", "today"), "'today' is not a time; write it like"),
    ],
)
def test_options_without_sense_are_refused_in_one_line(
    works: Path, arguments: tuple[str, ...], said: str
) -> None:
    rows = listed(works, "O-8,A,40,2026-01-06,\n")
    assert said in one_line(plan(works, rows, "--now", BEGIN, *arguments))


def test_files_that_are_not_there_are_told(works: Path) -> None:
    assert "none.csv cannot be read: No such file" in one_line(plan(works, works / "none.csv"))
    (works / "plant.yaml").unlink()
    assert "plant.yaml" in one_line(plan(works, "--now", BEGIN))


def test_an_output_folder_that_cannot_be_made_is_told(works: Path) -> None:
    (works / "out").write_text("a file", encoding="utf-8")
    told = plan(works, "--now", BEGIN)
    assert one_line(told) == (
        f"genba: {works / 'out'} cannot be used: File exists; check the path and its rights"
    )


def test_nothing_to_plan_is_an_error_with_the_reasons(works: Path) -> None:
    told = plan(works, listed(works, "O-7,B,20,2026-01-06,\n"), "--now", BEGIN)
    assert told.exit_code == 1
    first, second = told.stderr.splitlines()
    assert first == "genba: there is nothing to plan"
    assert "the plant makes no 'B'" in second
    assert not (works / "out").exists()


def test_a_machine_without_working_time_is_told_with_the_orders_that_need_it(works: Path) -> None:
    closed = PLANT.replace("days: [mon, tue, wed, thu, fri]", "days: []")
    (works / "plant.yaml").write_text(closed, encoding="utf-8")
    told = plan(works, "--now", BEGIN)
    assert told.exit_code == 1
    assert "order O-1: no machine can do 'cut' of A: the calendar 'day' of saw" in told.stderr


def test_orders_of_the_past_are_planned_and_remarked_upon(works: Path) -> None:
    told = plan(works, "--now", "2026-02-02T06:00:00Z", "--json")
    found = json.loads(told.stdout)
    assert found["left_out"] == []
    assert found["remarks"][1] == (
        "due in the past, planned all the same, and late: O-1; to plan from another moment, "
        "give --now"
    )


# -- where the orders come from ---------------------------------------------------------------


def test_without_a_list_and_without_a_running_plant_the_plant_file_gives_the_orders(
    works: Path,
) -> None:
    told = plan(works, "--now", BEGIN, "--json")
    found = json.loads(told.stdout)
    assert found["remarks"] == [
        "--now is given: the orders of the plant file are planned, on an empty floor"
    ]
    made = plan_of_json((works / "out" / "plan.json").read_text("utf-8"))
    assert {a.operation for a in made.assignments} >= {"O-1-01/cut", "O-1-02/bake"}


def test_an_api_that_was_named_and_does_not_answer_is_an_error(works: Path) -> None:
    assert one_line(plan(works, "--url", NOWHERE)) == (
        f"genba: no Genba answers at {NOWHERE}; start one with `genba run`, log in with "
        "`genba login`, or give --url"
    )


def order_now(name: str, **more: object) -> dict[str, object]:
    return {
        "id": name, "product": "A", "quantity": 20, "release": BEGIN,
        "due": "2026-01-05T14:00:00Z", "weight": 3.0, "customer": "Ekman",
        "lots": 0, "lots_done": 0, "parts_delivered": 0, **more,
    }  # fmt: skip


def machine_now(name: str, **more: object) -> dict[str, object]:
    return {
        "id": name, "state": 4, "mode": 1, "able": True, "ready": True, "places": None,
        "station": [], "work": [], "family": None, "free_at": BEGIN, "down_since": None,
        "evidence": [], **more,
    }  # fmt: skip


LOT = {
    "id": "O-2-01", "order": "O-2", "product": "A", "quantity": 20, "phase": "in_work",
    "place": "saw", "heading": None, "operation": "cut", "due": "2026-01-05T14:00:00Z",
    "since": BEGIN,
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "/orders": [
        order_now("O-2", lots=1),
        order_now("O-3", lots=2, lots_done=2),
        order_now("O-4"),
    ],
    "/situation": {
        "time": BEGIN,
        "lots": [LOT],
        "machines": [
            machine_now("saw", work=["O-2-01"], free_at="2026-01-05T06:10:00Z"),
            machine_now("oven", able=False, down_since=BEGIN),
        ],
        "vehicles": [],
    },
}


@contextmanager
def running(answers: dict[str, Any]) -> Iterator[str]:
    """Answer as a running Genba does."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = json.dumps(answers[self.path.removeprefix("/api/v1")]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_running_plant_is_planned_from_what_goes_on(works: Path) -> None:
    with running(ANSWERS) as url:
        told = plan(works, "--url", url, "--json", GENBA_TOKEN="genba_1_2")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["from"] == BEGIN
    made = plan_of_json((works / "out" / "plan.json").read_text("utf-8"))
    cut = made.by_operation["O-2-01/cut"]
    assert (cut.start, cut.end) == (0, 600)
    assert made.by_operation["O-4-01/cut"].start >= 600
    assert made.by_operation["O-2-01/bake"].setup_start >= 3600
    assert "O-3-01/cut" not in made.by_operation


def test_a_running_plant_of_another_file_is_refused(works: Path) -> None:
    other = {**ANSWERS["/situation"], "machines": [machine_now("lathe")]}
    with running({**ANSWERS, "/situation": other}) as url:
        line = one_line(plan(works, "--url", url, GENBA_TOKEN="genba_1_2"))
    assert line == (
        "genba: the running plant has 'lathe', and works's plant file has not; "
        "give the file that it runs with --plant"
    )


def test_a_running_plant_without_a_token_is_an_error_where_it_was_named(works: Path) -> None:
    with running(ANSWERS) as url:
        line = one_line(plan(works, "--url", url))
    assert line.startswith(f"genba: there is no token for {url}; ")
