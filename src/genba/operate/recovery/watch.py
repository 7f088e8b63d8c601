"""Watching for outages: links that go down, a core that did not run, signals not heard yet."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from genba.operate.recovery.alive import LastRun
from genba.plant import Gap, GapReason, Health, Quality, Sample, Signal, SignalKind

SILENT_S = 30.0
"""Wall seconds after which a signal that never spoke is not waited for any more."""


class Ledger(Protocol):
    """What is asked of the gap ledger."""

    def open(self, gap: Gap) -> None:
        """Note what is seen from outside."""
        ...

    def tell(self, gap: Gap) -> None:
        """Note what is known for sure."""
        ...

    def close(self, signals: Iterable[str], end: int) -> None:
        """Note that signals are heard again."""
        ...


class OutageWatch:
    """Opens gaps in the ledger while they last, and closes them. For one thread.

    Parameters
    ----------
    ledger : Ledger
        Where they go.
    signals : mapping of str to Signal
        All signals of the plant.
    """

    def __init__(self, ledger: Ledger, signals: Mapping[str, Signal]) -> None:
        self._ledger = ledger
        self._of: dict[str, list[Signal]] = {}
        for signal in signals.values():
            self._of.setdefault(signal.connection, []).append(signal)
        self._known: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._up_since: dict[str, tuple[float, int]] = {}

    def took_up(self, last: LastRun, now: int, standing: Iterable[str]) -> None:
        """Open a gap for all that an earlier run recorded, since it recorded last.

        Parameters
        ----------
        last : LastRun
            What is known of it.
        now : int
            Plant time, microseconds UTC.
        standing : iterable of str
            Signals whose gap of that run is still open: they go on until the signal is heard.
        """
        connections = {s.id: name for name, listed in self._of.items() for s in listed}
        self._known = set(last.signals & connections.keys())
        stopped = tuple(sorted(self._known))
        if stopped and last.time < now:
            why = "Genba was stopped" if last.clean else "Genba ended without being stopped"
            self._ledger.tell(Gap(stopped, last.time, None, GapReason.STOPPED, why))
        for signal in (*stopped, *standing):
            if signal in connections:
                self._waiting[signal] = connections[signal]

    def link_changed(self, connection: str, health: Health, now: int, *, up: bool) -> None:
        """Take that a link came up or went down."""
        if up:
            self._up_since[connection] = time.monotonic(), now
            heard = [s.id for s in self._of.get(connection, ()) if s.id not in self._waiting]
            self._ledger.close(heard, now)
            return
        self._up_since.pop(connection, None)
        start = health.since if health.last_received is None else health.last_received
        names = []
        for signal in self._of.get(connection, ()):
            if signal.id not in self._known:
                if signal.kind in (SignalKind.SETPOINT, SignalKind.EVENT):
                    continue
                self._waiting[signal.id] = connection
            names.append(signal.id)
        if names:
            gap = Gap(tuple(names), min(start, now), None, GapReason.LINK, health.error)
            self._ledger.open(gap)

    def tick(self, batch: Sequence[Sample]) -> None:
        """Close the gaps of signals that are heard for the first time, or have nothing to say."""
        if not self._waiting:
            return
        for sample in batch:
            if sample.signal in self._waiting and sample.quality != Quality.BAD:
                del self._waiting[sample.signal]
                self._ledger.close([sample.signal], sample.receive_time)
                if not self._waiting:
                    return
        wall = time.monotonic()
        for signal, connection in list(self._waiting.items()):
            since = self._up_since.get(connection)
            if signal not in self._known and since is not None and wall - since[0] > SILENT_S:
                del self._waiting[signal]
                self._ledger.close([signal], since[1])

    def heard(self, signals: Iterable[str]) -> bool:
        """Note which signals have spoken; whether there are new ones among them."""
        before = len(self._known)
        self._known.update(signals)
        return len(self._known) > before

    @property
    def known(self) -> frozenset[str]:
        """Signals that have spoken, in this run or the one before it."""
        return frozenset(self._known)
