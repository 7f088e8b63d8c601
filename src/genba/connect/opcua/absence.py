"""What a subscription did not hear: since when, and whether it arrived after all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from genba.connect.driver import Missed
from genba.plant import US, Gap, GapReason, Recovery

_LONGEST_US = 60 * US
"""An overflow that goes on is told at least this often."""


@dataclass(slots=True)
class _Open:
    start: int
    reason: GapReason
    detail: str
    end: int | None = None
    """When the device was heard again; what it kept meanwhile may still be on its way."""
    complete: bool = True
    overflowed: set[str] = field(default_factory=set)


class Absence:
    """Tells of the outages and the overflows of one subscription. Times are of the plant's clock.

    An outage is told when all that the device had kept for it has arrived: only then is known
    whether the device's queue held all of it.
    """

    def __init__(self, signals: Sequence[str], missed: Missed) -> None:
        self._signals = tuple(signals)
        self._missed = missed
        self._open: _Open | None = None
        self._overflows: dict[str, tuple[int, int]] = {}
        self._seen_overflows: set[str] = set()

    @property
    def pending(self) -> bool:
        """Whether an outage is not over, or not all of it has arrived."""
        return self._open is not None

    @property
    def start(self) -> int:
        """When the outage that is pending began; 0 where there is none."""
        return self._open.start if self._open is not None else 0

    def begin(self, last_heard: int, reason: GapReason, detail: str) -> None:
        """The device is not heard since ``last_heard``; an outage that is pending goes on."""
        if self._open is None:
            self._open = _Open(last_heard, reason, detail)
        self._open.end = None

    def heard_again(self, at: int) -> None:
        """The device is heard again, with the same subscription."""
        if self._open is not None and self._open.end is None:
            self._open.end = at

    def caught_up(self) -> None:
        """All that the device had kept has arrived."""
        absence, self._open = self._open, None
        if absence is None:
            return
        whole = absence.complete
        late = [name for name in self._signals if whole and name not in absence.overflowed]
        lost = [name for name in self._signals if not whole or name in absence.overflowed]
        self._tell(absence, late, Recovery.BUFFER)
        self._tell(absence, lost, Recovery.NONE)

    def over(self, at: int, reason: GapReason | None = None) -> None:
        """A new subscription was made: what was said meanwhile is gone."""
        if self._open is not None:
            self._open.complete = False
            self._open.end = at
            self._open.reason = reason or self._open.reason
            self.caught_up()

    def dropped(self, last_heard: int, now: int, detail: str) -> None:
        """The device gave up notifications before they arrived."""
        if self._open is not None:
            self._open.complete = False
        elif last_heard < now:
            gap = Gap(self._signals, last_heard, now, GapReason.OVERFLOW, detail)
            self._missed(gap)

    def overflowed(self, signal: str, after: int, until: int) -> None:
        """The queue of a signal overflowed between two source times."""
        if self._open is not None:
            self._open.overflowed.add(signal)
        first, last = self._overflows.get(signal, (after, until))
        self._overflows[signal] = (min(first, after), max(last, until))
        self._seen_overflows.add(signal)

    def tell_overflows(self, *, all_of_them: bool = False) -> None:
        """Tell of overflows that have ended since the last call, and of those that last long."""
        seen, self._seen_overflows = self._seen_overflows, set()
        for signal, (start, end) in list(self._overflows.items()):
            if signal in seen and end - start < _LONGEST_US and not all_of_them:
                continue
            del self._overflows[signal]
            if start < end:
                detail = "the device's queue overflowed; raise option queue_size or sample_s"
                self._missed(Gap((signal,), start, end, GapReason.OVERFLOW, detail))

    def _tell(self, absence: _Open, signals: Iterable[str], recovery: Recovery) -> None:
        names = tuple(signals)
        if names and absence.end is not None and absence.start < absence.end:
            self._missed(
                Gap(names, absence.start, absence.end, absence.reason, absence.detail, recovery)
            )
