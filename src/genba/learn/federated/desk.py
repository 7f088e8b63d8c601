"""Where the hub lays out questions for sites, and gathers what they answer in time."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from genba.errors import Refused
from genba.learn.federated.message import Message
from genba.learn.federated.total import NoSum

PRESENT_S = 12.0
"""A site that was not heard of for so long (wall seconds) is not waited for at a new sum."""


@dataclass(slots=True)
class _Place:
    """What lies there for one site."""

    number: int = 0
    content: bytes = b""
    waiting: bool = False
    answer: Message | None = None
    failed: bool = False
    heard: float | None = None
    sent: int = 0
    received: int = 0


class Desk:
    """Questions and answers of all sites; safe between threads.

    Parameters
    ----------
    sites : collection of str
        Who takes part; nobody else gets a place.
    first : int
        Numbers of questions are greater, and only count up, also over restarts.
    """

    def __init__(self, sites: Collection[str], first: int) -> None:
        self._places = {site: _Place() for site in sites}
        self._number = first
        self._noted: Callable[[str, str], None] = lambda site, why: None
        self._change = threading.Condition()
        self.closed = False

    def heard_of(self, noted: Callable[[str, str], None]) -> None:
        """Let somebody hear what a site could not or would not do: the site, and why."""
        self._noted = noted

    # -- the hub's side -----------------------------------------------------------------------

    def ask(self, told: Mapping[str, Message], wait_s: float) -> dict[str, Message]:
        """Lay out a question for each site, and return the answers that came in time."""
        packed: dict[int, bytes] = {}
        with self._change:
            self._number += 1
            for site, message in told.items():
                content = packed.setdefault(id(message), b"") or message.pack()
                packed[id(message)] = content
                place = self._places[site]
                place.number, place.content = self._number, content
                place.waiting, place.answer, place.failed = True, None, False
            self._change.notify_all()
            places = {site: self._places[site] for site in told}
            self._change.wait_for(
                lambda: self.closed or all(p.answer or p.failed for p in places.values()), wait_s
            )
            for place in places.values():
                place.waiting = False
            for site, place in places.items():
                if place.answer is None and not place.failed:
                    self._noted(site, f"gave no answer within {wait_s:g} s")
                    place.heard = None
            return {site: place.answer for site, place in places.items() if place.answer}

    def present(self) -> list[str]:
        """Return the sites that are there."""
        now = time.monotonic()
        with self._change:
            return sorted(
                site
                for site, place in self._places.items()
                if place.heard is not None and now - place.heard < PRESENT_S
            )

    def gather(self, least: int, wait_s: float) -> list[str]:
        """Wait until so many sites are there, and return who is.

        Raises
        ------
        NoSum
            If they do not come.
        """
        end = time.monotonic() + wait_s
        while len(found := self.present()) < least:
            with self._change:
                if self.closed or time.monotonic() > end:
                    raise NoSum(
                        f"{len(found)} of {len(self._places)} sites came within {wait_s:g} s, and "
                        f"it takes {least}; start the others, and begin again: sums that were "
                        "made are kept"
                    )
                self._change.wait(0.2)
        return found

    def bytes_moved(self) -> tuple[int, int]:
        """Return how many bytes went to sites and came from them."""
        with self._change:
            places = self._places.values()
            return sum(p.sent for p in places), sum(p.received for p in places)

    def close(self) -> None:
        """Ask nothing any more."""
        with self._change:
            self.closed = True
            self._change.notify_all()

    # -- a site's side ------------------------------------------------------------------------

    def hello(self, site: str) -> None:
        """Note that a site is there."""
        with self._change:
            self._places[site].heard = time.monotonic()
            self._change.notify_all()

    def next(self, site: str, after: int, wait_s: float) -> tuple[int, bytes] | None:
        """Return the question that waits for a site and is newer than one; None if none comes."""
        place = self._places[site]

        def ready() -> bool:
            return self.closed or (place.waiting and place.number > after and not place.answer)

        with self._change:
            place.heard = time.monotonic()
            self._change.notify_all()
            self._change.wait_for(ready, wait_s)
            place.heard = time.monotonic()
            if self.closed or not ready():
                return None
            place.sent += len(place.content)
            return place.number, place.content

    def answer(self, site: str, number: int, content: bytes) -> None:
        """Take an answer.

        Raises
        ------
        Refused
            If this question does not wait for this site's answer (any more).
        LearnError
            If it is no message.
        """
        message = Message.unpack(content)
        with self._change:
            place = self._open(site, number)
            place.received += len(content)
            place.answer, place.heard = message, time.monotonic()
            self._change.notify_all()

    def trouble(self, site: str, number: int, why: str) -> None:
        """Take note that a site will not answer, and why.

        Raises
        ------
        Refused
            As with :meth:`answer`.
        """
        with self._change:
            place = self._open(site, number)
            place.failed, place.heard = True, time.monotonic()
            self._change.notify_all()
        self._noted(site, why)

    def _open(self, site: str, number: int) -> _Place:
        place = self._places[site]
        if place.number != number or not place.waiting or place.answer or place.failed:
            raise Refused(
                f"question {number} waits for no answer of '{site}': it was answered before, or "
                "the sum went on without it"
            )
        return place
