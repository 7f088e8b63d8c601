"""Built-in judges raise once, clear once, and say what they saw."""

from tests.operate.devices import plant

from genba.operate.findings import Findings
from genba.operate.judge import Judge, Judgement, LimitJudge, RateJudge, Sight, StaleJudge
from genba.operate.packml import PackMLJudge, follows
from genba.operate.sense import LiveValues
from genba.plant import US, PackMLMode, PackMLState, Quality, Sample, Severity

S = PackMLState


class Watch:
    """Feeds samples of one signal to one judge, second by second."""

    def __init__(self, judge: Judge, name: str) -> None:
        self.judge, self.name = judge, name
        self.live, self.now = LiveValues(), 0

    def see(self, *values: object, quality: int = Quality.GOOD) -> list[Judgement]:
        batch = []
        for value in values:
            self.now += US
            batch.append(Sample(self.name, self.now, self.now, value, quality))
        self.live.update(batch)
        return list(self.judge.judge(Sight(self.now, batch, self.live)))

    def wait(self, seconds: float) -> list[Judgement]:
        self.now += round(seconds * US)
        return list(self.judge.judge(Sight(self.now, [], self.live)))


def test_a_limit_is_raised_once_and_cleared_with_hysteresis() -> None:
    watch = Watch(LimitJudge(plant()), "saw.load")
    assert watch.see(70.0, 80.0) == []
    raised = watch.see(81.0, 85.0, 90.0)
    assert [j.finding.kind for j in raised] == ["limit_high"]
    assert raised[0].stands
    assert "above its limit 80" in raised[0].finding.text
    assert raised[0].finding.evidence[0].value == 81.0
    assert watch.see(79.9, 80.5, 79.0) == []
    cleared = watch.see(78.0)
    assert [j.clears for j in cleared] == [True]
    assert [j.stands for j in watch.see(82.0)] == [True]


def test_both_limits_are_told_apart() -> None:
    watch = Watch(LimitJudge(plant()), "saw.load")
    found = watch.see(99.0)
    assert {(j.finding.kind, j.finding.severity) for j in found} == {
        ("limit_high", Severity.WARNING),
        ("limit_high_high", Severity.CRITICAL),
    }


def test_bad_and_missing_values_are_not_judged() -> None:
    watch = Watch(LimitJudge(plant()), "saw.load")
    assert watch.see(99.0, quality=Quality.BAD) == []
    assert watch.see(None, "hot", True) == []


def test_a_fast_change_is_told_once_a_minute() -> None:
    watch = Watch(RateJudge(plant()), "saw.load")
    assert watch.see(0.0, 15.0, 30.0) == []
    told = watch.see(60.0)
    assert ["30 % per second" in j.finding.text for j in told] == [True]
    assert watch.see(90.0, 10.0) == []
    watch.wait(60)
    assert watch.see(10.0, 60.0) != []


def test_a_measurement_that_stops_is_stale_until_it_comes_again() -> None:
    watch = Watch(StaleJudge(plant()), "saw.load")
    assert watch.wait(100) == []
    watch.see(50.0)
    assert watch.wait(4) == []
    assert [j.stands for j in watch.wait(2)] == [True]
    assert watch.wait(50) == []
    assert [j.clears for j in watch.see(50.0)] == [True]
    assert [j.stands for j in watch.see(50.0, quality=Quality.BAD)] == [True]


def test_which_states_follow_which() -> None:
    legal = [
        (S.IDLE, S.STARTING),
        (S.IDLE, S.EXECUTE),
        (S.EXECUTE, S.COMPLETE),
        (S.COMPLETE, S.IDLE),
        (S.EXECUTE, S.HELD),
        (S.HELD, S.EXECUTE),
        (S.EXECUTE, S.SUSPENDED),
        (S.SUSPENDED, S.EXECUTE),
        (S.SUSPENDED, S.HELD),
        (S.EXECUTE, S.ABORTED),
        (S.ABORTED, S.STOPPED),
        (S.STOPPED, S.IDLE),
        (S.HELD, S.STOPPED),
        (S.STOPPED, S.ABORTED),
    ]
    assert [pair for pair in legal if not follows(*pair)] == []
    illegal = [
        (S.ABORTED, S.EXECUTE),
        (S.ABORTED, S.IDLE),
        (S.STOPPED, S.EXECUTE),
        (S.IDLE, S.COMPLETE),
        (S.COMPLETE, S.EXECUTE),
        (S.HELD, S.COMPLETE),
    ]
    assert [pair for pair in illegal if follows(*pair)] == []


def test_states_become_events_and_illegal_changes_findings() -> None:
    ended: list[tuple[object, ...]] = []
    judge = PackMLJudge(plant(), lambda *told: ended.append(told))
    watch = Watch(judge, "saw.state")
    assert watch.see(4, 6, 6, 17, 4) == []
    assert ended == [
        ("saw", 1 * US, 2 * US, S.IDLE, None),
        ("saw", 2 * US, 4 * US, S.EXECUTE, None),
        ("saw", 4 * US, 5 * US, S.COMPLETE, None),
    ]
    assert "IDLE" in watch.see(17)[0].finding.text
    assert "no PackML state" in watch.see(99)[0].finding.text
    assert "no PackML state" in watch.see("idle")[0].finding.text


def test_a_polled_device_may_pass_through_states_that_nobody_saw() -> None:
    polled = plant()
    connections = tuple(c.model_copy(update={"driver": "modbus"}) for c in polled.connections)
    judge = PackMLJudge(polled.model_copy(update={"connections": connections}), lambda *_: None)
    watch = Watch(judge, "saw.state")
    assert {j.finding.kind for j in watch.see(9, 6, 17, 6)} == {"machine_aborted"}
    assert "no PackML state" in watch.see(99)[0].finding.text


def test_a_state_is_told_with_the_mode_that_it_began_in() -> None:
    ended: list[tuple[object, ...]] = []
    judge = PackMLJudge(plant(), lambda *told: ended.append(told))
    Watch(judge, "saw.mode").see(4)
    watch = Watch(judge, "saw.state")
    watch.see(6, 4)
    assert ended[0][4] is PackMLMode.SETUP


def test_findings_stand_until_cleared_and_told_ones_fade() -> None:
    findings = Findings()
    watch = Watch(LimitJudge(plant()), "saw.load")
    findings.take(watch.see(85.0))
    assert len(findings.now(10_000 * US)) == 1
    findings.take(watch.see(50.0))
    assert findings.now(10_000 * US) == []
    findings.take(Watch(RateJudge(plant()), "saw.load").see(0.0, 90.0))
    assert len(findings.now(10 * US)) == 1
    assert findings.now(1000 * US) == []
    assert findings.total == 2
