"""Driving a roll-out: asks it what to do, has that done at the machines, keeps its history."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from genba.errors import GenbaError
from genba.learn.edge.ledger import Ledger
from genba.learn.edge.rollout import Do, Plan, Rollout, State, Task

BEGUN = "roll-out"


class Fleet(Protocol):
    """Reaches machines, however that is done. Both raise ``GenbaError`` when it does not work."""

    async def install(self, node: str, address: str) -> None:
        """Bring a release to a machine; return when it is in force there, its trial passed."""
        ...

    async def take_back(self, node: str, address: str, why: str) -> None:
        """Bring a machine back to the release before; return when that is in force there."""
        ...


async def drive(rollout: Rollout, fleet: Fleet, ledger: Ledger, now: Callable[[], int]) -> State:
    """Go on until the roll-out is done, has stopped, or waits for a person.

    Parameters
    ----------
    rollout : Rollout
        What is to be brought where.
    fleet : Fleet
        How machines are reached.
    ledger : Ledger
        Where each step is written, before it is done.
    now : callable
        Microseconds UTC.
    """
    running: dict[asyncio.Task[str], Task] = {}
    try:
        while True:
            for task in rollout.todo():
                running[asyncio.create_task(_do(fleet, rollout, task))] = task
            _write(rollout, ledger, now)
            if not running:
                return rollout.state
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                rollout.told(running.pop(one), one.result())
            _write(rollout, ledger, now)
    finally:
        for left in running:
            left.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def begin(plan: Plan, ledger: Ledger, now: Callable[[], int], by: str) -> Rollout:
    """Begin a roll-out, and write down that it was."""
    groups = [{**_plain(group), "nodes": list(group.nodes)} for group in plan.groups]
    ledger.add(now(), BEGUN, address=plan.address, model=plan.model, groups=groups, by=by)
    return Rollout(plan)


def take_up(ledger: Ledger) -> Rollout | None:
    """Take up the last roll-out of a ledger where it was left; None where there is none.

    Raises
    ------
    LearnError
        If the ledger was altered.
    """
    rollout: Rollout | None = None
    events: list[Mapping[str, Any]] = []
    for line in ledger.lines():
        if line.what == BEGUN:
            facts = line.facts
            rollout = Rollout(Plan.from_plain(facts["address"], facts["model"], facts["groups"]))
            events = []
        elif rollout is not None and line.facts.get("address") == rollout.plan.address:
            events.append(line.facts)
    if rollout is not None:
        rollout.restore(events)
    return rollout


async def _do(fleet: Fleet, rollout: Rollout, task: Task) -> str:
    try:
        if task.do is Do.INSTALL:
            await fleet.install(task.node, rollout.plan.address)
        else:
            await fleet.take_back(task.node, rollout.plan.address, rollout.why)
    except (GenbaError, OSError, TimeoutError) as error:
        return str(error) or type(error).__name__
    return ""


def _write(rollout: Rollout, ledger: Ledger, now: Callable[[], int]) -> None:
    for event in rollout.take_events():
        what = f"roll-out {event['event']}"
        ledger.add(now(), what, **event, address=rollout.plan.address)


def _plain(group: Any) -> dict[str, Any]:
    names = ("name", "most_failed", "at_once", "approval")
    return {name: getattr(group, name) for name in names}
