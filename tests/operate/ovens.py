"""An oven under a core, stepped in process: recorded, learned, then driven through the loop."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.control.oven import BASE, CAPACITY, LOSS, PLANT, START, _power, plant_in, record
from tests.operate.devices import MemoryDriver

from genba.control.bound import bound
from genba.control.learned import Learned, keep, parted
from genba.control.recorded import episodes_of
from genba.learn.registry.signature import KEY
from genba.operate.runtime import Core
from genba.operate.state import PROCESSES, StateFolder
from genba.plant import US, Plant, Scalar, Signal, VirtualClock
from genba.twin.process import identify
from genba.twin.process.report import standing_of

HOURS = 1
BEGUN = START + HOURS * 3600 * US
TICK_S = 5
AUTONOMOUS = "autonomy: [{kind: setpoint, level: %s}, {kind: heartbeat, level: autonomous}]\n"
WANTED = (
    PLANT.replace("horizon: 15", "horizon: 8")
    .replace(
        "prices: {power: 0.01}",
        "prices: {power: 0.01}, keeps: {temperature: {low: 120, high: 240}}",
    )
    .replace(
        "    objective:",
        "    inputs: {setpoint: {low: 180, high: 210, step: 5}}\n    control: true\n    objective:",
    )
)


def text_of(level: str = "autonomous", *, experiments: bool = False, **replaced: str) -> str:
    """Write the plant file."""
    text = WANTED.replace("genba: 1\n", f"genba: 1\ntick_s: {TICK_S}\n") + AUTONOMOUS % level
    if experiments:
        text = text.replace("control: true", "control: true\n    experiments: true")
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    return text


def learn_into(folder: Path) -> StateFolder:
    """Record the oven under its plain controller, learn it, and keep that in a state folder."""
    state = StateFolder(folder / "state")
    plant = plant_in(folder, text_of())
    joined = bound(plant, "oven-heat")
    with record(folder / "recorded", HOURS) as historian:
        episodes = episodes_of(historian, joined, START, BEGUN)
    older, newest = parted(episodes)
    belief = identify(joined.symbolic, episodes)
    # Judged by what learned from it, which is quicker; nothing here rests on how good it is said.
    standing = standing_of(joined.symbolic, belief, older, newest)
    learned = Learned("oven-heat", belief, standing, (START, BEGUN))
    keep(learned, state.root / PROCESSES, state.secrets / KEY)
    return state


class Oven(MemoryDriver):
    """The oven itself, behind a driver."""

    def __init__(self, clock: VirtualClock, setpoint: float = 190.0) -> None:
        super().__init__(clock)
        self.heat, self.setpoint, self.capacity, self.loss = (
            setpoint + 5.0,
            setpoint,
            CAPACITY,
            LOSS,
        )
        self.random = np.random.default_rng(5)
        self.broken: Scalar | None = 0.0
        self.values = {"oven.setpoint": setpoint}

    async def write(self, signal: Signal, value: Scalar) -> None:
        await super().write(signal, value)
        if signal.id == "oven.setpoint":
            self.setpoint = float(value)  # type: ignore[arg-type]

    def turn(self, setpoint: float) -> None:
        """Turn the knob, as a person does."""
        self.setpoint = setpoint
        self.show("oven.setpoint", setpoint)

    def pass_time(self, seconds: int, air: float = 21.0) -> None:
        for _ in range(seconds):
            flow = _power(self.heat, self.setpoint, air) - self.loss * (self.heat - air)
            self.heat += flow / self.capacity
        drawn = BASE + _power(self.heat, self.setpoint, air)
        self.show("oven.air", air)
        shown = self.heat + 273.15 + float(self.random.normal(0, 0.2))
        self.show("oven.heat", shown if self.broken == 0.0 else self.broken)
        power = 1000 * drawn + float(self.random.normal(0, 30))
        self.show("oven.drawn", power if self.broken == 0.0 else self.broken)


class Works:
    """A core over one oven."""

    def __init__(self, state: StateFolder, plant: Plant, begun: int = BEGUN) -> None:
        self.clock = VirtualClock(begun)
        self.oven = Oven(self.clock)
        self.state = state
        self.core = Core(
            plant, state, self.clock, drivers={"line": self.oven}, judges=(), planners=()
        )

    async def run(self, steps: float) -> None:
        """Live through steps of the process, 20 s each."""
        for _ in range(round(steps * 20 / TICK_S)):
            self.oven.pass_time(TICK_S)
            await self.core.step(self.clock.now() + TICK_S * US)

    @property
    def driven(self) -> Any:
        return self.core.set_points.driven["oven-heat"]

    @property
    def setpoints(self) -> list[float]:
        return [float(v) for name, v in self.oven.written if name == "oven.setpoint"]  # type: ignore[arg-type]

    async def rows(self, table: str, kinds: Sequence[str] = ()) -> list[dict[str, Any]]:
        await self.core.recorded()
        rows = self.core.historian.rows(table).to_pylist()
        return [row for row in rows if not kinds or row["kind"] in kinds]

    async def drivers(self) -> list[str]:
        """Who drove, in order."""
        return [
            json.loads(r["data"])["driver"] for r in await self.rows("events", ["control.turned"])
        ]


def copied(learned: Path, to: Path) -> StateFolder:
    """Give a state folder of its own that holds what was learned."""
    state = StateFolder(to / "state")
    shutil.copytree(learned / "state" / PROCESSES, state.root / PROCESSES)
    shutil.copy(learned / "state" / "secrets" / KEY, state.secrets / KEY)
    return state


async def settled(works: Works, steps: float = 1) -> None:
    """Live on, and let what was handed to threads come back."""
    await works.run(steps)
    await asyncio.sleep(0)
