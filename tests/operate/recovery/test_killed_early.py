"""A run that is killed before its first tick and sign of life leaves no hole in the ledger."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.operate.devices import IDLE, MemoryDriver
from tests.operate.shop import SHOP, START

from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, VirtualClock

Eventually = Callable[..., Awaitable[None]]
SIGNAL = "saw.load"


async def killed(folder: Path, at_s: int, value: float, eventually: Eventually) -> Path:
    """Run a core until it has stored a value, and return the state as a kill would leave it."""
    clock = VirtualClock(START + at_s * US)
    with StateFolder(folder) as state:
        driver = MemoryDriver(clock)
        driver.values = dict(IDLE)
        core = Core(SHOP, state, clock, drivers={"saw": driver}, judges=(), planners=())
        await core.start()
        driver.show(SIGNAL, value)

        def stored() -> bool:
            figures = core.health()["historian"]
            return bool(figures["accepted"] and figures["accepted"] == figures["acknowledged"])

        await eventually(stored)
        left = folder.with_name(f"left-{at_s}")
        shutil.copytree(folder, left)
        await core.stop()
    for name in ("alive.json", "recorded-signals.json"):
        if at_s == 0:
            (left / name).unlink(missing_ok=True)
    return left


async def test_two_runs_killed_at_once_are_one_gap(tmp_path: Path, eventually: Eventually) -> None:
    left = await killed(tmp_path / "state", 0, 1.0, eventually)
    left = await killed(left, 100, 2.0, eventually)
    clock = VirtualClock(START + 200 * US)
    with StateFolder(left) as state:
        driver = MemoryDriver(clock)
        driver.values = dict(IDLE)
        core = Core(SHOP, state, clock, drivers={"saw": driver}, judges=(), planners=())
        await core.start()
        await core.step(START + 201 * US)
        await core.recorded()
        gaps = core.historian.gaps([SIGNAL]).to_pylist()
        await core.stop()
    covered = [(gap["start"].timestamp() * US, gap["end"]) for gap in gaps]
    assert min(start for start, _ in covered) <= START + US
    assert all(end is not None and end.timestamp() * US >= START + 200 * US for _, end in covered)
