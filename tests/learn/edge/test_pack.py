"""What the registry keeps becomes a release that passes at a machine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.learn.edge.models import COLUMNS, SHAPE, graph, rows

from genba.errors import LearnError
from genba.learn.data.column import Column
from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.shadow import try_out
from genba.learn.recipe.card import Card
from genba.learn.recipe.protocol import Task
from genba.learn.registry.store import Registered, Registry, files_of


def card(**changes: Any) -> Card:
    told: dict[str, Any] = {
        "task": Task.ANOMALY, "recipe": "mean", "made_by": "here:Mean",
        "settings": {}, "equipment": "press",
        "columns": tuple(Column(name.split(".")[1], signal=name) for name in COLUMNS),
        "window": SHAPE[0], "step_s": 1.0, "threshold": 1.0, "target": None, "lineage": {},
        "data_digest": "0", "split": "by time", "seed": 0, "tested": {}, "rungs": (), "parity": {},
    }  # fmt: skip
    return Card(**{**told, **changes})


def registered(folder: Path, **changes: Any) -> Registered:
    registry = Registry(folder / "models", folder / "model-signing.key")
    probes = rows(40)
    kept = {"inputs": probes, "value": probes.mean(axis=(1, 2))}
    files = files_of(card(**changes), "a report", graph(), {"a": np.zeros(1)}, kept)
    return registry.add(files, "2026-01-05T06:00:00Z")


def test_a_registered_model_is_sealed_with_the_plant_s_model_key_and_passes(tmp_path: Path) -> None:
    model = registered(tmp_path)
    key = ReleaseKey.at(tmp_path / "model-signing.key")
    content = release_of(model, key, budget_us=5000.0)
    bundle = open_bundle(content, Trust((key.public,)))
    assert bundle.contract.name == "press.anomaly"
    assert bundle.contract.columns == COLUMNS
    assert bundle.card["model"] == model.digest
    report = try_out(content, Trust((key.public,)), signals=COLUMNS)
    assert report.passed, report.why


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"step_s": None}, "no step in time"),
        ({"equipment": ""}, "no equipment"),
        ({"columns": (Column("force"), Column("heat"))}, "no signal of the plant"),
    ],
)
def test_what_no_machine_can_feed_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    model = registered(tmp_path)
    model = replace(model, card=card(**change))
    with pytest.raises(LearnError, match=said):
        release_of(model, ReleaseKey.generate())
