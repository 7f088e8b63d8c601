"""Machines show states as PackML has them: every transition is legal, every state lasts."""

from collections import defaultdict
from itertools import pairwise

import pytest

from genba.plant import US, PackMLMode, PackMLState, Role
from genba.testbed import PlantSimulation, Scenario, load_testbed
from genba.testbed.packml import StateModel

PLANT, PHYSICS = load_testbed()
S = PackMLState
STATES = {s.id: s.equipment for s in PLANT.signals.values() if s.role is Role.STATE}

ACTING = {
    *((S.RESETTING, S.IDLE), (S.STARTING, S.EXECUTE), (S.COMPLETING, S.COMPLETE)),
    *((S.HOLDING, S.HELD), (S.UNHOLDING, S.EXECUTE), (S.SUSPENDING, S.SUSPENDED)),
    *((S.UNSUSPENDING, S.EXECUTE), (S.STOPPING, S.STOPPED), (S.ABORTING, S.ABORTED)),
    (S.CLEARING, S.STOPPED),
}
ASKED = {
    *((S.STOPPED, S.RESETTING), (S.IDLE, S.STARTING), (S.EXECUTE, S.COMPLETING)),
    *((S.EXECUTE, S.HOLDING), (S.EXECUTE, S.SUSPENDING), (S.COMPLETE, S.RESETTING)),
    *((S.HELD, S.UNHOLDING), (S.SUSPENDED, S.UNSUSPENDING), (S.SUSPENDED, S.HOLDING)),
    (S.ABORTED, S.CLEARING),
}
NO_STOP = {S.STOPPING, S.STOPPED, S.ABORTING, S.ABORTED, S.CLEARING}
LEGAL = (
    ACTING
    | ASKED
    | {(s, S.STOPPING) for s in S if s not in NO_STOP}
    | {(s, S.ABORTING) for s in S if s not in {S.ABORTING, S.ABORTED}}
)
"""Written from the figure of ISA-TR88.00.02-2022, apart from the testbed's own table."""


def shown(simulation: PlantSimulation) -> dict[str, list[tuple[int, PackMLState]]]:
    """States of each machine and when they began, from all changes since the last call."""
    found: dict[str, list[tuple[int, PackMLState]]] = defaultdict(list)
    for signal, when, value in simulation.drain():
        if signal in STATES:
            found[STATES[signal]].append((when, PackMLState(int(str(value)))))
    return found


@pytest.fixture(scope="module")
def day() -> dict[str, list[tuple[int, PackMLState]]]:
    """What the machines showed in a day under the conventional controller."""
    simulation = PlantSimulation(PLANT, PHYSICS, seed=1, conventional=True)
    simulation.advance(simulation.start + 24 * 3600 * US)
    return shown(simulation)


def test_a_day_of_every_machine_knows_legal_transitions_only(
    day: dict[str, list[tuple[int, PackMLState]]],
) -> None:
    seen = set()
    for machine, states in day.items():
        steps = [(a, b) for (_, a), (_, b) in pairwise(states)]
        assert [step for step in steps if step not in LEGAL] == [], machine
        seen |= set(steps)
    # The day held what states are for: jobs, tool changes, people, breakdowns, nights.
    wanted = {S.COMPLETE, S.HELD, S.SUSPENDED, S.ABORTED, S.STOPPED}
    assert wanted <= {after for _, after in seen}


def test_complete_lasts_as_long_as_the_physics_say(
    day: dict[str, list[tuple[int, PackMLState]]],
) -> None:
    for machine, least_s in (("furnace", 20), ("mill-1", 3)):
        lasted = [
            (end - begin) / US for (begin, s), (end, _) in pairwise(day[machine]) if s is S.COMPLETE
        ]
        assert lasted
        assert set(lasted) == {least_s}


def test_after_a_repair_within_a_job_the_machine_is_cleared_and_started_again() -> None:
    script = Scenario.model_validate(
        {
            "random": False,
            "events": [
                {"after_s": 5400, "kind": "breakdown", "target": "press-1", "duration_s": 60}
            ],
        }
    )
    simulation = PlantSimulation(PLANT, PHYSICS, seed=1, conventional=True, scenario=script)
    simulation.advance(simulation.start + 5399 * US)
    assert simulation.value("press-1.state") == S.EXECUTE
    shown(simulation)
    simulation.advance(simulation.start + 5600 * US)
    states = [state for _, state in shown(simulation)["press-1"]]
    assert states[:8] == [
        *(S.ABORTING, S.ABORTED, S.CLEARING, S.STOPPED),
        *(S.RESETTING, S.IDLE, S.STARTING, S.EXECUTE),
    ]


def test_a_tool_change_holds_the_job_in_maintenance_mode() -> None:
    simulation = PlantSimulation(PLANT, PHYSICS, seed=1, conventional=True)
    states = []
    while len(states) < 4:
        simulation.advance(simulation.now + US)
        state = (simulation.value("mill-3.mode"), simulation.value("mill-3.state"))
        if states and state == states[-1]:
            continue
        if states or state[0] == PackMLMode.MAINTENANCE:
            states.append(state)
    maintenance, production = PackMLMode.MAINTENANCE, PackMLMode.PRODUCTION
    assert states == [
        *((maintenance, S.HOLDING), (maintenance, S.HELD)),
        *((production, S.UNHOLDING), (production, S.EXECUTE)),
    ]


@pytest.mark.parametrize("wanted", [S.STOPPED, S.IDLE, S.EXECUTE, S.HELD, S.SUSPENDED, S.ABORTED])
def test_every_lasting_state_is_reached_by_legal_steps_from_every_other(
    wanted: PackMLState,
) -> None:
    for before in (S.STOPPED, S.IDLE, S.EXECUTE, S.HELD, S.SUSPENDED, S.ABORTED, S.COMPLETE):
        model = StateModel(complete_s=4, reset_s=2)
        path = [model.state]
        for goal in (before, wanted):
            for _ in range(60):
                model.toward(goal)
                if model.state is not path[-1]:
                    path.append(model.state)
        assert path[-1] is wanted
        assert set(pairwise(path)) <= LEGAL
