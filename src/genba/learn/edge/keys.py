"""Keys of releases: who signs models, and whose signatures a machine believes (Ed25519)."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from genba.errors import LearnError
from genba.learn.registry.signature import make_key, public_text

_PREFIX = b"genba edge "
"""Before all that is signed: such a signature means nothing elsewhere."""


class ReleaseKey:
    """Signs. Keep it where releases are made, not at the machines."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = public_text(key)
        """What machines have to know to believe it, base64."""

    @classmethod
    def generate(cls) -> "ReleaseKey":
        """Make a new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def at(cls, path: Path, *, create: bool = False) -> "ReleaseKey":
        """Read a key, or make one where there is none; nobody but its owner may read the file.

        Raises
        ------
        LearnError
            If there is none, it is damaged, or others may read it.
        """
        if create and not path.exists():
            make_key(path)
        try:
            others = path.stat().st_mode & 0o077
            seed = base64.b64decode(path.read_bytes(), validate=False)
            key = cls(Ed25519PrivateKey.from_private_bytes(seed))
        except FileNotFoundError:
            raise LearnError(
                f"there is no key {path} to sign releases with; `genba edge key {path}` makes one"
            ) from None
        except ValueError:
            raise LearnError(f"{path} is no key to sign releases with; restore it") from None
        if others:
            raise LearnError(f"key {path} can be read by others; run: chmod 600 {path}")
        return key

    def sign(self, content: bytes) -> bytes:
        """Return the signature of a content, 64 bytes."""
        return self._key.sign(_PREFIX + content)


@dataclass(frozen=True, slots=True)
class Trust:
    """The public keys (base64) whose releases a machine takes."""

    keys: tuple[str, ...]

    @classmethod
    def at(cls, path: Path) -> "Trust":
        """Read a file with one key a line; ``#`` begins a remark.

        Raises
        ------
        LearnError
            If it cannot be read, or holds no key.
        """
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeError):
            raise LearnError(
                f"{path} holds no keys whose releases are taken; write there what `genba edge key` "
                "prints, a key a line"
            ) from None
        return cls.of(line.partition("#")[0].strip() for line in lines)

    @classmethod
    def of(cls, keys: Iterable[str]) -> "Trust":
        """Trust some keys.

        Raises
        ------
        LearnError
            If there is none, or one is no key.
        """
        known = tuple(key for key in keys if key)
        if not known:
            raise LearnError("no key is trusted, so that no release can be taken; add one")
        for key in known:
            _public(key)
        return cls(known)

    def signer(self, content: bytes, signature: bytes) -> str | None:
        """Return the trusted key that signed a content, None if none did."""
        for key in self.keys:
            try:
                _public(key).verify(signature, _PREFIX + content)
            except InvalidSignature:
                continue
            return key
        return None


def _public(key: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
    except ValueError:
        raise LearnError(f"'{key[:60]}' is no public key of releases; one is 44 letters") from None
