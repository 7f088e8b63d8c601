"""A pc-gym plant behind a pipe: one JSON object a line in, one out. Runs in pc-gym's environment.

``{"make": {...}}`` builds a plant: model, start, set-points, bounds, noise, and the factors by
which parameters have drifted. ``{"reset": seed}`` and ``{"step": [inputs]}`` run it, and
``{"oracle": horizon}`` lets pc-gym's own controller, which has the true model, run it.
"""

import json
import sys
from typing import Any

import numpy as np
from pcgym import make_env
from pcgym.model_classes import cstr, four_tank
from pcgym.oracle import oracle

MODELS = {"cstr": cstr, "four_tank": four_tank}


class Plant:
    def __init__(self, wanted: dict[str, Any]) -> None:
        steps = wanted["steps"]
        states = len(wanted["start"])
        targets = {name: list(values) for name, values in wanted["targets"].items()}
        model = MODELS[wanted["model"]](int_method="casadi")
        for name, factor in wanted.get("drift", {}).items():
            setattr(model, name, getattr(model, name) * factor)
        low, high = np.array(wanted["low"]), np.array(wanted["high"])
        self.noise = float(wanted.get("noise", 0.0))
        self.states = states
        self.names = list(targets)
        self.targets = np.array([targets[name] for name in self.names])
        self.parameters = {
            "custom_model": model,
            "model": wanted["model"],
            "N": steps,
            "tsim": wanted["seconds"],
            "SP": targets,
            "o_space": {
                "low": np.full(states + len(targets), -1e3),
                "high": np.full(states + len(targets), 1e3),
            },
            "a_space": {"low": low, "high": high},
            "x0": np.array([*wanted["start"], *(values[0] for values in targets.values())]),
            "r_scale": dict.fromkeys(targets, 1.0),
            "normalise_a": False,
            "normalise_o": False,
            "integration_method": "casadi",
        }
        self.places = [model.info()["states"].index(name) for name in self.names]
        self.env = make_env(self.parameters)

    def reset(self, seed: int) -> dict[str, Any]:
        self.source = np.random.default_rng(seed)
        state, _ = self.env.reset()
        return {"shown": self.shown(state)}

    def shown(self, state: np.ndarray) -> list[float]:
        real = state[: self.states]
        return (real * (1 + self.noise * self.source.standard_normal(self.states))).tolist()

    def step(self, inputs: list[float]) -> dict[str, Any]:
        state, reward, done, _, _ = self.env.step(np.array(inputs))
        real = state[: self.states].tolist()
        return {"shown": self.shown(state), "state": real, "cost": -float(reward), "done": done}

    def oracle(self, horizon: int) -> dict[str, Any]:
        """pc-gym's oracle chooses; the plant is stepped as for everybody else."""
        weights = np.zeros((self.states, self.states))
        for place in self.places:
            weights[place, place] = 1.0
        own = oracle(make_env, dict(self.parameters), {"N": horizon, "Q": weights})
        _, inputs = own.mpc()
        self.reset(0)
        cost = 0.0
        for k in range(self.parameters["N"] - 1):
            cost += self.step(np.asarray(inputs)[:, k].tolist())["cost"]
        return {"cost": cost}


def main() -> None:
    told, sys.stdout = sys.stdout, sys.stderr
    plant: Plant | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if "make" in order:
            plant = Plant(order["make"])
            answer: dict[str, Any] = {"made": True}
        elif plant is None:
            answer = {"error": "make a plant first"}
        elif "reset" in order:
            answer = plant.reset(order["reset"])
        elif "step" in order:
            answer = plant.step(order["step"])
        else:
            answer = plant.oracle(order["oracle"])
        told.write(json.dumps(answer) + "\n")
        told.flush()


if __name__ == "__main__":
    main()
