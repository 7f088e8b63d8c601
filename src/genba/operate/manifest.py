"""What a backup consists of: every file with its size and SHA-256, and where it came from."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from genba.errors import StateError

FORMAT = 1


@dataclass(slots=True)
class Manifest:
    """Files by name (with ``/``), each with its size in bytes and SHA-256 as hex."""

    files: dict[str, tuple[int, str]]
    about: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read one.

        Raises
        ------
        StateError
            If there is none, it is damaged, of a newer Genba, or names files outside its folder.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            number = int(told["format"])
            files = {str(n): (int(f["size"]), str(f["sha256"])) for n, f in told["files"].items()}
            about = dict(told["about"])
        except FileNotFoundError:
            raise StateError(
                f"{path.parent} is no backup of Genba; it has no {path.name}"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError(f"{path} is damaged; use another backup") from None
        if number > FORMAT:
            raise StateError(
                f"{path.parent} was made by Genba {about.get('genba', '?')}; upgrade this one"
            )
        for name in files:
            parts = PurePosixPath(name).parts
            if name.startswith("/") or ".." in parts or not parts:
                raise StateError(f"{path} names '{name}', which lies outside; use another backup")
        return cls(files, about)

    def write(self, path: Path) -> None:
        """Write it, on disk when this returns."""
        told = {
            "format": FORMAT,
            "about": self.about,
            "files": {
                name: {"size": size, "sha256": sha256}
                for name, (size, sha256) in sorted(self.files.items())
            },
        }
        with path.open("w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    def faults(self, folder: Path) -> list[str]:
        """Compare a folder with it; one line for each file that is missing, changed or too many."""
        found = []
        for name, (size, sha256) in self.files.items():
            path = folder / name
            if not path.is_file():
                found.append(f"{name} is missing")
            elif path.stat().st_size != size:
                found.append(f"{name} has {path.stat().st_size:,} bytes, not {size:,}")
            elif digest_of(path) != sha256:
                found.append(f"{name} was changed")
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in self.files and name != "manifest.json":
                found.append(f"{name} does not belong to it")
        return found


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
