"""Live values: the newest of each signal, and what changed since when."""

from hypothesis import given
from hypothesis import strategies as st
from tests.operate.devices import plant

from genba.errors import HistorianError
from genba.guard import Guard
from genba.historian.admission import Admission
from genba.operate.sense import Intake, LiveValues
from genba.operate.skew import ClockSkew
from genba.plant import Quality, Sample, VirtualClock


def test_a_bad_value_is_none() -> None:
    live = LiveValues()
    live.update([Sample("a", 1, 1, 5.0), Sample("b", 1, 1, 5.0, Quality.BAD)])
    assert live.value("a") == 5.0
    assert live.value("b") is None
    assert live.value("c") is None
    assert live.evidence("b") is None


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.integers()), max_size=6)))
def test_whoever_follows_changes_knows_everything(batches: list[list[tuple[str, int]]]) -> None:
    live, eager, lazy = LiveValues(), {}, {}
    cursor = late = 0
    for number, batch in enumerate(batches):
        live.update([Sample(name, number, number, value) for name, value in batch])
        cursor, changed = live.changed_since(cursor)
        assert len(changed) == len({sample.signal for sample in changed})
        assert {sample.signal for sample in changed} == {name for name, _ in batch}
        eager |= {sample.signal: sample for sample in changed}
        if number % 3 == 0:
            late, changed = live.changed_since(late)
            lazy |= {sample.signal: sample for sample in changed}
    lazy |= {sample.signal: sample for sample in live.changed_since(late)[1]}
    assert eager == lazy == live.snapshot()


def test_a_full_historian_does_not_stop_the_plant_but_is_said() -> None:
    def full(_: object) -> None:
        raise HistorianError("no more fit")

    shop = plant()
    live = LiveValues()
    clock = VirtualClock(0)
    admission = Admission(shop.signals, clock.now, clock.speed, lambda *_: None)
    skew = ClockSkew({}, clock.speed, lambda *_: None)
    refused: list[Sample] = []
    intake = Intake(live, Guard(shop, clock), admission, skew, full, refused.extend)
    intake([Sample("saw.load", 1, 1, 5.0)])
    assert live.value("saw.load") == 5.0
    assert len(intake.take()) == 1
    assert intake.take() == []
    assert intake.unrecorded == 1
    assert [sample.value for sample in refused] == [5.0]
