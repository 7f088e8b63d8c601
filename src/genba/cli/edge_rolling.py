"""What ``genba edge rollout`` does: begins or takes up a roll-out, and drives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genba.cli.output import fail

if TYPE_CHECKING:
    from genba.learn.edge.keys import ReleaseKey
    from genba.learn.edge.rollout import Rollout
    from genba.learn.registry.history import History
    from genba.operate.edge_orders import MqttFleet


@dataclass(frozen=True, slots=True)
class Hub:
    """The broker that orders cross, and how it is entered."""

    url: str
    ca_file: Path | None
    credentials: Path | None
    login: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be rolled out, and how."""

    content: bytes
    address: str
    model: str
    digest: str
    groups: Path
    hub: Hub
    key: "ReleaseKey"
    by: str
    history: Path
    approve: tuple[str, ...]
    retry: bool
    go_on: bool
    limits: tuple[float | None, float | None]
    trial_s: float
    unverified: str = ""
    """Why a model is rolled out that did not pass."""


async def roll(wish: Wish) -> "Rollout":
    """Begin or take up a roll-out, and go on until it is done, stopped, or waits for a person."""
    from genba.learn.edge.rolling import drive
    from genba.learn.registry.history import History
    from genba.plant import SystemClock

    history, clock = History(wish.history), SystemClock()
    rollout = _begun(wish, history, clock.now)
    if wish.retry:
        rollout.retry()
    fleet = _fleet(
        wish.hub, wish.key, wish.by, (wish.content, wish.model), wish.trial_s, wish.limits
    )
    await fleet.connect()
    try:
        await drive(rollout, fleet, history, clock.now)
        while rollout.asking is not None and rollout.asking.name in wish.approve:
            rollout.approve(rollout.asking.name, wish.by)
            await drive(rollout, fleet, history, clock.now)
    finally:
        await fleet.close()
    return rollout


def _begun(wish: Wish, history: "History", now: Any) -> "Rollout":
    from genba.learn.edge.rolling import begin, take_up
    from genba.learn.edge.rollout import Plan

    if wish.go_on or wish.retry:
        rollout = take_up(history)
        if rollout is None or rollout.plan.address != wish.address:
            fail(f"the last roll-out in {wish.history} is of another release; begin this one anew")
        return rollout
    plan = Plan.from_plain(wish.address, wish.model, _read_groups(wish.groups), wish.digest)
    return begin(plan, history, now, wish.by, wish.unverified)


async def take_back(
    hub: Hub, key: "ReleaseKey", node: str, address: str, model: str, by: str, why: str
) -> None:
    """Bring one machine back to the release before; return when that is in force there."""
    fleet = _fleet(hub, key, by, (b"", model))
    await fleet.connect()
    try:
        await fleet.take_back(node, address, why)
    finally:
        await fleet.close()


def _fleet(
    hub: Hub,
    key: "ReleaseKey",
    by: str,
    release: tuple[bytes, str],
    trial_s: float = 3600.0,
    limits: tuple[float | None, float | None] = (None, None),
) -> "MqttFleet":
    from genba.connect.credentials import load
    from genba.operate.edge_orders import MqttFleet, context_of
    from genba.plant import SystemClock

    login = None
    if hub.login is not None and hub.credentials is not None:
        login = load(hub.login, hub.credentials)
    options: Mapping[str, Any] = {} if hub.ca_file is None else {"ca_file": str(hub.ca_file)}
    clock = SystemClock()
    context = context_of(hub.url, clock, Path("pki"), options, login)
    return MqttFleet(context, key, clock.now, lambda _: release, by, trial_s, limits)


def _read_groups(path: Path) -> list[Mapping[str, Any]]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeError) as error:
        fail(f"{path} is no YAML: {error}")
    if not isinstance(found, list) or not all(isinstance(group, dict) for group in found):
        fail(f"{path} must hold a list of groups, each with name and nodes; the canary first")
    return found
