"""What a plant file says of processes is checked, with the place and the mend."""

import pytest
from tests.plant.plants import SMALL, errors_of, said_of

ONE = "id: heat, equipment: mill, physics: heated_body, signals: {setpoint: mill.sp}"


def with_process(text: str) -> str:
    return SMALL.rstrip("\n") + f"\nprocesses: [{{{text}}}]\n"


def test_a_process_of_signals_that_are_there_is_fine() -> None:
    assert errors_of(with_process(ONE)) == []
    wanted = "objective: {targets: {temperature: {value: 60}}, keeps: {power: {low: 0, high: 5}}}"
    assert errors_of(with_process(f"{ONE}, {wanted}")) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("equipment: mill", "equipment: mil", "did you mean 'mill'?"),
        ("mill.sp", "mill.spp", "did you mean 'mill.sp'?"),
        ("mill.sp", "amr.order", "'amr.order' holds no numbers"),
        ("signals: {setpoint: mill.sp}", "signals: {}", "at least 1"),
        ("signals", "objective: {keeps: {t: {low: 5, high: 5}}}, signals", "nothing lies between"),
        ("signals", "step_s: 0, signals", "greater than 0"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, told: str) -> None:
    said = said_of(with_process(ONE.replace(old, new)))
    assert any(told in line for line in said), said


def test_a_signal_that_stands_for_two_variables_is_refused() -> None:
    said = said_of(with_process(ONE.replace("mill.sp", "mill.sp, ambient: mill.sp")))
    assert any("'mill.sp' is wired as 'setpoint' and as 'ambient'" in line for line in said), said


def test_what_is_wanted_and_nobody_shows_deserves_a_look() -> None:
    wanted = "objective: {targets: {temperature: {value: 60}}}"
    said = said_of(with_process(f"{ONE}, {wanted}"))
    assert any("no signal shows 'temperature'" in line for line in said), said


def test_a_step_that_is_shorter_than_the_sampling_deserves_a_look() -> None:
    slow = with_process(ONE.replace("signals", "step_s: 0.01, signals"))
    slow = slow.replace("setpoint: mill.sp", "setpoint: mill.sp, temperature: mill.t")
    said = said_of(slow)
    assert any("a step takes 0.01" in line for line in said), said


def test_an_experiment_on_a_set_point_without_a_range_is_refused() -> None:
    sp = '{id: sp, address: "s=sp", kind: setpoint, unit: Cel'

    def told(process: str) -> list[str]:
        return said_of(with_process(process).replace(f"{sp}, range: {{low: 0, high: 100}}", sp))

    said = told(f"{ONE}, experiments: true")
    assert any("experiments may move 'mill.sp', which has no range" in line for line in said), said
    bounds = "inputs: {setpoint: {low: 1, high: 2}}"
    said = told(f"{ONE}, experiments: true, {bounds}")
    assert not any("experiments may move" in line for line in said), said
