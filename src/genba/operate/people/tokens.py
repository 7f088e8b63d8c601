"""Tokens of service accounts: what machines prove themselves with."""

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import secrets as random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.errors import GenbaError
from genba.operate.people.roles import PersonRole, Scope, check_name
from genba.operate.people.store import SecretFile

PREFIX = "genba"
TOLD_EVERY_S = 60.0
"""When a token was last used is stored as often as this."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who holds a token. ``digest`` is the SHA-256 of the token, never the token itself.

    ``expires`` is ISO 8601 in UTC, None for never; ``scopes`` None where the role alone decides.
    """

    id: str
    name: str
    role: PersonRole
    digest: str
    created: str
    scopes: frozenset[Scope] | None = None
    expires: str | None = None

    def expired(self, now: dt.datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= dt.datetime.fromisoformat(self.expires)


class Tokens:
    """The tokens of a plant, in ``identities.json``, hashes only.

    A token is 256 random bits, so that a plain hash of it cannot be searched, and checking one is
    cheap enough for every request.
    """

    def __init__(self, secrets: Path) -> None:
        self._file = SecretFile(
            secrets / "identities.json",
            _build,
            lambda token: token.id,
            "delete it and start Genba again for a new admin token",
        )
        self._used = secrets / "used.json"
        self._told: dict[str, float] = {}
        self._guard = threading.Lock()

    def all(self) -> list[Token]:
        """Return all tokens, oldest first."""
        return sorted(self._file.rows().values(), key=lambda token: token.created)

    def create(
        self,
        name: str,
        role: PersonRole,
        scopes: frozenset[Scope] | None = None,
        expires: dt.datetime | None = None,
    ) -> str:
        """Add a token and return it; it is shown nowhere else and never again.

        Raises
        ------
        GenbaError
            If the name is taken or no name, or the token would have expired already.
        """
        check_name(name)
        now = dt.datetime.now(dt.UTC)
        if expires is not None and expires <= now:
            raise GenbaError(f"a token that expires at {expires.isoformat()} is worth nothing now")
        with self._file.changing() as rows:
            if any(known.name == name for known in rows.values()):
                raise GenbaError(f"identity '{name}' exists; revoke it first or take another name")
            key, text = new_secret(PREFIX)
            until = None if expires is None else expires.astimezone(dt.UTC).isoformat()
            rows[key] = Token(key, name, role, digest(text), now.isoformat(), scopes, until)
        return text

    def revoke(self, name: str) -> None:
        """Forget a token; it is worth nothing from now on.

        Raises
        ------
        GenbaError
            If there is none of that name.
        """
        with self._file.changing() as rows:
            found = next((known.id for known in rows.values() if known.name == name), None)
            if found is None:
                raise GenbaError(f"there is no identity '{name}'; `genba token list` shows them")
            del rows[found]

    def find(self, key: str, text: str) -> Token | None:
        """Return the token of that text, None if there is none or it expired."""
        known = self._file.rows().get(key)
        expected = known.digest if known else _NOBODY
        right = hmac.compare_digest(expected, digest(text))
        if known is None or not right or known.expired(dt.datetime.now(dt.UTC)):
            return None
        self._note_use(key)
        return known

    def is_good(self, key: str) -> bool:
        """Whether a token of that id is there and has not expired, without counting it as used."""
        known = self._file.rows().get(key)
        return known is not None and not known.expired(dt.datetime.now(dt.UTC))

    def last_used(self) -> dict[str, str]:
        """When each token was last used, to the minute, by id; ISO 8601 in UTC."""
        try:
            told = json.loads(self._used.read_text("utf-8"))
            return {str(key): str(value) for key, value in told.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def _note_use(self, key: str) -> None:
        now = time.monotonic()
        told = self._told.get(key)
        if told is not None and now - told < TOLD_EVERY_S:
            return
        self._told[key] = now
        with self._guard, contextlib.suppress(OSError):  # a full disk keeps nobody from working
            used = self.last_used()
            used[key] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            known = self._file.rows()
            kept = {one: when for one, when in used.items() if one in known}
            draft = self._used.with_name(".used.json.draft")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(self._used)


def new_secret(prefix: str) -> tuple[str, str]:
    """Return a key to find something by, and the text that proves to hold it (256 random bits)."""
    key = random.token_hex(4)
    return key, f"{prefix}_{key}_{random.token_urlsafe(32)}"


def digest(text: str) -> str:
    """SHA-256 of a secret, as lower-case hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


_NOBODY = digest("nobody")


def _build(row: dict[str, Any]) -> Token:
    scopes = row.get("scopes")
    told = None if scopes is None else frozenset(map(Scope, scopes))
    if row.get("expires") is not None:
        dt.datetime.fromisoformat(row["expires"])
    return Token(**{**row, "role": PersonRole(row["role"]), "scopes": told})
