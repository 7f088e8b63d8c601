"""What hides a number: keys that two sites agree on, and streams of noise drawn from keys.

Diffie-Hellman on Curve25519 (RFC 7748), HKDF with SHA-256 (RFC 5869), ChaCha20 as the stream and
ChaCha20-Poly1305 for what one site sends another by way of the hub (RFC 8439).
"""

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from genba.errors import LearnError
from genba.learn.federated.ring import Words

_ONCE = bytes(12)
"""The nonce of boxes: each key seals one box alone."""


class Pair:
    """A key pair that lives for one sum."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._key = (
            X25519PrivateKey.generate()
            if secret is None
            else X25519PrivateKey.from_private_bytes(secret)
        )
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        """32 bytes to tell others."""

    def secret(self) -> bytes:
        """Return the private half, 32 bytes."""
        return self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def agreed(self, other: bytes, purpose: str) -> bytes:
        """Return the key (32 bytes) that both sides come to, for one purpose.

        Raises
        ------
        LearnError
            If the other's public key is none.
        """
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError:
            raise LearnError("another site's key is none; nothing is agreed on with it") from None
        return HKDF(SHA256(), 32, None, f"genba federated {purpose}".encode()).derive(shared)


def stream(key: bytes, count: int, limbs: int) -> Words:
    """Draw elements of a ring evenly, (count, limbs): the same key draws the same."""
    cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None)
    drawn = cipher.encryptor().update(bytes(8 * count * limbs))
    return np.frombuffer(drawn, "<u8").reshape(count, limbs).astype(np.uint64)


def seal(key: bytes, content: bytes) -> bytes:
    """Lock a content up; the key must never seal another."""
    return ChaCha20Poly1305(key).encrypt(_ONCE, content, None)


def unseal(key: bytes, box: bytes) -> bytes:
    """Open what was sealed.

    Raises
    ------
    LearnError
        If it was changed, or meant for another sum, site or direction.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(_ONCE, box, None)
    except InvalidTag:
        raise LearnError(
            "what another site sent by way of the hub was changed on its way"
        ) from None
