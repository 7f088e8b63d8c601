"""Orders count when they are signed, for this machine, and new."""

from pathlib import Path

import pytest
from tests.learn.edge import models
from tests.learn.edge.models import graph, release

from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.node import Node
from genba.learn.edge.order import Act, Order, obey, open_order, sign_order
from genba.learn.registry.history import What

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path, "cell", TRUST, lambda: 1, models.COLUMNS)


def test_an_order_arrives_as_it_was_given_with_its_release() -> None:
    order = Order("cell", 7, Act.RECEIVE, "a" * 64, "watch", "new", "ada", flips=0.2)
    assert open_order(sign_order(order, KEY, b"a\nrelease"), TRUST) == (
        order, KEY.public, b"a\nrelease",
    )  # fmt: skip


def test_a_release_is_received_activated_and_taken_back_by_orders(node: Node) -> None:
    content = release(KEY)
    told = obey(node, sign_order(Order("cell", 1, Act.RECEIVE), KEY, content), TRUST)
    assert told["error"] == ""
    address = told["address"]
    told = obey(node, sign_order(Order("cell", 2, Act.ACTIVATE, address), KEY), TRUST)
    assert (told["trial"], told["number"], told["revision"]) == (address, 2, node.revision)
    back = Order("cell", 3, Act.TAKE_BACK, address, "watch", "ada wants it")
    told = obey(node, sign_order(back, KEY), TRUST)
    assert told["trial"] is None
    assert node.taken_back == {"watch": "ada wants it"}


def test_a_release_that_does_not_pass_is_answered_with_the_reason(node: Node) -> None:
    bad = release(KEY, graph(twist=models.nan))
    told = obey(node, sign_order(Order("cell", 1, Act.RECEIVE), KEY, bad), TRUST)
    assert "make no sense" in told["error"]
    told = obey(node, sign_order(Order("cell", 2, Act.ACTIVATE, told["address"]), KEY), TRUST)
    assert "did not pass" in told["error"]


def undone(node: Node, message: bytes) -> str:
    told = obey(node, message, TRUST)
    assert "left undone" in told["error"]
    assert node.slots() == {}
    assert node.history.events()[-1].what is What.LEFT_UNDONE
    return str(told["error"])


def test_orders_of_strangers_of_others_and_of_before_are_left_undone(node: Node) -> None:
    order = Order("cell", 5, Act.TAKE_BACK, model="watch")
    assert "not signed" in undone(node, sign_order(order, ReleaseKey.generate()))
    message = sign_order(order, KEY)
    assert "not signed" in undone(node, message.replace(b'"cell"', b'"hall"', 1))
    assert "not signed" in undone(node, b"garbage")
    assert "came to cell" in undone(node, sign_order(Order("hall", 5, Act.ACTIVATE), KEY))
    assert obey(node, message, TRUST)["error"] == ""
    told = obey(node, message, TRUST)
    assert "came twice" in told["error"]
