"""One thing that is wrong with what was recorded of a process, and the mend."""

from collections.abc import Iterable
from dataclasses import dataclass

from genba.plant.problem import Weight


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or should be looked at.

    Attributes
    ----------
    rule : str
        ``rows``, ``missing``, ``clock``, ``frozen``, ``range``, ``outside``, ``narrow``,
        ``unmoved``, ``unit``, ``sign``, ``swapped`` or ``strange``.
    grade : Weight
        An error spoils what is learned: nothing is kept, and nothing is tried on the process. A
        warning is told, and stands in what was learned.
    about : tuple of str
        Variables of the physics.
    """

    rule: str
    grade: Weight
    about: tuple[str, ...]
    text: str
    mend: str

    def __str__(self) -> str:
        return f"{self.text}; {self.mend}"

    def as_plain(self) -> dict[str, object]:
        """Give it as plain data, to be written down."""
        return {
            "rule": self.rule,
            "grade": self.grade.value,
            "about": list(self.about),
            "text": self.text,
            "mend": self.mend,
        }


def spoilt(findings: Iterable[Finding]) -> list[Finding]:
    """Give those that forbid to learn from the recording."""
    return [one for one in findings if one.grade is Weight.ERROR]


def error(rule: str, about: Iterable[str], text: str, mend: str) -> Finding:
    """Say that something spoils what is learned."""
    return Finding(rule, Weight.ERROR, tuple(about), text, mend)


def warning(rule: str, about: Iterable[str], text: str, mend: str) -> Finding:
    """Say that something should be looked at."""
    return Finding(rule, Weight.WARNING, tuple(about), text, mend)
