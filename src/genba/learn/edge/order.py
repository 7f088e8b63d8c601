"""Orders to a machine: signed, for one machine, obeyed once.

A message is the order as one line of JSON, its signature (base64) as a second line, and behind
them the release where one is sent. The broker that carries them need not be trusted.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from genba.errors import LearnError
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Node
from genba.learn.edge.shadow import Limits
from genba.learn.registry.history import What

_KIND = b"order "


class Act(StrEnum):
    """What a machine is told to do."""

    RECEIVE = "receive"
    ACTIVATE = "activate"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. ``number`` counts up for each key; microseconds UTC will do."""

    node: str
    number: int
    act: Act
    address: str = ""
    model: str = ""
    why: str = ""
    by: str = ""
    flips: float | None = None
    shift: float | None = None
    """How far a release may differ, where whoever approved it widened that."""

    def limits(self) -> Limits:
        """What a release may differ by."""
        usual = Limits()
        return Limits(
            flips=usual.flips if self.flips is None else self.flips,
            shift=usual.shift if self.shift is None else self.shift,
        )


def sign_order(order: Order, key: ReleaseKey, content: bytes = b"") -> bytes:
    """Write an order, signed; with the release, where one is sent."""
    text = json.dumps(asdict(order), separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(_KIND + text))
    return b"\n".join([text, signature, content])


def open_order(message: bytes, trust: Trust) -> tuple[Order, str, bytes]:
    """Read an order; give it back with the key that signed it and the release that came with it.

    Raises
    ------
    LearnError
        If no trusted key signed it, or it cannot be read.
    """
    text, _, rest = message.partition(b"\n")
    signature, _, content = rest.partition(b"\n")
    try:
        signer = trust.signer(_KIND + text, base64.b64decode(signature, validate=True))
    except ValueError:
        signer = None
    if signer is None:
        raise LearnError("an order is not signed by a trusted key; it is left undone")
    return _read(text), signer, content


def obey(node: Node, message: bytes, trust: Trust) -> Mapping[str, Any]:
    """Do what an order says; give back plain values to answer with.

    Takes as long as trying a release out: call it beside the loop.
    """
    order: Order | None = None
    try:
        order, signer, content = open_order(message, trust)
        _check(node, order, signer)
        told = _do(node, order, content)
    except LearnError as error:
        told = {"error": str(error)}
        node.note(What.LEFT_UNDONE, why=str(error))
    number = -1 if order is None else order.number
    return {"node": node.name, "number": number, **told}


def _check(node: Node, order: Order, signer: str) -> None:
    if order.node != node.name:
        raise LearnError(f"an order for {order.node} came to {node.name}; it is left undone")
    if not node.accept_number(signer, order.number):
        raise LearnError("an order came twice, or after a later one; it is left undone")


def _do(node: Node, order: Order, content: bytes) -> dict[str, Any]:
    match order.act:
        case Act.RECEIVE:
            report = node.receive(content, order.limits(), order.by)
            figures = {"p99_us": report.p99_us, "memory_mb": report.memory_mb}
            return {"address": report.address, "error": report.why, **figures}
        case Act.ACTIVATE:
            slot = node.activate(order.address, order.by)
        case Act.TAKE_BACK:
            why = order.why or "somebody wants it"
            slot = node.roll_back(order.model, why, order.by, order.address or None)
    return {**asdict(slot), "revision": node.revision, "error": ""}


def _read(text: bytes) -> Order:
    try:
        told = json.loads(text)
        known = {one.name: told[one.name] for one in fields(Order) if one.name in told}
        return Order(**{**known, "act": Act(told["act"]), "number": int(told["number"])})
    except (ValueError, TypeError, KeyError):
        raise LearnError("an order cannot be read; upgrade the Genba at the machine") from None
