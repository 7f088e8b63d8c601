"""Whatever chooses set-points may say what it likes: what is written stays in the envelope."""

import asyncio
import math
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from tests.operate.ovens import BEGUN, Works, plant_in, text_of

from genba.control.chooser import Effect, Held, Setting
from genba.operate.set_point_host import Ready, Said
from genba.operate.state import StateFolder
from genba.plant import Autonomy

NAMES = st.sampled_from(["oven.setpoint"] * 4 + ["oven.heat", "oven.note", "oven.nothing", ""])
VALUES = st.one_of(
    st.floats(),
    st.floats(40, 260),
    st.integers(),
    st.sampled_from([None, True, "200", b"", [200.0], {}, 10**400]),
)
WRITES = st.dictionaries(NAMES, VALUES, max_size=3)
EFFECT = st.builds(Effect, st.text(), st.text(), *[st.floats()] * 4, NAMES)
SETTING = st.builds(
    Setting,
    WRITES,
    st.text(max_size=20),
    st.lists(EFFECT, max_size=2),
    st.lists(NAMES, max_size=2),
    st.floats(-1e6, 1e6),
    st.sampled_from([None, *Autonomy]),
)
HELD = st.builds(Held, st.text(max_size=20), WRITES, st.booleans())
CHOICE = st.one_of(SETTING, SETTING, HELD, st.none(), st.text(), st.integers())
LOW, HIGH, RATE = 50.0, 250.0, 0.5


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CHOICE, min_size=5, max_size=25))
def test_what_is_written_stays_in_the_envelope_whatever_is_chosen(choices: list[Any]) -> None:
    asyncio.run(_lived_through(choices))


async def _lived_through(choices: list[Any]) -> None:
    rated = ("range: {low: 50, high: 250}", "range: {low: 50, high: 250}, max_rate: 0.5")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works = Works(StateFolder(folder / "state"), plant_in(folder, text_of(rated=rated)))
        await works.core.start()
        points = works.core.set_points
        await works.run(0.5)
        signals = ("oven.setpoint", "oven.heat")
        points._take(Ready("oven-heat", "m", "", signals, {"oven.setpoint": 5.0}), BEGUN)
        for choice in choices:
            now = works.clock.now()
            points._take(Said(now, {"oven-heat": choice}), now)
            await works.run(0.25)
        before = 190.0
        for value in works.setpoints:
            assert isinstance(value, float)
            assert math.isfinite(value)
            assert LOW <= value <= HIGH
            assert abs(value - before) <= RATE * 60.0 + 1e-6
            before = value
        assert works.core.loop.ticks == 2 + len(choices)
        assert not [f for f in works.core.loop.findings() if f.kind == "judge_control"]
        await works.core.stop()
