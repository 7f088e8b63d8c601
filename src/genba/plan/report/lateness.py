"""Which orders a plan delivers late, and why, in plain words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from genba.plan.demand.scale import Scale, moment, scale_of, span
from genba.plan.problem import Problem
from genba.plan.report.cures import Cure, Cures
from genba.plan.report.waiting import Cause, Chains, Link
from genba.plan.schedule import Plan
from genba.plan.values import completions

_NAMED = 2
"""Jobs that a sentence names before it says how many more."""
_WAITS = 3
"""Waits that a reason names at most, the longest first."""
_SMALL = 0.1
"""A wait below this part of all waiting is not named in a reason."""


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order that is late. Times in ticks."""

    order: str
    jobs: tuple[str, ...]
    """Its late lots, the latest first."""
    due: int
    end: int
    """When the last of them is done."""
    weight: float
    chain: tuple[Link, ...]
    """Way of the latest lot, from its release to its end."""
    reason: str
    """One line: what it waited for."""
    steps: tuple[str, ...]
    """The chain in words, one line for each operation and trip that cost time."""
    cures: tuple[Cure, ...] = ()
    """What was tried and helps, best first."""

    @property
    def late(self) -> int:
        """How many ticks it is late."""
        return self.end - self.due


def late_orders(
    problem: Problem, plan: Plan, *, timezone: str = "UTC", cures_for: int = 5
) -> tuple[LateOrder, ...]:
    """Return the late orders with reasons, the one that weighs most first.

    Parameters
    ----------
    problem, plan : Problem, Plan
        What was asked and what came of it.
    timezone : str
        For times in words.
    cures_for : int
        For how many orders cures are tried: each takes some timings of a changed problem.

    Returns
    -------
    tuple of LateOrder
        By weight times lateness.
    """
    done = completions(problem, plan)
    late: dict[str, list[str]] = {}
    for name, end in done.items():
        job = problem.jobs_by_id[name]
        if job.due is not None and end > job.due:
            late.setdefault(job.order or name, []).append(name)
    chains, scale = Chains(problem, plan), scale_of(problem)
    found = []
    for order, jobs in late.items():
        jobs.sort(key=lambda name: (-done[name], name))
        worst = problem.jobs_by_id[jobs[0]]
        assert worst.due is not None  # noqa: S101 - only jobs with a due date are late
        chain = chains.chain(worst.id)
        found.append(
            LateOrder(
                order=order,
                jobs=tuple(jobs),
                due=worst.due,
                end=done[worst.id],
                weight=worst.weight,
                chain=chain,
                reason=_reason(scale, chain, worst.due),
                steps=tuple(_steps(scale, chain, timezone)),
            )
        )
    found.sort(key=lambda order: (-order.weight * order.late, order.order))
    if cures_for <= 0 or not found:
        return tuple(found)
    tried = Cures(problem, plan)
    cured = [replace(o, cures=tried.of(o.jobs, o.chain)) for o in found[:cures_for]]
    return (*cured, *found[cures_for:])


# -- words ------------------------------------------------------------------------------------


def _reason(scale: Scale, chain: Sequence[Link], due: int) -> str:
    """Say in one line what made a job late: its longest waits, or that no plan is in time."""
    own = sum(link.ticks for link in chain if link.cause in (Cause.WORK, Cause.TRIP))
    release = sum(link.ticks for link in chain if link.cause is Cause.MATERIAL)
    waits = _sums(link for link in chain if link.cause not in _OWN)
    parts: list[str] = []
    if release + own > due:
        of = " after its release" if release else ""
        parts.append(
            f"its work and trips alone take {span(scale, own)}{of}, so it cannot be in time"
        )
    total = sum(wait.ticks for wait in waits)
    named = [wait for wait in waits[:_WAITS] if wait.ticks >= _SMALL * total]
    if named and not (parts and total < own):
        parts.append("waits " + "; ".join(_waiting(scale, wait) for wait in named))
    return "; ".join(parts) or f"its work takes {span(scale, own)}; nothing holds it up"


_OWN = frozenset({Cause.WORK, Cause.TRIP, Cause.MATERIAL})


@dataclass(frozen=True, slots=True)
class _Wait:
    cause: Cause
    resource: str
    ticks: int
    others: tuple[str, ...]


def _sums(links: Iterable[Link]) -> list[_Wait]:
    """Add up waits for the same thing, the longest first."""
    sums: dict[tuple[Cause, str, bool], tuple[int, dict[str, int]]] = {}
    for link in links:
        key = (link.cause, link.resource, bool(link.others))
        ticks, others = sums.get(key, (0, {}))
        for other in link.others:
            others[other] = others.get(other, 0) + link.ticks
        sums[key] = (ticks + link.ticks, others)
    waits = [
        _Wait(cause, resource, ticks, tuple(others))
        for (cause, resource, _), (ticks, others) in sums.items()
    ]
    return sorted(waits, key=lambda wait: (-wait.ticks, wait.resource))


def _waiting(scale: Scale, wait: _Wait) -> str:
    """Write one wait: how long, and for what."""
    who, what = _some(wait.others), wait.resource
    match wait.cause:
        case Cause.MACHINE:
            said = f"for {what}, busy with {who}"
        case Cause.CLOSED:
            said = f"while {what} is closed"
        case Cause.SETUP:
            said = f"while {what} is set up"
        case Cause.DOWN:
            said = f"until {what} takes work again"
        case Cause.PERSON:
            by = f"; all are with {who}" if wait.others else "; nobody is at work"
            said = f"for somebody with the skill '{what}'{by}"
        case Cause.TOOL:
            said = f"for the tool {what}, in use for {who}"
        case Cause.BATCH:
            said = f"at {what} for {who} of the same batch"
        case Cause.VEHICLE:
            said = f"for {what}" + (f", which moves {who}" if wait.others else " to come")
        case Cause.MATERIAL:
            said = "for its release"
        case Cause.PLACE if wait.others:
            said = f"for a place at {what}, taken by {who}"
        case _:
            said = f"for its turn at {what}"
    return f"{span(scale, wait.ticks)} {said}"


def _steps(scale: Scale, chain: Sequence[Link], timezone: str) -> Iterable[str]:
    """Write the chain, a line for each operation with what it waited for."""
    at = 0
    while at < len(chain):
        last = at
        while last < len(chain) and chain[last].operation == chain[at].operation:
            last += 1
        links = chain[at:last]
        waits = _sums(link for link in links if link.cause not in _OWN)
        own = sum(link.ticks for link in links if link.cause in (Cause.WORK, Cause.TRIP))
        release = [link.end for link in links if link.cause is Cause.MATERIAL]
        machine = next((link.resource for link in links if link.cause is Cause.WORK), None)
        name = links[0].operation
        what = "delivery" if name is None else f"{name}" + (f" on {machine}" if machine else "")
        said = f"{moment(scale, links[-1].end, timezone)}: {what} is done"
        if waits:
            said += " after " + "; ".join(_waiting(scale, wait) for wait in waits[:_WAITS])
        if own:
            said += ("; " if waits else " after ") + f"{span(scale, own)} of work and trips"
        if release:
            said += f" (released {moment(scale, release[0], timezone)})"
        yield said
        at = last


def _some(names: Sequence[str]) -> str:
    if len(names) <= _NAMED + 1:
        return _and(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _and(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
