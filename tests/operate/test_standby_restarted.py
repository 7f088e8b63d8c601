"""A machine at standby when Genba stops in the night is back at its own before the shift."""

from pathlib import Path

import numpy as np
from tests.control.press import RECIPES, START
from tests.operate.test_first_experiment import WANTED, PressDriver, Shop

from genba.control.bound import bound
from genba.control.runs_kept import keep_runs
from genba.control.runs_learned import ProductBelief
from genba.learn.registry.signature import KEY
from genba.operate.runtime import Core
from genba.operate.state import PROCESSES
from genba.plant import US
from genba.twin.process import prior

HOUR = 3600 * US
BACK_AT = START + 26 * HOUR
"""When the next shift begins."""
BEGINS = BACK_AT - 2 * HOUR
AT_REST = (
    WANTED.replace("    hourly_cost: 55\n", "    hourly_cost: 55\n    calendar: day\n").replace(
        "    experiments: true\n", "    standby: {hold: 350}\n    step_s: 60\n"
    )
    + """\
calendars:
  - {id: day, shifts: [{id: day, days: [mon, tue, wed, thu, fri], start: "08:00:00",
     end: "16:00:00"}]}
"""
)


class Night(Shop):
    """A press without a job between shifts, of which something was learned."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "autonomous", AT_REST)
        self.clock.set(BEGINS)
        joined = bound(self.plant, "molding")
        learned = ProductBelief(
            "cup", prior(joined.physics), joined.bounds(), np.array(RECIPES["cup"])
        )
        keep_runs(
            joined, [learned], (START, START + HOUR), self.state.root / PROCESSES,
            self.state.secrets / KEY,
        )  # fmt: skip
        for sample in [*self.device.press.begin("cup", ""), self.device.press.say("lots", "")]:
            self.device.show(sample.signal, sample.value)

    async def run_until(self, end: int) -> None:
        """Live on without a job."""
        while self.clock.now() < end:
            self.device.show("press.mold", 70.0)
            self.device.show("press.melt", 250.0 + 273.15)
            await self.core.step(self.clock.now() + 20 * US)

    async def restarted(self) -> None:
        """Stop the core, and start another one over the same state and the same machine."""
        await self.core.stop()
        self.device = again(self.device)
        self.core = Core(
            self.plant, self.state, self.clock, drivers={"line": self.device}, judges=(),
            planners=(),
        )  # fmt: skip
        await self.core.start()

    @property
    def hold(self) -> float:
        return float(self.device.press.values["hold"])


def again(device: PressDriver) -> PressDriver:
    """Give what a new connection finds: the same machine with what it holds."""
    found = PressDriver(device._clock)
    found.press, found.values = device.press, device.values
    return found


async def test_what_was_in_force_before_the_night_is_back_before_the_shift_though_genba_restarted(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path)
    await night.core.start()
    await night.run_until(BEGINS + HOUR // 3)
    assert night.hold == 350.0
    await night.restarted()
    await night.run_until(BEGINS + HOUR)
    assert night.hold == 350.0
    await night.run_until(BACK_AT)
    assert night.hold == RECIPES["cup"][0]
    moves = [float(value) for name, value in night.device.written if name == "press.hold"]
    assert np.abs(np.diff([350.0, *moves])).max() <= 10.0 + 1e-9
    await night.core.stop()


async def test_on_the_way_to_standby_a_restart_goes_on_and_comes_back(tmp_path: Path) -> None:
    night = Night(tmp_path)
    await night.core.start()
    await night.run_until(BEGINS + 6 * 60 * US)
    assert 350.0 < night.hold < RECIPES["cup"][0]
    await night.restarted()
    await night.run_until(BEGINS + HOUR // 2)
    assert night.hold == 350.0
    await night.restarted()
    await night.run_until(BACK_AT)
    assert night.hold == RECIPES["cup"][0]
    await night.core.stop()
