"""Passwords: what is taken for one, and what is kept of it."""

import functools
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from genba.errors import GenbaError

SHORTEST = 12
LONGEST = 200
FEWEST_LETTERS = 5
"""Different ones, at least."""
_COMMON = (
    *("password", "passw0rd", "qwertyuiop", "123456789", "1234567890", "letmein", "welcome"),
    *("administrator", "changeme", "iloveyou", "qwerty123", "1q2w3e4r5t", "1qaz2wsx3edc"),
    *("abcdefghijkl", "asdfghjkl", "zxcvbnm", "genba", "operator", "engineer", "factory"),
)
"""Words that people choose first; alone, repeated, or with digits and signs around them."""

# argon2id with RFC 9106's second choice of parameters: 64 MiB, 3 passes, 4 lanes.
_hasher = PasswordHasher()


@functools.cache
def _nobody() -> str:
    """Return what stands for the password of a user who is not there."""
    return _hasher.hash("a password that nobody has")


def check_password(password: str, name: str) -> None:
    """Refuse a password that is soon guessed.

    Raises
    ------
    GenbaError
        If it is too short or long, common, of few letters, or made of the user's name.
    """
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise GenbaError(f"a password needs {SHORTEST} to {LONGEST} letters")
    core = plain.casefold().strip("0123456789!?.,;:-_#*+$%&/() ")
    common = any(word * times == core for word in _COMMON for times in (1, 2, 3))
    if len(set(plain)) < FEWEST_LETTERS or common or len(core) < 3:
        raise GenbaError("this password is among those that are guessed first; take another")
    if len(name) > 2 and not core.replace(name.casefold(), ""):
        raise GenbaError("this password is little more than the user's name; take another")


def hash_password(password: str) -> str:
    """Return what to keep of a password (argon2id). Takes about 0.1 s and 64 MiB."""
    return _hasher.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed; takes as long where there is none."""
    try:
        return _hasher.verify(kept or _nobody(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """One password is one text, whatever keyboard composed its letters."""
    return unicodedata.normalize("NFKC", password)
