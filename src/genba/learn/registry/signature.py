"""Who stands behind a model: Ed25519 over the digest of all its files, with the plant's model key.

The key lies with the plant's secrets (mode 0600), the public half beside the models. A site that
takes a model from elsewhere pins the public key of those whom it trusts.
"""

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from genba.errors import LearnError

KEY = "model-signing.key"
"""Name of the private key among the secrets."""
PUBLIC = "signer.pub"
_PREFIX = b"genba model "


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Read the private key, or make it where there is none.

    Raises
    ------
    LearnError
        If it is there and damaged, or cannot be read or written.
    """
    try:
        if not path.exists():
            make_key(path)
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes()))
    except OSError as error:
        raise LearnError(
            f"the model key {path} cannot be used: {error.strerror}; mend its folder's rights"
        ) from None
    except ValueError:
        raise LearnError(
            f"the model key {path} is damaged; restore it from a backup of the secrets, or delete "
            "it: models are then signed with a new key, which whoever pinned the old has to be told"
        ) from None


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public half, base64."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def sign(key: Ed25519PrivateKey, digest: str) -> str:
    """Sign the digest of a model; base64."""
    return base64.b64encode(key.sign(_PREFIX + digest.encode())).decode()


def verify(public: str, digest: str, signature: str) -> None:
    """Check a signature.

    Raises
    ------
    LearnError
        If it does not hold.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(base64.b64decode(signature), _PREFIX + digest.encode())
    except (InvalidSignature, ValueError):
        raise LearnError(
            f"model {digest[:12]} is not signed with the key {public[:12]}..., or was changed "
            "since; take it from where it was released, and trust nothing that it says"
        ) from None


def make_key(path: Path) -> None:
    """Make a private key in a new file that nobody but its owner may read.

    Raises
    ------
    OSError
        If the file is there, or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    seed = Ed25519PrivateKey.generate().private_bytes(
        Encoding.Raw, PrivateFormat.Raw, NoEncryption()
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(seed) + b"\n")
        file.flush()
        os.fsync(file.fileno())
