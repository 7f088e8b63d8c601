"""genba historian gaps and quarantine: what a person types, and what comes of it."""

import json
from pathlib import Path

import pytest
from tests.historian.conftest import START
from tests.historian.test_gaps import gap
from typer.testing import CliRunner, Result

from genba.cli.historian import app
from genba.historian import GapLedger, Historian
from genba.historian.admission import Admission
from genba.historian.setting_apart import Quarantine
from genba.operate.state import StateFolder
from genba.plant import US, GapReason, Recovery, Sample, VirtualClock, load_plant

PLANT = """\
genba: 1
id: works
name: Works
connections:
  - {id: saw, driver: replay, url: "recorded.csv"}
equipment:
  - id: saw
    connection: saw
    signals:
      - {id: temp, unit: Cel, address: t, range: {low: -40, high: 120}}
      - {id: power, unit: kW, address: power}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plant file and its state: two gaps of three signals, and two temperatures in kelvin."""
    (tmp_path / "plant.yaml").write_text(PLANT)
    signals = load_plant(tmp_path / "plant.yaml").signals
    clock = VirtualClock(START + 600 * US)
    with StateFolder(tmp_path / "state"):
        pass
    with Historian.open(tmp_path / "state" / "historian", clock) as historian:

        def tell(name: str, row: object) -> None:
            historian.append_rows(name, [row])  # type: ignore[list-item]

        ledger = GapLedger(tell, dict.fromkeys(signals, "saw"))
        ledger.tell(gap(10, 75, "saw.temp", recovery=Recovery.HISTORY))
        ledger.tell(gap(100, 400.5, "saw.power", reason=GapReason.DEVICE, detail="no answer"))
        ledger.open(gap(500, None, "saw.temp", detail="no route"))
        quarantine = Quarantine(tell, clock.now, dict.fromkeys(signals, "saw"))
        admission = Admission(signals, clock.now, 1.0, quarantine.hold)
        samples = [
            Sample("saw.temp", START + n * US, START + 600 * US, 293.15 + n, 0, n) for n in (1, 2)
        ]
        historian.append(admission.admit(samples).stored)
    return tmp_path


def run(folder: Path, *arguments: str, plant: bool = True) -> Result:
    given = ["--plant", str(folder / "plant.yaml")] if plant else []
    typed = [*arguments, "--state", str(folder / "state"), *given]
    done = CliRunner(env={"COLUMNS": "180"}).invoke(app, typed)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_gaps_are_shown_with_length_why_and_what_came_of_them(folder: Path) -> None:
    shown = run(folder, "gaps").stdout
    assert "still open" in shown
    assert "yes, device's record" in shown
    assert "device: no answer" in shown
    assert "5 min 00 s" in shown
    told = json.loads(run(folder, "gaps", "--json").stdout)
    assert len(told["gaps"]) == 3
    assert {one["signal"]: one["recovered_s"] for one in told["signals"]} == {
        "saw.temp": 65.0,
        "saw.power": 0.0,
    }
    one = json.loads(run(folder, "gaps", "--open", "--signal", "saw.temp", "--json").stdout)
    assert [row["end"] for row in one["gaps"]] == [None]
    quiet = run(folder, "gaps", "--to", "2026-01-05T06:00:09Z", "--from", "2026-01-05T06:00:00Z")
    assert quiet.stdout.startswith("no gaps")


def test_signals_of_one_outage_share_a_row(folder: Path) -> None:
    with Historian.open(folder / "state" / "historian", VirtualClock(START)) as historian:
        ledger = GapLedger(
            lambda name, row: historian.append_rows(name, [row]),
            {"saw.temp": "saw", "saw.power": "saw"},
        )
        ledger.tell(gap(450, 460, "saw.temp", "saw.power", detail="cable"))
    assert "2 of saw" in run(folder, "gaps").stdout


def test_a_signal_that_is_none_is_told_with_a_near_one(folder: Path) -> None:
    done = run(folder, "gaps", "--signal", "saw.tmep")
    assert done.exit_code == 1
    assert "there is no signal 'saw.tmep' in this plant; did you mean 'saw.temp'?" in done.stderr


def test_samples_in_kelvin_are_mended_and_put_through_once(folder: Path) -> None:
    listed = json.loads(run(folder, "quarantine", "list", "--json", plant=False).stdout)
    assert listed["counts"][0]["samples"] == 2
    assert (
        "294.15 Cel is not between -40 and 120"
        in run(folder, "quarantine", "list", plant=False).stdout
    )
    first = listed["samples"][0]["id"]
    assert "out_of_range" in run(folder, "quarantine", "show", first, plant=False).stdout
    why = ("--why", "sensor sends kelvin")
    fixed = run(folder, "quarantine", "fix", "--signal", "saw.temp", "--unit-from", "K", *why)
    assert fixed.stdout.startswith("2 samples to be mended")
    assert run(folder, "quarantine", "replay", "--all").stdout.startswith("2 samples stored")
    assert run(folder, "quarantine", "replay", "--all").stdout.startswith("0 samples stored")
    query = CliRunner().invoke(
        app,
        [
            "query",
            "saw.temp",
            "--from",
            "2026-01-05T06:00:00Z",
            "--json",
            "--state",
            str(folder / "state"),
        ],
    )
    good = [row["value"] for row in json.loads(query.stdout) if row["quality"] < 2]
    assert good == pytest.approx([21.0, 22.0])
    shown = json.loads(run(folder, "quarantine", "show", first, "--json", plant=False).stdout)
    assert (shown["status"], shown["why"]) == ("replayed", "sensor sends kelvin")


def test_dropped_ones_are_still_listed_as_dropped(folder: Path) -> None:
    dropped = run(folder, "quarantine", "drop", "--all", "--why", "test", plant=False)
    assert dropped.stdout == "2 samples dropped\n"
    empty = run(folder, "quarantine", "list", plant=False).stdout
    assert empty == "the quarantine holds nothing like that\n"
    told = json.loads(
        run(folder, "quarantine", "list", "--status", "dropped", "--json", plant=False).stdout
    )
    assert len(told["samples"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fix", "--why", "x", "--scale", "2"), "say which: ids, --signal, --reason"),
        (("fix", "--why", "x", "--all"), "the correction changes nothing"),
        (("fix", "--why", " ", "--all", "--scale", "2"), "say who does it and why"),
        (("fix", "--why", "x", "--all", "--as-type", "word"), "'word' is no type; use bool"),
        (("fix", "--why", "x", "--all", "--unit-from", "grad"), "grad"),
        (("fix", "--why", "x", "--all", "--to-signal", "saw.tmp"), "did you mean 'saw.temp'?"),
        (("replay", "--reason", "hot", "--all"), "there is no reason 'hot'; use unknown_signal"),
    ],
)
def test_wrong_input_gets_one_clear_line(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(folder, "quarantine", *arguments)
    assert done.exit_code == 1
    assert said in done.stderr


def test_an_id_that_is_none_is_told(folder: Path) -> None:
    done = run(folder, "quarantine", "show", "Q-1", plant=False)
    assert (done.exit_code, done.stderr) == (
        1,
        "genba: there is no sample 'Q-1' in the quarantine; `list --status any` shows all ids\n",
    )


def test_while_a_core_holds_the_state_the_api_is_asked(folder: Path) -> None:
    clock = VirtualClock(START)
    with Historian.open(folder / "state" / "historian", clock):
        done = run(folder, "quarantine", "drop", "--all", "--why", "x", "--token", "t", plant=False)
    assert done.exit_code == 1
    assert "no Genba answers at http://127.0.0.1:8460" in done.stderr
