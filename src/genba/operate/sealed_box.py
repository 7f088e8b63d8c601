"""A few small files in one, encrypted with a passphrase: scrypt (RFC 7914) and AES-256-GCM."""

import base64
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from genba.errors import StateError

_MAGIC = b"genba sealed box 1\n"
_SALT = 16
_NONCE = 12
_N, _R, _P = 2**16, 8, 1
"""64 MiB and about a quarter of a second for each guess."""
SHORTEST = 12
"""Characters that a passphrase must have."""


def seal(files: Mapping[str, bytes], passphrase: str) -> bytes:
    """Encrypt files by name.

    Raises
    ------
    StateError
        If the passphrase is too short.
    """
    if len(passphrase) < SHORTEST:
        raise StateError(f"a passphrase of fewer than {SHORTEST} characters is too easily found")
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    plain = {name: base64.b64encode(data).decode("ascii") for name, data in files.items()}
    text = json.dumps(plain).encode("utf-8")
    return _MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, text, _MAGIC)


def unseal(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """Decrypt what :func:`seal` made.

    Raises
    ------
    StateError
        If it is something else, was changed, or the passphrase is another.
    """
    if not sealed.startswith(_MAGIC):
        raise StateError("the sealed secrets are damaged; use another backup")
    rest = sealed[len(_MAGIC) :]
    salt, nonce, box = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    try:
        text = AESGCM(_key(passphrase, salt)).decrypt(nonce, box, _MAGIC)
    except (InvalidTag, ValueError):
        raise StateError(
            "the sealed secrets do not open: the passphrase is wrong, or they were changed"
        ) from None
    return {name: base64.b64decode(data) for name, data in json.loads(text).items()}


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P).derive(passphrase.encode("utf-8"))
