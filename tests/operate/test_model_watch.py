"""Models in force that no longer fit: an alarm of the core, and taken back by rule."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import genba
from tests.learn.press import MINUTE, START, plant_in, record

from genba.historian import Historian
from genba.learn import Registry, sealed
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.node import Node
from genba.learn.registry.history import What
from genba.learn.registry.signature import KEY
from genba.operate.model_watch import EVERY_S, FIRST_S, ModelWatch
from genba.operate.state import StateFolder
from genba.plant import US, PackMLState, Sample, SystemClock, VirtualClock, format_time, load_plant

TRAINED = START + 30 * 60 * MINUTE
NOW = START + 40 * 60 * MINUTE


class Hand:
    """A clock that stands still, and is none that steps in process."""

    speed = 1.0

    def now(self) -> int:
        return NOW


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A press with a model in force at the core, and melt 15 degrees hotter since its training."""
    folder = tmp_path_factory.mktemp("works")
    plant_in(folder)
    state = StateFolder(folder / "state")
    record(state.historian, 30 * 60).close()
    random = np.random.default_rng(7)
    samples = [Sample("press-1.state", TRAINED, TRAINED, int(PackMLState.EXECUTE))]
    for step in range(10 * 360):
        time = TRAINED + step * 10 * US
        melt = float(random.normal(245, 1.2))
        samples.append(Sample("press-1.melt", time, time, melt))
        samples.append(Sample("press-1.cavity", time, time, 300 + 4 * (melt - 230)))
    with Historian.open(state.historian, VirtualClock(NOW)) as historian:
        historian.append(samples)
    told = genba(
        *("train", "anomaly", folder / "plant.yaml", "--equipment", "press-1", "--from"),
        *(format_time(START), "--to", format_time(TRAINED), "--state", folder / "state"),
    )
    assert told.exit_code == 0, told.output
    registry = Registry(state.root / "models", state.secrets / KEY)
    release = sealed(registry, registry.list()[0], unverified="a test")
    key = ReleaseKey.at(registry.key)
    node = Node(registry.root, CORE, Trust.of((key.public,)), lambda: TRAINED)
    report = node.receive(release.content)
    assert report.passed, report.why
    node.activate(release.address)
    node.confirm(release.name)
    return folder


def test_what_drifted_is_an_alarm_until_it_no_longer_does(works: Path) -> None:
    watch = ModelWatch(load_plant(works / "plant.yaml"), StateFolder(works / "state"), Hand())
    assert list(watch.facts(NOW)) == []
    first = NOW + round(FIRST_S * US)
    assert list(watch.facts(first)) == []
    watch.settle()
    assert watch.why == ""
    (fact,) = watch.facts(first + 1)
    assert (fact.kind, fact.about, fact.equipment) == (
        *("unfit_model", "press-1.anomaly"),
        "press-1",
    )
    assert "melt up by" in fact.text
    later = first + round(EVERY_S * US)
    assert len(list(watch.facts(later))) == 1
    watch.close()


def test_a_look_that_fails_says_that_nobody_watches(works: Path, tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    (state.root / "models").mkdir()
    (state.root / "models" / "history.jsonl").touch()
    watch = ModelWatch(load_plant(works / "plant.yaml"), state, Hand())
    assert list(watch.facts(NOW + round(FIRST_S * US))) == []
    watch.settle()
    (fact,) = watch.facts(NOW + round(FIRST_S * US) + 1)
    assert fact.kind == "unwatched_models"
    assert "holds no historian" in fact.text


def test_a_plant_that_steps_in_process_or_has_no_models_is_not_looked_at(
    works: Path, tmp_path: Path
) -> None:
    plant = load_plant(works / "plant.yaml")
    for state, clock in (
        (StateFolder(works / "state"), VirtualClock(NOW)),
        (StateFolder(tmp_path / "state"), Hand()),
    ):
        watch = ModelWatch(plant, state, clock)
        assert list(watch.facts(NOW + 2 * round(FIRST_S * US))) == []
        watch.settle()
        assert watch.looks == 0
        assert watch.why == ""


def test_a_rule_takes_it_back_only_when_it_may_act(works: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("roll_back: [drift]\n")
    words = ("model", "watch", works / "plant.yaml", "--state", works / "state", "--rules", rules)
    told = genba(*words)
    assert told.exit_code == 0, told.output
    assert "take it back: drifted: melt up by" in told.stdout
    assert "with --act it would be taken back at the core" in told.stdout
    registry = Registry(works / "state" / "models", StateFolder(works / "state").secrets / KEY)
    assert not Mailbox(registry.root).waiting()
    (one,) = json.loads(genba(*words, "--act", "--json").stdout)
    assert one["where"] == "core"
    assert one["since"] == format_time(TRAINED)
    assert one["done"].startswith("ordered to take press-1.anomaly back at the core")
    key = ReleaseKey.at(registry.key)
    node = Node(registry.root, CORE, Trust.of((key.public,)), SystemClock().now)
    assert Mailbox(registry.root).obey_next(node, Trust.of((key.public,)))
    assert node.slot("press-1.anomaly").force is None
    last = registry.history.events()[-1]
    assert (last.what, last.by) == (What.ROLLED_BACK, "genba model watch")
    assert "drifted: melt up by" in last.data["why"]
