"""Waits grow, stay bounded, start over after a success, and repeat by seed."""

from hypothesis import given
from hypothesis import strategies as st

from genba.connect.backoff import Backoff


@given(seed=st.text(), attempts=st.integers(1, 40))
def test_waits_stay_within_their_bounds(seed: str, attempts: int) -> None:
    backoff = Backoff(seed, first_s=0.5, most_s=30.0)
    waits = [backoff.next_s() for _ in range(attempts)]
    for count, wait in enumerate(waits):
        least = min(30.0, 0.5 * 0.5 * 2.0 ** min(count, 16))
        assert least <= wait <= 30.0


def test_a_success_starts_over_and_a_seed_repeats() -> None:
    first, again, other = Backoff("press-1"), Backoff("press-1"), Backoff("press-2")
    waits = [first.next_s() for _ in range(4)]
    assert waits == [again.next_s() for _ in range(4)]
    assert waits != [other.next_s() for _ in range(4)]
    first.reset()
    assert first.next_s() <= 0.75
