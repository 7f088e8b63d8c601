"""What is encoded decodes to itself; blocks hold every item once, within a request's length."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.connect.conversion import to_device
from genba.connect.modbus_address import decode, encode, parse_address
from genba.connect.modbus_blocks import Item, cuts_for, plan_blocks
from genba.errors import WrongType
from genba.plant import Signal

INTEGERS = {"int16": 15, "uint16": 16, "int32": 31, "uint32": 32, "int64": 63, "uint64": 64}
orders = st.sampled_from(["big", "little"])


def signal(address: str, **fields: Any) -> Signal:
    return Signal.model_validate(
        {"id": "m.x", "equipment": "m", "connection": "m", "address": address, **fields}
    )


@given(data=st.data(), name=st.sampled_from(sorted(INTEGERS)), order=orders)
def test_integers_survive(data: st.DataObject, name: str, order: Any) -> None:
    bits = INTEGERS[name]
    low = -(2**bits) if name.startswith("int") else 0
    value = data.draw(st.integers(low, 2**bits - 1))
    target = signal(f"holding:0:{name}", type="int")
    address = parse_address(target)
    words = encode(target, address, value, order)
    assert len(words) == address.count
    assert decode(address, words, order) == value


def test_a_large_value_between_two_steps_is_refused_like_a_small_one() -> None:
    """What is left after undoing the scale is compared with the step, not with the value."""
    for target in (signal("holding:0:int32", scale=0.1), signal("holding:0:int64", scale=0.1)):
        address = parse_address(target)
        for value in (0.3, 60_000.1, 123_456_789.1):
            steps = to_device(target, value)
            assert decode(address, encode(target, address, steps, "big"), "big") == round(
                value * 10
            )
        for value in (0.35, 60_000.15, 123_456_789.15):
            with pytest.raises(WrongType, match=r"the device takes steps of 0\.1"):
                encode(target, address, to_device(target, value), "big")


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), order=orders)
def test_short_floats_survive_as_their_shortest_decimal(value: float, order: Any) -> None:
    target = signal("holding:0:float32")
    address = parse_address(target)
    read = decode(address, encode(target, address, value, order), order)
    assert isinstance(read, float)
    assert struct.pack(">f", read) == struct.pack(">f", value)
    assert len(repr(read)) <= len(repr(value))


@given(value=st.floats(allow_nan=False, allow_infinity=False), order=orders)
def test_long_floats_survive(value: float, order: Any) -> None:
    target = signal("holding:0:float64")
    address = parse_address(target)
    assert decode(address, encode(target, address, value, order), order) == value


@given(text=st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=16), order=orders)
def test_text_survives(text: str, order: Any) -> None:
    target = signal("holding:0:string8", type="string")
    address = parse_address(target)
    assert decode(address, encode(target, address, text, order), order) == text


@given(words=st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4), order=orders)
def test_any_registers_decode_without_crashing(words: list[int], order: Any) -> None:
    for name, count in {"float32": 2, "float64": 4, "int64": 4}.items():
        value = decode(parse_address(signal(f"holding:0:{name}")), words[:count], order)
        assert isinstance(value, int | float)
        assert not (isinstance(value, int) and math.isnan(value))


items = st.lists(
    st.builds(
        lambda table, number, name: f"{table}:{number}" + (f":{name}" if name else ""),
        st.sampled_from(["holding", "input"]),
        st.integers(0, 600),
        st.sampled_from(["", "int16", "float32", "float64", "string20"]),
    ),
    min_size=1,
    max_size=60,
    unique=True,
)


def _item(number: int, text: str) -> Item:
    kind = "string" if "string" in text else "float"
    target = signal(text, id=f"m.s{number}", type=kind)
    return Item(target, parse_address(target))


@given(texts=items, gap=st.integers(0, 40))
def test_blocks_hold_every_item_once_and_fit_a_request(texts: list[str], gap: int) -> None:
    wanted = [_item(n, text) for n, text in enumerate(texts)]
    blocks = plan_blocks(wanted, gap)
    held = [item for block in blocks for item in block.items]
    assert sorted(i.signal.id for i in held) == sorted(i.signal.id for i in wanted)
    for block in blocks:
        assert 1 <= block.count <= 125
        for item in block.items:
            assert block.table is item.address.table
            assert block.start <= item.address.number
            assert item.address.end <= block.start + block.count


@given(texts=items, gap=st.integers(0, 40))
def test_dividing_refused_blocks_ends(texts: list[str], gap: int) -> None:
    cuts: set[Any] = set()
    pending = plan_blocks([_item(n, text) for n, text in enumerate(texts)], gap)
    for _ in range(500):
        if not pending:
            return
        block = pending.pop()
        new = cuts_for(block) - cuts
        if new:
            cuts |= new
            pending += plan_blocks(block.items, gap, cuts)
    raise AssertionError("blocks are divided without end")
