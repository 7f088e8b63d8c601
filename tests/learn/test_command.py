"""``genba train`` and ``genba model``: a candidate and plain words, from a plant or from a file."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from tests.cli.command import genba
from tests.learn.made import column_still, milling_failures
from tests.learn.press import plant_in, record

from genba.learn import Registry
from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("works")
    plant_in(folder)
    StateFolder(folder / "state")
    record(folder / "state" / "historian", 20 * 60).close()
    return folder


def test_a_machine_in_a_signed_candidate_out(works: Path) -> None:
    plant, state = works / "plant.yaml", works / "state"
    told = genba("train", "anomaly", plant, "--equipment", "press-1", "--state", state)
    assert told.exit_code == 0, told.output
    assert "Anomaly detection for press-1: '" in told.stdout
    assert "On rows it had not seen: drills found" in told.stdout
    assert "Beside it, the plain way 'limits'" in told.stdout
    assert "they show what would be noticed, not what will go wrong here" in told.stdout
    assert "left out, since they never change: hold" in told.stderr
    speaks = next(line for line in told.stdout.splitlines() if "speaks for its answers" in line)
    assert speaks.count("press-1.melt (") == speaks.count("press-1.cavity (") == 1
    (listed,) = json.loads(genba("model", "list", "--state", state, "--json").stdout)
    assert listed["equipment"] == "press-1"
    assert [column["signal"] for column in listed["columns"]] == ["press-1.melt", "press-1.cavity"]
    shown = genba("model", "show", listed["model"][:8], "--state", state)
    assert "press-1.melt, press-1.cavity" in shown.stdout
    history = json.loads(genba("model", "history", "--state", state, "--json").stdout)
    assert [(event["what"], event["by"]) for event in history] == [("registered", "genba train")]


def test_parts_that_were_gauged_teach_quality(works: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    StateFolder(state)
    (state / "historian").rmdir()
    (state / "historian").symlink_to(works / "state" / "historian")
    told = genba(
        *("train", "quality", works / "plant.yaml", "--equipment", "press-1"),
        *("--state", state, "--json", "--vouch", "cavity.mean", "--vouch", "weight_g"),
    )
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert card["target"]["classes"] == ["good", "bad"]
    assert card["tested"]["auc"] > 0.9
    (speaks,) = (limit for limit in card["limits"] if "speaks for its answers" in limit)
    assert ": press-1.cavity (" in speaks  # what decides between good and bad
    assert "somebody vouched: cavity.mean, weight_g" in card["limits"][-1]


def test_columns_that_a_refusal_names_can_be_left_out(works: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    StateFolder(state)
    (state / "historian").rmdir()
    (state / "historian").symlink_to(works / "state" / "historian")
    words = ("train", "quality", works / "plant.yaml", "--equipment", "press-1", "--state", state)
    told = genba(*words, "--json")
    assert told.exit_code == 1
    assert "'cavity.mean'" in told.stderr
    assert "--without" in told.stderr
    told = genba(*words, "--without", "cavity.mean", "--without", "press-1.weight_g", "--json")
    assert told.exit_code == 0, told.output
    names = [column["name"] for column in json.loads(told.stdout)["columns"]]
    assert "cavity.least" in names
    assert not {"cavity.mean", "weight_g"} & set(names)
    told = genba(*words, "--without", "cavity.middle")
    assert "has no signal 'cavity.middle', and no column is called so" in told.stderr


def test_each_part_is_judged_with_what_gauging_last_found(works: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    StateFolder(state)
    (state / "historian").rmdir()
    (state / "historian").symlink_to(works / "state" / "historian")
    told = genba(
        *("train", "anomaly", works / "plant.yaml", "--equipment", "press-1", "--parts"),
        *("--settle", "8", "--state", state, "--json"),
    )
    assert told.exit_code == 0, told.output
    assert "left out: 8 minutes after each standstill" in told.stderr
    card = json.loads(told.stdout)
    assert card["lineage"]["query"]["settle_s"] == 480
    assert "size_um.last" in [column["name"] for column in card["columns"]]
    registry = Registry(state / "models", state / "secrets" / KEY)
    (listed,) = json.loads(genba("model", "list", "--state", state, "--json").stdout)
    key = ReleaseKey.at(registry.key)
    content = release_of(registry.get(listed["model"]), key)
    contract = open_bundle(content, Trust((key.public,))).contract
    assert contract.asked_at == "press-1.part"
    assert contract.settle_s == 480
    assert "last:size_um" in contract.takes


def test_a_file_knows_neither_parts_nor_settling(tmp_path: Path) -> None:
    told = genba("train", "anomaly", "--file", tmp_path / "rows.csv", "--parts")
    assert told.exit_code == 1
    assert "give --parts and --settle with --equipment" in told.stderr


def test_a_file_with_a_trap_is_refused_and_without_it_learned(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    file = tmp_path / "milling.csv"
    csv.write_csv(milling_failures(), file)
    words = ("train", "quality", "--file", file, "--target", "failure", "--bad", "1")
    where = ("--state", tmp_path / "state")
    told = genba(*words, *where)
    assert told.exit_code == 1
    assert "leakage in 'milling': column 'TWF' is raised in" in told.stderr
    assert "leave it out with --without" in told.stderr
    told = genba(*words, *where, "--without", "TWF", "--without", "OSF")
    assert told.exit_code == 0, told.output
    assert "Quality for milling.csv: " in told.stdout


def test_rows_at_random_are_refused_with_the_way_out(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    file = tmp_path / "still.csv"
    csv.write_csv(column_still(), file)
    words = ("train", "quality", "--file", file, "--target", "butane", "--split", "rows")
    told = genba(*words, "--state", tmp_path / "state")
    assert told.exit_code == 1
    assert "part by time, by group or into blocks" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("anomaly",), "name what to learn from: --equipment MACHINE, or --file FILE"),
        (("anomaly", "--file", "none.csv"), "none.csv cannot be read"),
        (("quality", "--equipment", "a", "--missed-cost", "3"), "give both"),
    ],
)
def test_what_is_missing_is_told(words: tuple[str, ...], said: str) -> None:
    told = genba("train", *words)
    assert told.exit_code == 1
    assert said in told.stderr


def test_a_detector_explains_what_it_finds_and_draws_it(works: Path, tmp_path: Path) -> None:
    plant, state = works / "plant.yaml", tmp_path / "state"
    StateFolder(state)
    (state / "historian").rmdir()
    (state / "historian").symlink_to(works / "state" / "historian")
    told = genba(
        *("train", "anomaly", plant, "--equipment", "press-1", "--state", state, "--json"),
        *("--false-alarms", "0.05"),
    )
    model = json.loads(told.stdout)["model"][:10]
    words = ("model", "explain", model, "--plant", plant, "--state", state)
    picture = tmp_path / "finding.svg"
    told = genba(*words, "--from", "-14d", "--picture", picture)
    assert told.exit_code == 0, told.output
    assert "times the limit: press-1." in told.stdout
    assert "press-1." in picture.read_text()
    told = genba(*words, "--picture", tmp_path / "finding.bmp")
    assert told.exit_code == 1
    assert "a picture is a file that ends in .png or .svg" in told.stderr


def test_one_wish_at_a_time_for_false_alarms(works: Path) -> None:
    words = ("train", "anomaly", works / "plant.yaml", "--equipment", "press-1")
    told = genba(*words, "--alarms-week", "2", "--false-alarms", "0.01")
    assert told.exit_code == 1
    assert "give --alarms-week or --false-alarms, not both" in told.stderr


def labelled_late(file: Path, hours: float, *, wrong: int = 0) -> Path:
    """Write rows of a minute each whose labels came ``hours`` later, ``wrong`` of them in 2200."""
    random = np.random.default_rng(0)
    time = np.datetime64("2026-01-05T06:00:00") + np.arange(600) * np.timedelta64(1, "m")
    came = time + np.timedelta64(round(hours * 60), "m")
    came[:wrong] = np.datetime64("2200-01-01T00:00:00")
    heat = random.normal(size=600)
    size = 2 * heat + random.normal(0, 0.5, 600)
    size[::7] = np.nan
    gauged = pa.array(came, mask=np.isnan(size))
    table = {"time": time, "heat": heat, "size": pa.array(size, from_pandas=True), "gauged": gauged}
    csv.write_csv(pa.table(table), file)
    return file


def test_labels_from_the_future_of_a_file_are_refused(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    words = ("train", "quality", "--target", "size", "--state", tmp_path / "state")
    times = ("--time", "time", "--label-time", "gauged", "--split", "time")
    told = genba(*words, *times, "--file", labelled_late(tmp_path / "clock.csv", 1, wrong=30))
    assert told.exit_code == 1
    assert "target 'size' has 25 labels from the future, after 20" in told.stderr
    assert "mend the clock that they come from" in told.stderr
    told = genba(*words, *times, "--file", labelled_late(tmp_path / "late.csv", 3))
    assert told.exit_code == 1
    assert "became known after the test had begun" in told.stderr
    prompt = labelled_late(tmp_path / "prompt.csv", 0)
    told = genba(*words, *times, "--json", "--file", prompt)
    assert told.exit_code == 0, told.output
    card = json.loads(told.stdout)
    assert card["lineage"]["query"]["label_time"] == "gauged"
    assert [column["name"] for column in card["columns"]] == ["heat"]
    told = genba(*words, "--file", prompt, "--time", "time")
    assert "holds times, and no values; name it with --time or --label-time" in told.stderr
    told = genba(*words, "--file", prompt, "--label-time", "gauged")
    assert "has times of labels and none of rows; name --time, too" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("anomaly", "--from", "-2d"), "--from is of machines"),
        (("anomaly", "--idle-too"), "--idle-too is of machines"),
        (("quality", "--signal", "heat"), "--signal is of machines"),
        (("softsensor", "--target", "size", "--step", "5"), "--step is of machines"),
        (("forecast", "--target", "size", "--to", "-1d"), "--to is of machines"),
    ],
)
def test_options_of_machines_are_refused_with_a_file(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    told = genba("train", *words, "--file", labelled_late(tmp_path / "rows.csv", 0))
    assert told.exit_code == 1
    assert said in told.stderr
    assert "cut the file instead" in told.stderr


def test_options_of_files_are_refused_with_a_machine(works: Path) -> None:
    told = genba("train", "quality", works / "plant.yaml", "--equipment", "press-1", "--bad", "1")
    assert told.exit_code == 1
    assert "--bad is of files, and a machine's record says that itself" in told.stderr


def test_titles_that_cannot_be_read_or_told_apart_are_refused(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    file = tmp_path / "rows.csv"
    words = ("train", "quality", "--file", file, "--target", "size", "--state", tmp_path / "state")
    file.write_bytes("Température,size\n20.5,1\n".encode("latin-1"))
    assert "column titles that are not UTF-8; save it as UTF-8" in genba(*words).stderr
    file.write_text("heat,heat,size\n1,2,3\n")
    assert "several columns called 'heat'; give each its own title" in genba(*words).stderr
    file.write_bytes("place,size\nMünchen,1\n".encode("latin-1"))
    assert "holds texts that are not UTF-8; save the file as UTF-8" in genba(*words).stderr


def test_an_altered_model_is_refused_and_hides_no_other(tmp_path: Path) -> None:
    state = tmp_path / "state"
    StateFolder(state)
    file = labelled_late(tmp_path / "rows.csv", 0)
    words = ("train", "quality", "--file", file, "--time", "time", "--target", "size", "--json")
    for seed in ("0", "1"):
        told = genba(*words, "--label-time", "gauged", "--seed", seed, "--state", state)
        assert told.exit_code == 0, told.output
    kept, altered = (
        one["model"]
        for one in json.loads(genba("model", "list", "--state", state, "--json").stdout)
    )
    graph = state / "models" / "objects" / altered / "model.onnx"
    graph.write_bytes(graph.read_bytes().replace(b"inputs", b"output", 1))
    told = genba("model", "list", "--state", state)
    assert told.exit_code == 1
    assert kept[:8] in told.stdout
    assert f"model.onnx of model {altered[:12]} was altered or damaged; restore" in told.stderr
    told = genba("model", "watch", "--state", state)
    assert told.exit_code == 1
    assert kept[:8] in told.stdout
    assert f"model.onnx of model {altered[:12]} was altered or damaged; restore" in told.stderr
    for verb in (("show",), ("release", "--by", "ada", "--unverified", "trial")):
        told = genba("model", verb[0], altered[:12], *verb[1:], "--state", state)
        assert told.exit_code == 1
        assert "was altered or damaged" in told.stderr


def worn(file: Path, units: int) -> Path:
    """Write units that wear out after 60 to 100 cycles."""
    random = np.random.default_rng(2)
    lives = random.integers(60, 100, units)
    cycle = np.concatenate([np.arange(life) for life in lives])
    left = np.repeat(lives, lives) - 1 - cycle
    wear = np.exp(-left / 25) * 20 + random.normal(0, 1, len(cycle))
    engine = np.repeat([f"e{number}" for number in range(units)], lives)
    csv.write_csv(pa.table({"engine": engine, "cycle": cycle, "wear": wear}), file)
    return file


def test_life_by_a_count_of_cycles_is_told_in_rows_and_lacks_no_word(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    words = ("train", "life", "--group", "unit=engine", "--time", "cycle", "--window", "10")
    where = ("--state", tmp_path / "state")
    told = genba(*words, *where, "--file", worn(tmp_path / "few.csv", 20))
    assert told.exit_code == 0, told.output
    assert "Errors are in rows." in told.stdout
    assert "It tells no interval: one of 90% takes 9 rows" in " ".join(told.stdout.split())
    told = genba(*words, *where, "--file", worn(tmp_path / "more.csv", 60), "--json")
    card = json.loads(told.stdout)
    assert card["target"]["unit"] == "1"
    assert 1 < card["tested"]["rmse"] < 20
    assert card["tested"]["covered"] > 0.7
    assert not any("no interval" in limit for limit in card["limits"])


def test_times_that_may_be_seconds_are_refused(tmp_path: Path) -> None:
    StateFolder(tmp_path / "state")
    file = tmp_path / "rows.csv"
    file.write_text("t,a,y\n1767600000,1,2\n1767600060,2,3\n")
    told = genba("train", "quality", "--file", file, "--time", "t", "--target", "y")
    assert told.exit_code == 1
    assert "too many for a count and too few for microseconds; write times like 2026" in told.stderr
