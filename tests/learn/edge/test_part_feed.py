"""A model of parts is asked at the end of each part, about the very row that training makes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.learn.edge.parted import END, LEARNED, Parted
from tests.learn.press import MINUTE

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle
from genba.learn.edge.contract import Contract
from genba.learn.edge.keys import Trust
from genba.learn.edge.node import Slot
from genba.learn.edge.pack import release_of
from genba.learn.edge.part_feed import PartFeed
from genba.learn.edge.runner import Answer, Runner
from genba.learn.edge.shadow import try_out
from genba.learn.edge.window import Question
from genba.learn.verify.replay import replay
from genba.learn.verify.verified import Terms, verify
from genba.plant import US, Quality, Sample


@pytest.fixture(scope="module")
def pressed(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    return Parted(tmp_path_factory.mktemp("pressed"))


def held(name: str) -> float:
    assert name == "press-1.hold"
    return 500.0


class Shelf:
    """A node with one release in force."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def slot(self, name: str) -> Slot:
        return Slot(force=self._bundle.address)

    def bundle(self, address: str) -> Bundle:
        return self._bundle


def heard(pressed: Parted, feed: PartFeed, start: int, end: int) -> list[Question]:
    return [q for now, came in pressed.ticks(start, end) for q in feed.ask(now, held, came)]


def rows_of(pressed: Parted, start: int, end: int) -> tuple[Sequence[int], np.ndarray]:
    """What training would make of a stretch, with what it knows of the hour before."""
    data = pressed.parts(start - 60 * MINUTE, end)
    data = data.take(data.time >= start)
    data = data.select([column.name for column in pressed.model.card.columns])
    return data.time.tolist(), data.values.astype(np.float32)


def test_the_card_says_what_asks_and_what_a_row_holds(pressed: Parted) -> None:
    contract = pressed.bundle.contract
    assert contract.asked_at == "press-1.part"
    names = [column.name for column in pressed.model.card.columns]
    assert names[-2:] == ["weight_g", "size_um.last"]
    assert contract.columns[-2:] == ("press-1.part", "press-1.part")
    assert contract.takes[-2:] == ("told:weight_g", "last:size_um")
    place = names.index("cavity.mean")
    assert (contract.columns[place], contract.takes[place]) == ("press-1.cavity", "mean")
    assert contract.step_s == 60.0
    assert Contract.from_json(contract.to_json()) == contract


def test_rows_heard_live_are_those_of_training_to_the_last_bit(pressed: Parted) -> None:
    asked = heard(pressed, PartFeed(pressed.bundle.contract, pressed.past), LEARNED, END)
    times, rows = rows_of(pressed, LEARNED, END)
    assert [question.time for question in asked] == times[1:], "nobody saw all of the first"
    assert np.array_equal(np.stack([question.window[0] for question in asked]), rows[1:])
    assert asked[0].about == "S2411"


def test_a_runner_answers_each_part_as_the_model_and_the_replay_do(pressed: Parted) -> None:
    runner = Runner(Shelf(pressed.bundle), pressed.bundle.contract.name, pressed.past.feed)  # type: ignore[arg-type]
    said: list[Answer] = []
    for now, came in pressed.ticks(LEARNED, END):
        said += runner.tick(now, held, came)
    _, rows = rows_of(pressed, LEARNED, END)
    told = pressed.predict(rows[1:, None].astype(np.float64)).value
    assert len(said) == 199
    assert np.allclose([answer.value for answer in said], told, atol=1e-5)
    run = replay(pressed.bundle, pressed.past.stretch(pressed.bundle.contract, LEARNED, END))
    assert run.time.tolist()[1:] == [answer.time for answer in said]
    assert np.allclose(run.values[1:], [answer.value for answer in said], atol=1e-6)


def test_the_next_release_is_tried_out_on_the_machine_s_own_last_parts(pressed: Parted) -> None:
    windows = pressed.past.windows(pressed.bundle.contract)
    assert windows is not None
    _, rows = rows_of(pressed, END - 210 * MINUTE, END)
    assert np.array_equal(windows[:, 0], rows[-200:])
    again = release_of(pressed.model, pressed.key, budget_us=9000.0)
    report = try_out(
        again, Trust((pressed.key.public,)), signals=set(pressed.plant.signals),
        in_force=pressed.bundle, live=pressed.past.windows,
    )  # fmt: skip
    assert report.passed, report.why
    assert report.checks[-1].text == "0.0% of findings differ, answers shifted by 0 IQR"
    deaf = try_out(again, Trust((pressed.key.public,)), signals={"press-1.melt", "press-1.cavity"})
    assert "there is no signal press-1.part here" in deaf.why


def test_a_model_of_parts_is_verified_on_parts_that_it_never_saw(pressed: Parted) -> None:
    verdict = verify(
        pressed.registry, pressed.model, pressed.plant, pressed.past, (LEARNED + US, END),
        Terms(a_week=1e6),
    )  # fmt: skip
    assert verdict.passed, verdict.why
    assert verdict.run is not None
    assert verdict.run.answers == 200
    assert verdict.rate is not None
    assert verdict.rate.weeks * 7 * 24 * 60 == pytest.approx(200)
    with pytest.raises(LearnError, match=r"asked once a part.*leave --twin out"):
        verify(
            pressed.registry, pressed.model, pressed.plant, pressed.past, (LEARNED, END), Terms(),
            imagine=lambda _: (),
        )  # fmt: skip


def test_what_arrives_behind_the_end_of_a_part_and_was_before_it_counts(pressed: Parted) -> None:
    feed, late = (
        PartFeed(pressed.bundle.contract, pressed.past),
        PartFeed(pressed.bundle.contract, pressed.past),
    )
    plain = heard(pressed, feed, LEARNED, LEARNED + 20 * MINUTE)
    asked: list[Question] = []
    kept: list[Sample] = []
    for now, came in pressed.ticks(LEARNED, LEARNED + 20 * MINUTE):
        parts = [s for s in came if s.signal == "press-1.part"]
        others = [s for s in came if s not in parts]
        last = others[-1:] if parts else []
        asked += late.ask(now, held, [s for s in (*kept, *others, *parts) if s not in last])
        kept = last
    assert [q.time for q in asked] == [q.time for q in plain]
    assert all(np.array_equal(a.window, b.window) for a, b in zip(asked, plain, strict=True))


def test_bad_values_do_not_count_and_a_part_without_any_is_unknown(pressed: Parted) -> None:
    feed = PartFeed(pressed.bundle.contract, pressed.past)
    asked: list[Question] = []
    for now, came in pressed.ticks(LEARNED, LEARNED + 5 * MINUTE):
        bad = [s._replace(quality=Quality.BAD) if s.signal.endswith("melt") else s for s in came]
        asked += feed.ask(now, held, bad)
    names = [column.name for column in pressed.model.card.columns]
    melt = [place for place, name in enumerate(names) if name.startswith("melt.")]
    assert asked
    for question in asked:
        assert np.isnan(question.window[0, melt]).all()
        assert np.isfinite(np.delete(question.window[0], melt)).all()


def test_no_part_is_asked_about_of_which_something_was_lost(pressed: Parted) -> None:
    feed = PartFeed(pressed.bundle.contract, pressed.past)
    asked: list[int] = []
    for now, came in pressed.ticks(LEARNED, LEARNED + 10 * MINUTE):
        if now == LEARNED + 5 * MINUTE - 30 * US:
            feed.lose()
        asked += [question.time for question in feed.ask(now, held, came)]
    ends = [LEARNED + (part + 1) * MINUTE - 10 * US + 1 for part in range(10)]
    assert asked == [end for place, end in enumerate(ends) if place not in (0, 4)]


def test_an_hour_without_a_part_is_let_go_of(pressed: Parted) -> None:
    feed = PartFeed(pressed.bundle.contract, pressed.past)
    for second in range(0, 5 * 3600, 10):
        now = LEARNED + second * US
        feed.ask(now, held, [Sample("press-1.melt", now, now, 230.0)])
    assert max(len(times) for times, _ in feed._tracks.values()) <= 2 * 360


def test_a_model_that_sees_several_parts_takes_those_before_out_of_the_recording(
    tmp_path: Path,
) -> None:
    pressed = Parted(tmp_path, window=5)
    assert pressed.bundle.contract.shape[0] == 5
    pressed.clock.set(END)
    feed = pressed.past.feed(pressed.bundle.contract)
    assert isinstance(feed, PartFeed)
    asked = heard(pressed, feed, LEARNED, END)
    times, rows = rows_of(pressed, LEARNED - 10 * MINUTE, END)
    assert [question.time for question in asked] == times[11:]
    assert np.array_equal(asked[0].window, rows[7:12])
    assert np.array_equal(asked[-1].window, rows[-5:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"takes": ("mean",)}, "says for 1 of"),
        ({"asked_at": ""}, "says for"),
        ({"takes": None}, "'median' of a part"),
    ],
)
def test_a_card_that_nobody_can_follow_is_refused(
    pressed: Parted, change: dict[str, object], said: str
) -> None:
    told = dict(pressed.bundle.card) | change
    if told["takes"] is None:
        told["takes"] = ["median"] * len(pressed.bundle.contract.columns)
    with pytest.raises(LearnError, match=said):
        Contract.from_plain(told)


def test_a_setpoint_counts_as_it_stood_at_the_end_of_the_part() -> None:
    contract = Contract(
        "press.quality", "1", "quality", "press", ("press.hold", "press.part"), 1, 60.0,
        asked_at="press.part", takes=("stands", "told:weight_g"),
    )  # fmt: skip
    assert contract.looks == {"press.hold"}
    feed = PartFeed(contract)

    def hold(value: float, at: int) -> Sample:
        return Sample("press.hold", at * US, at * US, value)

    def part(at: int) -> Sample:
        return Sample("press.part", at * US, at * US, '{"serial": "S", "weight_g": 7}')

    came = [
        [part(1)], [part(2)], [hold(510.0, 3), part(4)], [part(5), hold(520.0, 6)], [part(7)], [],
    ]  # fmt: skip
    asked = [q for now, some in enumerate(came) for q in feed.ask(now * US, lambda _: 500.0, some)]
    assert [q.window[0].tolist() for q in asked] == [[500, 7], [510, 7], [510, 7], [520, 7]]
