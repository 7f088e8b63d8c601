"""Rewards are the money that the documentation says."""

import subprocess
import sys

import pytest

from genba.errors import TestbedError
from genba.testbed import load_testbed
from genba.testbed.environments import Economics, UnitProcessEnv
from genba.testbed.environments.economics import Worth
from genba.testbed.environments.unit_process import _value
from genba.testbed.unit.process import Made, Part


def test_a_good_part_adds_three_times_its_planned_machine_cost_less_what_it_took() -> None:
    env = UnitProcessEnv("injection")
    env.reset(seed=1, options={"machine": "press-1", "product": "JA17-P"})
    _, reward, _, _, info = env.step(env.recipe_action())
    assert info["conforming"]
    planned = 55.0 * 30.0 / 3600.0
    machine = 55.0 * info["duration_s"] / 3600.0
    energy = (3.0 * planned - machine - reward) / info["energy_kwh"]
    assert energy in (pytest.approx(0.128), pytest.approx(0.121))  # the price at 6 and at 14 h


def test_scrap_costs_the_material_and_machine_time_up_to_the_operation() -> None:
    plant, _ = load_testbed()
    product = plant.products_by_id["JA17-P"]  # material for 24 in five operations
    mold, mill = (Economics(complaint=2.5).worth(plant, product, step) for step in ("mold", "mill"))
    assert mold.scrap == pytest.approx(24.0 / 5 + 55.0 * 30.0 / 3600.0)
    assert mill.scrap - mold.scrap == pytest.approx(24.0 / 5 + 75.0 * 78.0 / 3600.0)
    assert mill.complaint == pytest.approx(2.5 * mill.scrap)
    with pytest.raises(TestbedError, match="no operation weld; it has mold, mill"):
        Economics().worth(plant, product, "weld")


@pytest.mark.parametrize(
    ("conforming", "passed", "defects", "value"),
    [
        (True, None, [], 1.0),
        (False, None, ["flash"], -10.0),
        (True, True, [], 1.0),
        (True, False, [], -10.0),
        (False, True, ["high_noise_db"], -100.0),
        (False, False, ["high_noise_db"], 1.0),
        (False, False, ["overloaded", "high_noise_db"], -10.0),
    ],
)
def test_a_tester_is_paid_for_right_verdicts_and_others_for_good_parts(
    conforming: bool, passed: bool | None, defects: list[str], value: float
) -> None:
    made = Made(Part("S-1", "JA17-P", {}, defects), conforming=conforming, passed=passed)
    assert _value(made, Worth(1.0, 10.0, 100.0)) == value


def test_without_gymnasium_the_room_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['gymnasium'] = None\n"
        "import genba.testbed\n"
        "from genba.errors import TestbedError\n"
        "try:\n    import genba.testbed.environments\n"
        "except TestbedError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'genba[gym]'" in run.stdout
