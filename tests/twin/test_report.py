"""A validation compares futures with the record, and says in plain words how good a twin is."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.twin.recorded_shop import END, START, drive, two_days

from genba.errors import TwinError
from genba.plant import US
from genba.twin.prediction import Case, Prediction, observed
from genba.twin.record import read_recording
from genba.twin.recording import Recording
from genba.twin.report import joined, shift_cases, validate

HOUR = 3600 * US


@pytest.fixture(scope="module")
def recording() -> Recording:
    shop, told = two_days()
    drive(told, trips=50)
    return read_recording(told, shop, START, END)


@dataclass
class Oracle:
    """A twin that knows what happened, and says it with noise and bias."""

    bias: float = 1.0
    noise: float = 0.1
    change: Callable[[Prediction], Prediction] = lambda prediction: prediction

    def predict(self, case: Case, seed: int) -> Prediction:
        real = observed(case)
        factor = self.bias * (1 + self.noise * np.random.default_rng(seed).standard_normal())
        output = real.output * factor
        return self.change(
            replace(real, output=output, parts_left=real.parts_left + real.output - output)
        )


def test_shifts_without_a_calendar_are_eight_hours_each(recording: Recording) -> None:
    cases = shift_cases(recording)
    assert len(cases) == 6
    assert cases[0].length_s == 8 * 3600
    assert cases[1].start == cases[0].end


def test_a_good_twin_is_inside_its_interval_and_the_verdict_says_so(recording: Recording) -> None:
    found = validate(Oracle(noise=0.02), shift_cases(recording), futures=60, seed=2)
    assert found.coverage("output") == 1.0
    assert max(map(abs, found.errors("output"))) < 0.02
    assert "6 of 6 lie in its 90 % interval" in found.verdict
    assert "within" in found.verdict


def test_a_biased_twin_is_shown_with_the_size_and_the_side_of_its_error(
    recording: Recording,
) -> None:
    found = validate(Oracle(bias=1.3, noise=0.02), shift_cases(recording), futures=40)
    assert np.mean(found.errors("output")) == pytest.approx(0.3, abs=0.01)
    assert found.coverage("output") == 0.0
    assert "too high" in found.verdict
    assert "outside" in found.as_text()


def test_the_report_as_json_holds_every_measure_and_no_undefined_number(
    recording: Recording,
) -> None:
    found = json.loads(validate(Oracle(), shift_cases(recording)[:2], futures=5).as_json())
    assert len(found["periods"]) == 2
    measures = found["periods"][0]["measures"]
    assert {"output", "lots", "tardiness_h", "energy_kwh", "transports", "share_run"} <= set(
        measures
    )
    assert measures["tardiness_h"]["error"] is None  # nothing was late: there is no ratio to give


def test_shares_of_all_states_add_up(recording: Recording) -> None:
    (period,) = validate(Oracle(), shift_cases(recording)[:1], futures=2).periods
    shares = [c.recorded for c in period.compared if c.measure.startswith("share_")]
    assert sum(shares) == pytest.approx(1.0)


def test_validations_of_several_recordings_can_be_put_together(recording: Recording) -> None:
    cases = shift_cases(recording)
    parts = [validate(Oracle(), [case], futures=3) for case in cases[:3]]
    assert len(joined(parts).periods) == 3


def test_no_period_or_no_futures_are_refused(recording: Recording) -> None:
    with pytest.raises(TwinError, match="no period"):
        validate(Oracle(), [])
    with pytest.raises(TwinError, match="2 futures"):
        validate(Oracle(), shift_cases(recording), futures=1)


def test_lateness_counts_in_the_period_in_which_it_is_gathered(recording: Recording) -> None:
    first = recording.arrivals[1]
    done = next(d.time for d in recording.done if d.order == first.order)
    due = done - 2 * HOUR
    late = replace(recording, arrivals=(replace(first, due=due, weight=3.0),))
    whole = observed(Case(late, due - HOUR, done + HOUR)).tardiness_h
    halves = [
        observed(Case(late, begin, end)).tardiness_h
        for begin, end in ((due - HOUR, due + HOUR), (due + HOUR, done + HOUR))
    ]
    assert whole == pytest.approx(6.0)
    assert sum(halves) == pytest.approx(whole)
