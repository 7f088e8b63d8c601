"""What is wrong with a plant file, where, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """An error keeps the plant from running; a warning deserves a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    ``path`` leads to it through the file: field names, and places in lists. ``where`` says the
    same for people: ``equipment[press-1].signals[melt].unit``. ``line`` is 0 where the plant did
    not come from a file.
    """

    severity: Weight
    where: str
    text: str
    mend: str
    path: tuple[str | int, ...] = ()
    line: int = 0

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.text}; {self.mend}" if self.where else f"{self.text}; {self.mend}"
        )
