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
