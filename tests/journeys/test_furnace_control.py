"""The reference plant's furnace: recorded as it is run today, learned, then driven by the core.

Simulated plant, its own clock.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from genba.control.bound import bound
from genba.control.learned import Learned, keep, parted
from genba.control.recorded import episodes_of
from genba.learn.registry.signature import KEY
from genba.operate.driven import Driver
from genba.operate.runtime import Core
from genba.operate.state import PROCESSES, StateFolder
from genba.plant import (
    US,
    Autonomy,
    AutonomyRule,
    Choice,
    Plant,
    ProcessObjective,
    VirtualClock,
    Wish,
)
from genba.testbed import PlantSimulation, load_testbed
from genba.testbed.in_process import drivers_of
from genba.twin.process import identify
from genba.twin.process.report import standing_of

TICK_S = 10.0
WANTED = {
    "control": True,
    "unproved": Autonomy.AUTONOMOUS,
    "inputs": {"setpoint": Choice(low=900.0, high=940.0, step=4.0)},
    "objective": ProcessObjective(targets={"temperature": Wish(value=926.0)}),
}
SETPOINT = "furnace.temperature_setpoint"
MOVES = {10: 924.0, 25: 917.0, 40: 922.0, 55: 920.0}
"""What nobody ever moves cannot be learned, and is left alone."""


async def lived(
    plant: Plant,
    simulation: PlantSimulation,
    state: StateFolder,
    hours: float,
    moves: Mapping[int, float] | None = None,
) -> Core:
    """Let plant and core live together for some hours; the core still runs.

    ``moves``: minutes at which somebody sets the furnace by hand, and to what.
    """
    clock = VirtualClock(simulation.now)
    core = Core(
        plant, state, clock, drivers=drivers_of(simulation, plant, clock), judges=(), planners=()
    )
    await core.start()
    begun = clock.now()
    until = begun + round(hours * 3600 * US)
    by_hand = {begun + minute * 60 * US: value for minute, value in (moves or {}).items()}
    while clock.now() < until:
        clock.set(clock.now() + round(TICK_S * US))
        if clock.now() in by_hand:
            simulation.write(SETPOINT, by_hand[clock.now()])
        simulation.advance(clock.now())
        simulation.deliver()
        await core.step(clock.now())
    await core.recorded()
    return core


@pytest.mark.timeout(240)
async def test_the_furnace_is_learned_where_people_moved_it_and_driven_by_the_core(
    tmp_path: Path,
) -> None:
    plant, physics = load_testbed()
    observed = plant.model_copy(
        update={"tick_s": TICK_S, "autonomy": (AutonomyRule(kind="*", level=Autonomy.OBSERVE),)}
    )
    simulation = PlantSimulation(observed, physics, seed=1, conventional=True)
    begun, state = simulation.now, StateFolder(tmp_path / "state")
    core = await lived(observed, simulation, state, 1.8, MOVES)
    joined = bound(observed, "furnace-heat")
    episodes = episodes_of(core.historian, joined, begun, simulation.now)
    await core.stop()
    belief = identify(joined.symbolic, episodes)
    standing = standing_of(joined.symbolic, belief, *parted(episodes))
    learned = Learned("furnace-heat", belief, standing, (begun, simulation.now))
    keep(learned, state.root / PROCESSES, state.secrets / KEY)
    wanted = [
        one.model_copy(update=WANTED) if one.id == "furnace-heat" else one
        for one in plant.processes
    ]
    rule = AutonomyRule(equipment="furnace", kind="setpoint", level=Autonomy.AUTONOMOUS)
    driven = plant.model_copy(
        update={"tick_s": TICK_S, "processes": tuple(wanted), "autonomy": (*plant.autonomy, rule)}
    )
    core = await lived(driven, simulation, state, 0.7)
    try:
        one = core.set_points.driven["furnace-heat"]
        assert "nothing is proved" in one.about
        rows = core.historian.rows("decisions").to_pylist()
        outcomes = [r for r in rows if r["kind"] == "setpoint" and r["stage"] == "outcome"]
        assert outcomes, one.why
        assert {row["text"] for row in outcomes} == {"done"}
        told = core.historian.samples([SETPOINT], begun, simulation.now + 1).to_pylist()
        course = [float(row["value"]) for row in told]
        assert max(course) == pytest.approx(926.0, abs=2.0)
        assert all(900.0 <= value <= 940.0 for value in course)
        assert one.handover.plain == {SETPOINT: pytest.approx(920.0)}
        turns = [
            r for r in core.historian.rows("events").to_pylist() if r["kind"] == "control.turned"
        ]
        drivers = [json.loads(row["data"])["driver"] for row in turns]
        assert drivers[0] == Driver.CONTROL
        # A cold load comes in, of which this short recording had told too little.
        assert drivers[-1] == Driver.PLAIN
        assert "contradicted" in one.why
        assert course[-1] == pytest.approx(920.0)
        assert simulation.ledger()["safety"]["total"] == 0
    finally:
        await core.stop()
