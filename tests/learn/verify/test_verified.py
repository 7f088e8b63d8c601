"""A model is run in shadow over what it never saw: what passes, what is refused, and why."""

import numpy as np
import pytest
from tests.learn.worked import CALM, END, NOW, TRAINED, Worked

from genba.errors import LearnError
from genba.learn import What
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Slot
from genba.learn.edge.pack import release_of
from genba.learn.edge.runner import Runner
from genba.learn.verify.replay import replay
from genba.learn.verify.verified import Terms, Verdict, note, verify


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return Worked(tmp_path_factory.mktemp("works"))


def verdict_on(works: Worked, start: int, end: int, terms: Terms | None = None) -> Verdict:
    return verify(
        works.registry, works.model, works.plant, works.past, (start, end), terms or Terms()
    )


def test_a_calm_stretch_passes_with_its_figures(works: Worked) -> None:
    verdict = verdict_on(works, TRAINED, CALM)
    assert verdict.passed, verdict.why
    assert verdict.run is not None
    assert verdict.rate is not None
    assert verdict.run.answers > 500
    assert 0 < verdict.run.unknown < 0.3, "windows fill anew after each stop"
    assert verdict.rate.weeks == pytest.approx(verdict.run.answers * 10 / 604_800)
    assert verdict.shadow.p99_us is not None
    assert any("does not prove the budget" in told for told in verdict.warnings)
    event = note(works.registry, works.model, verdict, NOW, "ada")
    assert (event.what, event.by, event.data["why"]) == (What.VERIFIED, "ada", [])


def test_more_findings_than_the_budget_are_refused_and_noted_with_the_reason(
    works: Worked,
) -> None:
    verdict = verdict_on(works, CALM, END)
    assert not verdict.passed
    assert verdict.rate is not None
    assert 5 <= verdict.rate.count <= 7
    assert "the budget is 2" in verdict.why[0]
    event = note(works.registry, works.model, verdict, NOW, "ada")
    assert event.what is What.REFUSED
    assert event.data["findings"] == verdict.rate.count
    assert len(event.data["raised"]) == verdict.rate.count
    wide = verdict_on(works, CALM, END, Terms(a_week=2000.0))
    assert wide.passed, "another plant bears more"


def test_who_wants_to_be_certain_needs_a_longer_stretch(works: Worked) -> None:
    verdict = verdict_on(works, TRAINED, CALM, Terms(certain=True))
    assert not verdict.passed
    assert "to be sure takes" in verdict.why[0]


def test_what_the_device_cannot_bear_is_refused_before_anything_is_replayed(
    works: Worked,
) -> None:
    verdict = verdict_on(works, TRAINED, CALM, Terms(budget_us=0.001))
    assert "latency" in verdict.why[0]
    assert verdict.run is None
    bounds = verdict_on(works, TRAINED, CALM, Terms(low=5.0, high=6.0))
    assert "make no sense" in bounds.why[0]


def test_a_budget_of_nothing_makes_no_sense() -> None:
    with pytest.raises(LearnError, match="makes no sense"):
        Terms(a_week=0.0)


def test_too_little_to_say_anything_is_no_verdict(works: Worked) -> None:
    with pytest.raises(LearnError, match="100 are needed"):
        verdict_on(works, TRAINED, TRAINED + 600_000_000)


def test_it_is_compared_with_what_is_in_force(works: Worked) -> None:
    in_force = release_of(works.model, ReleaseKey.at(works.registry.key))
    verdict = verify(
        works.registry, works.model, works.plant, works.past, (CALM, END), Terms(),
        in_force=in_force,
    )  # fmt: skip
    assert verdict.beside is not None
    assert verdict.rate is not None
    assert (verdict.beside.apart.flips, verdict.beside.apart.shift) == (0.0, 0.0)
    assert verdict.beside.findings == verdict.rate.count


def test_a_replay_says_what_a_runner_would_have_said_live(works: Worked) -> None:
    """The same moments through :class:`Runner`, whose node is asked for one release only."""
    key = ReleaseKey.at(works.registry.key)
    bundle = open_bundle(release_of(works.model, key), Trust((key.public,)))
    stretch = works.past.stretch(bundle.contract, TRAINED, CALM)
    run = replay(bundle, stretch)

    class Shelf:
        def slot(self, name: str) -> Slot:
            return Slot(force=bundle.address)

        def bundle(self, address: str) -> Bundle:
            return bundle

    runner = Runner(Shelf(), bundle.contract.name)  # type: ignore[arg-type]
    live = {}
    for row, time in enumerate(stretch.time.tolist()):
        for answer in runner.tick(time, stretch.look(row)):
            live[answer.time] = answer.value
    known = np.isfinite(run.values)
    assert run.time[known].tolist() == list(live)
    assert np.allclose(run.values[known], list(live.values()), rtol=1e-6)
