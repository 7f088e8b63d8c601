"""``check_twin`` lets a sound twin pass, and finds each way in which one can be wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.twin.recorded_shop import END, START, drive, two_days
from tests.twin.test_report import Oracle

from genba.plant import Severity
from genba.twin.check import TwinFinding, check_twin
from genba.twin.prediction import Case, Prediction
from genba.twin.record import read_recording
from genba.twin.recording import Recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    drive(told, trips=50)
    return read_recording(told, shop, START, END)


def rules(findings: list[TwinFinding]) -> set[str]:
    return {finding.rule for finding in findings}


def test_a_sound_twin_passes(recording: Recording) -> None:
    assert check_twin(Oracle(noise=0.05), recording) == []


def test_a_twin_that_answers_differently_each_time_is_found(recording: Recording) -> None:
    class Fickle(Oracle):
        calls = 0

        def predict(self, case: Case, seed: int) -> Prediction:
            self.calls += 1
            return super().predict(case, self.calls)

    findings = check_twin(Fickle(), recording)
    assert rules(findings) == {"determinism"}
    assert findings[0].severity is Severity.CRITICAL


def test_a_twin_without_any_spread_is_told_of(recording: Recording) -> None:
    findings = check_twin(Oracle(noise=0.0), recording)
    assert "determinism" in rules(findings)
    assert all(f.severity is Severity.WARNING for f in findings)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("conservation", lambda p: replace(p, output=p.output + 1)),
        ("conservation", lambda p: replace(p, parts_left=p.parts_left + 1)),
        ("sign", lambda p: replace(p, energy_kwh=-1.0)),
        ("sign", lambda p: replace(p, lots=float("nan"))),
        ("sign", lambda p: replace(p, seconds={**p.seconds, ("mill-1", "run"): -5.0})),
        ("states", lambda p: replace(p, seconds={**p.seconds, ("mill-1", "lunch"): 5.0})),
        ("time", lambda p: replace(p, seconds={**p.seconds, ("mill-1", "run"): 9e4})),
        ("units", lambda p: replace(p, energy_kwh=p.energy_kwh * 3.6e6)),
        ("start", lambda p: replace(p, parts_in=p.parts_in + 99, parts_left=p.parts_left + 99)),
    ],
)  # fmt: skip
def test_each_breach_is_found_under_its_name(
    recording: Recording, rule: str, change: Callable[[Prediction], Prediction]
) -> None:
    assert rule in rules(check_twin(Oracle(change=change), recording, futures=3))


def test_a_biased_twin_is_told_of_with_the_size_of_its_error(recording: Recording) -> None:
    findings = check_twin(Oracle(bias=1.4, noise=0.02), recording)
    assert {"bias", "coverage"} <= rules(findings)
    assert any("+40" in f.text or "+39" in f.text for f in findings if f.rule == "bias")


def test_a_twin_that_is_too_sure_of_itself_is_told_of(recording: Recording) -> None:
    class Sure(Oracle):
        def predict(self, case: Case, seed: int) -> Prediction:
            self.bias = 1.1 if (case.start - START) // (case.end - case.start) % 2 else 0.9
            return super().predict(case, seed)

    findings = check_twin(Sure(noise=0.001), recording)
    assert "coverage" in rules(findings)


def test_a_twin_that_raises_gets_a_finding_not_a_trace(recording: Recording) -> None:
    from genba.errors import TwinError

    class Broken:
        def predict(self, case: Case, seed: int) -> Any:
            raise TwinError("no line")

    findings = check_twin(Broken(), recording)
    assert rules(findings) == {"answers"}
    assert "no line" in findings[0].text
