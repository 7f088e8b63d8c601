"""In which order what is missing is fetched: newest first, in pieces, each moment once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Span:
    """What of one signal is missing: ``[start, end)`` in microseconds UTC of source time."""

    signal: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a span to be fetched in one go."""

    of: Span
    start: int
    end: int

    @property
    def signal(self) -> str:
        """The signal that it is of."""
        return self.of.signal

    @property
    def first(self) -> bool:
        """Whether the span begins with it."""
        return self.start <= self.of.start

    @property
    def last(self) -> bool:
        """Whether the span ends with it."""
        return self.end >= self.of.end


class Plan:
    """Hands out what is missing, piece by piece.

    The newest comes first, whatever signal it is of: that is what people and judges look at.

    Parameters
    ----------
    spans : iterable of Span
        What is missing. Those of one signal do not overlap.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        self._left = {
            (span.signal, span.start): (span, span.end) for span in spans if span.start < span.end
        }

    @property
    def left_us(self) -> int:
        """How much was not handed out yet: signal-microseconds."""
        return sum(end - span.start for span, end in self._left.values())

    def next(self, longest_us: int, most: int) -> list[Piece]:
        """Hand out the newest pieces of at most ``most`` signals; none when all is handed out.

        Parameters
        ----------
        longest_us : int
            How much source time they may cover together.
        most : int
            How many signals may be in them.
        """
        newest = sorted(self._left.values(), key=lambda item: item[1], reverse=True)
        if not newest:
            return []
        begin = newest[0][1] - max(1, longest_us)
        pieces: dict[str, Piece] = {}
        for span, end in newest:
            if end <= begin or len(pieces) == most:
                break
            if span.signal in pieces:
                continue
            start = max(span.start, begin)
            pieces[span.signal] = Piece(span, start, end)
            if start == span.start:
                del self._left[span.signal, span.start]
            else:
                self._left[span.signal, span.start] = span, start
        return list(pieces.values())

    def drop(self, signal: str) -> None:
        """Hand out nothing more of a signal."""
        self._left = {key: item for key, item in self._left.items() if key[0] != signal}


def widened(piece: Piece, margin_us: int, latest: int) -> Piece:
    """Look a little beyond both ends of a span: clocks differ, and messages take their time.

    What is found there and is stored already is left out. Nothing later than ``latest`` is asked
    for, since that is still on its way to Genba by itself.
    """
    start = piece.start - margin_us if piece.first else piece.start
    end = min(piece.end + margin_us if piece.last else piece.end, latest)
    return replace(piece, start=start, end=max(start, end))
