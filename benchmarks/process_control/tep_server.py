"""tep-studio's plant and its Ricker controller behind a pipe. Runs in tep-studio's environment.

One JSON object a line in, one out. ``{"start": {"seed": 1, "interval_h": 0.002}}`` starts at the
base case. ``{"advance": {"hours": 0.1, "set": {...}, "disturbances": [6]}}`` lets the loops run
with these set-points and gives the means of what was measured, the extremes of what has limits, and
the operating cost: ``measured`` as a plant could compute it, ``cost`` without noise, for judging.
``{"keep": true}`` remembers the plant and its controller as they are, ``{"back": true}`` returns to
that.
"""

import copy
import dataclasses
import json
import sys
from typing import Any

import numpy as np
from tep_studio.control import RICKER_MODE1, RickerMultiLoopController
from tep_studio.simulation.core import TennesseeEastmanProcess
from tep_studio.simulation.schema import TEP_SCHEMA

NAMES = list(TEP_SCHEMA.names("measurements"))
VALVES = list(TEP_SCHEMA.names("manipulated_variables"))
LIMITED = (
    "reactor_pressure",
    "reactor_level",
    "reactor_temperature",
    "separator_level",
    "stripper_level",
)
PLACES = [NAMES.index(name) for name in LIMITED]
FIXED = tuple(RICKER_MODE1.nominal.static_mv)
"""Valves that the controller holds where they are: set-points for whoever is above it."""


class Plant:
    def __init__(self, wanted: dict[str, Any]) -> None:
        self.interval = float(wanted.get("interval_h", 0.002))
        self.plant = TennesseeEastmanProcess()
        self.loops = RickerMultiLoopController()
        shown, _ = self.plant.reset(mode="mode1", seed=float(wanted["seed"]))
        self.loops.reset(shown, time=0.0)
        # The set-points are the first measured values: their noise would be a seed's own target.
        clean, _ = TennesseeEastmanProcess(ms_flag=0).reset(mode="mode1")
        self.loops.setpoints = self.loops._default_setpoints(clean)
        self.shown = shown
        self.stopped: str | None = None

    def set_points(self) -> dict[str, float]:
        own = dataclasses.asdict(self.loops.setpoints)
        return {**own, **self.loops.registry.nominal.static_mv}

    def set(self, wanted: dict[str, float]) -> None:
        fixed = {name: value for name, value in wanted.items() if name in FIXED}
        loops = {name: value for name, value in wanted.items() if name not in FIXED}
        nominal = self.loops.registry.nominal
        nominal = dataclasses.replace(nominal, static_mv={**nominal.static_mv, **fixed})
        self.loops.registry = dataclasses.replace(self.loops.registry, nominal=nominal)
        self.loops.setpoints = dataclasses.replace(self.loops.setpoints, **loops)

    def keep(self) -> dict[str, Any]:
        self.kept = self.plant.snapshot(), copy.deepcopy(self.loops), self.shown.copy()
        return {"kept": self.plant.time}

    def back(self) -> dict[str, Any]:
        snapshot, loops, shown = self.kept
        self.plant.restore(snapshot)
        self.loops, self.shown, self.stopped = copy.deepcopy(loops), shown.copy(), None
        return {"time_h": self.plant.time}

    def advance(self, hours: float, disturbances: list[int]) -> dict[str, Any]:
        idv = np.zeros(28)
        idv[[number - 1 for number in disturbances]] = 1.0
        rows, valves, costs, paid = [], [], [], 0.0
        for _ in range(round(hours / self.interval)):
            if self.stopped:
                break
            action, _ = self.loops.compute_action(self.shown, time=self.plant.time)
            done = self.plant.advance(action, control_interval=self.interval, disturbances=idv)
            self.shown = done.measurements
            rows.append(done.measurements)
            valves.append(done.implemented_action)
            costs.append(done.objective_terms["operating_cost_measured_per_hour"])
            paid += done.objective_terms["operating_cost_internal_per_hour"] * self.interval
            if done.shutdown_status["terminated"]:
                self.stopped = str(done.shutdown_status["message"]).strip()
        if not rows:
            return {"stopped": self.stopped}
        shown, held = np.array(rows), np.array(valves)
        limited = shown[:, PLACES]
        return {
            "time_h": self.plant.time,
            "hours": len(rows) * self.interval,
            "means": dict(zip(NAMES, shown.mean(axis=0).tolist(), strict=True)),
            "valves": dict(zip(VALVES, held.mean(axis=0).tolist(), strict=True)),
            "low": dict(zip(LIMITED, limited.min(axis=0).tolist(), strict=True)),
            "high": dict(zip(LIMITED, limited.max(axis=0).tolist(), strict=True)),
            "measured": float(np.mean(costs)),
            "cost": paid,
            "stopped": self.stopped,
        }


def main() -> None:
    told, sys.stdout = sys.stdout, sys.stderr
    plant: Plant | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            plant = Plant(order["start"])
            answer: dict[str, Any] = {"set": plant.set_points(), "fixed": list(FIXED)}
        elif plant is None:
            answer = {"error": "start a plant first"}
        elif "keep" in order:
            answer = plant.keep()
        elif "back" in order:
            answer = plant.back()
        else:
            wanted = order["advance"]
            plant.set(wanted.get("set", {}))
            answer = plant.advance(wanted["hours"], wanted.get("disturbances", []))
        told.write(json.dumps(answer) + "\n")
        told.flush()


if __name__ == "__main__":
    main()
