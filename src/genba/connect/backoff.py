"""How long to wait before the next attempt to reach a device: longer each time, never in step."""

import random
from dataclasses import dataclass, field

FIRST_S = 0.5
MOST_S = 30.0
LIVE_AGAIN_S = 2.0
"""The most for protocols whose links are opened within a second or two: however long a device was
away, its data is live within 5 s of its return."""
_DOUBLINGS = 16


@dataclass(slots=True)
class Backoff:
    """Delays that double from ``first_s`` to ``most_s``, each jittered by half to one and a half.

    The jitter keeps a hundred drivers from knocking at a restarted gateway in the same instant;
    it is seeded (by the connection's id, say), so that a run can be repeated. Delays are seconds
    of the wall clock: a real device does not answer sooner because the plant clock runs fast.

    Examples
    --------
    >>> backoff = Backoff(seed="press-1", first_s=1.0, most_s=8.0)
    >>> 0.5 <= backoff.next_s() <= 1.5
    True
    >>> backoff.reset()  # after a success
    """

    seed: str
    first_s: float = FIRST_S
    most_s: float = MOST_S
    attempts: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - spreads attempts, hides nothing

    def next_s(self) -> float:
        """Seconds to wait now, at most ``most_s``."""
        delay = self.first_s * 2.0 ** min(self.attempts, _DOUBLINGS)
        self.attempts += 1
        return min(self.most_s, delay * self._random.uniform(0.5, 1.5))

    def reset(self) -> None:
        """Begin again with the shortest delay, after a success."""
        self.attempts = 0
