"""What was received and could not be stored: kept in mind until the ledger can be written."""

from collections.abc import Sequence

from genba.operate.recovery.watch import Ledger
from genba.plant import Gap, GapReason, Sample


class Shortage:
    """Keeps, per signal, from when to when samples found no room. For one thread.

    However long it lasts, it takes two numbers per signal.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._spans: dict[str, tuple[int, int]] = {}
        self._grew = False

    @property
    def lasts(self) -> bool:
        """Whether something was refused that is not closed in the ledger yet."""
        return bool(self._spans)

    def refused(self, samples: Sequence[Sample]) -> None:
        """Take samples that the historian had no room for."""
        self._grew = True
        for sample in samples:
            time = sample.source_time
            span = self._spans.get(sample.signal)
            if span is None:
                self._spans[sample.signal] = time, time
                self._ledger.tell(
                    Gap((sample.signal,), time, None, GapReason.DISK_FULL, "no room to store it")
                )
            else:
                self._spans[sample.signal] = min(span[0], time), max(span[1], time)

    def tick(self) -> None:
        """Close it when nothing was refused since the last tick."""
        if self._spans and not self._grew:
            spans, self._spans = self._spans, {}
            for signal, (_, last) in spans.items():
                self._ledger.close([signal], last + 1)
        self._grew = False
