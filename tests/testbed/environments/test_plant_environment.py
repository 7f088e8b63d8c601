"""The whole plant as an environment."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from genba.errors import TestbedError
from genba.plant import US
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.environments import PlantEnv


def make(**arguments: Any) -> PlantEnv:
    env = gymnasium.make("Genba/Plant-v0", **arguments).unwrapped
    assert isinstance(env, PlantEnv)
    return env


def test_gymnasiums_own_checker_has_nothing_to_say() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(step_s=60, hours=1.0))


def test_an_agent_that_does_nothing_leaves_the_plant_to_its_conventional_controller() -> None:
    env = make(step_s=600, hours=2.0)
    env.reset(seed=7)
    for _ in range(12):
        *_, truncated, info = env.step(env.recipe_action())
    assert truncated
    own = env._simulation
    assert own is not None
    plain = PlantSimulation(*load_testbed(), seed=own.seed, conventional=True)
    plain.advance(plain.start + 2 * 3600 * US)
    assert own.ledger() == plain.ledger()
    assert info["unsafe"] == {}
    assert info["energy_kwh"] == plain.books.energy_kwh


def test_the_fixed_recipes_earn_more_than_chance() -> None:
    env = make(step_s=1200, hours=3.0)
    totals = []
    for policy in (lambda _: env.recipe_action(), lambda c: c.uniform(-1.0, 1.0, 35)):
        chance = np.random.default_rng(1)
        env.reset(seed=1)
        totals.append(sum(env.step(policy(chance))[1] for _ in range(9)))
    assert totals[0] > totals[1]


def test_offsets_reach_the_machines_in_work_and_hold_for_jobs_that_begin_within_a_step() -> None:
    env = make(machines=["press-1"], step_s=3600, hours=3.0)
    env.reset(seed=2)
    less = env.recipe_action()
    less[env.action_names.index("press-1.cooling_time")] = -1.0
    simulation = env._simulation
    assert simulation is not None
    held = []
    for _ in range(3):
        env.step(less)
        machine = simulation.machines["press-1"]
        if machine.task is not None:
            recipe = machine.process.recipe_setpoints(machine.task.job)["cooling_time"]
            held.append((simulation.value("press-1.cooling_time"), recipe))
    assert held
    for now, recipe in held:
        assert now == pytest.approx(recipe - min(0.3 * recipe, 5.6))


def test_the_same_seed_and_actions_give_the_same_rewards() -> None:
    def run() -> list[Any]:
        env = make(machines=["grinder"], step_s=600, hours=1.0)
        first = env.reset(seed=3)[0].tolist()
        return [first, *([s[0].tolist(), s[1]] for s in (env.step([0.3] * 4) for _ in range(6)))]

    assert run() == run()


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ({"machines": ["press-9"]}, "no machine press-9; the plant has press-1"),
        ({"machines": []}, "the plant has press-1"),
        ({"step_s": 0}, "whole seconds"),
        ({"step_s": 1.5}, "whole seconds"),
        ({"step_s": 600, "hours": 0.1}, "give more hours"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], mend: str) -> None:
    with pytest.raises(TestbedError, match=mend):
        PlantEnv(**arguments)


def test_wrong_actions_options_and_steps_outside_an_episode_are_refused() -> None:
    env = make(machines=["pack"], step_s=60, hours=60 / 3600 * 1.0)
    with pytest.raises(TestbedError, match="call reset"):
        env.step([0.0])
    with pytest.raises(TestbedError, match="takes no options"):
        env.reset(options={"seed": 3})
    env.reset(seed=1)
    for wrong in ([float("nan")], [2.0], [0.0, 0.0]):
        with pytest.raises(TestbedError, match=r"pack\.seal_temperature"):
            env.step(wrong)
    assert env.step([0.0])[3]
    with pytest.raises(TestbedError, match="call reset"):
        env.step([0.0])
