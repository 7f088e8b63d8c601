"""A roll-out: canary group, then group by group, stopping by itself where too much fails.

Plain state and plain rules; nothing here talks to a machine. Whoever drives it asks :meth:`todo`,
does that, and says with :meth:`told` what came of it (:mod:`genba.learn.edge.rolling` does so).
The state is what its events make of it, so that it can be taken up again after a crash.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from genba.errors import LearnError


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that get a release together.

    ``most_failed`` is the share of them that may fail before everything stops. ``at_once`` of them
    are worked on at the same time. With ``approval`` a person has to say yes before it begins.
    """

    name: str
    nodes: tuple[str, ...]
    most_failed: float = 0.0
    at_once: int = 1
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a release goes, in order; the first group is the canary.

    Raises
    ------
    LearnError
        If a group is empty, a machine stands twice, or a number makes no sense.
    """

    address: str
    model: str
    groups: tuple[Group, ...]
    digest: str = ""
    """SHA-256 of the registered model, where it is known."""

    def __post_init__(self) -> None:
        names = [node for group in self.groups for node in group.nodes]
        if not self.groups or any(not group.nodes for group in self.groups):
            raise LearnError("a roll-out has no group, or one without machines; name some")
        for node in names:
            if names.count(node) > 1:
                raise LearnError(f"machine '{node}' stands twice in the roll-out; leave one out")
        for group in self.groups:
            if not 0 <= group.most_failed <= 1 or group.at_once < 1:
                raise LearnError(
                    f"group '{group.name}': give a share of failures from 0 to 1, and at least "
                    "one machine at once"
                )

    @classmethod
    def from_plain(
        cls, address: str, model: str, groups: Iterable[Mapping[str, Any]], digest: str = ""
    ) -> "Plan":
        """Read groups from plain values, as of a YAML file.

        Raises
        ------
        LearnError
            If something is missing, unknown or makes no sense.
        """
        read = []
        for group in groups:
            try:
                read.append(Group(**{**group, "nodes": tuple(group["nodes"])}))
            except (TypeError, KeyError):
                raise LearnError(
                    f"group {dict(group)!r} of the roll-out is garbled; give name, nodes, and "
                    "where wanted most_failed, at_once, approval"
                ) from None
        return cls(address, model, tuple(read), digest)


class Stage(StrEnum):
    """How far one machine is."""

    WAITING = "waiting"
    WORKING = "working"
    RUNNING = "running"
    """It has the release in force."""
    FAILED = "failed"
    """It refused it, took it back (on trial, or later by itself), or did not answer."""
    RETURNING = "returning"
    """It is being brought back to the release before."""
    RETURNED = "returned"
    STUCK = "stuck"
    """It could not be brought back; somebody has to look."""


class State(StrEnum):
    """How far the whole is."""

    GOING = "going"
    ASKING = "asking"
    """It waits for a person's yes."""
    STOPPING = "stopping"
    """It is being taken back everywhere."""
    STOPPED = "stopped"
    DONE = "done"


class Do(StrEnum):
    """What is to be done at a machine."""

    INSTALL = "install"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do now."""

    do: Do
    node: str


@dataclass(slots=True)
class Rollout:
    """One release on its way through the groups.

    Rules that hold whatever happens: a machine of a group is touched only after all machines of
    the groups before are settled within their shares of failures; once a share is exceeded nothing
    new is begun, and what has the release is brought back; a retry touches what failed, and
    nothing else.
    """

    plan: Plan
    stages: dict[str, Stage] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a machine failed."""
    why: str = ""
    """Why all was stopped."""
    _approved: set[str] = field(default_factory=set)
    _events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for group in self.plan.groups:
            for node in group.nodes:
                self.stages.setdefault(node, Stage.WAITING)

    @property
    def state(self) -> State:
        """How far the whole is."""
        stages = self.stages.values()
        if self.why:
            open_ = (Stage.RUNNING, Stage.WORKING, Stage.RETURNING)
            return State.STOPPING if any(s in open_ for s in stages) else State.STOPPED
        if all(stage in (Stage.RUNNING, Stage.FAILED) for stage in stages):
            return State.DONE
        group = self._group()
        return State.ASKING if group is not None and not self._may(group) else State.GOING

    @property
    def asking(self) -> Group | None:
        """The group that waits for a person's yes."""
        return self._group() if self.state is State.ASKING else None

    def todo(self) -> list[Task]:
        """Return what may be done now; each task is given once, and counts as begun."""
        if self.why:
            tasks = [Task(Do.TAKE_BACK, n) for n, s in self.stages.items() if s is Stage.RUNNING]
        else:
            tasks = [Task(Do.INSTALL, node) for node in self._next()]
        for task in tasks:
            begun = Stage.WORKING if task.do is Do.INSTALL else Stage.RETURNING
            self._put("begun", node=task.node, stage=begun)
        return tasks

    def told(self, task: Task, problem: str = "") -> None:
        """Say what came of a task: empty for good, else what went wrong."""
        if task.do is Do.TAKE_BACK:
            stage = Stage.STUCK if problem else Stage.RETURNED
        else:
            stage = Stage.FAILED if problem else Stage.RUNNING
        self._put("ended", node=task.node, stage=stage, why=problem)
        if task.do is Do.INSTALL and problem:
            self._count_failures(task.node)

    @property
    def running(self) -> tuple[str, ...]:
        """The machines that have the release in force, as far as is known."""
        return tuple(node for node, stage in self.stages.items() if stage is Stage.RUNNING)

    def gone_back(self, node: str, why: str) -> None:
        """Say that a machine which had the release in force took it back by itself.

        It counts like one that failed, however late it comes; a roll-out that was done may stop.
        """
        if self.stages.get(node) is Stage.RUNNING:
            self._put("ended", node=node, stage=Stage.FAILED, why=why)
            self._count_failures(node)

    def approve(self, group: str, by: str) -> None:
        """Let a group begin, as a person.

        Raises
        ------
        LearnError
            If it is not the one that waits.
        """
        asking = self.asking
        if asking is None or asking.name != group:
            raise LearnError(f"group '{group}' does not wait for a yes; look at the roll-out")
        self._put("approved", group=group, by=by)

    def stop(self, why: str) -> None:
        """End it, and bring back what has the release."""
        if not self.why and self.state is not State.DONE:
            self._put("stopped", why=why)

    def retry(self) -> list[str]:
        """Begin again with the machines that failed, and with no other; return them.

        Raises
        ------
        LearnError
            If it was stopped: a release that was taken back needs a roll-out of its own.
        """
        if self.why:
            raise LearnError(f"the roll-out was stopped ({self.why}); begin another")
        failed = [node for node, stage in self.stages.items() if stage is Stage.FAILED]
        for node in failed:
            self._put("again", node=node, stage=Stage.WAITING)
        return failed

    # -- events -------------------------------------------------------------------------------

    def take_events(self) -> list[dict[str, Any]]:
        """Return, once, what happened since the last call: for a history."""
        events, self._events = self._events, []
        return events

    def restore(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take up where the events of an earlier process end.

        What was under way then counts as failed: nobody knows how it ended.
        """
        for event in events:
            self._apply(event)
        for node, stage in self.stages.items():
            if stage is Stage.WORKING:
                self.told(Task(Do.INSTALL, node), "the roll-out was cut off meanwhile")
            elif stage is Stage.RETURNING:
                self._put("again", node=node, stage=Stage.RUNNING)

    def _put(self, what: str, **facts: Any) -> None:
        event = {"event": what, **{k: str(v) for k, v in facts.items()}}
        self._apply(event)
        self._events.append(event)

    def _apply(self, event: Mapping[str, Any]) -> None:
        if "node" in event and event["node"] in self.stages:
            self.stages[event["node"]] = Stage(event["stage"])
            if event.get("why"):
                self.reasons[event["node"]] = event["why"]
            elif event["stage"] == Stage.WAITING:
                self.reasons.pop(event["node"], None)
        elif event.get("event") == "approved":
            self._approved.add(event["group"])
        elif event.get("event") == "stopped":
            self.why = event["why"]

    # -- rules --------------------------------------------------------------------------------

    def _group(self) -> Group | None:
        """The group that is being worked on: the first that is not settled."""
        settled = (Stage.RUNNING, Stage.FAILED)
        for group in self.plan.groups:
            if any(self.stages[node] not in settled for node in group.nodes):
                return group
        return None

    def _may(self, group: Group) -> bool:
        return not group.approval or group.name in self._approved

    def _next(self) -> list[str]:
        group = self._group()
        if group is None or not self._may(group):
            return []
        working = sum(self.stages[node] is Stage.WORKING for node in group.nodes)
        waiting = [node for node in group.nodes if self.stages[node] is Stage.WAITING]
        return waiting[: max(0, group.at_once - working)]

    def _count_failures(self, node: str) -> None:
        group = next(g for g in self.plan.groups if node in g.nodes)
        failed = [n for n in group.nodes if self.stages[n] is Stage.FAILED]
        if not self.why and len(failed) > group.most_failed * len(group.nodes):
            many = f"{len(failed)} of {len(group.nodes)} machines of group '{group.name}' failed"
            self._put("stopped", why=f"{many}; {self.reasons.get(node, '')}".rstrip("; "))
