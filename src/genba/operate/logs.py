"""What Genba says while it runs: lines for people or JSON for machines, without secrets."""

import datetime as dt
import json
import logging
import logging.handlers
import re
import sys
import traceback
from pathlib import Path

from genba.errors import StateError

_LIBRARIES = ("asyncua", "pymodbus", "amqtt", "mqtt", "transitions", "uvicorn")
_FILE_BYTES = 20 * 2**20
_FILES = 5
_ABOUT = ("connection", "equipment", "signal")
"""Ids that a line may carry, given as ``extra``."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Also what turns the direction of writing: a line must not look like another."""
_HIDDEN = "***"
_SECRETS = (
    re.compile(r"(?i)(://[^/\s:@]+:)[^@\s/]+(?=@)"),
    re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"),
    re.compile(
        r"(?i)((?:password|passphrase|passwd|secret|token|api[_-]?key)[\"']?\s*[:=]\s*[\"']?)"
        r"[^\s\"',;}]+"
    ),
    re.compile(r"()genbas?_[0-9a-f]{8}_[\w-]{20,}"),
    re.compile(r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)"),
)


def without_secrets(text: str) -> str:
    """Hide what looks like a password, a token or a private key."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{_HIDDEN}", text)
    return text


def printable(text: str) -> str:
    """Write control characters, line ends too, as a string literal of Python would."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], text)


class _Plain(logging.Formatter):
    """One line for people; what others sent in can neither begin a line nor steer a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = printable(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class _Json(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``part``, ids, ``message``, ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        told: dict[str, str] = {
            "time": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "part": part_of(record.name),
        }
        for name in _ABOUT:
            if hasattr(record, name):
                told[name] = str(getattr(record, name))
        told["message"] = without_secrets(record.getMessage())
        if record.exc_info:
            told["error"] = without_secrets("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(told, ensure_ascii=False)


def part_of(logger: str) -> str:
    """Return the room and file that a line comes from: ``connect.opcua``, ``historian``."""
    return logger.removeprefix("genba.")


def set_up(
    form: str = "text",
    *,
    level: str = "warning",
    file: Path | None = None,
    file_bytes: int = _FILE_BYTES,
    files: int = _FILES,
) -> None:
    """Say things in a form, to standard error or a file; of protocol libraries, nothing.

    Parameters
    ----------
    form : str
        ``text`` or ``json``.
    level : str
        Least level: ``debug``, ``info``, ``warning`` or ``error``.
    file : Path, optional
        Where to write instead; it is renamed to ``FILE.1`` ... when it grows beyond
        ``file_bytes``, and ``files`` old ones are kept.

    Raises
    ------
    StateError
        If the file cannot be written.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                file, maxBytes=file_bytes, backupCount=files, encoding="utf-8"
            )
        except OSError as error:
            raise StateError(
                f"log file {file} cannot be written: {error.strerror}; choose another"
            ) from None
    stamp = "%(asctime)s %(levelname)s " if file is not None else ""
    text = _Plain(f"{stamp}genba: %(message)s")
    handler.setFormatter(_Json() if form == "json" else text)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
