"""The coarse problem keeps the order and times of work, and drops what changes by the minute."""

from tests.plan.line import NOW, PLANT, lot, situation

from genba.plan.checks.validate import violations
from genba.plan.demand.from_plant import problem_of
from genba.plan.floor.coarse import REST, coarse
from genba.plan.solve import solve


def small() -> tuple:
    seen = situation([lot("L1", quantity=10), lot("L2", quantity=20)])
    problem, _ = problem_of(PLANT, (), NOW, seen)
    return problem, coarse(problem)


def test_a_batch_takes_its_share_and_the_lot_waits_for_the_one_before_and_the_rest() -> None:
    full, rough = small()
    whole = full.operations_by_id["L1/bake"].modes[0].ticks
    share = rough.operations_by_id["L1/bake"].modes[0].ticks
    rest = rough.operations_by_id["L1/bake" + REST].modes[0].ticks
    assert (share, share + rest) == (whole * 10 // 40, whole + whole // 2)
    assert rough.operations_by_id["L2/bake"].modes[0].ticks == whole * 20 // 40


def test_what_the_floor_looks_after_is_left_to_it() -> None:
    full, rough = small()
    assert full.transport is not None
    assert any(machine.places is not None for machine in full.machines)
    assert rough.transport is None
    assert all(machine.places is None for machine in rough.machines)
    assert not rough.tools
    assert not rough.staff
    assert all(o.batch is None and not any(m.tools for m in o.modes) for o in rough.operations)


def test_set_ups_and_routings_stay_and_the_plan_is_legal() -> None:
    full, rough = small()
    assert rough.setups == full.setups
    assert rough.operations_by_id["L1/cut"] == full.operations_by_id["L1/cut"]
    plan = solve(rough, seed=1, iterations=50)
    assert violations(rough, plan) == []
    ends = plan.by_operation
    assert ends["L1/bake" + REST].start >= ends["L1/bake"].end
