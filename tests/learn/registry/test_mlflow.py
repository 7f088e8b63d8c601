"""MLflow itself reads what Genba writes, and Genba takes in what MLflow writes, checked."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from genba.errors import LearnError
from genba.learn import Registered, Registry, Task, by_time, recipe_of, sample_for, train
from genba.learn.export.parity import OnnxModel
from genba.learn.forecast.ahead import ahead
from genba.learn.forecast.ladder import forecast_ladder
from genba.learn.quality.ladder import quality_ladder
from genba.learn.registry.mlflow_export import export_mlflow
from genba.learn.registry.mlflow_folder import MLMODEL, read_example, read_mlmodel
from genba.learn.registry.mlflow_import import Wanted, import_mlflow
from genba.learn.registry.mlflow_runs import export_run

PEER = Path(__file__).parents[2] / "peers" / "mlflow"
NOW = "2026-03-01T06:00:00+00:00"
WEIGHTS = np.array([[0.5], [-2.0], [0.25]])


def peer(script: str, *arguments: str | Path) -> dict[str, Any]:
    """Run a script of the peer, which may not call anybody."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    done = subprocess.run(
        [PEER / ".venv/bin/python", PEER / script, *map(str, arguments)],
        env={**os.environ, **quiet, "MLFLOW_ALLOW_FILE_STORE": "true"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    root = tmp_path_factory.mktemp("state")
    return Registry(root / "models", root / "secrets" / "model-signing.key")


@pytest.fixture(scope="module")
def judge(registry: Registry) -> Registered:
    data = sample_for(Task.QUALITY, 1, 400)
    assert data.target is not None
    ladder = quality_ladder(data.target)
    return train(data, by_time(data), ladder, equipment="press-1").keep(registry, NOW)


@pytest.fixture(scope="module")
def forecaster(registry: Registry) -> Registered:
    data = ahead(sample_for(Task.FORECAST, 1, 600))
    return train(data, by_time(data), forecast_ladder(data, steps=3)).keep(registry, NOW)


@pytest.mark.peer("mlflow")
@pytest.mark.parametrize("which", ["judge", "forecaster"])
def test_mlflow_loads_an_exported_model_and_answers_the_same(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model: Registered = request.getfixturevalue(which)
    found = peer("reads.py", export_mlflow(model, tmp_path / "model", NOW))
    ours = OnnxModel(model.onnx()).predict(np.array(found["rows"])).outputs()
    assert found["answers"].keys() == ours.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(found["answers"][name], array, rtol=1e-6, atol=1e-7)
    told = found["metadata"]["genba"]
    assert told["digest"] == model.digest
    assert told["card"]["lineage"] == json.loads(json.dumps(model.card.lineage, default=str))
    shape = [-1, model.card.window, len(model.card.columns)]
    (spec,) = json.loads(found["signature"]["inputs"])
    assert (spec["name"], spec["tensor-spec"]["shape"]) == ("inputs", shape)


@pytest.mark.peer("mlflow")
def test_mlflow_reads_the_run_with_its_figures_and_its_model(
    judge: Registered, tmp_path: Path
) -> None:
    export_run(judge, tmp_path / "mlruns", NOW)
    found = peer("reads.py", "--runs", tmp_path / "mlruns")
    known = {name: value for name, value in judge.card.tested.items() if value is not None}
    assert found["metrics"] == pytest.approx(known)
    assert found["model_metrics"] == pytest.approx(known)
    assert found["params"]["recipe"] == judge.card.recipe
    assert found["tags"]["genba.digest"] == judge.digest
    assert (found["status"], found["source_run"]) == ("FINISHED", True)
    assert found["graph_inputs"] == ["inputs"]
    with pytest.raises(LearnError, match="is a run in"):
        export_run(judge, tmp_path / "mlruns", NOW)


@pytest.mark.peer("mlflow")
def test_what_mlflow_saved_answers_the_same_here(registry: Registry, tmp_path: Path) -> None:
    found = peer("writes.py", tmp_path)
    rows, stacked = np.array(found["rows"]), np.array(found["stacked"])
    named = ("a", "b", "c")
    chances = np.array(found["classifier"]["probabilities"])[:, 1]
    for name, wanted, inputs, answer in (
        ("line", Wanted(Task.SOFT_SENSOR), rows[:, None], found["line"]["variable"]),
        ("double", Wanted(Task.LIFE, named), rows[:, None], found["double"]["variable"]),
        ("classifier", Wanted(Task.QUALITY, threshold=0.5), rows[:, None], chances),
        ("by_column", Wanted(Task.SOFT_SENSOR), rows[:, None], found["by_column"]["answer"]),
        ("windows", Wanted(Task.ANOMALY, named, threshold=1.0), stacked,
         found["windows"]["variable"]),
    ):  # fmt: skip
        kept = registry.add(import_mlflow(read_mlmodel(tmp_path / name), wanted), NOW)
        model = recipe_of(kept.card).restore(kept.parts())
        ours = model.predict(inputs).value
        np.testing.assert_allclose(ours, np.ravel(answer), rtol=1e-5, atol=1e-6, err_msg=name)
        assert model.explain(inputs).shape == (len(inputs), 3)
        assert kept.card.lineage["source"] == "imported"
        assert kept.card.tested == {}
    line = registry.add(import_mlflow(read_mlmodel(tmp_path / "line"), Wanted(Task.LIFE)), NOW)
    assert [column.name for column in line.card.columns] == ["temp", "force", "speed"]


def test_our_own_model_comes_back_with_its_card_and_says_where_it_came_from(
    judge: Registered, tmp_path: Path
) -> None:
    folder = export_mlflow(judge, tmp_path / "model", NOW)
    other = Registry(tmp_path / "models", tmp_path / "other.key")
    kept = other.add(import_mlflow(read_mlmodel(folder), Wanted()), NOW)
    inputs = judge.rows()["inputs"].astype(np.float64)
    ours, theirs = (OnnxModel(one.onnx()).predict(inputs).outputs() for one in (judge, kept))
    for name, array in ours.items():
        np.testing.assert_array_equal(theirs[name], array)
    assert kept.card.columns == judge.card.columns
    assert kept.card.threshold == judge.card.threshold
    assert kept.card.lineage["query"]["genba_digest"] == judge.digest
    assert kept.card.lineage["query"]["claimed"] == judge.card.tested
    assert (kept.card.tested, kept.card.rungs) == ({}, ())
    assert kept.signer != judge.signer
    assert "Nothing of how good it is was measured here" in (kept.folder / "report.md").read_text()


def saved(
    folder: Path,
    *,
    nodes: list[onnx.NodeProto] | None = None,
    outputs: list[tuple[str, int, list[Any]]] | None = None,
    example: Any = None,
    columns: tuple[str, ...] = ("temp", "force", "speed"),
    **changes: Any,
) -> Path:
    """Write a folder by hand: a line over three columns, or what is changed of it."""
    folder.mkdir()
    nodes = nodes or [helper.make_node("MatMul", ["x", "w"], ["y"])]
    outputs = outputs or [("y", TensorProto.FLOAT, ["N", 1])]
    graph = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [numpy_helper.from_array(WEIGHTS.astype(np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, folder / "model.onnx")
    specs = [{"type": "float", "name": name} for name in columns]
    told = {
        "flavors": {"onnx": {"data": "model.onnx"}},
        "signature": {"inputs": json.dumps(specs)} if columns else None,
        "saved_input_example_info": {"artifact_path": "example.json", "type": "dataframe"},
    }
    (folder / MLMODEL).write_text(yaml.safe_dump({**told, **changes}))
    rows = {"columns": list(columns), "data": [[1.0, 2.0, 3.0], [0.0, 1.0, 4.0]]}
    (folder / "example.json").write_text(json.dumps(rows if example is None else example))
    return folder


def told_of(folder: Path, wanted: Wanted) -> str:
    with pytest.raises(LearnError) as error:
        import_mlflow(read_mlmodel(folder), wanted)
    return str(error.value)


SOFT = Wanted(Task.SOFT_SENSOR)


def test_columns_of_the_example_go_by_name_and_are_renamed_to_the_plants(tmp_path: Path) -> None:
    turned = {"columns": ["speed", "temp", "force"], "data": [[3.0, 1.0, 2.0], [4.0, 0.0, 1.0]]}
    model = read_mlmodel(saved(tmp_path / "a", example=turned))
    renamed = replace(SOFT, columns=("force=pressure",), equipment="press-1")
    registry = Registry(tmp_path / "models", tmp_path / "key")
    kept = registry.add(import_mlflow(model, renamed), NOW)
    assert kept.rows()["inputs"][0, 0].tolist() == [1.0, 2.0, 3.0]
    assert kept.rows()["value"][0] == pytest.approx(0.5 - 4 + 0.75)
    assert [column.signal for column in kept.card.columns] == [
        "press-1.temp",
        "press-1.pressure",
        "press-1.speed",
    ]


@pytest.mark.parametrize(
    ("changes", "wanted", "told"),
    [
        ({}, Wanted(), "say what the model is for with --task"),
        ({}, Wanted(Task.ANOMALY), "say with --threshold"),
        ({}, replace(SOFT, columns=("a", "b")), "takes 3 columns, and 2 are named: a, b"),
        ({}, replace(SOFT, columns=("heat=t",)), "names no column 'heat'; it names temp"),
        ({"columns": ()}, SOFT, "0 are named; name each with --column"),
        ({"flavors": {"sklearn": {}}}, SOFT, r"without the onnx flavor (it has sklearn)"),
        ({"flavors": {"onnx": {"data": "../../model.onnx"}}}, SOFT, "lies outside"),
        ({"flavors": {"onnx": {"data": "gone.onnx"}}}, SOFT, "lacks 'gone.onnx'"),
        ({"saved_input_example_info": None}, SOFT, "has no input example"),
        ({"example": {"columns": ["temp"], "data": [["hot"]]}}, SOFT, "holds no table of numbers"),
        ({"example": [[1.0, 2.0]]}, SOFT, "rows of shape (2,), and the graph takes (1, 3)"),
        (
            {"example": {"columns": ["temp", "force", "x"], "data": [[1.0, 2.0, 3.0]]}},
            SOFT,
            "has other columns than the signature",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_refused_with_the_mend(
    changes: dict[str, Any], wanted: Wanted, told: str, tmp_path: Path
) -> None:
    assert told in told_of(saved(tmp_path / "model", **changes), wanted)


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["s"]), helper.make_node("Log", ["s"], ["y"])]
    folder = saved(tmp_path / "model", nodes=nodes)
    assert "no finite numbers" in told_of(folder, SOFT)


def test_an_answer_that_hangs_on_the_other_rows_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("ReduceMean", ["s"], ["m"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["s", "m"], ["y"]),
    ]
    folder = saved(tmp_path / "model", nodes=nodes)
    assert "changes with the windows beside it" in told_of(folder, SOFT)


def test_two_outputs_that_could_be_the_answer_have_to_be_told_apart(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Neg", ["y"], ["other"]),
    ]
    outputs = [(name, TensorProto.FLOAT, ["N", 1]) for name in ("y", "other")]
    folder = saved(tmp_path / "model", nodes=nodes, outputs=outputs)
    assert "name with --output" in told_of(folder, SOFT)
    files = import_mlflow(read_mlmodel(folder), replace(SOFT, output="other"))
    said = OnnxModel(files["model.onnx"]).predict(np.array([[[1.0, 2.0, 3.0]]]))
    assert said.value.tolist() == pytest.approx([-(0.5 - 4 + 0.75)])


def test_a_file_that_is_no_graph_and_a_folder_that_is_no_model_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"\x80\x04 not a graph")
    assert "is no sound ONNX graph" in told_of(folder, SOFT)
    with pytest.raises(LearnError, match="it has no file MLmodel"):
        read_mlmodel(tmp_path)
    (folder / MLMODEL).write_text("!!python/object/apply:os.getcwd []")
    with pytest.raises(LearnError, match="cannot be read as YAML"):
        read_mlmodel(folder)


def test_an_imported_model_cannot_be_fitted_and_an_export_overwrites_nothing(
    judge: Registered, tmp_path: Path
) -> None:
    folder = export_mlflow(judge, tmp_path / "model", NOW)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(LearnError, match="is there already"):
        export_mlflow(judge, folder, NOW)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    other = Registry(tmp_path / "models", tmp_path / "key")
    kept = other.add(import_mlflow(read_mlmodel(folder), Wanted()), NOW)
    data = sample_for(Task.QUALITY, 1, 400)
    with pytest.raises(LearnError, match="cannot be fitted anew"):
        recipe_of(kept.card).fit(data, data, 0)


def test_the_input_example_holds_only_windows_that_are_known_whole(
    judge: Registered, tmp_path: Path
) -> None:
    example = read_example(read_mlmodel(export_mlflow(judge, tmp_path / "model", NOW)))
    assert np.isfinite(example.values).all()
    assert example.values.shape[1:] == (judge.card.window, len(judge.card.columns))
