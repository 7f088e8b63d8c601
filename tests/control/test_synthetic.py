"""Imagined rows follow the model and the event, are marked for ever, and judge nothing."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.control import press
from tests.control.oven import START, plant_in, record
from typer.testing import CliRunner

from genba.cli.main import app
from genba.control import synthetic
from genba.control.bound import Bound, bound
from genba.control.learned import Learned, keep
from genba.control.recorded import episodes_of
from genba.errors import ControlError, LearnError, TwinError
from genba.learn.data.release import from_table, read_release
from genba.learn.data.synthetic import synthetic_rows
from genba.learn.split.leakage import refuse_leaks
from genba.learn.split.named import split_of
from genba.learn.split.parts import by_rows
from genba.operate.state import StateFolder
from genba.plant import US
from genba.twin.process import Episode, identify
from genba.twin.process.imagine import Event, Kind, event_of, imagined
from genba.twin.process.report import Standing
from genba.twin.process.residual import World

HOURS = 2


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plant file, history and a kept model."""
    folder = tmp_path_factory.mktemp("works")
    joined = bound(plant_in(folder), "oven")
    state = StateFolder(folder / "state")
    record(state.historian, HOURS).close()
    _, _, world = opened(folder)
    seen = {"setpoint": (100.0, 230.0), "ambient": (15.0, 25.0)}
    from genba.learn.registry.signature import KEY

    learned = Learned(joined.process.id, world.belief, Standing((), seen, (), ()), (0, 1))
    keep(learned, folder / "state" / "processes", state.secrets / KEY)
    return folder


@pytest.fixture(scope="module")
def oven(works: Path) -> tuple[Bound, list[Episode], World]:
    return opened(works)


def opened(folder: Path) -> tuple[Bound, list[Episode], World]:
    from genba.historian import Historian
    from genba.plant import VirtualClock, load_plant

    joined = bound(load_plant(folder / "plant.yaml"), "oven")
    end = START + HOURS * 3600 * US
    with Historian.open(
        StateFolder(folder / "state").historian, VirtualClock(end), read_only=True
    ) as historian:
        episodes = episodes_of(historian, joined, START, end)
    return joined, episodes, World(joined.symbolic, identify(joined.symbolic, episodes))


def test_what_is_imagined_without_an_event_looks_like_what_was_recorded(
    oven: tuple[Bound, list[Episode], World],
) -> None:
    _, episodes, world = oven
    made = imagined(world, episodes, 600, seed=1)
    shown = np.concatenate([one.shown for one in made.episodes])
    real = np.concatenate([one.shown for one in episodes])
    assert len(shown) == 600
    assert not np.concatenate(made.happening).any()
    spread = real.std(axis=0)
    assert (np.abs(shown.mean(axis=0) - real.mean(axis=0)) < 0.5 * spread).all()
    assert (np.abs(shown.std(axis=0) / spread - 1) < 0.5).all()


def test_the_same_seed_imagines_the_same_and_another_something_else(
    oven: tuple[Bound, list[Episode], World],
) -> None:
    _, episodes, world = oven
    one, same, other = (imagined(world, episodes, 50, seed=seed).episodes[0] for seed in (3, 3, 4))
    assert np.array_equal(one.shown, same.shown)
    assert not np.array_equal(one.shown, other.shown)


@pytest.mark.parametrize(
    ("text", "output", "up"),
    [("drift:loss=+100%", 1, True), ("offset:temperature=-20", 0, False)],
)
def test_an_event_shows_from_its_onset_on(
    oven: tuple[Bound, list[Episode], World], text: str, output: int, up: bool
) -> None:
    joined, episodes, world = oven
    event = event_of(text, joined.physics)
    made, plain = imagined(world, episodes, 600, event, 2), imagined(world, episodes, 600, None, 2)
    apart = []
    for a, b, holds in zip(made.episodes, plain.episodes, made.happening, strict=True):
        difference = a.shown[:, output] - b.shown[:, output]
        before, after = difference[~holds].mean(), difference[holds].mean()
        assert abs(before) < 0.3 * abs(after)
        apart.append(after)
    assert (np.array(apart) > 0).all() == up


def test_a_stuck_actuator_is_told_one_thing_and_does_another(
    oven: tuple[Bound, list[Episode], World],
) -> None:
    joined, episodes, world = oven
    made = imagined(world, episodes, 3600, event_of("stuck:setpoint", joined.physics), 0)
    moved = 0
    for one, holds in zip(made.episodes, made.happening, strict=True):
        told, begun = one.inputs[holds][:, 0], one.inputs[holds][0, 0]
        late = np.flatnonzero(np.abs(told - begun) > 20)
        late = late[late > 40]
        if len(late):
            moved += 1
            shown = one.shown[holds][late, 0]
            assert np.abs(shown - begun).mean() < np.abs(shown - told[late]).mean()
    assert moved


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fire", "no event"),
        ("drift:wear=-30%", "no 'wear'"),
        ("drift:loss=-30", "in the right way"),
        ("drift:loss=-100%", "in the right way"),
        ("offset:temperature", "how much"),
        ("offset:temperature=5%", "in the right way"),
        ("stuck:setpoint=3", "how much"),
        ("extreme:ambient=3", "how much"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    oven: tuple[Bound, list[Episode], World], text: str, told: str
) -> None:
    with pytest.raises(TwinError, match=told):
        event_of(text, oven[0].physics)


def test_an_event_is_read_as_it_is_written(oven: tuple[Bound, list[Episode], World]) -> None:
    for text in ("drift:loss=-30%", "offset:power=2.5", "stuck:setpoint", "extreme:ambient=low"):
        assert str(event_of(text, oven[0].physics)) == text


def test_the_mark_goes_from_the_file_to_the_data_set_and_its_lineage(
    oven: tuple[Bound, list[Episode], World], tmp_path: Path
) -> None:
    joined, episodes, world = oven
    event = Event(Kind.DRIFT, "loss", -0.3)
    made = imagined(world, episodes, 80, event, 5)
    path = tmp_path / "rare.parquet"
    synthetic.write(synthetic.table_of(joined, made, world, event, 5), path)
    written = parquet.read_table(path)
    assert written["synthetic"].to_pylist() == [True] * 80
    told = json.loads(written.schema.metadata[b"genba.synthetic"])
    assert told["seed"] == 5
    assert told["event"] == "drift:loss=-30%"
    assert told["model"] == synthetic.digest_of(world)
    # Kelvin in the plant, degrees in the physics.
    assert np.mean(written["oven.heat"].to_numpy()) > 300
    data = read_release(path, target="oven.drawn", time="time", groups={"unit": "episode"})
    assert synthetic_rows(data).all()
    assert "synthetic" not in data.names
    assert any(told["model"] in step for step in data.lineage.steps)
    bare = pa.table({"x": [1.0, 2.0]}, metadata=written.schema.metadata)
    assert synthetic_rows(from_table(bare)).all()
    with pytest.raises(ControlError, match=r"does not end in \.parquet"):
        synthetic.write(written, tmp_path / "rare.csv")


def test_synthetic_rows_are_learned_from_and_never_judge() -> None:
    source = np.random.default_rng(0)
    table = pa.table(
        {
            "x": source.normal(size=400),
            "y": source.normal(size=400),
            "synthetic": source.random(400) < 0.5,
        }
    )
    data = from_table(table, target="y")
    split = split_of(data, "time")
    made = synthetic_rows(data)
    assert made[split.train].sum() == made.sum()
    assert not made[np.concatenate([split.held, split.choose, split.test])].any()
    refuse_leaks(data, split)
    with pytest.raises(LearnError, match="synthetic rows stand in the parts that judge"):
        refuse_leaks(data, by_rows(data), vouched=["duplicates"])
    alone = from_table(table.set_column(2, "synthetic", pa.array([True] * 400)), target="y")
    with pytest.raises(LearnError, match="no real rows to judge by"):
        split_of(alone, "time")


def test_a_user_imagines_rows_and_is_told_whether_they_help(works: Path, tmp_path: Path) -> None:
    out = tmp_path / "rare.parquet"
    told = CliRunner().invoke(
        app,
        ["twin", "imagine", "oven", str(works / "plant.yaml"), "--rows", "200", "--out", str(out),
         "--event", "drift:gain=-50%", "--benefit", "power", "--json"],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert parquet.read_table(out).num_rows == 200
    assert 0 < found["with_event"] < 200
    asked = found["benefit"]
    assert asked["verdict"] in {"helps", "does not help", "cannot tell"}
    assert asked["low"] <= asked["gain"] <= asked["high"]
    assert asked["real"] > 0
    wrong = CliRunner().invoke(
        app,
        ["twin", "imagine", "oven", str(works / "plant.yaml"), "--event", "drift:wear=-30%"],
    )
    assert wrong.exit_code == 1
    assert "no 'wear'" in " ".join(wrong.output.split())


def test_a_process_by_run_is_not_imagined_and_the_user_is_told_so(tmp_path: Path) -> None:
    press.plant_in(tmp_path)
    StateFolder(tmp_path / "state")
    told = CliRunner().invoke(app, ["twin", "imagine", "press", str(tmp_path / "plant.yaml")])
    assert told.exit_code == 1
    assert "'molding' goes by run: rows are imagined" in " ".join(told.output.split())
