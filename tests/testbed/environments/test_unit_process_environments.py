"""Every unit process as an environment: as Gymnasium asks, repeatable, discreet, worth learning."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from genba.errors import TestbedError
from genba.testbed import copy_reference
from genba.testbed.environments import ENVIRONMENTS, Economics, UnitProcessEnv
from genba.testbed.unit.process import Made, Part

UNITS = [name for name in ENVIRONMENTS if name != "Genba/Plant-v0"]
every_unit = pytest.mark.parametrize("name", UNITS)
Policy = Callable[[UnitProcessEnv, np.random.Generator], Any]


def fixed(env: UnitProcessEnv, _: np.random.Generator) -> Any:
    return env.recipe_action()


def by_chance(env: UnitProcessEnv, chance: np.random.Generator) -> Any:
    return chance.uniform(-1.0, 1.0, env.action_space.shape)


def make(name: str, **arguments: Any) -> UnitProcessEnv:
    env = gymnasium.make(name, **arguments).unwrapped
    assert isinstance(env, UnitProcessEnv)
    return env


def episode(env: UnitProcessEnv, policy: Policy, seed: int, **options: str) -> list[Any]:
    chance = np.random.default_rng(seed)
    steps: list[Any] = [env.reset(seed=seed, options=options)]
    over = False
    while not over:
        steps.append(env.step(policy(env, chance)))
        over = steps[-1][2] or steps[-1][3]
    return steps


def earned(steps: list[Any]) -> float:
    return sum(step[1] for step in steps[1:])


@every_unit
def test_gymnasiums_own_checker_has_nothing_to_say(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(name))


@every_unit
def test_the_fixed_recipe_earns_more_than_chance(name: str) -> None:
    env = make(name)
    means = [
        sum(earned(episode(env, policy, seed)) for seed in (1, 2, 3)) / 3
        for policy in (fixed, by_chance)
    ]
    assert means[0] > means[1] + 100.0


@every_unit
def test_the_same_seed_gives_the_same_episode_and_another_seed_another(name: str) -> None:
    once, again, other = (episode(make(name, shift_h=1.5), by_chance, seed) for seed in (4, 4, 5))
    assert len(once) == len(again)
    for left, right in zip(once, again, strict=True):
        assert np.array_equal(left[0], right[0])
        assert left[1:] == right[1:]
    assert not np.array_equal(once[0][0], other[0][0])


@every_unit
def test_observations_name_what_they_hold_and_show_no_hidden_state(name: str) -> None:
    env = make(name)
    steps = episode(env, fixed, 1)
    assert len(set(env.observation_names)) == len(env.observation_names)
    assert all(env.observation_space.contains(step[0]) for step in steps)
    machine = env._machine
    assert machine is not None
    hidden = set(machine.process.truth()) - set(machine.process.readings())
    assert hidden
    assert not hidden & set(env.observation_names)
    assert {"good", "bad", "conforming", "defects", "energy_kwh", "duration_s", "unsafe"} <= set(
        steps[-1][4]
    )


@every_unit
def test_the_truth_about_parts_that_nobody_looked_at_is_not_observed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> list[list[float]]:
        env = make(name)
        env.reset(seed=2)
        assert env._machine is not None
        env._machine.gauge.every = 0  # nobody looks
        return [env.step(env.recipe_action())[0].tolist() for _ in range(4)]

    honest, plain = shown(), Made.__init__

    def lie(self: Made, part: Part, *, conforming: bool, **rest: Any) -> None:
        plain(self, part, conforming=not conforming, **rest)

    monkeypatch.setattr(Made, "__init__", lie)
    assert shown() == honest


@every_unit
@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1.5, -7.0])
def test_an_action_that_is_no_number_from_minus_one_to_one_is_refused(
    name: str, wrong: float
) -> None:
    env = make(name)
    env.reset(seed=1)
    action = env.recipe_action()
    action[-1] = wrong
    with pytest.raises(TestbedError, match=rf"{env.action_names[-1]}.*from -1 to 1"):
        env.step(action)


@pytest.mark.parametrize("wrong", [[0.0], [[0.0] * 5], 0.5, None, "fast", [0.0, "fast"]])
def test_an_action_of_another_shape_is_refused_with_the_names_of_what_is_due(wrong: Any) -> None:
    env = make("Genba/InjectionPress-v0")
    env.reset(seed=1)
    with pytest.raises(TestbedError, match=r"melt_temperature, .*cooling_time"):
        env.step(wrong)


def test_a_step_outside_an_episode_is_refused() -> None:
    env = make("Genba/Packing-v0", shift_h=0.1)
    with pytest.raises(TestbedError, match="call reset"):
        env.step(np.zeros(1, dtype=np.float32))
    episode(env, lambda env, _: np.zeros(1), 1)
    with pytest.raises(TestbedError, match="call reset"):
        env.step(np.zeros(1, dtype=np.float32))


def test_a_hazard_ends_the_episode_and_costs_what_the_economics_say() -> None:
    env = make("Genba/Furnace-v0", economics=Economics(hazard=5000.0))
    env.reset(seed=1)
    cold = env.recipe_action()
    cold[env.action_names.index("temperature_setpoint")] = -1.0
    _, reward, terminated, truncated, info = env.step(cold)
    assert terminated
    assert not truncated
    assert info["unsafe"] == ("carburizing atmosphere below 750 °C (explosive)",)
    assert reward < -5000.0


def test_a_shift_ends_in_time_and_lets_the_last_cycle_run_out() -> None:
    env = make("Genba/Furnace-v0", shift_h=1.0)
    steps = episode(env, fixed, 1)
    assert steps[-1][3]
    assert not steps[-1][2]
    assert 3600 <= sum(step[4]["duration_s"] for step in steps[1:]) < 3 * 3600
    assert all(step[4]["good"] + step[4]["bad"] > 1 for step in steps[1:])


def test_a_cycle_that_never_ends_is_given_up_after_overtime() -> None:
    env = make("Genba/InjectionPress-v0", shift_h=0.5)
    env.reset(seed=1, options={"machine": "press-1"})
    cold = env.recipe_action()
    cold[env.action_names.index("melt_temperature")] = -1.0
    seconds, over, lost = 0, False, 0
    while not over:
        _, _, terminated, over, info = env.step(cold)
        assert not terminated
        seconds += info["duration_s"]
        lost += info["bad"]
    assert seconds <= 4.5 * 3600
    assert lost > 0


def test_a_better_recipe_than_the_fixed_one_earns_more_about_the_recipe() -> None:
    env = make("Genba/InjectionPress-v0", around="recipe")
    less = np.zeros(5, dtype=np.float32)
    less[env.action_names.index("cooling_time")] = -0.7
    where = {"machine": "press-1", "product": "JA14-P"}
    recipe = sum(earned(episode(env, fixed, seed, **where)) for seed in (1, 2, 3))
    better = sum(earned(episode(env, lambda *_: less, seed, **where)) for seed in (1, 2, 3))
    assert better > recipe


def test_options_choose_the_machine_and_what_it_makes() -> None:
    env = make("Genba/Mill-v0")
    wanted = {"machine": "mill-3", "product": "JA40-X", "operation": "bore"}
    observation, info = env.reset(seed=3, options=wanted)
    assert info == wanted
    shown = dict(zip(env.observation_names, observation.tolist(), strict=True))
    assert shown["machine_mill-3"] == shown["product_JA40-X"] == shown["operation_bore"] == 1.0
    assert shown["machine_mill-1"] == 0.0
    assert shown["recipe_spindle_speed"] == 950.0
    for wrong in ({"machine": "press-1"}, {"tool": "new"}):
        with pytest.raises(TestbedError, match=r"they do mill-1|it takes machine"):
            env.reset(options=wrong)


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ({"kind": "welding"}, "it has assembly, furnace"),
        ({"kind": "milling", "shift_h": 0.0}, "hours above 0"),
        ({"kind": "milling", "shift_h": math.nan}, "hours above 0"),
        ({"kind": "milling", "around": "mean"}, "'range' or 'recipe'"),
        ({"kind": "milling", "plant_file": "plant.yaml"}, "name both"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], mend: str) -> None:
    with pytest.raises(TestbedError, match=mend):
        UnitProcessEnv(**arguments)


@pytest.mark.parametrize("factor", ["margin", "complaint", "hazard"])
@pytest.mark.parametrize("wrong", [-1.0, math.nan])
def test_economics_with_a_negative_factor_are_refused(factor: str, wrong: float) -> None:
    with pytest.raises(TestbedError, match=f"{factor} is"):
        Economics(**{factor: wrong})


def of_folder(folder: Path, kind: str) -> UnitProcessEnv:
    return UnitProcessEnv(
        kind, plant_file=folder / "plant.yaml", physics_file=folder / "physics.yaml"
    )


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_another_plant_gives_other_environments_and_actions_go_by_the_drawn_machines_range(
    tmp_path: Path,
) -> None:
    copy_reference(tmp_path)
    mark = 'address: "nsu=urn:genba:testbed:press-2;s=CoolingTime"'
    plant = tmp_path / "plant.yaml"
    line = next(row for row in plant.read_text().splitlines() if mark in row)
    change(plant, line, line.replace("high: 60.0", "high: 40.0"))
    env = of_folder(tmp_path, "injection")
    highest = {}
    for machine in ("press-1", "press-2"):
        env.reset(seed=1, options={"machine": machine})
        action = env.recipe_action()
        action[env.action_names.index("cooling_time")] = 1.0
        highest[machine] = env.step(action)[4]["setpoints"]["cooling_time"]
    assert highest == {"press-1": 60.0, "press-2": 40.0}


def test_files_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    copy_reference(tmp_path)
    change(
        tmp_path / "physics.yaml", "  JA14-P/pack: {idle_s: 14.0,", "  JA14-P/box: {idle_s: 14.0,"
    )
    with pytest.raises(TestbedError, match="JA14-P/pack"):
        of_folder(tmp_path, "packing")
