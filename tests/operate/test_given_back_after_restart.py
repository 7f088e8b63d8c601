"""Set-points that were on their way back when Genba stopped come back when it starts again."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.control.press import RECIPES
from tests.operate.ovens import Works, copied, learn_into, plant_in, text_of
from tests.operate.test_first_experiment import Shop
from tests.operate.test_standby_restarted import again

from genba.operate.driven import Driver
from genba.operate.runtime import Core
from genba.plant import US


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    learn_into(folder)
    return folder


@pytest.fixture
async def restarted(tmp_path: Path, learned: Path) -> AsyncIterator[Callable[..., Any]]:
    """Switch an oven off far from its own 190, stop in the middle, and start over what is found."""
    made: list[Works] = []

    async def make(found: float | None = None, *, shown: bool = True) -> Works:
        first = Works(copied(learned, tmp_path), plant_in(tmp_path, text_of()))
        made.append(first)
        await first.core.start()
        await first.run(18)
        first.core.set_points.stop("oven", "ada")
        await first.run(1)
        left = first.oven.setpoint
        assert abs(left - 190.0) > 2.0
        assert first.driven.driver is Driver.BACK
        await first.core.stop()
        second = Works(first.state, first.core.plant, first.clock.now() + 60 * US)
        second.oven.setpoint = left if found is None else found
        second.oven.values = {"oven.setpoint": second.oven.setpoint} if shown else {}
        second.oven.heat = left
        made.append(second)
        await second.core.start()
        return second

    yield make
    for one in made:
        await one.core.stop()


async def test_what_was_on_its_way_back_when_genba_stopped_comes_back_in_steps(
    restarted: Any,
) -> None:
    subject = await restarted()
    left = subject.oven.setpoint
    await subject.run(1)
    assert subject.driven.driver is Driver.BACK
    assert subject.driven.why.endswith("ada switched control off")
    assert subject.driven.handover.plain == {"oven.setpoint": 190.0}
    await subject.run(8)
    assert subject.oven.setpoint == 190.0
    moves = [left, *subject.setpoints]
    assert max(abs(b - a) for a, b in itertools.pairwise(moves)) <= 5.0 + 1e-9
    assert subject.driven.driver is Driver.PLAIN
    assert not subject.driven.on
    kept = json.loads((subject.state.root / "control.json").read_text())["oven-heat"]
    assert kept["plain"] == {}
    assert "left" not in kept


async def test_what_somebody_set_while_genba_was_stopped_is_left_alone(restarted: Any) -> None:
    subject = await restarted(found=170.0)
    await subject.run(4)
    assert subject.setpoints == []
    assert subject.driven.handover.plain == {"oven.setpoint": 170.0}
    assert subject.driven.driver is Driver.PLAIN
    [told] = await subject.rows("events", ["control.base"])
    assert "somebody else set oven.setpoint to 170" in told["text"]


async def test_a_set_point_that_is_not_shown_yet_is_waited_for(restarted: Any) -> None:
    subject = await restarted(shown=False)
    await subject.run(2)
    assert subject.setpoints == []
    assert subject.driven.driver is Driver.BACK
    subject.oven.turn(subject.oven.setpoint)
    await subject.run(8)
    assert subject.oven.setpoint == 190.0


async def test_a_first_experiment_that_a_restart_ended_gives_the_recipe_back(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path, "autonomous")
    await shop.core.start()
    shop.device.begin("cup", "O-1-0")
    await shop.run(1)
    shop.core.set_points.experiment("press", 30, "ada")
    await shop.run(8)
    usual = RECIPES["cup"][0]
    assert shop.device.press.values["hold"] != usual
    await shop.core.stop()
    shop.device = again(shop.device)
    shop.core = Core(
        shop.plant, shop.state, shop.clock, drivers={"line": shop.device}, judges=(), planners=()
    )
    await shop.core.start()
    try:
        await shop.run(3)
        assert shop.device.press.values["hold"] == pytest.approx(usual)
        assert shop.driven.driver is Driver.PLAIN
    finally:
        await shop.core.stop()
