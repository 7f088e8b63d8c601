"""Failed log-ins: after a few, an account and an address must wait, longer each time."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genba.errors import Refused
from genba.operate.people.store import SecretFile

FREE = {"account": 5, "address": 20}
"""Failures in a row before one must wait."""
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 15 * 60.0
FORGOTTEN_S = 24 * 3600.0
"""Failures count for so long."""
MOST = 5000
"""Addresses, and names that nobody has, that are remembered of each; the oldest make room."""
_NETWORK_BITS = 64
"""Whoever has one IPv6 address has all of its network, and counts as one."""


class TooManyAttempts(Refused):
    """Log-ins failed too often. ``wait_s`` is how long to wait, in seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many log-ins failed; try again in {wait_s:.0f} s, or ask an admin")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures in a row of an account or an address. Times in seconds since 1970."""

    whom: str
    count: int
    last: float
    until: float


class Attempts:
    """Counts failures in ``attempts.json``, so that a restart forgives nothing.

    Names that nobody has are counted like others: how Genba answers does not tell them apart. Only
    they make room when there are too many, so that no flood of them wipes out an account's.

    Parameters
    ----------
    secrets : Path
        Folder of the file.
    is_user : callable
        Tells whether somebody has a name.
    now : callable
        The computer's clock, in seconds since 1970.
    """

    def __init__(
        self,
        secrets: Path,
        is_user: Callable[[str], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._is_user = is_user
        self._file = SecretFile(
            secrets / "attempts.json", _build, lambda row: row.whom, "delete it"
        )
        self._now = now

    def admit(self, name: str, address: str) -> None:
        """Let somebody try.

        Raises
        ------
        TooManyAttempts
            If the account or the address must wait.
        """
        rows, now = self._file.rows(), self._now()
        waits = [rows[whom].until - now for whom in _whom(name, address) if whom in rows]
        # A clock that was set back makes nobody wait longer than the longest.
        wait_s = min(max(waits, default=0.0), LONGEST_WAIT_S)
        if wait_s > 0:
            raise TooManyAttempts(wait_s)

    def failed(self, name: str, address: str) -> bool:
        """Count a failure; return whether the account must wait now."""
        now = self._now()
        with self._file.changing() as rows:
            for whom in _whom(name, address):
                known = rows.get(whom, Failures(whom, 0, now, 0.0))
                count = known.count + 1 if now - known.last < FORGOTTEN_S else 1
                over = count - FREE[whom.partition(":")[0]]
                wait_s = min(FIRST_WAIT_S * 2 ** min(over, 10), LONGEST_WAIT_S) if over >= 0 else 0
                rows[whom] = replace(known, count=count, last=now, until=now + wait_s)
            waits = rows[_whom(name, address)[0]].until > now
            self._make_room(rows)
            return waits

    def _make_room(self, rows: dict[str, Failures]) -> None:
        """Drop the oldest addresses, and the oldest names that nobody has, where too many are."""
        if len(rows) <= MOST:
            return
        for kind in FREE:
            of_kind = [row for row in rows.values() if row.whom.startswith(f"{kind}:")]
            if kind == "account":
                of_kind = [row for row in of_kind if not self._is_user(row.whom[len(kind) + 1 :])]
            of_kind.sort(key=lambda row: row.last)
            for old in of_kind[: max(0, len(of_kind) - MOST)]:
                del rows[old.whom]

    def succeeded(self, name: str) -> None:
        """Forget the failures of an account."""
        self.unlock(name)

    def unlock(self, name: str) -> bool:
        """Let an account try again at once; return whether it had failures."""
        whom = f"account:{name}"
        if whom not in self._file.rows():
            return False
        with self._file.changing() as rows:
            return rows.pop(whom, None) is not None

    def waiting(self, name: str) -> float:
        """Seconds that an account must wait."""
        known = self._file.rows().get(f"account:{name}")
        return 0.0 if known is None else max(0.0, known.until - self._now())


def _whom(name: str, address: str) -> tuple[str, str]:
    return f"account:{name[:80]}", f"address:{_network(address)[:80]}"


def _network(address: str) -> str:
    """Return what an address counts as: itself, or the network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))


def _build(row: dict[str, Any]) -> Failures:
    failures = Failures(**row)
    if not all(isinstance(x, int | float) for x in (failures.count, failures.last, failures.until)):
        raise TypeError("counts and times of failures are numbers")
    return failures
