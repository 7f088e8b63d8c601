"""The audit log as the rest of Genba sees it: tell it, and wait until it is safe."""

import datetime as dt
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genba.errors import StateError
from genba.operate.audit.chain import Act, Entry, Result
from genba.operate.audit.journal import Journal
from genba.plant import Clock, format_time

MOST_KEPT = 10_000
"""Acts that are kept in memory while the log cannot be written."""


class AuditLog:
    """Writes acts in a thread of its own, as many as wait with one sync of the disk.

    What cannot be written is kept and written, in order, as soon as it can be; :attr:`error` says
    why until then. Acts are never held up by that: whoever must not act unseen asks first.

    Parameters
    ----------
    folder, secrets : Path
        Of the log, and of the key that seals it.
    clock : Clock, optional
        The plant's clock, where there is one.
    """

    def __init__(self, folder: Path, secrets: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.error = ""
        self.lost = 0
        self.written = 0
        self._journal = Journal(folder, secrets)
        self._clock = clock
        self._kept: deque[tuple[Act, Future[Entry]]] = deque()
        self._guard = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._closed = False

    def record(
        self,
        actor: str,
        role: str,
        action: str,
        target: str,
        result: Result | str = Result.DONE,
        origin: str = "genba",
        detail: Mapping[str, Any] | None = None,
    ) -> Future[Entry]:
        """Put an act on the log. Returns at once; the future is done when the entry is durable.

        The future holds :class:`~genba.errors.StateError` if it cannot be written now; it is kept,
        and written later.
        """
        now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        plant = "" if self._clock is None else format_time(self._clock.now())
        act = Act(
            now, plant, actor, role, action, target, Result(result), origin, dict(detail or {})
        )
        future: Future[Entry] = Future()
        with self._guard:
            if self._closed or len(self._kept) >= MOST_KEPT:
                self.lost += 1
                why = "is closed" if self._closed else f"is stuck: {self.error}"
                future.set_exception(StateError(f"the audit log {why}"))
                return future
            self._kept.append((act, future))
            self._writer.submit(self._drain)
        return future

    def probe(self) -> None:
        """Find out whether the log can be written, without writing.

        Raises
        ------
        StateError
            If it cannot.
        """
        self._journal.probe()

    def retry(self) -> None:
        """Try again to write what is kept, without waiting for it."""
        with self._guard:
            if not self._closed:
                self._writer.submit(self._drain)

    def look_back(self) -> None:
        """Find out whether the log was found changed in an earlier run, without waiting for it."""
        with self._guard:
            if not self._closed:
                self._writer.submit(self._look_back)

    def _look_back(self) -> None:
        try:
            self._journal.look_back()
        except StateError as error:
            self.error = str(error)

    @property
    def broken(self) -> str:
        """What somebody changed of the log; empty if it is whole as far as it was looked at."""
        return self._journal.broken

    def report(self) -> dict[str, int | str]:
        """Return how the log does: entries of this run, those that wait, those lost, the errors."""
        return {
            "written": self.written,
            "waiting": len(self._kept),
            "lost": self.lost,
            "error": self.error,
            "broken": self.broken,
        }

    def _drain(self) -> None:
        with self._guard:
            taken = list(self._kept)
        if not taken:
            return
        acts = [act for act, _ in taken]
        if self.lost:
            acts.append(self._told_of_loss())
        try:
            entries = self._journal.append(acts)
        except StateError as error:
            self.error = str(error)
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
            return
        with self._guard:
            for _ in taken:
                self._kept.popleft()
            if len(acts) > len(taken):
                self.lost = 0
        self.error = ""
        self.written += len(entries)
        # Lines of the journal's own may stand before ours.
        own = entries[len(entries) - len(acts) :]
        for (_, future), entry in zip(taken, own, strict=False):
            if not future.done():
                future.set_result(entry)

    def _told_of_loss(self) -> Act:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        detail = {"count": self.lost, "why": "the log could not be written, and memory was full"}
        return Act(now, "", "genba", "", "audit.lost", "audit", Result.FAILED, "genba", detail)

    def close(self) -> None:
        """Write what waits, and stop. Safe to call twice."""
        with self._guard:
            self._closed = True
        self._writer.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
