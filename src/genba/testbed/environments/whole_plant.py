"""The whole reference plant as a Gymnasium environment: a step is some minutes of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from genba.errors import TestbedError
from genba.plant import US, DataType, Plant, SignalKind
from genba.testbed.environments.economics import Economics
from genba.testbed.environments.loading import loaded
from genba.testbed.environments.plant_account import Account
from genba.testbed.environments.set_points import SetPoint, checked, set_points_of
from genba.testbed.environments.signals_shown import HIGHEST
from genba.testbed.job import Task
from genba.testbed.simulation import PlantSimulation

Observation = NDArray[np.float32]
_SHOWN = {SignalKind.MEASUREMENT, SignalKind.COUNTER, SignalKind.STATE}
_NUMBERS = {DataType.FLOAT, DataType.INT, DataType.BOOL}


class PlantEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """The plant under its conventional controller, which leaves chosen set-points to an agent.

    Dispatching, transport, batches, upkeep and inspection stay with the conventional controller.

    Action
        ``Box(-1, 1, (n,))``: one number for each of ``action_names`` (``press-1.cooling_time``),
        an offset to the fixed recipe of whatever the machine makes: 0 the recipe, 1 is 30% of it
        more, or a tenth of the set-point's range, whichever is less. It holds for the whole step,
        also for jobs that begin in it. A machine without a job is left alone.
    Observation
        ``Box(-1e6, 1e6, (m,))`` in the units of the signals, named by ``observation_names``: all
        numeric signals of the machines in question, of the meters and of the climate station,
        and the hours that are over. Zero where a device has shown nothing yet.
    Reward
        Value that finished operations added to parts that the plant counts as good, less scrap,
        complaints about bad parts delivered, energy at the hour's price, spares, and
        ``economics.hazard`` for each unsafe thing; see
        :class:`~genba.testbed.environments.Economics`. Hours of machines and people are paid
        anyway, and not counted.
    Episode
        Truncated after ``hours``; never terminated.
    Info
        The truth, to score by: ``unsafe`` (the safety monitor's counts by kind), ``delivered``,
        ``escaped`` (delivered with a fault), ``scrapped``, ``energy_kwh``, since the start.

    Parameters
    ----------
    machines
        Whose set-points the agent has; by default all that have any.
    step_s
        Plant seconds of a step.
    hours
        Length of an episode; by default two shifts.
    economics
        Factors of the reward.
    plant_file, physics_file
        Another plant than the reference plant.

    Raises
    ------
    TestbedError
        If a machine is unknown, or a parameter makes no sense.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - declared so by Gymnasium

    def __init__(
        self,
        machines: Sequence[str] | None = None,
        step_s: int = 600,
        hours: float = 16.0,
        economics: Economics | None = None,
        plant_file: Path | str | None = None,
        physics_file: Path | str | None = None,
    ) -> None:
        if step_s != int(step_s) or step_s < 1:
            raise TestbedError(f"step_s is {step_s}; give whole seconds, 1 or more")
        if not step_s <= 3600.0 * hours:
            raise TestbedError(
                f"an episode of {hours} hours has no step of {step_s} s; give more hours"
            )
        self._plant, self._physics = loaded(plant_file, physics_file)
        self._step_s, self._hours = int(step_s), hours
        self._economics = economics or Economics()
        example = PlantSimulation(self._plant, self._physics, seed=0, conventional=True)
        chosen = list(example.machines) if machines is None else list(machines)
        unknown = [machine for machine in chosen if machine not in example.machines]
        if unknown or not chosen:
            named = f"no machine {unknown[0]}" if unknown else "an agent without a machine"
            raise TestbedError(f"{named}; the plant has {', '.join(example.machines)}")
        self._points = {
            machine: set_points_of(
                self._plant, machine, list(example.machines[machine].process.setpoints)
            )
            for machine in dict.fromkeys(chosen)
        }
        self.action_names = tuple(
            f"{machine}.{point.name}"
            for machine, points in self._points.items()
            for point in points
        )
        self._signals = _shown(self._plant, list(self._points))
        self.observation_names = (*self._signals, "hours_over")
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (len(self.action_names),), np.float32)
        self.observation_space = gymnasium.spaces.Box(
            -HIGHEST, HIGHEST, (len(self.observation_names),), np.float32
        )
        self._simulation: PlantSimulation | None = None
        self._account: Account | None = None

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode with the first order; all chance comes from the seed.

        Raises
        ------
        TestbedError
            If there are ``options``: it takes none.
        """
        super().reset(seed=seed)
        if options:
            raise TestbedError(f"reset of the plant takes no options, not {', '.join(options)}")
        simulation = PlantSimulation(
            self._plant,
            self._physics,
            seed=int(self.np_random.integers(2**31)),
            conventional=True,
        )
        self._simulation = simulation
        self._account = Account(simulation, self._economics)
        return self._observe(simulation), self._account.truth()

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Let ``step_s`` plant seconds pass with these offsets.

        Raises
        ------
        TestbedError
            If the action makes no sense, or no episode is running.
        """
        simulation, account = self._simulation, self._account
        if simulation is None or account is None or self._over(simulation):
            raise TestbedError("no episode is running; call reset() first")
        offsets = dict(zip(self.action_names, checked(action, self.action_names), strict=True))
        told: dict[str, Task | None] = {}
        for _ in range(self._step_s):
            for machine, points in self._points.items():
                task = simulation.machines[machine].task
                # A job that begins brings its recipe with it, so its offsets are written anew.
                if task is not None and told.get(machine) is not task:
                    self._write(simulation, machine, points, task, offsets)
                told[machine] = task
            simulation.advance(simulation.now + US)
        simulation.drain()
        reward, info = account.settle(), account.truth()
        return self._observe(simulation), reward, False, self._over(simulation), info

    def recipe_action(self) -> NDArray[np.float32]:
        """Give the action that leaves every set-point to the fixed recipes."""
        return np.zeros(len(self.action_names), dtype=np.float32)

    def _write(
        self,
        simulation: PlantSimulation,
        machine: str,
        points: Sequence[SetPoint],
        task: Task,
        offsets: Mapping[str, float],
    ) -> None:
        recipe = simulation.machines[machine].process.recipe_setpoints(task.job)
        for point in points:
            if point.name in recipe:
                name = f"{machine}.{point.name}"
                value = point.about(float(recipe[point.name]), offsets[name])
                # Even a write of the same value disturbs the cycle that runs.
                if simulation.value(name) != value:
                    simulation.write(name, int(value) if point.whole else value)

    def _over(self, simulation: PlantSimulation) -> bool:
        return simulation.now - simulation.start >= 3600.0 * self._hours * US

    def _observe(self, simulation: PlantSimulation) -> Observation:
        values = [simulation.value(name) for name in self._signals]
        shown = [float(v) if isinstance(v, bool | int | float) else 0.0 for v in values]
        hours = (simulation.now - simulation.start) / (3600.0 * US)
        return np.asarray([*shown, hours], dtype=np.float32)


def _shown(plant: Plant, machines: Sequence[str]) -> list[str]:
    """Numeric signals of the machines, and of what measures the whole plant."""
    around = [e.id for e in plant.equipment if e.kind in {"energy_meter", "climate"}]
    owners = {*machines, *around}
    return [
        signal.id
        for signal in plant.signals.values()
        if signal.equipment in owners and signal.kind in _SHOWN and signal.type in _NUMBERS
    ]
