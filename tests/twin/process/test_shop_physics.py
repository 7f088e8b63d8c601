"""What the physics of a shop say of set-points is what a process engineer would say."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from genba.twin.process import Numeric, prior, symbolic
from genba.twin.process.library import physics_named


def shown(
    physics: str, states: dict[str, float], inputs: dict[str, float], context: dict[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Outputs, and states after a run, with the author's parameters."""
    process = physics_named(physics)
    model = symbolic(process)
    rows = [
        np.array([[told[one.name] for one in of]]).reshape(1, -1)
        for of, told in (
            (process.states, states),
            (process.inputs, inputs),
            (process.context, context),
        )
    ]
    after, seen = Numeric(model).step(*rows, prior(process).mean[None])
    return (
        dict(zip([one.name for one in process.outputs], seen[0], strict=True)),
        dict(zip([one.name for one in process.states], after[0], strict=True)),
    )


def test_more_holding_pressure_makes_parts_larger_and_heavier() -> None:
    drift, around = {"lost": 100.0, "drift": 0.0}, {"mold": 70.0, "melt": 250.0}
    less, _ = shown("injection", drift, {"hold": 450, "cooling": 20}, around)
    more, _ = shown("injection", drift, {"hold": 480, "cooling": 20}, around)
    assert more["size"] > less["size"]
    assert more["weight"] > less["weight"]
    assert more["cavity"] - less["cavity"] == pytest.approx(30)
    hotter, _ = shown(
        "injection", drift, {"hold": 450, "cooling": 20}, {"mold": 80.0, "melt": 250.0}
    )
    assert hotter["size"] < less["size"]
    quick, _ = shown("injection", drift, {"hold": 450, "cooling": 8}, around)
    assert quick["cycle"] == less["cycle"] - 12
    assert quick["energy"] < less["energy"]
    assert quick["size"] < less["size"]


def test_a_slower_spindle_spares_the_tool_and_a_new_one_starts_anew() -> None:
    worn = {"wear": 0.2, "hardness": 1.0, "offset": 0.0}
    cold = {"fresh": 0.0, "spindle": 30.0}
    fast, after_fast = shown("cutting", worn, {"speed": 3500, "feed": 1000, "life": 40}, cold)
    slow, after_slow = shown("cutting", worn, {"speed": 3000, "feed": 1000, "life": 40}, cold)
    assert after_slow["wear"] < after_fast["wear"]
    assert slow["size_end"] < fast["size_end"]
    assert slow["cycle"] == fast["cycle"]
    fresh, after = shown(
        "cutting", worn, {"speed": 3500, "feed": 1000, "life": 40}, {"fresh": 1.0, "spindle": 30.0}
    )
    assert after["wear"] < 0.1
    assert fresh["load"] < fast["load"]
    assert fresh["size"] < fast["size"]
    longer, _ = shown("cutting", worn, {"speed": 3500, "feed": 1000, "life": 50}, cold)
    assert longer["tools"] == pytest.approx(0.8 * fast["tools"])


def test_less_spark_out_leaves_a_seat_larger_and_rougher() -> None:
    sharp, around = {"offset": 0.0, "rubbing": 0.5}, {"coolant": 25.0, "wheel": 35.0}
    long, _ = shown("grinding", sharp, {"infeed": 8, "spark_out": 6}, around)
    short, _ = shown("grinding", sharp, {"infeed": 8, "spark_out": 3}, around)
    assert short["size"] > long["size"]
    assert short["roughness"] > long["roughness"]
    assert short["cycle"] == pytest.approx(long["cycle"] - 3)
    dull, _ = shown(
        "grinding", {"offset": 0.0, "rubbing": 1.5}, {"infeed": 8, "spark_out": 6}, around
    )
    assert dull["power"] > long["power"]


def test_a_case_grows_with_the_root_of_time_and_with_heat() -> None:
    off = {"offset": 0.0}
    short, _ = shown("diffusion", off, {"temperature": 920, "soak": 20, "carbon": 0.85}, {})
    long, _ = shown("diffusion", off, {"temperature": 920, "soak": 104, "carbon": 0.85}, {})
    assert long["case"] == pytest.approx(2 * short["case"], rel=1e-6)
    hot, _ = shown("diffusion", off, {"temperature": 940, "soak": 20, "carbon": 0.85}, {})
    assert 1.05 < hot["case"] / short["case"] < 1.25
    rich, _ = shown("diffusion", off, {"temperature": 920, "soak": 20, "carbon": 1.0}, {})
    assert rich["case"] > short["case"]
    assert rich["hardness"] < short["hardness"]
    # About a tenth more for ten kelvin, and energy goes with time and hardly with heat.
    assert 1.15 < hot["distortion"] / short["distortion"] < 1.35
    assert long["energy"] - short["energy"] == pytest.approx(12.0 * 84 / 60, rel=0.05)
    assert hot["cycle"] == short["cycle"]


def test_a_slower_robot_joins_nearer_takes_longer_and_less_energy() -> None:
    tight, _ = shown("assembly", {"play": 10.0}, {"speed": 0.8}, {})
    slow, _ = shown("assembly", {"play": 10.0}, {"speed": 0.6}, {})
    worn, after = shown("assembly", {"play": 25.0}, {"speed": 0.8}, {})
    assert slow["misalignment"] < tight["misalignment"] < worn["misalignment"]
    assert slow["cycle"] > tight["cycle"]
    # Half a minute of motion at 1 kW takes less when it is slower, though it takes longer.
    base = 0.8 / 3600.0
    assert slow["energy"] - base * slow["cycle"] < tight["energy"] - base * tight["cycle"]
    assert after["play"] == pytest.approx(25.0)


@pytest.mark.parametrize("scatter_um", [17.0, 20.0, 28.0])
def test_the_tail_of_misaligned_parts_is_about_that_of_two_directions(scatter_um: float) -> None:
    still, _ = shown("assembly", {"play": scatter_um}, {"speed": 0.1}, {})
    scatter = still["misalignment"] / 1.2533
    told = NormalDist(still["misalignment"], still["misalignment_spread"])
    beyond = 1.0 - told.cdf(60.0)
    truth = math.exp(-(60.0**2) / (2.0 * scatter**2))
    assert 0.5 < beyond / truth < 2.0
