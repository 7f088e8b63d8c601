"""``genba model release`` and ``rollback``: a verified model into force, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genba.cli.model_verify import ModelArgument
from genba.cli.output import fail, says_errors
from genba.cli.training import StateOption, registry_of

if TYPE_CHECKING:
    from genba.cli.edge_rolling import Hub
    from genba.learn import Registry
    from genba.learn.releasing import Sealed

CORE = "core"
ANSWER_S = 180.0
"""Wall seconds that a running core may take to try a release out and answer."""

ByOption = Annotated[str, typer.Option(help="Who wants it; stands in the history.")]
NO_HUB = "machines are reached over a broker; name it with --hub mqtts://host:port"
HubOption = Annotated[
    str | None, typer.Option(help="The broker of the machines: mqtts://host:port.")
]
CaOption = Annotated[
    Path | None, typer.Option(help="The authority that signed the broker's certificate.")
]
CredentialsOption = Annotated[Path | None, typer.Option(help="File with the broker's login.")]
LoginOption = Annotated[str | None, typer.Option(help="Name of the login in that file.")]
WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the answer of a running core.")
]


@says_errors
def release(
    model: ModelArgument,
    by: ByOption,
    state: StateOption = None,
    to: Annotated[
        str, typer.Option(help="'core', or a YAML list of groups of machines, the canary first.")
    ] = CORE,
    unverified: Annotated[
        str, typer.Option(help="Why it may run without having passed; stands in the history.")
    ] = "",
    flips: Annotated[
        float | None,
        typer.Option(help="Widen the share of findings that may differ.", min=0, max=1),
    ] = None,
    shift: Annotated[
        float | None, typer.Option(help="Widen how far answers may shift, in IQR.", min=0)
    ] = None,
    wait: WaitOption = True,
    hub: HubOption = None,
    approve: Annotated[
        list[str] | None, typer.Option(help="Say yes to this group that waits; repeatable.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Begin again with the machines that failed.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Take up the last roll-out where it was left.")
    ] = False,
    trial_s: Annotated[float, typer.Option(help="Seconds that a trial may take.")] = 3600.0,
    ca_file: CaOption = None,
    credentials: CredentialsOption = None,
    login: LoginOption = None,
) -> None:
    """Release a verified model: to the plant's core, or to machines, group by group."""
    from genba.learn import sealed

    registry = registry_of(state or Path("state"))
    found = sealed(registry, model, unverified=unverified)
    if to == CORE:
        _to_core(registry, found, by, unverified, (flips, shift), wait=wait)
        return
    if hub is None:
        fail(NO_HUB)
    import asyncio

    from genba.cli.edge import show_rollout
    from genba.cli.edge_rolling import Hub, Wish, roll
    from genba.learn.edge.keys import ReleaseKey

    wish = Wish(
        found.content, found.address, found.name, found.model.digest, Path(to),
        Hub(hub, ca_file, credentials, login), ReleaseKey.at(registry.key), by,
        registry.history.path, tuple(approve or ()), retry, go_on, (flips, shift), trial_s,
        unverified,
    )  # fmt: skip
    show_rollout(asyncio.run(roll(wish)), json=False)


@says_errors
def rollback(
    model: Annotated[
        str, typer.Argument(help="The model: how its digest begins, or its name at the core.")
    ],
    by: ByOption,
    why: Annotated[str, typer.Option(help="The reason; stands in the history.")],
    state: StateOption = None,
    wait: WaitOption = True,
    node: Annotated[
        list[str] | None, typer.Option(help="At this machine, not the core; may be repeated.")
    ] = None,
    hub: HubOption = None,
    ca_file: CaOption = None,
    credentials: CredentialsOption = None,
    login: LoginOption = None,
) -> None:
    """Take a model back: what ran before, at the core or at machines, is in force again."""
    from genba.cli.edge_rolling import Hub
    from genba.learn import rollback as order
    from genba.plant import SystemClock

    registry = registry_of(state or Path("state"))
    if node:
        if hub is None:
            fail(NO_HUB)
        _at_machines(registry, model, node, Hub(hub, ca_file, credentials, login), by, why)
        return
    number = order(registry, model, SystemClock().now(), by=by, why=why)
    told = _answer(registry, number, wait=wait)
    if told is None:
        typer.echo("Ordered. A running core does so within a second, else the next one begins so.")
        return
    _check(told)
    force = told.get("force")
    typer.echo(f"Taken back; in force is now {force[:12] if force else 'nothing'}.")


def _at_machines(
    registry: "Registry", model: str, nodes: list[str], hub: "Hub", by: str, why: str
) -> None:
    import asyncio

    from genba.cli.edge_rolling import take_back
    from genba.learn import What
    from genba.learn.edge.keys import ReleaseKey
    from genba.learn.releasing import rolled_out
    from genba.plant import SystemClock, format_time

    found, key = registry.get(model), ReleaseKey.at(registry.key)
    name = f"{found.card.equipment}.{found.card.task.value}"
    for node in nodes:
        address = rolled_out(registry, found.digest, node)
        asyncio.run(take_back(hub, key, node, address, name, by, why))
        registry.history.add(
            What.ROLLED_BACK, found.digest, format_time(SystemClock().now()), by=by, where=node,
            data={"address": address, "name": name, "why": why},
        )  # fmt: skip
        typer.echo(f"{node}: taken back; what it had before is in force again.")


def _to_core(
    registry: "Registry",
    found: "Sealed",
    by: str,
    unverified: str,
    limits: tuple[float | None, float | None],
    *,
    wait: bool,
) -> None:
    from genba.learn import release_to_core
    from genba.plant import SystemClock

    flips, shift = limits
    first, second = release_to_core(
        registry, found, SystemClock().now(), by=by, unverified=unverified, flips=flips, shift=shift
    )
    typer.echo(f"Release {found.address[:12]} of model {found.model.digest[:12]}, {found.name}.")
    told = _answer(registry, first, wait=wait)
    if told is None:
        typer.echo("No core has answered yet: a running one takes it up, else the next one.")
        return
    _check(told)
    told = _answer(registry, second, wait=wait)
    if told is not None:
        _check(told)
    typer.echo(
        "The core tried it out and has it on trial: after 100 good answers it is in force. "
        f"See `genba model history {found.model.digest[:12]}`."
    )


def _answer(registry: "Registry", number: int, *, wait: bool) -> Any:
    """Return what a running core says to an order; None where none runs or answers in time."""
    import time

    from genba.learn.edge.mailbox import Mailbox
    from genba.operate.state import is_held

    box, end = Mailbox(registry.root), time.monotonic() + ANSWER_S
    if not wait or not is_held(registry.root.parent):
        return box.reply(number)
    while (told := box.reply(number)) is None and time.monotonic() < end:
        time.sleep(0.1)
    return told


def _check(told: Any) -> None:
    if told.get("error"):
        fail(f"the core refuses it: {told['error']}")
