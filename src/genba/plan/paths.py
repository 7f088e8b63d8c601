"""The paths of the planner: each finds a better plan than the best so far, or a better bound."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from genba.plan.bounds.assign import solve_by_assignment
from genba.plan.bounds.bound import lower_bound
from genba.plan.checks.validate import violations
from genba.plan.incumbent import Incumbent
from genba.plan.schedule import Plan, Status
from genba.plan.search.jobs import JobSearch
from genba.plan.search.rules import Draft, drafts
from genba.plan.search.search import Search
from genba.plan.timing.decode import Decoder
from genba.plan.timing.resume import drafts_of, resumed
from genba.plan.timing.value import pricing_of

RULES_SHARE = 0.15
"""Share of the time after which no further rule is tried."""
TELL_S = 0.5
"""Least seconds between two better plans of one path that are told while it searches."""


def from_hint(best: Incumbent, hint: Plan) -> None:
    """Begin with a plan that is given: as it is, or timed anew where it is not legal any more."""
    known = {operation.id for operation in best.problem.operations}
    kept = tuple(a for a in hint.assignments if a.operation in known)
    stands = replace(hint, assignments=kept, left_out=(), values={}, bound=None, gap=None)
    if not violations(best.problem, stands):
        best.offer(stands, "hint")
    else:
        pricing = pricing_of(best.problem, best.objective)
        best.offer(resumed(Decoder(best.problem), stands, pricing), "hint, timed anew")


def prove(best: Incumbent) -> None:
    """Prove a lower bound."""
    found = lower_bound(best.problem, best.objective)
    if found is not None:
        best.prove(*found)


def by_rules(best: Incumbent, iterations: int | None) -> list[Draft]:
    """Dispatch by rules; return what they found, best first, for a search to begin with."""
    decoder = Decoder(best.problem)
    until = None if iterations is not None else best.began + RULES_SHARE * best.time_limit_s
    found = drafts(decoder, best.objective, best.seed, until=until)
    for draft in found[:2]:
        plan = decoder.plan(draft.rank, draft.modes, fill_gaps=draft.fill_gaps)
        if best.offer(plan, f"rule {draft.name}"):
            break
    return found


def by_jobs(
    best: Incumbent, found: Sequence[Draft], workers: int, iterations: int | None, share: float
) -> list[Draft]:
    """Climb over the order of whole jobs; return the best of it before what was found."""
    starts = list(found[:1])
    decoders = [Decoder(best.problem) for _ in range(workers if iterations is None else 1)]
    if best.plan is not None:
        pricing = pricing_of(best.problem, best.objective)
        starts += drafts_of(decoders[0], best.plan, pricing)[:1]
    until = None if iterations is not None else best.began + share * best.time_limit_s
    is_due = _rarely(best)

    def climb(number: int) -> Draft:
        def tell(draft: Draft) -> None:
            if is_due():
                best.offer(decoders[number].plan(draft.rank, draft.modes), "order of jobs")

        climber = JobSearch(decoders[number], best.objective, best.seed + number)
        return climber.climb(starts, until=until, steps=iterations, on_better=tell)

    with ThreadPoolExecutor(len(decoders)) as pool:
        end = min(pool.map(climb, range(len(decoders))), key=lambda draft: draft.worth)
    best.offer(decoders[0].plan(end.rank, end.modes), "order of jobs")
    return [end, *found]


def by_search(
    best: Incumbent,
    found: Sequence[Draft],
    workers: int,
    iterations: int | None,
    *,
    share: float = 1.0,
) -> None:
    """Climb from what the rules and the best plan so far give, with a climber for each worker."""
    decoders = [Decoder(best.problem) for _ in range(workers if iterations is None else 1)]
    starts = list(found[:1])
    if best.plan is not None:
        pricing = pricing_of(best.problem, best.objective)
        starts += drafts_of(decoders[0], best.plan, pricing)
    until = None if iterations is not None else best.began + share * best.time_limit_s
    climbers = [
        Search(decoder, best.objective, best.seed + number)
        for number, decoder in enumerate(decoders)
    ]
    is_due = _rarely(best)

    def climb(number: int) -> Draft:
        def tell(draft: Draft) -> None:
            if is_due():
                found = decoders[number].plan(draft.rank, draft.modes, fill_gaps=draft.fill_gaps)
                best.offer(found, "local search")

        return climbers[number].climb(starts, until=until, steps=iterations, on_better=tell)

    with ThreadPoolExecutor(len(climbers)) as pool:
        ends = list(pool.map(climb, range(len(climbers))))
    end = min(ends, key=lambda draft: draft.worth)
    plan = decoders[0].plan(end.rank, end.modes, fill_gaps=end.fill_gaps)
    best.offer(plan, "local search")


def exactly(best: Incumbent, workers: int) -> None:
    """Solve the whole problem by constraint programming, and prove how good it is."""
    from genba.plan.cpsat import solve_exactly

    path = "constraint programming"
    found = solve_exactly(
        best.problem,
        best.objective,
        time_limit_s=max(0.0, best.left_s),
        seed=best.seed,
        workers=workers,
        hint=best.plan,
        on_improved=lambda plan: best.take(plan, path),
    )
    if found is None:
        return
    best.offer(found, path)
    best.prove(found.bound, path)
    if found.status is Status.OPTIMAL:
        best.called_optimal(found)


def by_windows(best: Incumbent, workers: int) -> None:
    """Make the best plan better by constraint programming, window by window."""
    from genba.plan.cpsat import improve

    path = "windows of constraint programming"
    if best.plan is None or best.plan.left_out or best.left_s <= 0:
        return
    found = improve(
        best.problem,
        best.objective,
        best.plan,
        time_limit_s=best.left_s,
        seed=best.seed,
        workers=workers,
        on_improved=lambda plan: best.take(plan, path),
    )
    best.offer(found, path)


def rolling(best: Incumbent, workers: int, iterations: int | None) -> None:
    """Roll a horizon over a problem that is too large to be searched as a whole."""
    from genba.plan.search.horizon import solve_rolling

    plan = solve_rolling(
        best.problem,
        best.objective,
        time_limit_s=max(0.0, best.left_s),
        seed=best.seed,
        workers=workers,
        hint=best.plan,
        iterations=iterations,
        on_improved=lambda plan: best.take(plan, "rolling horizon"),
    )
    best.offer(plan, "rolling horizon")


def shop(best: Incumbent, workers: int, iterations: int | None, *, share: float = 1.0) -> None:
    """Search a plain shop: where machines are short by the assignment program, then by tabu."""
    from genba.plan.shop import ShopSchedule, assignments_of, shop_of_problem, solve_shop

    problem = best.problem
    is_due = _rarely(best)

    def offer(schedule: ShopSchedule) -> None:
        best.offer(Plan(assignments_of(problem, schedule)), "tabu search")

    def tell(schedule: ShopSchedule) -> None:
        if is_due():
            offer(schedule)

    if is_wide(best):
        share_s = 0.6 * best.left_s if iterations is None else 1e9
        rounds = None if iterations is None else max(1, iterations // 1000)
        plan = solve_by_assignment(
            problem,
            time_limit_s=share_s,
            seed=best.seed,
            rounds=rounds,
            on_improved=lambda plan: best.take(plan, "assignment program") if is_due() else None,
        )
        best.offer(plan, "assignment program")
        best.prove(plan.bound, plan.found_by.partition("; bound: ")[2])
        if best.is_optimal:
            return
    found = solve_shop(
        shop_of_problem(problem),
        time_limit_s=max(0.0, share * best.left_s) if iterations is None else 1e9,
        seed=best.seed,
        workers=workers if iterations is None else 1,
        iterations=iterations,
        on_improved=None if best.on_improved is None else tell,
    )
    offer(found)
    best.prove(found.bound, "longest job or busiest machine")


def is_wide(best: Incumbent) -> bool:
    """Whether machines are what is short: many jobs for each machine, and a choice of them."""
    operations, machines = best.problem.operations, best.problem.machines
    modes = sum(len(operation.modes) for operation in operations)
    is_many = len(operations) >= 1000 and len(best.problem.jobs) >= 4 * len(machines)
    return is_many and modes > len(operations)


def _rarely(best: Incumbent) -> Callable[[], bool]:
    """Return whether a better plan should be told now: where anybody listens, now and then.

    To check a plan takes longer than to find one, and holds up the search.
    """
    told_s = best.elapsed_s if best.plan is not None else -TELL_S

    def is_due() -> bool:
        nonlocal told_s
        now_s = best.elapsed_s
        if best.on_improved is None or now_s < told_s + TELL_S:
            return False
        told_s = now_s
        return True

    return is_due
