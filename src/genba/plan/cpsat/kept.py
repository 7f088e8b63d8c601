"""What may follow what in an order of which a part is known."""

from collections.abc import Sequence

EDGE = -1
"""Begin and end of an order."""


class Kept:
    """The part of an order that is known: of these, each follows the one before.

    Parameters
    ----------
    kept : sequence of int
        Numbers of the items, in their order.
    times : sequence of (int, int)
        Begin and end of each.
    certain : sequence of bool
        Whether each is there at all; one that is not may be passed over.
    window : (int, int)
        Other items come after what ends by the first tick, and before what begins at the second.
    """

    def __init__(
        self,
        kept: Sequence[int],
        times: Sequence[tuple[int, int]],
        certain: Sequence[bool],
        window: tuple[int, int],
    ) -> None:
        self._kept = list(kept)
        self._position = {number: at for at, number in enumerate(kept)}
        self._count = len(kept)
        self._next_stop = [self._count] * (self._count + 1)
        for at in range(self._count - 1, -1, -1):
            self._next_stop[at] = at if certain[at] else self._next_stop[at + 1]
        since, until = window
        past = [at for at, (_, end) in enumerate(times) if end <= since and certain[at]]
        self._low = past[-1] if past else -1
        later = [at for at, (begin, _) in enumerate(times) if begin >= until and certain[at]]
        self._high = min((at for at in later if at > self._low), default=self._count)

    def following(self, before: int) -> Sequence[int]:
        """Return those of what is kept that may be the next after an item, in their order."""
        at = -1 if before == EDGE else self._position.get(before)
        if at is None:
            return self._kept[self._low + 1 : self._high + 1]
        return self._kept[at + 1 : self._next_stop[at + 1] + 1]

    def may_follow(self, before: int, after: int) -> bool:
        """Whether an item may be the next after another; :data:`EDGE` is begin or end."""
        one = -1 if before == EDGE else self._position.get(before)
        other = self._count if after == EDGE else self._position.get(after)
        if one is None and other is None:
            return True
        if one is None:
            return other is not None and self._low < other <= self._high
        if other is None:
            return self._low <= one < self._high
        return one < other <= self._next_stop[one + 1]
