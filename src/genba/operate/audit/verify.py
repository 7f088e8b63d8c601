"""Checks an audit log: is each line the one that was written, and is none missing?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genba.errors import StateError
from genba.operate.audit.chain import BROKEN, FIRST, MENDED, digest, parse, segments
from genba.operate.audit.seal import HEAD, Head, read_head


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking found. ``problem`` names the first thing that is wrong, "" if nothing is.

    ``mended`` counts lines that a crash left half written and that the log itself tells of.
    """

    entries: int
    head: Head
    mended: int
    problem: str

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def verify(folder: Path, *, public: str | None = None, expected: Head | None = None) -> Checked:
    """Follow the chain from the first line to the sealed head.

    Parameters
    ----------
    folder : Path
        Of the log, or of a copy.
    public : str, optional
        The public key, if it is known from elsewhere; default the one beside the log.
    expected : Head, optional
        A head that was noted earlier and elsewhere: it must lie on the chain.
    """
    # First the seal, then the lines: what is written meanwhile only makes the chain longer.
    problem, sealed = _sealed(folder, public)
    walk = _Walk([head for head in (sealed, expected) if head is not None])
    if not problem:
        problem = walk.follow(_lines(folder))
    return Checked(walk.entries, Head(walk.number, walk.digest), walk.mended, problem)


def _sealed(folder: Path, public: str | None) -> tuple[str, Head | None]:
    if not segments(folder) and not (folder / HEAD).exists():
        return "", None  # nothing was ever written
    try:
        return "", read_head(folder, public)
    except StateError as error:
        return str(error), None


class _Walk:
    """Follows the lines, one after the other, and looks for the heads that must be met."""

    def __init__(self, heads: list[Head]) -> None:
        self.number, self.digest = 0, FIRST
        self.entries = self.mended = 0
        self._heads = heads
        self._odd = ""
        self._before = "the log"

    def follow(self, lines: Iterator[tuple[str, bytes]]) -> str:
        for where, line in lines:
            problem = self._step(where, line)
            if problem:
                return problem
            self._before = where
        if self._odd:
            return (
                f"{self._odd}: this line is no entry; the next start of Genba says why, if it can"
            )
        missed = [head for head in self._heads if head.number > self.number]
        if missed:
            return (
                f"{self._before}: the log ends at entry {self.number}, but {missed[0].number} were "
                "written: its end was cut off"
            )
        return ""

    def _step(self, where: str, line: bytes) -> str:
        entry = parse(line)
        if self._odd and (entry is None or entry.action != MENDED):
            return f"{self._odd}: this line is no entry, and the next one does not say why"
        self._odd = ""
        if entry is None:
            # Sound only if the next line tells that a crash left it so.
            self._odd, self.digest = where, digest(line)
            return ""
        if entry.number != self.number + 1:
            return f"{where}: entry {entry.number} stands where {self.number + 1} should"
        if entry.previous != self.digest:
            return f"{self._before}: this line is not the one that was written"
        self.number, self.digest = entry.number, digest(line)
        self.entries += 1
        self.mended += entry.action == MENDED
        if entry.action == BROKEN:
            return f"{where}: when this was written, Genba found that {entry.detail.get('what')}"
        if any(h.number == self.number and h.digest != self.digest for h in self._heads):
            return f"{where}: this line is not the one that was sealed or noted"
        return ""


def _lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield place and content of every line."""
    for path in segments(folder):
        with path.open("rb") as file:
            for index, line in enumerate(file, 1):
                yield f"{path.name} line {index}", line.removesuffix(b"\n")
