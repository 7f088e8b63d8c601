"""What ``genba model verify`` has in hand before it looks at signals or pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genba.learn import Registered, Registry
    from genba.learn.verify.verified import Terms
    from genba.plant import Plant


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its plant, and the terms that it has to hold."""

    registry: "Registry"
    model: "Registered"
    plant: "Plant"
    state: Path
    terms: "Terms"
    in_force: bytes | None
    """The release that it would replace."""


def release_in_force(registry: "Registry", name: str) -> bytes | None:
    """Return the release of that name that is in force at the core."""
    from genba.learn import running

    slot = running(registry).get(name)
    if slot is None or slot.force is None:
        return None
    path = registry.root / "shelf" / f"{slot.force}.bundle"
    return path.read_bytes() if path.exists() else None
