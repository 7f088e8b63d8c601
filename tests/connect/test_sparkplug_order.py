"""Messages of a node come out in its order, each once, or a rebirth is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.connect.sparkplug_order import InOrder, Rebirth


@given(
    start=st.integers(0, 255), order=st.permutations(range(20)), lost=st.sets(st.integers(0, 19))
)
def test_whatever_is_swapped_comes_out_in_order_and_once(
    start: int, order: list[int], lost: set[int]
) -> None:
    line: InOrder[int] = InOrder()
    line.begin(start)
    out: list[int] = []
    for number in order:
        if number not in lost:
            out += line.take((start + 1 + number) % 256, number)
    while line.waiting:
        late, missing = line.give_up()
        assert missing
        out += late
    assert out == [number for number in range(20) if number not in lost]


def test_nothing_is_taken_before_a_birth_or_twice() -> None:
    line: InOrder[str] = InOrder()
    with pytest.raises(Rebirth, match="before the birth"):
        line.take(1, "a")
    line.begin(255)
    assert line.take(0, "a") == ["a"]
    with pytest.raises(Rebirth, match="message 0 came where 1 was due"):
        line.take(0, "a")
    assert line.gaps == 1
    assert line.give_up() == ([], "")
