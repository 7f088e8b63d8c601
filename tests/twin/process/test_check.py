"""A process engineer is told what is wrong with physics that cannot be used."""

from collections.abc import Mapping

import pytest

from genba.plant import Severity
from genba.twin.process import Clock, Parameter, UnitProcess, Variable, check_twin
from genba.twin.process.library import physics_named
from genba.twin.process.maths import log, sqrt
from genba.twin.process.physics.tanks import FourTanks
from genba.twin.process.physics.thermal import HeatedBody
from genba.twin.process.unit import Expression, Names


class Tank:
    """The thirty lines of the book."""

    name = "tank"
    clock = Clock.TIME
    states = (Variable("level", "m", 0.0, 2.0),)
    inputs = (Variable("inflow", "m3/s", 0.0, 0.1),)
    context = ()
    outputs = states
    parameters = (Parameter("area", "m2", 1.0, 0.2), Parameter("outlet", "m2", 0.01, 0.3))

    def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        return {"level": (u.inflow - p.outlet * sqrt(2 * 9.81 * x.level)) / p.area}

    def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
        return {"level": x.level}


def rules(process: UnitProcess, severity: Severity = Severity.CRITICAL) -> set[str]:
    return {found.rule for found in check_twin(process) if found.severity is severity}


@pytest.mark.parametrize("process", [Tank(), FourTanks(), HeatedBody()])
def test_good_physics_pass(process: UnitProcess) -> None:
    assert check_twin(process) == []


@pytest.mark.parametrize(
    ("physics", "step_s"),
    [
        ("assembly", 0),
        ("injection", 0),
        ("cutting", 0),
        ("grinding", 0),
        ("diffusion", 0),
        ("drive", 0.02),
    ],
)
def test_the_physics_of_a_shop_pass(physics: str, step_s: float) -> None:
    assert check_twin(physics_named(physics), step_s=step_s or 1.0) == []


def test_a_parameter_that_nothing_shows_is_named() -> None:
    class Idle(Tank):
        parameters = (*Tank.parameters, Parameter("color", "1", 1.0, 0.1))

    assert rules(Idle()) == {"silent"}


def test_a_logarithm_of_nothing_is_named_with_the_place() -> None:
    class Steep(Tank):
        def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
            return {"level": log(x.level)}

    (found,) = check_twin(Steep())
    assert found.rule == "finite"
    assert "level=0" in found.text


def test_a_missing_rate_and_a_wrong_name_are_named() -> None:
    class Half(Tank):
        def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
            return {"height": u.inflow}

    class Typo(Tank):
        def shows(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
            return {"level": x.levle}

    assert "no rate of 'level'" in check_twin(Half())[0].text
    assert "levle" in check_twin(Typo())[0].text


def test_an_unknown_unit_is_named() -> None:
    class Odd(Tank):
        inputs = (Variable("inflow", "buckets", 0.0, 0.1),)

    assert rules(Odd()) == {"units"}


def test_a_sign_that_makes_it_run_away_is_doubted() -> None:
    class Wrong(Tank):
        def rates(self, x: Names, u: Names, c: Names, p: Names) -> Mapping[str, Expression]:
            return {"level": (u.inflow + p.outlet * x.level * 20) / p.area}

    assert "stable" in rules(Wrong(), Severity.WARNING)
