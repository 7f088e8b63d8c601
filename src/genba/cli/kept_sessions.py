"""The sessions that ``genba login`` opened: in the user's own folder, mode 0600."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session: whose, its token, when it ends at the latest, and what vouches for the API."""

    name: str
    token: str
    expires: str
    ca: str = ""


def sessions_file() -> Path:
    """Where sessions are kept."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "genba" / "sessions.json"


def kept_for(url: str) -> KeptSession | None:
    """Return the session that is kept for an API."""
    return _all().get(url.rstrip("/"))


def keep(url: str, session: KeptSession | None) -> None:
    """Keep a session for an API; None forgets it."""
    kept = _all()
    kept.pop(url.rstrip("/"), None)
    if session is not None:
        kept[url.rstrip("/")] = session
    path = sessions_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({one: asdict(session) for one, session in kept.items()}, file, indent=2)
    draft.replace(path)


def _all() -> dict[str, KeptSession]:
    try:
        told = json.loads(sessions_file().read_text("utf-8"))
        return {str(url): KeptSession(**kept) for url, kept in told.items()}
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):
        return {}  # none kept, or nothing that can be read: log in again
