"""Sessions: what a person holds after logging in; they end by themselves."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.operate.people.store import SecretFile
from genba.operate.people.tokens import digest, new_secret

PREFIX = "genbas"
IDLE_S = 30 * 60.0
"""A session that nobody uses for so long ends."""
LONGEST_S = 12 * 3600.0
"""Every session ends after so long: a shift, and its handover."""
MOST = 20
"""Sessions of one person; the oldest make room."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session. Times in seconds since 1970; ``origin`` is where it was opened from."""

    id: str
    user: str
    digest: str
    created: float
    expires: float
    origin: str


class Sessions:
    """The open sessions of a plant, in ``sessions.json``, hashes only.

    When one was last used is known to the running core alone; a core that starts anew counts the
    idle time from its start.

    Parameters
    ----------
    secrets : Path
        Folder of the file.
    now : callable
        The computer's clock, in seconds since 1970.
    """

    def __init__(self, secrets: Path, now: Callable[[], float] = time.time) -> None:
        self._file = SecretFile(
            secrets / "sessions.json",
            _build,
            lambda session: session.id,
            "delete it; everybody logs in again",
        )
        self._now = now
        self._started = now()
        self._seen: dict[str, float] = {}

    def open(self, user: str, origin: str) -> tuple[str, Session]:
        """Begin a session and return its token, which is shown nowhere else, and itself."""
        now = self._now()
        key, text = new_secret(PREFIX)
        session = Session(key, user, digest(text), now, now + LONGEST_S, origin)
        with self._file.changing() as rows:
            for old in [row.id for row in rows.values() if not self._alive(row)]:
                del rows[old]
            own = sorted((r for r in rows.values() if r.user == user), key=lambda r: r.created)
            for old_one in own[: max(0, len(own) - MOST + 1)]:
                del rows[old_one.id]
            rows[key] = session
        self._seen = {one: seen for one, seen in self._seen.items() if one in rows}
        self._seen[key] = now
        return text, session

    def find(self, key: str, text: str) -> Session | None:
        """Return the open session of that token, and count it as used; None if it is over."""
        known = self._file.rows().get(key)
        right = hmac.compare_digest(known.digest if known else digest("nobody"), digest(text))
        if known is None or not right or not self._alive(known):
            return None
        self._seen[key] = self._now()
        return known

    def is_open(self, key: str) -> bool:
        """Whether a session is open, without counting it as used."""
        known = self._file.rows().get(key)
        return known is not None and self._alive(known)

    def of(self, user: str) -> list[Session]:
        """Return the open sessions of a user, oldest first."""
        own = [s for s in self._file.rows().values() if s.user == user and self._alive(s)]
        return sorted(own, key=lambda session: session.created)

    def end(self, key: str, user: str) -> bool:
        """End one session of a user; return whether there was one."""
        known = self._file.rows().get(key)
        if known is None or known.user != user:
            return False
        with self._file.changing() as rows:
            return rows.pop(key, None) is not None

    def end_all(self, user: str, but: str = "") -> int:
        """End all sessions of a user but one; return how many there were."""
        with self._file.changing() as rows:
            own = [row.id for row in rows.values() if row.user == user and row.id != but]
            for key in own:
                del rows[key]
        return len(own)

    def _alive(self, session: Session) -> bool:
        now = self._now()
        seen = self._seen.get(session.id, max(session.created, self._started))
        # A clock that was set back ends a session rather than making it last for ever.
        return session.created <= now < session.expires and now - seen < IDLE_S


def _build(row: dict[str, Any]) -> Session:
    session = Session(**row)
    if not isinstance(session.expires, int | float) or not isinstance(session.created, int | float):
        raise TypeError("times of sessions are numbers")
    return session
