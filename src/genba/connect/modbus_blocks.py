"""Group Modbus addresses into as few reads as possible."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from genba.connect.modbus_address import Address, Table
from genba.plant import Signal


@dataclass(frozen=True, slots=True)
class Item:
    """A signal and where it lies."""

    signal: Signal
    address: Address


@dataclass(frozen=True, slots=True)
class Block:
    """One read request: ``count`` entries of ``table`` from ``start``, and what lies in them."""

    table: Table
    start: int
    count: int
    items: tuple[Item, ...]


Cut = tuple[Table, int]
"""A number at which a new read must begin, because the device refused a longer one."""


def plan_blocks(items: Iterable[Item], most_gap: int, cuts: Collection[Cut] = ()) -> list[Block]:
    """Join neighbours that are at most ``most_gap`` entries apart, within a request's length.

    Going along the numbers and joining as long as possible gives the fewest reads.
    """
    blocks: list[Block] = []
    run: list[Item] = []
    for item in sorted(items, key=lambda i: (i.address.table, i.address.number, i.address.end)):
        if run and not _joins(run, item, most_gap, cuts):
            blocks.append(_block(run))
            run = []
        run.append(item)
    if run:
        blocks.append(_block(run))
    return blocks


def cuts_for(block: Block) -> set[Cut]:
    """Return where to divide a block that a device refused; nothing for one that cannot be divided.

    Gaps go first, since a device may have no registers there; then the block is halved, so that a
    single wrong address is found in a few polls and spares its neighbours.
    """
    seams: list[tuple[int, int]] = []
    reached = block.items[0].address.end
    for item in block.items[1:]:
        gap = item.address.number - reached
        if gap >= 0:
            seams.append((gap, item.address.number))
        reached = max(reached, item.address.end)
    gaps = {(block.table, start) for gap, start in seams if gap}
    middle = seams[len(seams) // 2 :][:1]
    return gaps or {(block.table, start) for _, start in middle}


def _joins(run: list[Item], item: Item, most_gap: int, cuts: Collection[Cut]) -> bool:
    first, address = run[0].address, item.address
    if address.table is not first.table or (address.table, address.number) in cuts:
        return False
    end = max(i.address.end for i in run)
    length = max(end, address.end) - first.number
    return address.number - end <= most_gap and length <= address.table.most_per_read


def _block(run: list[Item]) -> Block:
    start = run[0].address.number
    end = max(item.address.end for item in run)
    return Block(run[0].address.table, start, end - start, tuple(run))
