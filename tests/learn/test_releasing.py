"""Only what was verified goes out, exactly as it was verified; and it comes back."""

from pathlib import Path

import pytest
from tests.learn.worked import CALM, NOW, TRAINED, Worked

from genba.errors import LearnError
from genba.learn import What, release_to_core, rollback, running, sealed
from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.node import Node
from genba.learn.verify.verified import Terms, note, verify

TERMS = Terms(budget_us=20_000.0, memory_mb=300.0, low=-5.0, high=1e6)


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return Worked(tmp_path_factory.mktemp("works"))


def verified(works: Worked, terms: Terms = TERMS) -> str:
    verdict = verify(works.registry, works.model, works.plant, works.past, (TRAINED, CALM), terms)
    note(works.registry, works.model, verdict, NOW, "ada")
    return verdict.address


def core_at(works: Worked) -> tuple[Node, Trust]:
    trust = Trust((ReleaseKey.at(works.registry.key).public,))
    return Node(works.registry.root, CORE, trust, lambda: 1, set(works.plant.signals)), trust


def test_what_was_not_verified_is_refused_unless_somebody_says_why(tmp_path: Path) -> None:
    works = Worked(tmp_path)
    with pytest.raises(LearnError, match=r"was not verified; run `genba model verify"):
        sealed(works.registry, works.model.digest)
    assert sealed(works.registry, works.model.digest, unverified="a drill").content
    verdict = verify(
        works.registry, works.model, works.plant, works.past, (TRAINED, CALM),
        Terms(budget_us=0.001),
    )  # fmt: skip
    note(works.registry, works.model, verdict, NOW, "ada")
    with pytest.raises(LearnError, match=r"was refused when it was verified .*latency"):
        sealed(works.registry, works.model.digest)


def test_what_goes_out_is_what_was_verified(works: Worked) -> None:
    address = verified(works)
    found = sealed(works.registry, works.model.digest[:8])
    assert (found.address, found.name) == (address, "press-1.anomaly")
    trust = Trust((ReleaseKey.at(works.registry.key).public,))
    bundle = open_bundle(found.content, trust)
    assert (bundle.contract.low, bundle.contract.memory_mb) == (-5.0, 300.0)
    assert bundle.digest == works.model.digest


def test_a_model_that_was_altered_since_does_not_go_out(tmp_path: Path) -> None:
    works = Worked(tmp_path)
    verified(works)
    path = works.model.folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(LearnError, match="was altered or damaged"):
        sealed(works.registry, works.model.digest)


def test_a_release_runs_at_the_core_and_comes_back_and_the_history_tells_it_all(
    works: Worked,
) -> None:
    address = verified(works)
    node, trust = core_at(works)
    box = Mailbox(works.registry.root)
    with pytest.raises(LearnError, match="does not run at the core"):
        rollback(works.registry, works.model.digest, 5, by="watch", why="drift")
    found = sealed(works.registry, works.model.digest)
    numbers = release_to_core(works.registry, found, 10, by="ada", unverified="")
    while box.obey_next(node, trust):
        pass
    replies = [box.reply(number) for number in numbers]
    assert all(told is not None and told["error"] == "" for told in replies)
    node.confirm(found.name)
    assert running(works.registry)[found.name].force == address
    rollback(works.registry, works.model.digest[:8], 20, by="watch", why="drift")
    assert box.obey_next(node, trust)
    assert running(works.registry)[found.name].force is None
    told = works.registry.history.events(works.model.digest)
    steps = [(event.what, event.by, event.where) for event in told][-5:]
    assert steps == [
        (What.RELEASED, "ada", CORE),
        (What.RECEIVED, "ada", CORE),
        (What.TRIAL, "ada", CORE),
        (What.STARTED, "", CORE),
        (What.ROLLED_BACK, "watch", CORE),
    ]
    assert told[-1].data["why"] == "drift"


def test_what_was_ordered_and_not_yet_taken_up_can_be_taken_back(tmp_path: Path) -> None:
    works = Worked(tmp_path)
    verified(works)
    found = sealed(works.registry, works.model.digest)
    release_to_core(works.registry, found, 10, by="ada")
    rollback(works.registry, works.model.digest, 20, by="ada", why="another day")
    node, trust = core_at(works)
    while Mailbox(works.registry.root).obey_next(node, trust):
        pass
    slot = running(works.registry)[found.name]
    assert (slot.force, slot.trial) == (None, None)
    assert works.registry.history.events()[-1].what is What.ROLLED_BACK


def test_the_reason_of_an_unverified_release_stays_in_the_history(works: Worked) -> None:
    found = sealed(works.registry, works.model.digest, unverified="a drill")
    release_to_core(works.registry, found, 100, by="ada", unverified="a drill")
    assert works.registry.history.events()[-1].data["why"] == "unverified: a drill"
