"""Orders to the plant's own core lie in a folder until they are obeyed, once."""

from pathlib import Path

import pytest
from tests.learn.edge import models
from tests.learn.edge.models import release

from genba.learn.edge.bundle import address_of
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.mailbox import CORE, KEPT, Mailbox
from genba.learn.edge.node import Node, slots_in
from genba.learn.edge.order import Act, Order

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
GOOD = release(KEY)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path, CORE, TRUST, lambda: 1, models.COLUMNS)


def test_orders_wait_and_are_obeyed_in_the_order_of_their_numbers(
    node: Node, tmp_path: Path
) -> None:
    box, address = Mailbox(tmp_path), address_of(GOOD)
    box.post(Order(CORE, 8, Act.ACTIVATE, address, "watch"), KEY)
    box.post(Order(CORE, 7, Act.RECEIVE, address, "watch"), KEY, GOOD)
    assert box.waiting()
    assert box.reply(7) is None
    while box.obey_next(node, TRUST):
        pass
    assert not box.waiting()
    told = box.reply(8)
    assert told is not None
    assert (told["trial"], told["error"]) == (address, "")
    assert slots_in(tmp_path)["watch"].trial == address


def test_what_is_no_order_is_answered_and_does_not_hold_up_the_next(
    node: Node, tmp_path: Path
) -> None:
    box = Mailbox(tmp_path)
    box.post(Order(CORE, 1, Act.TAKE_BACK, model="watch"), ReleaseKey.generate())
    box.post(Order(CORE, 2, Act.RECEIVE), KEY, GOOD)
    while box.obey_next(node, TRUST):
        pass
    stranger, ours = box.reply(1), box.reply(2)
    assert stranger is not None
    assert ours is not None
    assert "not signed" in stranger["error"]
    assert ours["error"] == ""


def test_old_replies_go(node: Node, tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    for number in range(KEPT + 3):
        box.post(Order(CORE, number, Act.TAKE_BACK, model="watch"), KEY)
        assert box.obey_next(node, TRUST)
    assert box.reply(2) is None
    assert box.reply(3) is not None
