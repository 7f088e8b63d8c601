"""A process by run that nobody has learned: a first experiment in the loop, then learning."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.control.press import PLANT, RECIPES, START, Press, plant_in
from tests.operate.devices import MemoryDriver

from genba.control.bound import bound
from genba.control.runs_kept import runs_of
from genba.control.runs_learned import learned_by_product
from genba.errors import ControlError, Refused
from genba.operate.driven import Driver
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, Plant, Scalar, Signal, VirtualClock

TICK_S = 5
WANTED = (
    PLANT.replace("genba: 1\n", f"genba: 1\ntick_s: {TICK_S}\n")
    + "    control: true\n"
    + "autonomy: [{kind: setpoint, level: %s}, {kind: heartbeat, level: autonomous}]\n"
)


class PressDriver(MemoryDriver):
    """The press behind a driver: it makes parts for as long as time passes."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.press = Press(every=1)
        self.left_s = 0.0

    async def write(self, signal: Signal, value: Scalar) -> None:
        await super().write(signal, value)
        self.press.values[signal.id.removeprefix("press.")] = float(value)  # type: ignore[arg-type]

    def begin(self, product: str, lot: str) -> None:
        for sample in self.press.begin(product, lot):
            self.show(sample.signal, sample.value)

    def pass_time(self, seconds: float) -> None:
        self.left_s += seconds
        self.show("press.mold", 70.0)
        self.show("press.melt", 250.0 + 273.15)
        while self.left_s >= 12.0 + self.press.values["cooling"]:
            self.left_s -= 12.0 + self.press.values["cooling"]
            for sample in self.press.part():
                self.show(sample.signal, sample.value)


class Shop:
    """A core over one press."""

    def __init__(self, folder: Path, level: str, text: str = WANTED) -> None:
        self.clock = VirtualClock(START)
        self.device = PressDriver(self.clock)
        self.plant: Plant = plant_in(folder, text % level)
        self.state = StateFolder(folder / "state")
        self.core = Core(
            self.plant, self.state, self.clock, drivers={"line": self.device}, judges=(),
            planners=(),
        )  # fmt: skip

    async def run(self, minutes: float) -> None:
        for _ in range(round(minutes * 60 / TICK_S)):
            self.device.pass_time(TICK_S)
            await self.core.step(self.clock.now() + TICK_S * US)

    @property
    def driven(self) -> Any:
        return self.core.set_points.driven["molding"]

    @property
    def held(self) -> list[float]:
        return [float(v) for name, v in self.device.written if name == "press.hold"]  # type: ignore[arg-type]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Shop] = []

    async def make(level: str = "autonomous", **more: str) -> Shop:
        one = Shop(tmp_path, level, **more)
        made.append(one)
        await one.core.start()
        one.device.begin("cup", "O-1-0")
        return one

    yield make
    for one in made:
        await one.core.stop()


async def test_a_first_experiment_moves_set_points_by_a_step_at_most_and_can_be_learned_from(
    shop: Any,
) -> None:
    subject = await shop()
    await subject.run(2)
    assert "genba twin learn molding" in subject.driven.why
    subject.core.set_points.experiment("press", 32, "ada")
    await subject.run(8)
    assert subject.driven.driver is Driver.EXPERIMENT
    assert "32 parts" in subject.driven.tried
    subject.device.begin("lid", "O-2-1")  # the machine writes another recipe: it only goes on there
    await subject.run(18)
    assert subject.driven.trying
    subject.device.begin("cup", "O-1-2")
    await subject.run(14)
    subject.device.begin("lid", "O-2-3")
    await subject.run(14)
    assert not subject.driven.trying
    assert "run `genba twin learn molding`" in subject.driven.why
    assert subject.driven.driver is Driver.PLAIN
    assert subject.device.press.values["hold"] == pytest.approx(RECIPES["lid"][0])
    away = [min(abs(v - usual) for usual, _ in RECIPES.values()) for v in subject.held]
    assert len(set(subject.held)) >= 4
    assert max(away) <= 10.0 + 1e-6
    await subject.core.recorded()
    joined = bound(subject.plant, "molding")
    runs = runs_of(subject.core.historian, subject.plant, joined, START, subject.clock.now())
    beliefs, _ = learned_by_product(joined, runs)
    assert {one.product for one in beliefs} == {"cup", "lid"}
    assert all(one.belief.learned()["by_pressure"] > 0.3 for one in beliefs)


async def test_a_first_experiment_ends_at_once_when_somebody_sets_something_in_a_job(
    shop: Any,
) -> None:
    subject = await shop()
    await subject.run(1)
    subject.core.set_points.experiment("press", 30, "ada")
    await subject.run(5)
    assert subject.driven.trying
    subject.device.press.values["hold"] = 470.0
    subject.device.show("press.hold", 470.0)
    await subject.run(1.5)
    assert not subject.driven.trying
    assert "somebody else set press.hold" in subject.driven.tried
    await subject.run(3)
    assert subject.driven.driver is Driver.PLAIN
    assert subject.device.press.values["hold"] == 470.0


async def test_the_recipe_of_the_job_at_hand_comes_back_where_an_experiment_was_there_before(
    shop: Any,
) -> None:
    subject = await shop()
    await subject.run(1)
    subject.core.set_points.experiment("press", 30, "ada")
    await subject.run(8)
    tried = subject.held[-1]
    assert tried != RECIPES["cup"][0]
    for sample in subject.device.press.begin("lid", "O-2-1", hold=tried):
        subject.device.show(sample.signal, sample.value)
    await subject.run(1)
    assert subject.driven.handover.plain["press.hold"] == tried


async def test_a_first_experiment_needs_permission(shop: Any) -> None:
    forbidden = await shop(text=WANTED.replace("experiments: true", "experiments: false"))
    with pytest.raises(Refused, match="experiments: true"):
        forbidden.core.set_points.experiment("press", 8, "ada")


async def test_a_first_experiment_needs_the_level_autonomous(shop: Any) -> None:
    advised = await shop("advise")
    with pytest.raises(Refused, match="need the level autonomous"):
        advised.core.set_points.experiment("press", 8, "ada")


async def test_only_one_runs_and_it_is_switched_off_with_control(shop: Any) -> None:
    subject = await shop()
    await subject.run(1)
    subject.core.set_points.experiment("press", 30, "ada")
    with pytest.raises(ControlError, match="runs already"):
        subject.core.set_points.experiment("press", 30, "ada")
    await subject.run(4)
    subject.core.set_points.stop("press", "ada")
    await subject.run(3)
    assert not subject.driven.trying
    assert subject.driven.tried == "ended: ada switched control off"
    assert subject.driven.driver is Driver.PLAIN
    assert subject.device.press.values["hold"] == pytest.approx(RECIPES["cup"][0])
