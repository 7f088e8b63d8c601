"""Who may do what: identities, roles and the tokens that prove them."""

import datetime as dt
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from genba.errors import GenbaError, Refused, StateError
from genba.operate.state import write_atomically


class PersonRole(StrEnum):
    """Roles, each of which may do all that the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"

    def covers(self, needed: "PersonRole") -> bool:
        """Whether this role may do what ``needed`` is asked for."""
        order = list(PersonRole)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a token. ``digest`` is the SHA-256 of the token, never the token itself."""

    id: str
    name: str
    role: PersonRole
    digest: str
    created: str


class Identities:
    """The known identities, in a file that holds hashes only (mode 0600).

    Tokens are 256 random bits, so that a plain hash of them cannot be searched.
    """

    def __init__(self, secrets_folder: Path) -> None:
        self._path = secrets_folder / "identities.json"
        self._by_id: dict[str, Identity] = {}
        self._read_at: int | None = None
        self._refresh()

    def __len__(self) -> int:
        self._refresh()
        return len(self._by_id)

    def all(self) -> list[Identity]:
        """Return all identities, oldest first."""
        self._refresh()
        return sorted(self._by_id.values(), key=lambda identity: identity.created)

    def create(self, name: str, role: PersonRole) -> str:
        """Add an identity and return its token, which is shown nowhere else and never again."""
        if not name or len(name) > 80 or not name.isprintable():
            raise GenbaError("an identity needs a name of 1 to 80 printable letters")
        self._refresh()
        if any(known.name == name for known in self._by_id.values()):
            raise GenbaError(f"identity '{name}' exists; revoke it first or take another name")
        key = secrets.token_hex(4)
        token = f"genba_{key}_{secrets.token_urlsafe(32)}"
        self._by_id[key] = Identity(
            key, name, role, _digest(token), dt.datetime.now(dt.UTC).isoformat()
        )
        self._write()
        return token

    def revoke(self, name: str) -> None:
        """Forget an identity; its token is worth nothing from now on."""
        self._refresh()
        found = next((known for known in self._by_id.values() if known.name == name), None)
        if found is None:
            raise GenbaError(f"there is no identity '{name}'; `genba token list` shows them")
        del self._by_id[found.id]
        self._write()

    def verify(self, token: str) -> Identity:
        """Return who holds a token.

        Raises
        ------
        Refused
            If nobody does.
        """
        self._refresh()
        parts = token.split("_", 2)
        known = self._by_id.get(parts[1]) if len(parts) == 3 else None
        expected = known.digest if known else _digest("nobody")
        if not hmac.compare_digest(expected, _digest(token)) or known is None:
            raise Refused("this token is not known; ask an admin for one (`genba token create`)")
        return known

    def _refresh(self) -> None:
        """Read the file again when somebody changed it, so that revoking works while running."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return
        if changed == self._read_at:
            return
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            self._by_id = {
                row["id"]: Identity(**{**row, "role": PersonRole(row["role"])}) for row in rows
            }
        except (ValueError, TypeError, KeyError):
            raise StateError(
                f"{self._path} is damaged; delete it and start Genba again for a new admin token"
            ) from None
        self._read_at = changed

    def _write(self) -> None:
        rows = [asdict(identity) for identity in self._by_id.values()]
        write_atomically(self._path, json.dumps(rows, indent=2) + "\n", mode=0o600)
        self._read_at = self._path.stat().st_mtime_ns


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
