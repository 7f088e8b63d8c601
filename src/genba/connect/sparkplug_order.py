"""The order of an edge node's messages: each counts one up, from 0 to 255 and round again."""

from typing import Generic, TypeVar

Item = TypeVar("Item")

_ROUND = 256


class Rebirth(Exception):
    """The node must say anew what it holds; the text says why."""


class InOrder(Generic[Item]):
    """Hands messages on in the order in which the node sent them (Sparkplug 3.0.0, 6.4.5).

    Brokers that run as a cluster may swap messages. One that comes early waits for those before
    it, until :meth:`give_up`.

    Attributes
    ----------
    gaps : int
        How often messages were missing for good.
    """

    def __init__(self) -> None:
        self.gaps = 0
        self._next: int | None = None
        self._early: dict[int, Item] = {}

    @property
    def waiting(self) -> bool:
        """Whether messages wait for one that is missing."""
        return bool(self._early)

    def begin(self, seq: int | None) -> None:
        """Begin behind a birth of the node."""
        self._next = ((seq or 0) + 1) % _ROUND
        self._early.clear()

    def end(self) -> None:
        """Know of no birth any more."""
        self._next = None
        self._early.clear()

    def take(self, seq: int | None, item: Item) -> list[Item]:
        """Take a message; give back what is next, in order.

        Raises
        ------
        Rebirth
            If the node was not born, or the message is one that was given up or came already.
        """
        if self._next is None:
            raise Rebirth("data comes before the birth")
        ahead = 0 if seq is None else (seq - self._next) % _ROUND
        if ahead == 0:
            self._next = (self._next + 1) % _ROUND
            return [item, *self._following()]
        if seq is None or seq >= _ROUND or ahead >= _ROUND // 2:
            self.gaps += 1
            raise Rebirth(f"message {seq} came where {self._next} was due")
        self._early[seq] = item
        return []

    def give_up(self) -> tuple[list[Item], str]:
        """Wait no longer: give back what came early, in order, and which message is missing."""
        if self._next is None or not self._early:
            return [], ""
        missing = self._next
        self.gaps += 1
        found: list[Item] = []
        while self._early:
            start = self._next
            self._next = min(self._early, key=lambda seq: (seq - start) % _ROUND)
            found += self._following()
        return found, f"message {missing} is missing"

    def _following(self) -> list[Item]:
        found = []
        while self._next is not None and self._next in self._early:
            found.append(self._early.pop(self._next))
            self._next = (self._next + 1) % _ROUND
        return found
