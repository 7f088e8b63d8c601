"""``genba model export`` and ``import``: what they write, keep, remember and refuse."""

import json
from pathlib import Path

import pytest
from tests.cli.command import genba

from genba.cli.training import registry_of
from genba.learn import Task, by_time, sample_for, train
from genba.learn.quality.ladder import quality_ladder
from genba.operate.state import StateFolder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant") / "state"
    StateFolder(folder)
    data = sample_for(Task.QUALITY, 1, 400)
    assert data.target is not None
    candidate = train(data, by_time(data), quality_ladder(data.target))
    candidate.keep(registry_of(folder), "2026-03-01T06:00:00+00:00")
    return folder


def only_model(state: Path) -> str:
    found = json.loads(genba("model", "list", "--state", state, "--json").output)
    return str(found[0]["model"])


def test_a_model_goes_out_and_comes_back_and_the_history_tells_both(
    state: Path, tmp_path: Path
) -> None:
    digest = only_model(state)
    out = genba("model", "export", digest[:10], tmp_path / "out", "--state", state)
    assert out.exit_code == 0, out.output
    assert (tmp_path / "out" / "MLmodel").exists()
    back = genba("model", "import", tmp_path / "out", "--state", state, "--json")
    assert back.exit_code == 0, back.output
    told = json.loads(back.output)
    assert told["recipe"] == "imported"
    assert told["model"] != digest
    history = json.loads(genba("model", "history", "--state", state, "--json").output)
    happened = [(event["what"], event["model"]) for event in history]
    assert happened[-3:] == [
        ("exported", digest),
        ("registered", told["model"]),
        ("imported", told["model"]),
    ]
    shown = genba("model", "show", told["model"][:10], "--state", state)
    assert "imported from MLflow's format" in shown.output


def test_a_run_is_written_with_the_command_that_shows_it(state: Path, tmp_path: Path) -> None:
    out = genba(
        "model", "export", only_model(state), tmp_path / "mlruns", "--run", "--state", state
    )
    assert out.exit_code == 0, out.output
    assert "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri" in out.output
    assert len(list((tmp_path / "mlruns").glob("*/models/*/artifacts/MLmodel"))) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "nosuch", "out"), "there is no model 'nosuch'"),
        (("import", "nosuch"), "is no MLflow model"),
        (("import", "nosuch", "--task", "magic"), "there is no task 'magic'"),
        (("import", "nosuch", "--format", "pmml"), "format 'pmml' is not known"),
    ],
)
def test_what_cannot_be_is_told_and_not_traced(
    words: tuple[str, ...], told: str, state: Path, tmp_path: Path
) -> None:
    done = genba("model", *words, "--state", state)
    assert done.exit_code == 1
    assert told in " ".join(done.output.split())
