"""Write a small file so that a crash leaves the old one or the new one."""

import os
from pathlib import Path

from genba.errors import TwinError


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole; its folder is made.

    Raises
    ------
    TwinError
        If the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise TwinError(f"{path} cannot be written: {error.strerror}") from None
