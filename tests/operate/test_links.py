"""A driver may raise anything: its supervision goes on, and so does everybody else's."""

import asyncio
from typing import Any

import pytest
from tests.operate.devices import MemoryDriver, plant

from genba.operate.links import Links
from genba.plant import Health, VirtualClock


class Wild(MemoryDriver):
    """Somebody's driver, with faults."""

    def __init__(self) -> None:
        super().__init__(VirtualClock(0))
        self.faults: set[str] = set()
        self.connects = 0
        self.closed = False

    async def connect(self) -> None:
        self.connects += 1
        if "connect" in self.faults:
            raise RuntimeError("not thought of")
        await super().connect()

    def health(self) -> Health:
        if "health" in self.faults:
            raise KeyError("link")
        return super().health()

    async def close(self) -> None:
        self.closed = True
        if "close" in self.faults:
            raise ValueError("closed twice")


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, bool, str]] = []

    def __call__(self, name: str, up: bool, health: Health) -> None:
        self.events.append((name, up, health.error))


def links(told: Told, **drivers: Wild) -> Links:
    return Links(plant(), drivers, VirtualClock(0), lambda _: None, told)


async def test_connecting_is_tried_again_whatever_the_driver_raises(eventually: Any) -> None:
    wild, told = Wild(), Told()
    wild.faults = {"connect"}
    watched = links(told, saw=wild)
    await watched.start(5.0)
    assert watched.alive() == []
    assert "RuntimeError('not thought of')" in watched.health()["saw"]["error"]
    wild.faults.clear()
    await eventually(lambda: watched.alive() == ["saw"])
    assert [(name, up) for name, up, _ in told.events] == [("saw", False), ("saw", True)]
    await watched.stop()
    assert wild.connects == 2


async def test_a_driver_that_cannot_say_how_it_does_is_down() -> None:
    wild, fine, told = Wild(), Wild(), Told()
    watched = links(told, saw=wild, mill=fine)
    await watched.start(5.0)
    assert watched.alive() == ["saw", "mill"]
    wild.faults = {"health"}
    assert watched.alive() == ["mill"]
    assert watched.health()["saw"]["link"] == "down"
    assert "KeyError('link')" in told.events[-1][2]
    wild.faults.clear()
    assert watched.alive() == ["saw", "mill"]
    await watched.stop()


@pytest.mark.parametrize("fault", ["close", "health"])
async def test_stopping_closes_all_whatever_one_of_them_raises(fault: str) -> None:
    wild, fine = Wild(), Wild()
    watched = links(Told(), saw=wild, mill=fine)
    await watched.start(5.0)
    wild.faults = {fault}
    async with asyncio.timeout(5.0):
        await watched.stop()
    assert wild.closed
    assert fine.closed
