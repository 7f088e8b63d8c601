"""A machine that counts its parts and announces none: models of parts learn, and are asked."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learn.edge.counted import END, LEARNED, PLANT, SIGNALS, Counted
from tests.learn.press import MINUTE, START

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn import Registry, Slice, slice_of_parts
from genba.learn.data.counted import Rises
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.part_feed import PartFeed
from genba.learn.registry.signature import KEY
from genba.learn.verify.verified import Terms, verify
from genba.operate.state import StateFolder
from genba.plant import US, VirtualClock, load_plant


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    return Counted(tmp_path_factory.mktemp("press"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    state = StateFolder(tmp_path_factory.mktemp("state"))
    return Registry(state.root / "models", state.secrets / KEY)


@pytest.fixture(scope="module")
def bundle(press: Counted, registry: Registry) -> Bundle:
    model = press.trained().keep(registry, "2026-01-06T06:00:00Z")
    key = ReleaseKey.at(registry.key)
    return open_bundle(release_of(model, key), Trust((key.public,)))


def test_each_rise_is_a_part_and_what_rose_its_result(press: Counted) -> None:
    data = press.parts(START, LEARNED)
    assert data.rows == 399, "the first samples are where counting begins"
    assert data.target is not None
    bad = data.target.values == 1
    means = data.values[:, data.names.index("cavity.mean")]
    assert 0.1 < bad.mean() < 0.35
    assert means[bad].mean() < means[~bad].mean() - 5
    assert data.lineage.query["counters"] == ["press-1.good", "press-1.scrap"]


def test_a_reset_ends_no_part() -> None:
    rises = Rises()
    told = [rises.take("good", time, value) for time, value in enumerate((5, 6, 6, 8, 0, 1))]
    assert told == [False, True, False, True, False, True]
    assert not rises.take("good", 3, 9), "it came late"


def test_the_card_names_the_counters(bundle: Bundle) -> None:
    contract = bundle.contract
    assert contract.counters == ("press-1.good", "press-1.scrap")
    assert contract.asked_at == "press-1.good"
    assert contract.needs == contract.hears == set(SIGNALS)
    assert Contract.from_json(contract.to_json()) == contract
    with pytest.raises(LearnError, match="none of its counters"):
        replace(contract, asked_at="press-1.melt")


def test_it_is_asked_live_when_a_counter_rises_about_the_rows_of_training(
    press: Counted, bundle: Bundle
) -> None:
    feed = PartFeed(bundle.contract, press.past)
    asked = [
        question
        for now, came in press.ticks(LEARNED, END)
        for question in feed.ask(now, lambda name: math.nan, came)
    ]
    data = press.parts(LEARNED - 60 * MINUTE, END)
    data = data.take(data.time >= LEARNED).select(
        [name for name in data.names if name != "cavity.mean"]
    )
    times = data.time.tolist()
    assert len(times) == 199, "one part is lost to the reset"
    assert [question.time for question in asked] == times[2:], "counting begins, then a part"
    rows = np.stack([question.window[0] for question in asked])
    assert np.array_equal(rows, data.values[2:].astype(np.float32))


def test_it_is_verified_on_parts_that_it_never_saw(
    press: Counted, registry: Registry, bundle: Bundle
) -> None:
    model = registry.get(bundle.digest)
    verdict = verify(
        registry, model, press.plant, press.past, (LEARNED + US, END), Terms(a_week=1e6)
    )
    assert verdict.passed, verdict.why
    assert verdict.run is not None
    assert verdict.run.answers == 199


def test_a_machine_that_tells_of_no_parts_is_refused_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("".join(line for line in PLANT.splitlines(True) if "_count" not in line))
    with (
        Historian.open(tmp_path / "historian", VirtualClock(START)) as historian,
        pytest.raises(LearnError, match="or its counters 'role: good_count'"),
    ):
        slice_of_parts(historian, load_plant(path), Slice("press-1", START, END))
