"""Backbones that a plant keeps: by content, signed, with what they were trained on.

::

    backbones/
      3f1c....npz     the weights
      3f1c....json    SHA-256 of it, processes and how it was trained, public key, signature
      cut-off.npz     a training that is under way
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genba.errors import LearnError
from genba.learn.backbone.backbone import Backbone
from genba.learn.registry.signature import public_text, sign, signing_key, verify
from genba.learn.registry.store import read_arrays, write_arrays

FOLDER = "backbones"
MEMORY = "cut-off.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A backbone whose bytes and signature were checked, and what is told of it."""

    name: str
    """SHA-256 of the weights and of what is told."""
    backbone: Backbone
    facts: dict[str, Any]


class BackboneShelf:
    """The folder of one plant's backbones; ``key`` is the private key that models are signed with.

    What was signed with another key is refused: weights from elsewhere are foreign code in effect.
    """

    def __init__(self, root: Path, key: Path) -> None:
        self.root = root
        self.key = key

    def keep(self, backbone: Backbone, facts: dict[str, Any], time: str) -> Kept:
        """Sign and keep one; ``facts`` are plain values, ``time`` is ISO 8601 text.

        The time is beside what is signed, so that the same training gives the same name.

        Raises
        ------
        LearnError
            If the folder cannot be written.
        """
        content = write_arrays(backbone.parts())
        name = _name(content, facts)
        key = signing_key(self.key)
        told = {
            "name": name,
            "facts": facts,
            "kept": time,
            "signer": public_text(key),
            "signature": sign(key, name),
        }
        text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for ending, written in ((".npz", content), (".json", text.encode())):
                fresh = self.root / f"{name}{ending}.new"
                fresh.write_bytes(written)
                os.replace(fresh, self.root / f"{name}{ending}")
        except OSError as error:
            raise LearnError(
                f"the backbone cannot be kept in {self.root}: {error.strerror}; make room, or mend "
                "the folder's rights"
            ) from None
        return self.get(name)

    def names(self) -> tuple[str, ...]:
        """Return the names of all, in the order in which they were kept."""
        told = [(_told(file).get("kept", ""), file.stem) for file in self.root.glob("*.json")]
        return tuple(name for _, name in sorted(told))

    def get(self, name: str) -> Kept:
        """Find one by its name, or by the beginning of it, and check every byte of it.

        Raises
        ------
        LearnError
            If there is none or more than one, it was altered, or another key signed it.
        """
        found = [each for each in self.names() if name and each.startswith(name)]
        if len(found) != 1:
            there = ", ".join(each[:12] for each in self.names()) or "none"
            raise LearnError(
                f"{len(found)} backbones are called '{name}'; kept in {self.root}: {there}. "
                "`genba train backbone` makes one"
            )
        told = _told(self.root / f"{found[0]}.json")
        try:
            content = (self.root / f"{found[0]}.npz").read_bytes()
        except OSError as error:
            raise LearnError(
                f"the weights of backbone {found[0][:12]} cannot be read: {error.strerror}; train "
                "it again"
            ) from None
        facts = told.get("facts", {})
        if _name(content, facts) != found[0]:
            raise LearnError(f"backbone {found[0][:12]} was altered; delete it, and train it again")
        verify(public_text(signing_key(self.key)), found[0], str(told.get("signature", "")))
        return Kept(found[0], Backbone.restore(read_arrays(content)), facts)


def _name(content: bytes, facts: dict[str, Any]) -> str:
    told = json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(hashlib.sha256(content).digest() + told).hexdigest()


def _told(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LearnError(f"{file} cannot be read: {error}; delete it with its weights") from None
    return dict(told) if isinstance(told, dict) else {}
