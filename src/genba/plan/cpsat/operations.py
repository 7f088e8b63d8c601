"""Variables of operations: ways, times, working time, and what must be over before."""

from ortools.sat.python import cp_model

from genba.plan.cpsat.draft import Draft, Expr, Slot, Var, milliwatts
from genba.plan.cpsat.horizon import most_setup
from genba.plan.cpsat.ways import Way, Ways
from genba.plan.problem import Operation
from genba.plan.schedule import Assignment
from genba.plan.worktime import mode_of


def add_operations(draft: Draft) -> None:
    """Make the variables of all operations."""
    ways = Ways(draft.problem, draft.horizon)
    batchable = _batchable(draft)
    for operation in draft.problem.operations:
        able = ways.of(operation)
        if operation.fixed is not None:
            draft.slots[operation.id] = _fixed(draft, operation, able)
        else:
            draft.slots[operation.id] = _slot(draft, operation, able, operation.id in batchable)


def _batchable(draft: Draft) -> set[str]:
    """Return the operations that may be treated together with another one."""
    words: dict[tuple[str, str], list[str]] = {}
    for operation in draft.problem.operations:
        if operation.batch is not None and operation.fixed is None:
            for machine in {mode.machine for mode in operation.modes}:
                words.setdefault((operation.batch, machine), []).append(operation.id)
    return {name for listed in words.values() if len(listed) > 1 for name in listed}


def _fixed(draft: Draft, operation: Operation, ways: list[Way]) -> Slot:
    """What is decided: constants, in the way that the plan will be read as."""
    fixed = operation.fixed
    assert fixed is not None  # noqa: S101 - told by the caller
    times = fixed.setup_start, fixed.start, fixed.end
    mode = mode_of(draft.problem, Assignment(operation.id, fixed.machine, *times))
    able = [way for way in ways if way.mode == mode][:1]
    return Slot(
        operation,
        able,
        [draft.true] * len(able),
        [draft.true] * len(able),
        *times,
        fixed.setup_start,
        fixed=True,
        open=False,
        lengths=[way.mode.ticks for way in able],
        powers=[milliwatts(way.mode) for way in able],
    )


def _slot(draft: Draft, operation: Operation, ways: list[Way], batchable: bool) -> Slot:
    name = operation.id
    stands = None if draft.frame is None else draft.frame.stands.get(name)
    if stands is not None:
        ways = _way_in_plan(draft, ways, stands)
    setup: Expr | None = None
    release = draft.problem.jobs_by_id[operation.job].release
    if stands is not None and draft.frame is not None and name in draft.frame.still:
        setup_start: Expr = stands.setup_start
        start: Expr = stands.start
        end: Expr = stands.end
        setup = _setup_ticks(draft, ways[0], stands)
    else:
        start = draft.tick(f"{name} starts", release)
        setup_start = start
        end = _end(draft, operation, ways, start, batchable)
        if any(way.has_setups for way in ways):
            setup = draft.cp.new_int_var(
                0, max(most_setup(draft.problem, way) for way in ways), f"{name} set-up"
            )
            setup_start = draft.tick(f"{name} set-up starts")
    present = _present(draft, operation, ways)
    slot = Slot(operation, ways, present, list(present), setup_start, start, end, start, setup)
    slot.open = stands is None
    slot.lengths = [way.mode.ticks for way in ways]
    slot.powers = [milliwatts(way.mode) for way in ways]
    slot.begin = _begin(draft, slot, release)
    return slot


def _setup_ticks(draft: Draft, way: Way, stands: Assignment) -> int:
    ticks = stands.start - stands.setup_start
    if way.pauses_setup is not None:
        ticks -= int(draft.closed_before(stands.start, way.pauses_setup))
        ticks += int(draft.closed_before(stands.setup_start, way.pauses_setup))
    return ticks


def _way_in_plan(draft: Draft, ways: list[Way], stands: Assignment) -> list[Way]:
    mode = mode_of(draft.problem, stands)
    same = [way for way in ways if way.mode == mode]
    return [way for way in same if way.staff == stands.staff][:1] or same[:1]


def _end(draft: Draft, operation: Operation, ways: list[Way], start: Var, batchable: bool) -> Expr:
    """Return the end: start and time where that is all there is to it, else a variable."""
    times = {way.mode.ticks for way in ways}
    pauses = any(way.pauses_work is not None for way in ways)
    if len(times) == 1 and not pauses and not batchable:
        return start + times.pop()
    return draft.tick(f"{operation.id} ends")


def _present(draft: Draft, operation: Operation, ways: list[Way]) -> list[Var]:
    if len(ways) == 1:
        return [draft.true]
    present = [
        draft.literal(f"{operation.id} on {way.machine.id} {way.staff or ''}") for way in ways
    ]
    draft.cp.add_exactly_one(present)
    return present


def _begin(draft: Draft, slot: Slot, release: int) -> Expr:
    """Return when the job must be there: as the set-up begins, or as the processing does."""
    early = [way.has_setups and way.machine.setup_needs_job for way in slot.ways]
    if not any(early) or slot.setup is None:
        return slot.start
    if all(early):
        if not isinstance(slot.start, int):
            draft.cp.add(slot.setup_start >= release)
        return slot.setup_start
    begin = draft.tick(f"{slot.operation.id} begins", release)
    for needs_job, present in zip(early, slot.present, strict=True):
        wanted = slot.setup_start if needs_job else slot.start
        draft.cp.add(begin == wanted).only_enforce_if(present)
    return begin


def add_times(draft: Draft) -> None:
    """Ask each run to take its time, when its machine and its person work."""
    for slot in draft.slots.values():
        if not slot.fixed:
            for number, way in enumerate(slot.ways):
                _take_time(draft, slot, number, way)


def _take_time(draft: Draft, slot: Slot, number: int, way: Way) -> None:
    cp, lead = draft.cp, slot.leads[number]
    if isinstance(slot.start, int):
        return  # it keeps its times, which are legal
    length = slot.lengths[number]
    span = slot.end - slot.start
    if way.pauses_work is not None:
        for at in (slot.start, slot.end):
            draft.in_windows(at, way.pauses_work, lead)
        span -= draft.closed_before(slot.end, way.pauses_work)
        span += draft.closed_before(slot.start, way.pauses_work)
        # At the border of a pause two times are alike, and must not change places.
        cp.add(slot.end >= slot.start).only_enforce_if(lead)
    cp.add(span == length).only_enforce_if(lead)
    if slot.setup is not None:
        ahead = slot.start - slot.setup_start
        if way.pauses_setup is not None:
            for at in (slot.setup_start, slot.start):
                draft.in_windows(at, way.pauses_setup, lead)
            ahead -= draft.closed_before(slot.start, way.pauses_setup)
            ahead += draft.closed_before(slot.setup_start, way.pauses_setup)
            cp.add(slot.start >= slot.setup_start).only_enforce_if(lead)
        cp.add(ahead == slot.setup).only_enforce_if(lead)
    if way.machine_windows is not None:
        _in_one_window(draft, slot, way, way.machine_windows, lead, way.mode.ticks)
    if way.staff_windows is not None:
        needed = way.mode.ticks if way.whole else 0
        _in_one_window(draft, slot, way, way.staff_windows, lead, needed)


def _in_one_window(
    draft: Draft, slot: Slot, way: Way, windows: tuple[tuple[int, int], ...], lead: Var, ticks: int
) -> None:
    """Ask a run (``ticks`` of its processing) to stand in one window with its set-up.

    Each window that ends after the run begins says: begin before my start means end by then.
    """
    cp = draft.cp
    fits = tuple((start, stop - ticks) for start, stop in windows if stop - start >= ticks)
    if ticks > 0 or not way.has_setups:
        draft.in_windows(slot.start, fits, lead)
    until = slot.end if ticks > 0 else slot.start
    if slot.setup is None and isinstance(slot.lengths[0], int) and way.pauses_work is None:
        return  # the start alone decides
    has_setup = None
    if ticks == 0 and slot.setup is not None:
        has_setup = draft.literal("")
        cp.add(slot.setup >= 1).only_enforce_if(has_setup)
        cp.add(slot.setup == 0).only_enforce_if(~has_setup)
        setup = slot.setup
        draft.hinters.append(lambda hints: hints.tell(has_setup, int(hints.of(setup) > 0)))
    conditions = [lead] if has_setup is None else [lead, has_setup]
    cp.add_linear_expression_in_domain(
        slot.setup_start,
        cp_model.Domain.from_intervals([[start, stop - 1] for start, stop in windows]),
    ).only_enforce_if(conditions)
    closed_since = draft.lowest
    for start, stop in windows:
        inside = draft.reached(slot.setup_start, start)
        if isinstance(inside, int):
            if not inside:
                cp.add(until <= closed_since).only_enforce_if(conditions)
                break
        else:
            cp.add(until <= closed_since).only_enforce_if([*conditions, ~inside])
        closed_since = stop
    cp.add(until <= closed_since).only_enforce_if(conditions)


def add_precedence(draft: Draft) -> None:
    """Ask what comes before to be over."""
    for slot in draft.slots.values():
        if slot.fixed:
            continue
        for name in slot.operation.predecessors:
            draft.cp.add(slot.begin >= draft.slots[name].end)
