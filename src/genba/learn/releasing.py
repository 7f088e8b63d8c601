"""From a verified model to one that runs, and back: what is asked first, and the orders for it."""

from dataclasses import dataclass
from typing import Any

from genba.errors import LearnError
from genba.learn.edge.bundle import address_of
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.mailbox import CORE, Mailbox
from genba.learn.edge.node import Slot, slots_in
from genba.learn.edge.order import Act, Order
from genba.learn.edge.pack import release_of
from genba.learn.registry.history import What
from genba.learn.registry.store import Registered, Registry
from genba.plant import format_time

TERMS = ("budget_us", "memory_mb", "low", "high")
"""What of a release is agreed on when it is verified, see :func:`release_of`."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A model that may be released, packed and signed."""

    model: Registered
    name: str
    address: str
    content: bytes


def sealed(registry: Registry, model: str, *, unverified: str = "") -> Sealed:
    """Pack a model for release, exactly as it was verified.

    Parameters
    ----------
    registry : Registry
        Where it lies; its key signs.
    model : str
        Its digest, or how that begins.
    unverified : str
        Why it may go out without having passed; empty where it has to have passed.

    Raises
    ------
    LearnError
        If it was not verified or did not pass, was altered, or cannot run at a machine.
    """
    found = registry.get(model)
    passed = _passed(registry, found)
    if passed is None and not unverified:
        raise LearnError(
            f"model {found.digest[:12]} {_lacks(registry, found)}; run `genba model verify "
            f"{found.digest[:12]}`, or say with --unverified why it may run all the same"
        )
    terms = {} if passed is None else {name: passed[name] for name in TERMS}
    content = release_of(found, ReleaseKey.at(registry.key), **terms)
    address = address_of(content)
    if passed is not None and passed["address"] != address:
        raise LearnError(
            f"model {found.digest[:12]} was verified by a Genba that packs it in another way; "
            "verify it anew"
        )
    return Sealed(found, f"{found.card.equipment}.{found.card.task.value}", address, content)


def release_to_core(
    registry: Registry,
    release: Sealed,
    now: int,
    *,
    by: str,
    unverified: str = "",
    flips: float | None = None,
    shift: float | None = None,
) -> tuple[int, int]:
    """Order the plant's core to try a release out and to put it on trial; note that it was.

    Parameters
    ----------
    now : int
        Microseconds UTC; numbers the orders.
    by : str
        Who wants it.
    flips, shift : float, optional
        How far it may differ from what is in force, where that was widened.

    Returns
    -------
    tuple of int
        The numbers of the two orders, to ask the :class:`Mailbox` what came of them.

    Raises
    ------
    LearnError
        If the history or the orders cannot be written.
    """
    note_release(registry, release, now, by=by, where=CORE, unverified=unverified)
    key, box = ReleaseKey.at(registry.key), Mailbox(registry.root)
    of: dict[str, Any] = {"address": release.address, "model": release.name, "by": by}
    box.post(Order(CORE, now, Act.RECEIVE, **of, flips=flips, shift=shift), key, release.content)
    box.post(Order(CORE, now + 1, Act.ACTIVATE, **of), key)
    return now, now + 1


def note_release(
    registry: Registry, release: Sealed, now: int, *, by: str, where: str, unverified: str = ""
) -> None:
    """Write down that somebody wants a model to run."""
    told = {"address": release.address, "name": release.name}
    if unverified:
        told["why"] = f"unverified: {unverified}"
    digest = release.model.digest
    registry.history.add(What.RELEASED, digest, format_time(now), by=by, where=where, data=told)


def rollback(registry: Registry, model: str, now: int, *, by: str, why: str) -> int:
    """Order the plant's core to take a model back; the one before is in force again then.

    What runs there turns to the very bytes that ran before, within a tick. Where no core runs, the
    next one begins with that.

    Parameters
    ----------
    model : str
        The digest of the model (or how it begins), or its name at the core, ``press-1.anomaly``.
    now : int
        Microseconds UTC; numbers the order.
    by, why : str
        Who or what wants it, and the reason; both stand in the history.

    Returns
    -------
    int
        The number of the order, to ask the :class:`Mailbox` what came of it.

    Raises
    ------
    LearnError
        If it does not run at the core, and no order waits that it shall.
    """
    name, address = _running(registry, model)
    order = Order(CORE, now, Act.TAKE_BACK, address, name, why, by)
    Mailbox(registry.root).post(order, ReleaseKey.at(registry.key))
    return now


def rolled_out(registry: Registry, digest: str, node: str) -> str:
    """Return the address of the release of a model that a roll-out brought to a machine last.

    Raises
    ------
    LearnError
        If none did.
    """
    for event in reversed(registry.history.events(digest)):
        if event.what is What.STARTED and event.where == node and "step" in event.data:
            return str(event.data["address"])
    raise LearnError(
        f"no roll-out of this plant brought model {digest[:12]} to machine '{node}'; see "
        f"`genba model history {digest[:12]}`"
    )


def running(registry: Registry) -> dict[str, Slot]:
    """Return what is in force, on trial and before at the core, by name: addresses of releases."""
    return slots_in(registry.root)


def _running(registry: Registry, model: str) -> tuple[str, str]:
    """Return name and address of what a person means."""
    slots = running(registry)
    if model in slots:
        slot = slots[model]
        address = slot.trial or slot.force
        if address is not None:
            return model, address
    told = [e for e in registry.history.events() if e.model and "address" in e.data]
    of = {str(event.data["address"]): event.model for event in told}
    for name, slot in slots.items():
        for address in (slot.trial, slot.force):
            if address is not None and model and of.get(address, "").startswith(model):
                return name, address
    if Mailbox(registry.root).waiting():
        for event in reversed(told):
            name = str(event.data.get("name", ""))
            meant = name == model or (model and event.model.startswith(model))
            if event.what is What.RELEASED and event.where == CORE and meant:
                return name, str(event.data["address"])
    names = ", ".join(name for name, slot in slots.items() if slot.trial or slot.force)
    raise LearnError(
        f"'{model}' does not run at the core, so that nothing can be taken back; "
        f"what runs there: {names or 'nothing'}"
    )


def _passed(registry: Registry, model: Registered) -> dict[str, Any] | None:
    """Return what its last verification says, None where it did not pass, or there was none."""
    last = _last(registry, model)
    return dict(last.data) if last is not None and last.what is What.VERIFIED else None


def _lacks(registry: Registry, model: Registered) -> str:
    last = _last(registry, model)
    if last is None:
        return "was not verified"
    return f"was refused when it was verified on {last.time} ({last.data.get('why', '')})"


def _last(registry: Registry, model: Registered) -> Any:
    told = [
        event
        for event in registry.history.events(model.digest)
        if event.what in (What.VERIFIED, What.REFUSED) and not event.where
    ]
    return told[-1] if told else None
