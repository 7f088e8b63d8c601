"""Roles of people, scopes of machines, and the identity that a request speaks for."""

from dataclasses import dataclass
from enum import StrEnum

from genba.errors import GenbaError


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

    @classmethod
    def of(cls, text: str) -> "PersonRole":
        """Return the role of a name.

        Raises
        ------
        GenbaError
            If there is none.
        """
        if text not in list(cls):
            raise GenbaError(f"'{text}' is no role; choose one of {', '.join(cls)}")
        return cls(text)


class Scope(StrEnum):
    """What a token may be used for, within its role: a narrow key for a machine."""

    READ = "read"
    ALARMS = "alarms"
    PROPOSE = "propose"
    APPROVE = "approve"
    CONFIGURE = "configure"
    ADMIN = "admin"

    @classmethod
    def of(cls, text: str) -> "Scope":
        """Return the scope of a name.

        Raises
        ------
        GenbaError
            If there is none.
        """
        if text not in list(cls):
            raise GenbaError(f"'{text}' is no scope; choose from {', '.join(cls)}")
        return cls(text)


class Kind(StrEnum):
    """Whether a person proved who they are with a password, or a machine holds a token."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request speaks for.

    ``id`` is that of the session or the token; ``scopes`` None where the role alone decides.
    """

    id: str
    name: str
    role: PersonRole
    kind: Kind = Kind.SERVICE
    scopes: frozenset[Scope] | None = None

    def lacks(self, role: PersonRole, scope: Scope) -> str:
        """Say what is missing for something that needs ``role`` and ``scope``; "" if nothing."""
        if not self.role.covers(role):
            return f"this needs the role {role}; '{self.name}' has {self.role}"
        if self.scopes is not None and scope not in self.scopes:
            held = ", ".join(sorted(self.scopes)) or "none"
            return f"this needs the scope {scope}; the token of '{self.name}' has {held}"
        return ""


def check_name(name: str) -> None:
    """Refuse what cannot name somebody.

    Raises
    ------
    GenbaError
        If it is empty, longer than 80 letters, or not printable.
    """
    if not name or len(name) > 80 or not name.isprintable() or name != name.strip():
        raise GenbaError("an identity needs a name of 1 to 80 printable letters")
