"""Orders to the plant's own core: signed like those over the air, handed over in a folder.

::

    models/orders/<number>.order   obeyed once, in the order of their numbers
    models/orders/<number>.reply   what came of it

An order that is given while no core runs waits for the next one.
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genba.errors import LearnError
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Node
from genba.learn.edge.order import Order, obey, sign_order

CORE = "core"
"""What the plant's own core is called in orders and in the history."""
KEPT = 20
"""Replies that stay for whoever asked."""

logger = logging.getLogger(__name__)


class Mailbox:
    """The orders in the folder of a plant's models."""

    def __init__(self, models: Path) -> None:
        self._folder = models / "orders"

    def post(self, order: Order, key: ReleaseKey, content: bytes = b"") -> None:
        """Hand over an order; with the release, where one is sent.

        Raises
        ------
        LearnError
            If the folder cannot be written.
        """
        path = self._folder / f"{order.number:020}.order"
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft.open("wb") as file:
                file.write(sign_order(order, key, content))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        except OSError as error:
            raise LearnError(
                f"the order cannot be written to {self._folder} ({error.strerror}); make room, or "
                "mend the folder's rights"
            ) from None

    def waiting(self) -> bool:
        """Whether an order is there."""
        return bool(self._orders())

    def obey_next(self, node: Node, trust: Trust) -> bool:
        """Obey the oldest order, if there is one. Takes as long as trying a release out."""
        orders = self._orders()
        if not orders:
            return False
        told: Mapping[str, Any]
        try:
            told = obey(node, orders[0].read_bytes(), trust)
        except Exception as error:  # whatever an order does, the next one is heard
            logger.exception("an order failed")
            told = {"error": repr(error)}
        reply = orders[0].with_suffix(".reply")
        draft = reply.with_suffix(".draft")
        draft.write_text(json.dumps(told), "utf-8")
        draft.rename(reply)
        orders[0].unlink(missing_ok=True)
        for old in sorted(self._folder.glob("*.reply"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return True

    def reply(self, number: int) -> Mapping[str, Any] | None:
        """Return what came of an order; None while nothing is known."""
        try:
            told = json.loads((self._folder / f"{number:020}.reply").read_bytes())
        except FileNotFoundError:
            return None
        return dict(told)

    def _orders(self) -> list[Path]:
        return sorted(self._folder.glob("*.order"))
