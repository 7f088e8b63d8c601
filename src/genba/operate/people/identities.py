"""All who are known to a plant: users with their sessions, and holders of tokens."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from pathlib import Path

from genba.errors import GenbaError, Refused, StateError
from genba.operate.people import sessions as session_tokens
from genba.operate.people import tokens as service_tokens
from genba.operate.people.attempts import Attempts
from genba.operate.people.roles import Identity, Kind, PersonRole, Scope
from genba.operate.people.sessions import Session, Sessions
from genba.operate.people.tokens import Token, Tokens
from genba.operate.people.users import User, Users


class Identities:
    """Says whom a token speaks for. All that is kept are hashes, in files of mode 0600.

    Other processes (``genba user``, ``genba token``) change the same files; that holds at once.

    Parameters
    ----------
    secrets : Path
        Folder of the secrets.
    now : callable
        The computer's clock in seconds since 1970.
    """

    def __init__(self, secrets: Path, now: Callable[[], float] = time.time) -> None:
        self.users = Users(secrets)
        self.tokens = Tokens(secrets)
        self.sessions = Sessions(secrets, now)
        self.attempts = Attempts(secrets, lambda name: self.users.get(name) is not None, now)
        self._one_login = threading.Lock()

    def __len__(self) -> int:
        return len(self.tokens.all()) + len(self.users.all())

    def all(self) -> list[Token]:
        """Return all tokens, oldest first."""
        return self.tokens.all()

    def create(
        self,
        name: str,
        role: PersonRole,
        scopes: frozenset[Scope] | None = None,
        expires: dt.datetime | None = None,
    ) -> str:
        """Add a token and return it, which is shown nowhere else and never again.

        Raises
        ------
        GenbaError
            If the name is taken: tokens and users share the names, so that one name is one actor.
        """
        if self.users.get(name) is not None:
            raise GenbaError(f"'{name}' is a user; take another name for a token")
        return self.tokens.create(name, role, scopes, expires)

    def revoke(self, name: str) -> None:
        """Forget a token; it is worth nothing from now on."""
        self.tokens.revoke(name)

    def add_user(self, name: str, role: PersonRole, password: str) -> User:
        """Add a person.

        Raises
        ------
        GenbaError
            If the name is taken or the password is soon guessed.
        """
        if any(token.name == name for token in self.tokens.all()):
            raise GenbaError(f"'{name}' holds a token; revoke it first or take another name")
        return self.users.add(name, role, password)

    def verify(self, text: str) -> Identity:
        """Return who holds a token, of a service or of a session.

        Raises
        ------
        Refused
            If nobody does, or its time is over.
        """
        prefix, _, rest = text.partition("_")
        key = rest.partition("_")[0]
        if prefix == session_tokens.PREFIX:
            session = self.sessions.find(key, text)
            user = None if session is None else self.users.get(session.user)
            if session is not None and user is not None and user.enabled:
                return Identity(session.id, user.name, user.role, Kind.PERSON)
            raise Refused("this session is over or its token is not known; log in again")
        known = self.tokens.find(key if prefix == service_tokens.PREFIX else "", text)
        if known is None:
            raise Refused(
                "this token is not known or has expired; "
                "ask an admin for one (`genba token create`)"
            )
        return Identity(known.id, known.name, known.role, Kind.SERVICE, known.scopes)

    def still(self, caller: Identity) -> bool:
        """Whether whoever was verified earlier would be now; for what lasts. Counts as no use."""
        if caller.kind is Kind.PERSON:
            user = self.users.get(caller.name)
            return user is not None and user.enabled and self.sessions.is_open(caller.id)
        return self.tokens.is_good(caller.id)

    def role_now(self, name: str) -> str | None:
        """Return the role of an enabled user or a good token of that name, None without any.

        Where the files cannot be read, nobody has one.
        """
        try:
            user = self.users.get(name)
            if user is not None:
                return str(user.role) if user.enabled else None
            token = next((token for token in self.tokens.all() if token.name == name), None)
            return str(token.role) if token is not None and self.tokens.is_good(token.id) else None
        except (StateError, OSError):
            return None

    def log_in(self, name: str, password: str, address: str) -> tuple[str, Session]:
        """Open a session for a person; takes about 0.1 s, for unknown names, too.

        Raises
        ------
        TooManyAttempts
            If the account or the address must wait; the password was not looked at.
        Refused
            If name and password do not belong together, or the user is disabled.
        """
        user = self.prove(name, password, address)
        token, session = self.sessions.open(user.name, address)
        if self.users.get(user.name) != user:
            # It was changed while the password was looked at, and its sessions were ended.
            self.sessions.end(session.id, user.name)
            raise Refused("this user was changed just now; log in again")
        return token, session

    def prove(self, name: str, password: str, address: str) -> User:
        """Return the user whose password that is; failures count like those of log-ins.

        Raises
        ------
        TooManyAttempts
            If the account or the address must wait; the password was not looked at.
        Refused
            If name and password do not belong together, or the user is disabled.
        """
        with self._one_login:  # many at once would all be let in before the first one failed
            self.attempts.admit(name, address)
            user = self.users.check(name, password)
            if user is None:
                self.attempts.failed(name, address)
                raise Refused("this name and password do not belong together")
            self.attempts.succeeded(name)
        return user

    def change_user(
        self,
        name: str,
        *,
        role: PersonRole | None = None,
        enabled: bool | None = None,
        password: str | None = None,
        keep: str = "",
    ) -> User:
        """Change a person; a new password or disabling ends the open sessions, but ``keep``.

        Raises
        ------
        GenbaError
            If that is not possible.
        """
        user = self.users.change(name, role=role, enabled=enabled, password=password)
        if password is not None or enabled is False:
            self.sessions.end_all(name, but=keep)
        if password is not None or enabled:
            self.attempts.unlock(name)
        return user
