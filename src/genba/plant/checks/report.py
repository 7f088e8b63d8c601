"""Collects problems, and says where they are."""

import difflib
from collections.abc import Iterable

from genba.plant.model import Plant
from genba.plant.problem import Problem, Weight

Path = tuple[str | int, ...]


class Report:
    """The problems of one plant, in the order in which they were found."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self.problems: list[Problem] = []

    def error(self, path: Path, text: str, mend: str) -> None:
        """Note what keeps the plant from running."""
        self.problems.append(Problem(Weight.ERROR, self._where(path), text, mend, path))

    def warning(self, path: Path, text: str, mend: str) -> None:
        """Note what deserves a look."""
        self.problems.append(Problem(Weight.WARNING, self._where(path), text, mend, path))

    def unknown(self, path: Path, kind: str, name: str, known: Iterable[str]) -> None:
        """Note that ``name`` stands for nothing in the plant."""
        self.error(path, f"there is no {kind} '{name}'", near(name, known, kind))

    def _where(self, path: Path) -> str:
        words: list[str] = []
        here: object = self._plant
        for step in path:
            if isinstance(step, str):
                here = getattr(here, step, None)
                words.append(f".{step}" if words else step)
            else:
                here = here[step] if isinstance(here, tuple) and step < len(here) else None
                words.append(f"[{getattr(here, 'id', step + 1)}]")
        return "".join(words)


def near(name: str, known: Iterable[str], kind: str) -> str:
    """Say which known name may have been meant, or that it is to be added."""
    listed = sorted(known)
    close = difflib.get_close_matches(name, listed, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    if 0 < len(listed) <= 6:
        return f"choose one of {', '.join(listed)}, or add it"
    return f"add the {kind}, or correct the name"
