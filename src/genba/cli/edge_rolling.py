"""What ``genba edge rollout`` does: begins or takes up a roll-out, and drives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genba.cli.output import fail

if TYPE_CHECKING:
    from genba.learn.edge.keys import ReleaseKey
    from genba.learn.edge.ledger import Ledger
    from genba.learn.edge.rollout import Rollout
    from genba.operate.edge_orders import MqttFleet


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be rolled out, and how."""

    content: bytes
    address: str
    model: str
    groups: Path
    hub: str
    key: "ReleaseKey"
    by: str
    history: Path
    approve: tuple[str, ...]
    retry: bool
    go_on: bool
    limits: tuple[float | None, float | None]
    trial_s: float
    ca_file: Path | None
    credentials: Path | None
    login: str | None


async def roll(wish: Wish) -> "Rollout":
    """Begin or take up a roll-out, and go on until it is done, stopped, or waits for a person."""
    from genba.learn.edge.ledger import Ledger
    from genba.learn.edge.rolling import drive
    from genba.plant import SystemClock

    ledger, clock = Ledger(wish.history), SystemClock()
    rollout = _begun(wish, ledger, clock.now)
    if wish.retry:
        rollout.retry()
    fleet = _fleet(wish)
    await fleet.connect()
    try:
        await drive(rollout, fleet, ledger, clock.now)
        while rollout.asking is not None and rollout.asking.name in wish.approve:
            rollout.approve(rollout.asking.name, wish.by)
            await drive(rollout, fleet, ledger, clock.now)
    finally:
        await fleet.close()
    return rollout


def _begun(wish: Wish, ledger: "Ledger", now: Any) -> "Rollout":
    from genba.learn.edge.rolling import begin, take_up
    from genba.learn.edge.rollout import Plan

    if wish.go_on or wish.retry:
        rollout = take_up(ledger)
        if rollout is None or rollout.plan.address != wish.address:
            fail(f"the last roll-out in {wish.history} is of another release; begin this one anew")
        return rollout
    return begin(
        Plan.from_plain(wish.address, wish.model, _read_groups(wish.groups)), ledger, now, wish.by
    )


def _fleet(wish: Wish) -> "MqttFleet":
    from genba.connect.credentials import load
    from genba.operate.edge_orders import MqttFleet, context_of
    from genba.plant import SystemClock

    login = None
    if wish.login is not None and wish.credentials is not None:
        login = load(wish.login, wish.credentials)
    options: Mapping[str, Any] = {} if wish.ca_file is None else {"ca_file": str(wish.ca_file)}
    clock = SystemClock()
    context = context_of(wish.hub, clock, Path("pki"), options, login)
    return MqttFleet(
        context, wish.key, clock.now, lambda _: (wish.content, wish.model), wish.by,
        wish.trial_s, wish.limits,
    )  # fmt: skip


def _read_groups(path: Path) -> list[Mapping[str, Any]]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeError) as error:
        fail(f"{path} is no YAML: {error}")
    if not isinstance(found, list) or not all(isinstance(group, dict) for group in found):
        fail(f"{path} must hold a list of groups, each with name and nodes; the canary first")
    return found
