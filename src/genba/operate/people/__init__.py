"""People and machines: who they are, how they prove it, what they may do."""

from genba.operate.people.attempts import TooManyAttempts
from genba.operate.people.identities import Identities
from genba.operate.people.roles import Identity, Kind, PersonRole, Scope
from genba.operate.people.sessions import Session
from genba.operate.people.tokens import Token
from genba.operate.people.users import User

__all__ = [
    "Identities",
    "Identity",
    "Kind",
    "PersonRole",
    "Scope",
    "Session",
    "Token",
    "TooManyAttempts",
    "User",
]
