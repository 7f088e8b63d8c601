"""Sums of masked answers are the plain sums, whoever falls out; one masked answer tells nothing."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from tests.learn.federated.circle import Circle, Remembered, identities

from genba.errors import LearnError
from genba.learn.federated.message import Message
from genba.learn.federated.party import Party, threshold_of
from genba.learn.federated.ring import NARROW, WIDE
from genba.learn.federated.tally import TooFew, tally

NAMES = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
WIDE_QUESTION = Message({"kind": "anything", "ring": "wide"})
NARROW_QUESTION = Message({"kind": "anything", "ring": "narrow"})
STAGES = ("keys", "shares", "masked", "confirm", "unmask")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return identities(tmp_path_factory.mktemp("pki"), NAMES)


def numbers_of(seed: int, size: int = 7) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 10.0 ** random.integers(-3, 6), size) for name in NAMES}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10_000),
    fallen=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(STAGES), max_size=2),
    wide=st.booleans(),
)
def test_the_masked_sum_is_the_plain_sum_of_those_that_answered(
    made: dict, seed: int, fallen: dict[str, str], wide: bool
) -> None:
    numbers = numbers_of(seed)
    circle = Circle(made, numbers)
    circle.silent = dict(fallen)
    question = WIDE_QUESTION if wide else NARROW_QUESTION
    found = tally(circle.ask, NAMES, question, 7, circle.name_of)
    early = {name for name, stage in fallen.items() if stage in ("keys", "shares", "masked")}
    assert set(found.sites) == set(NAMES) - early
    assert set(found.lost) == early
    ring = WIDE if wide else NARROW
    plain = np.sum([numbers[name] for name in found.sites], axis=0)
    assert (
        np.abs(found.values - plain).max()
        <= 3 * 2.0**-ring.fraction + 1e-15 * np.abs(plain).max() * 4
    )


@pytest.mark.parametrize("stage", STAGES)
def test_where_too_few_are_left_there_is_no_sum(made: dict, stage: str) -> None:
    circle = Circle(made, numbers_of(1))
    circle.silent = dict.fromkeys(NAMES[:5], stage)
    with pytest.raises(TooFew, match="2 sites are left in a sum that takes"):
        tally(circle.ask, NAMES, WIDE_QUESTION, 7, circle.name_of)


def test_two_sites_make_no_sum(made: dict) -> None:
    circle = Circle(made, numbers_of(1))
    with pytest.raises(TooFew):
        tally(circle.ask, NAMES[:2], WIDE_QUESTION, 7, circle.name_of)
    assert [threshold_of(sites) for sites in (3, 4, 5, 6, 7, 9)] == [3, 3, 4, 5, 5, 7]


def test_one_masked_answer_is_spread_evenly(made: dict) -> None:
    """Chi-square over each byte of the elements: the answer is 0 everywhere, and does not show."""
    size = 20_000
    for question in (WIDE_QUESTION, NARROW_QUESTION):
        circle = Circle(made, {name: np.zeros(size) for name in NAMES})
        found = tally(circle.ask, NAMES, question, size, circle.name_of)
        assert np.array_equal(found.values, np.zeros(size))
        masked = [one.arrays["masked"] for _, one in circle.seen if "masked" in one.arrays]
        assert len(masked) == 7
        for words in masked:
            octets = words.view(np.uint8).reshape(len(words), -1)
            for place in range(octets.shape[1]):
                counts = np.bincount(octets[:, place], minlength=256)
                told = float(((counts - size / 256) ** 2 / (size / 256)).sum())
                assert chi2.sf(told, 255) > 1e-6
            assert abs(np.corrcoef(octets[1:, 0], octets[:-1, 0])[0, 1]) < 0.05


def test_a_false_share_spoils_nothing(made: dict) -> None:
    numbers = numbers_of(4)
    circle = Circle(made, numbers)
    circle.silent = {"delta": "masked"}

    def ask(told):
        answers = circle.ask(told)
        if next(iter(told.values())).head["stage"] == "unmask":
            wrong = {
                which: dict.fromkeys(table, "1234") for which, table in answers["golf"].head.items()
            }
            answers["golf"] = Message(wrong)
        return answers

    found = tally(ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    assert np.allclose(found.values, sum(numbers[name] for name in found.sites))


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((6, 2), np.uint64), np.zeros((7, 1), np.uint64), np.zeros((7, 2)), None],
    ids=["short", "other ring", "floats", "nothing"],
)
def test_an_answer_of_the_wrong_shape_is_left_out(made: dict, wrong: np.ndarray | None) -> None:
    numbers = numbers_of(5)
    circle = Circle(made, numbers)

    def ask(told):
        answers = circle.ask(told)
        if next(iter(told.values())).head["stage"] == "masked":
            answers["echo"] = Message({}, {} if wrong is None else {"masked": wrong})
        return answers

    found = tally(ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    assert found.lost == ("echo",)
    assert np.allclose(found.values, sum(numbers[name] for name in found.sites))


def test_numbers_that_must_not_be_sent_stay_at_the_site(made: dict) -> None:
    numbers = numbers_of(6)
    numbers["alpha"][2] = np.nan
    numbers["golf"][0] = 1e30
    circle = Circle(made, numbers)
    found = tally(circle.ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    assert found.sites == NAMES[1:6]
    assert "number 2 of 7 of this site's answer is not finite" in circle.refused["alpha"]
    assert "give the column in a larger unit" in circle.refused["golf"]


def test_a_hub_that_puts_its_own_keys_in_place_learns_nothing(made: dict) -> None:
    circle = Circle(made, numbers_of(7))
    stranger = Party(
        "golf", made["alpha"], "s", "q", WIDE, lambda: np.zeros(7), circle.name_of, Remembered()
    )

    def ask(told):
        for message in told.values():
            if message.head["stage"] == "shares":
                message.head["roster"]["golf"] = stranger.keys()
                break
        return circle.ask(told)

    with pytest.raises(TooFew):
        tally(ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    assert "the keys told of site 'golf' are not its own" in circle.refused["delta"]
    assert not any("masked" in one.arrays for _, one in circle.seen)


def test_a_hub_that_tells_sites_different_survivors_gets_no_shares(made: dict) -> None:
    circle = Circle(made, numbers_of(8))

    signed: dict[str, str] = {}

    def ask(told):
        answers = {}
        for name, message in told.items():
            if message.head["stage"] == "confirm" and name in ("alpha", "bravo"):
                message = Message({**message.head, "sites": list(NAMES[:5])})
            answers |= circle.ask({name: message})
            if message.head["stage"] == "confirm":
                signed[name] = str(answers[name].head["signature"])
        return answers

    tally(ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    for name in ("alpha", "bravo"):
        with pytest.raises(LearnError, match="a sum over 2 sites would tell too much"):
            circle.parties[name].unmask(signed)


def test_a_question_is_not_answered_again_with_other_sites(made: dict) -> None:
    """The difference of the two sums would be what one site said."""
    circle = Circle(made, numbers_of(9))
    tally(circle.ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    tally(circle.ask, NAMES, WIDE_QUESTION, 7, circle.name_of)  # the same circle tells nothing new
    with pytest.raises(TooFew):
        tally(circle.ask, NAMES[:6], WIDE_QUESTION, 7, circle.name_of)
    assert "the difference of two sums tells what one site said" in circle.refused["alpha"]


def test_each_step_is_taken_once(made: dict) -> None:
    circle = Circle(made, numbers_of(10))
    steps: list[tuple[str, Message]] = []

    def ask(told):
        steps.extend(told.items())
        return circle.ask(told)

    tally(ask, NAMES, WIDE_QUESTION, 7, circle.name_of)
    for name, message in steps:
        if message.head["stage"] != "keys":
            with pytest.raises(LearnError, match="nothing was sent"):
                circle.answer(name, message)


@given(
    values=st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20),
    wide=st.booleans(),
)
def test_numbers_come_back_from_the_ring(values: list[float], wide: bool) -> None:
    ring = WIDE if wide else NARROW
    told = np.clip(np.array(values), -ring.most(9), ring.most(9))
    back = ring.decode(ring.encode(told, 9))
    assert np.abs(back - told).max() <= 2.0 ** -(ring.fraction + 1) + 1e-15 * np.abs(told).max()
