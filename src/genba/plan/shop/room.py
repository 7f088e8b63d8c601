"""What the search for a move writes in, and how the best of many is kept."""

from typing import NamedTuple

import numpy as np

from genba.jit import inlined
from genba.plan.shop.draw import below
from genba.plan.shop.shop import Ints, Rows

LONGEST = 1 << 62
REACH = 96
"""Longest stretch of a machine's sequence that one move turns round."""

FOUND, ROW, TO, AT, MODE, VALUE, OTHER, BACK = range(8)
"""A move: how many are equally good (0: none), the row, the machine and position it goes to, its
mode (-1: it stays on its machine), the estimated makespan; where two change places, the other row
(else 0) and its new mode."""


class Room(NamedTuple):
    """What the search for a move writes in."""

    path: Rows
    """(operations,): a critical path."""
    stretch: Rows
    """(REACH + 2,): a stretch of a machine in its new order."""
    heads: Ints
    """(REACH + 2,)"""
    until: Ints
    """(2**k,): iteration up to which what hashes to here is tabu."""
    allowed: Ints
    """(8,): the best move that is allowed."""
    banned: Ints
    """(8,): some move that is tabu, for when there is no other."""
    rng: Ints
    """(1,)"""


def room_of(operations: int, rng: Ints, bits: int = 16) -> Room:
    """Make room for a shop's search."""
    return Room(
        path=np.zeros(operations, np.int32),
        stretch=np.zeros(REACH + 2, np.int32),
        heads=np.zeros(REACH + 2, np.int64),
        until=np.full(1 << bits, -1, np.int64),
        allowed=np.zeros(8, np.int64),
        banned=np.zeros(8, np.int64),
        rng=rng,
    )


@inlined
def consider(
    room: Room,
    tabu: bool,
    value: int,
    row: int,
    to: int,
    at: int,
    mode: int,
    other: int,
    back: int,
) -> None:
    """Keep a move if it is the best so far; among equals, and among tabu moves, one by lot."""
    kept = room.banned if tabu else room.allowed
    if not tabu and value < kept[VALUE]:
        kept[FOUND] = 0
    elif not tabu and value > kept[VALUE]:
        return
    kept[FOUND] += 1
    if kept[FOUND] == 1 or below(room.rng, kept[FOUND]) == 0:
        kept[ROW] = row
        kept[TO] = to
        kept[AT] = at
        kept[MODE] = mode
        kept[VALUE] = value
        kept[OTHER] = other
        kept[BACK] = back
