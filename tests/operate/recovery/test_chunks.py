"""What is missing is handed out newest first, each moment once, and nothing is left out."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from genba.operate.recovery.chunks import Piece, Plan, Span, widened


@st.composite
def missing(draw: st.DrawFn) -> list[Span]:
    """Spans of a few signals; those of one signal do not overlap."""
    spans = []
    for signal in draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=5)):
        marks = sorted(draw(st.lists(st.integers(0, 5000), unique=True, max_size=8)))
        spans += [Span(signal, *pair) for pair in zip(marks[::2], marks[1::2], strict=False)]
    return spans


def pieces_of(plan: Plan, longest: int, most: int) -> list[list[Piece]]:
    handed = []
    while pieces := plan.next(longest, most):
        handed.append(pieces)
        assert len(handed) < 200_000
    return handed


@given(missing(), st.integers(20, 2000), st.integers(1, 6))
def test_each_missing_moment_is_handed_out_once(spans: list[Span], longest: int, most: int) -> None:
    plan = Plan(spans)
    assert plan.left_us == sum(span.end - span.start for span in spans)
    handed = pieces_of(plan, longest, most)
    assert plan.left_us == 0
    for signal in "abcde":
        found = sorted((p.start, p.end) for ps in handed for p in ps if p.signal == signal)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
        covered = {moment for start, end in found for moment in range(start, end)}
        wanted = {m for span in spans if span.signal == signal for m in range(span.start, span.end)}
        assert covered == wanted


@given(missing(), st.integers(20, 2000), st.integers(1, 6))
def test_the_newest_comes_first_in_pieces_of_bounded_length(
    spans: list[Span], longest: int, most: int
) -> None:
    ends = []
    for pieces in pieces_of(Plan(spans), longest, most):
        assert len(pieces) <= most
        assert len({piece.signal for piece in pieces}) == len(pieces)
        assert max(p.end for p in pieces) - min(p.start for p in pieces) <= longest
        ends.append(max(piece.end for piece in pieces))
    assert ends == sorted(ends, reverse=True)


@given(missing(), st.integers(20, 2000), st.integers(1, 6))
def test_the_ends_of_a_span_are_known(spans: list[Span], longest: int, most: int) -> None:
    pieces = [piece for handed in pieces_of(Plan(spans), longest, most) for piece in handed]
    assert {piece.of for piece in pieces if piece.first} == set(spans)
    assert {piece.of for piece in pieces if piece.last} == set(spans)
    assert sum(piece.first for piece in pieces) == len(spans)


def test_a_signal_that_is_dropped_is_not_handed_out() -> None:
    plan = Plan([Span("a", 0, 100), Span("b", 0, 100)])
    plan.drop("a")
    assert [p.signal for pieces in pieces_of(plan, 10, 5) for p in pieces] == ["b"] * 10


def test_only_the_ends_of_a_gap_are_widened_and_never_into_what_is_on_its_way() -> None:
    span = Span("a", 100, 200)
    assert widened(Piece(span, 100, 150), 10, 1000) == Piece(span, 90, 150)
    assert widened(Piece(span, 150, 200), 10, 1000) == Piece(span, 150, 210)
    assert widened(Piece(span, 150, 200), 10, 205) == Piece(span, 150, 205)
    assert widened(Piece(span, 150, 200), 10, 120) == Piece(span, 150, 150)
