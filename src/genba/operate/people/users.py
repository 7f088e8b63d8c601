"""Users: people with a password and a role."""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genba.errors import GenbaError
from genba.operate.people.passwords import check_password, hash_password, matches, outdated
from genba.operate.people.roles import PersonRole, check_name
from genba.operate.people.store import SecretFile


@dataclass(frozen=True, slots=True)
class User:
    """A person. ``password`` is the argon2id hash; ``changed`` when it was set (ISO 8601)."""

    name: str
    role: PersonRole
    password: str
    created: str
    changed: str
    enabled: bool = True


class Users:
    """The users of a plant, in ``users.json``."""

    def __init__(self, secrets: Path) -> None:
        self._file = SecretFile(
            secrets / "users.json",
            _build,
            lambda user: user.name,
            "restore it from a backup of the secrets, or delete it and add the users again",
        )

    def all(self) -> list[User]:
        """Return all users by name."""
        return sorted(self._file.rows().values(), key=lambda user: user.name)

    def get(self, name: str) -> User | None:
        """Return a user, None if there is none."""
        return self._file.rows().get(name)

    def add(self, name: str, role: PersonRole, password: str) -> User:
        """Add a user.

        Raises
        ------
        GenbaError
            If the name is taken or no name, or the password is soon guessed.
        """
        check_name(name)
        check_password(password, name)
        kept, now = hash_password(password), _now()
        with self._file.changing() as rows:
            if name in rows:
                raise GenbaError(f"user '{name}' exists; take another name")
            rows[name] = User(name, role, kept, now, now)
            return rows[name]

    def change(
        self,
        name: str,
        *,
        role: PersonRole | None = None,
        enabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change what is given of a user; holds at once, also for open sessions.

        Raises
        ------
        GenbaError
            If there is no such user, the password is soon guessed, or no enabled admin would be
            left among the users.
        """
        values: dict[str, Any] = {}
        if password is not None:
            check_password(password, name)
            values |= {"password": hash_password(password), "changed": _now()}
        if role is not None:
            values["role"] = role
        if enabled is not None:
            values["enabled"] = enabled
        with self._file.changing() as rows:
            known = rows.get(name)
            if known is None:
                raise GenbaError(f"there is no user '{name}'; `genba user list` shows them")
            rows[name] = replace(known, **values)
            if _admins({name: known}) and not _admins(rows):
                raise GenbaError(f"'{name}' is the last admin among the users; add another first")
            return rows[name]

    def check(self, name: str, password: str) -> User | None:
        """Return the enabled user of a name and password; takes as long where there is none."""
        known = self.get(name)
        right = matches(known.password if known else None, password)
        if known is None or not right or not known.enabled:
            return None
        if outdated(known.password):
            renewed = replace(known, password=hash_password(password))
            with self._file.changing() as rows:
                if rows.get(name) == known:  # and nobody changed it meanwhile
                    known = rows[name] = renewed
        return known


def _build(row: dict[str, Any]) -> User:
    return User(**{**row, "role": PersonRole(row["role"])})


def _admins(rows: dict[str, User]) -> int:
    return sum(user.enabled and user.role is PersonRole.ADMIN for user in rows.values())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
