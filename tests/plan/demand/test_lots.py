"""Orders become lots by the rule that is printed on the order papers."""

from hypothesis import given
from hypothesis import strategies as st

from genba.plan import split_order
from genba.plant import Alternative, Operation, Order, Product


def product(lot_size: int) -> Product:
    step = Operation(id="cut", alternatives=(Alternative(equipment="saw", cycle_s=1.0),))
    return Product(id="P", lot_size=lot_size, routing=(step,))


def order(quantity: int) -> Order:
    return Order(
        id="O-7", product="P", quantity=quantity,
        release="2026-01-05T06:00:00Z", due="2026-01-05T14:00:00Z",
    )  # fmt: skip


def test_the_first_lots_hold_one_part_more() -> None:
    assert split_order(order(50), product(20)) == [
        ("O-7-01", 17),
        ("O-7-02", 17),
        ("O-7-03", 16),
    ]


@given(st.integers(1, 500), st.integers(1, 60))
def test_no_part_is_lost_and_no_lot_is_too_large(quantity: int, lot_size: int) -> None:
    sizes = [size for _, size in split_order(order(quantity), product(lot_size))]
    assert sum(sizes) == quantity
    assert len(sizes) == -(-quantity // lot_size)
    assert max(sizes) <= lot_size
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)
