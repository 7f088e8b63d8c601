"""The sealed head: how long the log is, signed, so that a tail that was cut off is missed.

A chain shows what was changed in the middle. What was cut off at the end it cannot show; the head
can: after each write it names the last line, signed with an Ed25519 key that lies with the secrets.
Whoever holds that key and an old copy of all files can still put the old state back. Against
that, note a head elsewhere (``genba audit show --head``) and give it to ``genba audit verify``.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from genba.errors import StateError

HEAD = "head.json"
PUBLIC = "seal.pub"


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of the log: its number, and its SHA-256 as lower-case hex."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read ``NUMBER:SHA256``.

        Raises
        ------
        StateError
            If it is no such text.
        """
        number, _, told = text.strip().partition(":")
        if not number.isdecimal() or len(told) != 64:
            raise StateError(f"'{text}' is no head of an audit log; one looks like 17:2c26b46b...")
        return cls(int(number), told.lower())


class Seal:
    """Signs heads with the key in ``key``; makes it where there is none.

    The caller holds the log's lock. ``fresh`` says that the key was made just now; ``before`` is
    the public key whose seal the log bears until it is sealed anew, None if there is none.
    """

    def __init__(self, folder: Path, key: Path) -> None:
        self._folder = folder
        self.fresh = not key.exists()
        if self.fresh:
            _make(key)
        try:
            seed = base64.b64decode(key.read_bytes())
            self._key = Ed25519PrivateKey.from_private_bytes(seed)
        except ValueError:
            raise StateError(
                f"{key} is damaged; restore it from a backup of the secrets, or delete it: the log "
                "then goes on under a new key, and says so"
            ) from None
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = base64.b64encode(public).decode()
        self.before = _text(folder / PUBLIC) if self.fresh else self.public
        _put(folder / PUBLIC, self.public + "\n")

    def put(self, head: Head, time: str) -> None:
        """Replace the head. Not synced: the lines are what counts, and they are by now."""
        signature = base64.b64encode(self._key.sign(_said(head, time))).decode()
        told = {
            "number": head.number,
            "digest": head.digest,
            "time": time,
            "signature": signature,
        }
        _put(self._folder / HEAD, json.dumps(told) + "\n")


def read_head(folder: Path, public: str | None = None) -> Head:
    """Return the sealed head of a log.

    Parameters
    ----------
    folder : Path
        Of the log.
    public : str, optional
        The public key that is known to be right; default the one beside the log.

    Raises
    ------
    StateError
        If there is none, or its signature does not hold.
    """
    path = folder / HEAD
    try:
        told = json.loads(path.read_text("utf-8"))
        head, time = Head(int(told["number"]), str(told["digest"])), str(told["time"])
        signature = base64.b64decode(told["signature"])
        text = (folder / PUBLIC).read_text("utf-8") if public is None else public
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text))
    except OSError as error:
        raise StateError(f"the seal {error.filename} of the audit log is missing") from None
    except (ValueError, KeyError, TypeError):
        raise StateError(f"the seal {path} of the audit log is damaged") from None
    try:
        key.verify(signature, _said(head, time))
    except InvalidSignature:
        raise StateError(f"the seal {path} was not signed with this plant's key") from None
    return head


def _said(head: Head, time: str) -> bytes:
    return f"genba audit head {head} {time}".encode()


def _text(path: Path) -> str | None:
    return path.read_text("utf-8", "replace") if path.exists() else None


def _make(path: Path) -> None:
    seed = Ed25519PrivateKey.generate().private_bytes(
        Encoding.Raw, PrivateFormat.Raw, NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _put(path, base64.b64encode(seed).decode() + "\n", sync=True)


def _put(path: Path, text: str, *, sync: bool = False) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    draft.replace(path)
