"""Long lists as answers, written a little at a time: one long call would hold up the loop."""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from fastapi import Response
from pydantic import BaseModel

SLICE_S = 0.002
"""Wall seconds of writing after which others get their turn."""
T = TypeVar("T")


async def listed(items: Iterable[T], text: Callable[[T], str]) -> Response:
    """Answer with a JSON list.

    Parameters
    ----------
    items : iterable
        What to show. It must not change meanwhile: give a list of one's own.
    text : callable
        Writes one of them as JSON.
    """
    parts = []
    began = time.perf_counter()
    for item in items:
        parts.append(text(item))
        if time.perf_counter() - began > SLICE_S:
            await asyncio.sleep(0)
            began = time.perf_counter()
    return Response(f"[{','.join(parts)}]", media_type="application/json")


def written(shown: BaseModel) -> str:
    """Write a model as JSON, as answers show it."""
    return shown.model_dump_json(by_alias=True)


class Kept:
    """Texts of what never changes, so that each is written once however many ask.

    Parameters
    ----------
    most : int
        How many are kept; the oldest go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: dict[Hashable, str] = {}

    def text(self, key: Hashable, make: Callable[[], str]) -> str:
        """Return the text of ``key``; ``make`` is asked for it the first time."""
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = make()
            if len(self._texts) > self._most:
                del self._texts[next(iter(self._texts))]
        return found
