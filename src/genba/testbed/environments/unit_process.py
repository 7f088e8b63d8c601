"""One unit process as a Gymnasium environment: a step is a part or a batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from genba.errors import TestbedError
from genba.testbed.environments.economics import Economics, Worth
from genba.testbed.environments.loading import loaded
from genba.testbed.environments.lone_machine import LoneMachine, Outcome, Task, tasks_of
from genba.testbed.environments.set_points import Around, checked, meaning, set_points_of
from genba.testbed.environments.signals_shown import HIGHEST, Shown
from genba.testbed.unit.process import Made

Observation = NDArray[np.float32]
_OVERTIME_S = 4 * 3600
"""After which a cycle that was begun in the shift is given up."""


class UnitProcessEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """A machine of one kind that makes one product for a shift, one part or batch a step.

    ``reset`` draws the machine, the product with its fixed recipe, the shift and all chance from
    the seed; ``options={"machine": ..., "product": ..., "operation": ...}`` chooses instead.

    Action
        ``Box(-1, 1, (n,))``: one number for each of ``action_names``, mapped on the range of that
        set-point in ``plant.yaml`` (-1 its low end, 1 its high end), or with ``around="recipe"``
        about the fixed recipe (0 the recipe; 1 is 30% of it more, or a tenth of the range,
        whichever is less).
    Observation
        ``Box(-1e6, 1e6, (m,))`` in the units of the signals, named by ``observation_names``: what
        sensors show at the end of the cycle, what the machine recorded of it, what the gauge said
        last (and how many parts ago), and context. Zero where nothing was shown yet.
    Reward
        Value of truly good parts, less scrap, energy at the hour's price, spares, and machine time;
        see :class:`~genba.testbed.environments.Economics`. A bad part counts as scrap whether it is
        found or not. A tester earns by right verdicts, and pays scrap for a good part that it
        rejects or breaks, and a complaint for a bad one that it passes.
    Episode
        Truncated at the end of the shift, after the cycle that runs then; four hours later it is
        broken off. Terminated by a process hazard, which costs ``economics.hazard``.
    Info
        The truth, to score by: ``good``, ``bad``, ``conforming``, ``defects``, ``energy_kwh``,
        ``duration_s``, ``unsafe``; what was set stands under ``setpoints``.

    Parameters
    ----------
    kind
        Kind of process in ``physics.yaml``: ``injection``, ``milling``, ``furnace``, ``grinding``,
        ``assembly``, ``testing`` or ``packing``.
    shift_h
        Length of an episode.
    around
        What an action of zero stands for.
    economics
        Factors of the reward.
    plant_file, physics_file
        Another plant than the reference plant.

    Raises
    ------
    TestbedError
        If the plant has no such machine, or a parameter makes no sense.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - declared so by Gymnasium

    def __init__(
        self,
        kind: str,
        shift_h: float = 8.0,
        around: Around = "range",
        economics: Economics | None = None,
        plant_file: Path | str | None = None,
        physics_file: Path | str | None = None,
    ) -> None:
        if not 0.0 < shift_h <= 24.0:
            raise TestbedError(f"shift_h is {shift_h}; give hours above 0, at most 24")
        if around not in ("range", "recipe"):
            raise TestbedError(f"around is {around!r}; give 'range' or 'recipe'")
        self._plant, self._physics = loaded(plant_file, physics_file)
        self._tasks = tasks_of(self._plant, self._physics, kind)
        if not self._tasks:
            kinds = sorted({machine.process.kind for machine in self._physics.machines.values()})
            raise TestbedError(
                f"the plant has no process of kind {kind}; it has {', '.join(kinds)}"
            )
        self._shift_s = 3600.0 * shift_h
        self._around: Around = around
        self._economics = economics or Economics()
        example = LoneMachine(self._plant, self._physics, self._tasks[0], 0)
        names = list(example.process.setpoints)
        self._points = {
            machine: set_points_of(self._plant, machine, names)
            for machine in dict.fromkeys(task.machine for task in self._tasks)
        }
        self.action_names = tuple(point.name for point in self._points[example.task.machine])
        for machine, points in self._points.items():
            if tuple(point.name for point in points) != self.action_names:
                raise TestbedError(
                    f"{machine} has other set-points in plant.yaml than {example.task.machine}; "
                    "give machines of one kind the same"
                )
        self._shown = Shown(self._plant, self._tasks, example, self._shift_s)
        self.observation_names = self._shown.names
        shape = (len(self.action_names),)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, shape, np.float32)
        self.observation_space = gymnasium.spaces.Box(
            -HIGHEST, HIGHEST, (len(self.observation_names),), np.float32
        )
        self._machine: LoneMachine | None = None
        self._worth = Worth(0.0, 0.0, 0.0)
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a shift: draw the machine and what it makes, and warm it up.

        Raises
        ------
        TestbedError
            If ``options`` ask for what no machine of this kind does.
        """
        super().reset(seed=seed)
        tasks = self._chosen(options or {})
        task = tasks[int(self.np_random.integers(len(tasks)))]
        hour = (6.0, 14.0)[int(self.np_random.integers(2))]
        own_seed = int(self.np_random.integers(2**31))
        self._machine = LoneMachine(self._plant, self._physics, task, own_seed, hour)
        self._worth = self._economics.worth(self._plant, task.product, task.operation.id)
        self._over = False
        self._shown.begin()
        names = {
            "machine": task.machine,
            "product": task.product.id,
            "operation": task.operation.id,
        }
        return self._shown.observe(self._machine, None), names

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Make one part, or one batch, at these set-points.

        Raises
        ------
        TestbedError
            If the action makes no sense, or the episode is over.
        """
        machine = self._running()
        values = checked(action, self.action_names)
        setpoints = meaning(
            self._points[machine.task.machine], values, machine.setpoints, self._around
        )
        outcome = machine.cycle(setpoints, self._shift_s + _OVERTIME_S - machine.hall.seconds)
        terminated = bool(outcome.unsafe)
        truncated = not terminated and machine.hall.seconds >= self._shift_s
        self._over = terminated or truncated
        info = {**_truth(outcome), "setpoints": setpoints}
        observation = self._shown.observe(machine, outcome)
        return observation, self._reward(machine.task, outcome), terminated, truncated, info

    def recipe_action(self) -> NDArray[np.float32]:
        """Give the action that sets the plant's fixed recipe, as its conventional controller does.

        Raises
        ------
        TestbedError
            If no episode has begun.
        """
        machine = self._running()
        values = [
            0.0 if self._around == "recipe" else point.action_for(machine.setpoints[point.name])
            for point in self._points[machine.task.machine]
        ]
        return np.asarray(values, dtype=np.float32)

    def _running(self) -> LoneMachine:
        if self._machine is None or self._over:
            raise TestbedError("no episode is running; call reset() first")
        return self._machine

    def _chosen(self, options: Mapping[str, Any]) -> Sequence[Task]:
        unknown = sorted(set(options) - {"machine", "product", "operation"})
        if unknown:
            raise TestbedError(
                f"reset has no option {unknown[0]}; it takes machine, product and operation"
            )
        known = [
            {"machine": t.machine, "product": t.product.id, "operation": t.operation.id}
            for t in self._tasks
        ]
        found = [
            task
            for task, names in zip(self._tasks, known, strict=True)
            if all(names[name] == value for name, value in options.items())
        ]
        if not found:
            does = ", ".join(
                sorted({f"{n['machine']}: {n['product']}/{n['operation']}" for n in known})
            )
            raise TestbedError(f"no machine of this kind does {dict(options)}; they do {does}")
        return found

    def _reward(self, task: Task, outcome: Outcome) -> float:
        worth = self._worth
        earned = 0.0
        for item in outcome.made:
            earned += _value(item, worth)
        earned -= worth.scrap * outcome.lost
        hourly = self._plant.equipment_by_id[task.machine].hourly_cost
        costs = outcome.energy_cost + outcome.spares_cost + hourly * outcome.seconds / 3600.0
        return earned - costs - self._economics.hazard * len(outcome.unsafe)


def _value(item: Made, worth: Worth) -> float:
    """What one part is worth after its cycle."""
    if item.passed is None:
        return worth.good if item.conforming else -worth.scrap
    if item.conforming:
        return worth.good if item.passed else -worth.scrap
    if item.passed:
        return -worth.complaint
    # To find what others spoiled is a tester's work; what it overloaded, it spoiled itself.
    return -worth.scrap if "overloaded" in item.part.defects else worth.good


def _truth(outcome: Outcome) -> dict[str, Any]:
    good = sum(item.conforming for item in outcome.made)
    return {
        "good": good,
        "bad": len(outcome.made) - good + outcome.lost,
        "conforming": bool(outcome.made) and good == len(outcome.made),
        "defects": tuple(defect for item in outcome.made for defect in item.part.defects),
        "energy_kwh": outcome.energy_kwh,
        "duration_s": outcome.seconds,
        "unsafe": tuple(outcome.unsafe),
    }
