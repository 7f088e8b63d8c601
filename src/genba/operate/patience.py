"""Back-off by cause: what failed is not tried again at once, and less often each time."""

from genba.plant import US

FIRST_S = 10.0
MOST_S = 300.0
MOST_REFUSED_S = 60.0
"""The guard's reasons (a person in the zone) often pass quickly; its refusals cost nothing."""


class Patience:
    """Remembers, by cause, how often in a row something failed and until when to wait."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[int, int]] = {}

    def failed(self, cause: str, now: int, *, most_s: float = MOST_S) -> None:
        """Count a failure: wait 10 s, then 20, 40 ... up to ``most_s``, at the plant's clock."""
        count = self._waits.get(cause, (0, 0))[0] + 1
        wait_s = min(most_s, FIRST_S * 2.0 ** (min(count, 20) - 1))
        self._waits[cause] = (count, now + round(wait_s * US))

    def succeeded(self, cause: str) -> None:
        """Forget the failures of a cause."""
        self._waits.pop(cause, None)

    def waiting(self, now: int) -> frozenset[str]:
        """Return the causes for which it is too early to try again."""
        # Nothing waits longer than this: what does was noted before the clock was set back.
        latest = now + round(MOST_S * US)
        return frozenset(c for c, (_, until) in self._waits.items() if now < until <= latest)
