"""Driving a roll-out: asks it what to do, has that done at the machines, keeps its history."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from genba.errors import GenbaError
from genba.learn.edge.rollout import Do, Plan, Rollout, Stage, State, Task
from genba.learn.registry.history import History, What
from genba.plant import format_time

_TOLD = {
    Stage.WORKING: What.SENT,
    Stage.RUNNING: What.STARTED,
    Stage.FAILED: What.FAILED,
    Stage.RETURNING: What.SENT,
    Stage.RETURNED: What.ROLLED_BACK,
    Stage.STUCK: What.FAILED,
}
ASK_AGAIN_S = 5.0
"""Wall seconds after which machines are asked again, while others are worked on."""


class Fleet(Protocol):
    """Reaches machines, however that is done. Both raise ``GenbaError`` when it does not work."""

    async def install(self, node: str, address: str) -> None:
        """Bring a release to a machine; return when it is in force there, its trial passed."""
        ...

    async def take_back(self, node: str, address: str, why: str) -> None:
        """Bring a machine back to the release before; return when that is in force there."""
        ...

    async def gone_back(self, nodes: Collection[str], address: str) -> Mapping[str, str]:
        """Return which of the machines that had a release took it back by themselves, and why.

        A machine of which nothing is heard is not among them.
        """
        ...


async def drive(rollout: Rollout, fleet: Fleet, history: History, now: Callable[[], int]) -> State:
    """Go on until the roll-out is done, has stopped, or waits for a person.

    A machine that took the release back by itself meanwhile, by the rules that it is watched by or
    since it failed at work, counts as failed.

    Parameters
    ----------
    rollout : Rollout
        What is to be brought where.
    fleet : Fleet
        How machines are reached.
    history : History
        Where each step is written, before it is done.
    now : callable
        Microseconds UTC.
    """
    running: dict[asyncio.Task[str], Task] = {}
    try:
        while True:
            for node, why in (await fleet.gone_back(rollout.running, rollout.plan.address)).items():
                rollout.gone_back(node, why)
            for task in rollout.todo():
                running[asyncio.create_task(_do(fleet, rollout, task))] = task
            _write(rollout, history, now)
            if not running:
                return rollout.state
            done, _ = await asyncio.wait(
                running, return_when=asyncio.FIRST_COMPLETED, timeout=ASK_AGAIN_S
            )
            for one in done:
                rollout.told(running.pop(one), one.result())
            _write(rollout, history, now)
    finally:
        for left in running:
            left.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def begin(
    plan: Plan, history: History, now: Callable[[], int], by: str, unverified: str = ""
) -> Rollout:
    """Begin a roll-out, and write down that it was; and why, if the model was not verified."""
    told: dict[str, Any] = {"why": f"unverified: {unverified}"} if unverified else {}
    groups = [{**_plain(group), "nodes": list(group.nodes)} for group in plan.groups]
    history.add(
        What.RELEASED,
        plan.digest,
        format_time(now()),
        by=by,
        where=", ".join(group.name for group in plan.groups),
        data={"address": plan.address, "name": plan.model, "groups": groups, **told},
    )
    return Rollout(plan)


def take_up(history: History) -> Rollout | None:
    """Take up the last roll-out of a history where it was left; None where there is none.

    Raises
    ------
    LearnError
        If the history was altered.
    """
    rollout: Rollout | None = None
    events: list[Mapping[str, Any]] = []
    for event in history.events():
        told = event.data
        if event.what is What.RELEASED and "groups" in told:
            plan = Plan.from_plain(told["address"], told["name"], told["groups"], event.model)
            rollout, events = Rollout(plan), []
        elif rollout is not None and "step" in told and told["address"] == rollout.plan.address:
            events.append(told["step"])
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


def _write(rollout: Rollout, history: History, now: Callable[[], int]) -> None:
    for step in rollout.take_events():
        what = _what(step)
        where = step.get("node") or step.get("group", "")
        plan, why = rollout.plan, step.get("why", "")
        told = {"address": plan.address, "name": plan.model, "step": step, "why": why}
        history.add(
            what, rollout.plan.digest, format_time(now()), by=step.get("by", ""), where=where,
            data=told,
        )  # fmt: skip


def _what(step: Mapping[str, Any]) -> What:
    """Return what a step of a roll-out is called in a history."""
    match step["event"]:
        case "approved":
            return What.APPROVED
        case "stopped":
            return What.HALTED
        case "again":
            return What.SENT
        case _:
            return _TOLD[Stage(step["stage"])]


def _plain(group: Any) -> dict[str, Any]:
    names = ("name", "most_failed", "at_once", "approval")
    return {name: getattr(group, name) for name in names}
