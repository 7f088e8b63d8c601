"""End a background task for certain."""

import asyncio
from typing import Any

_AGAIN_S = 0.1


async def end_task(task: asyncio.Task[Any] | None) -> None:
    """Cancel ``task`` until it has ended, and swallow how it ended.

    Once is not enough: up to Python 3.11 `asyncio.wait_for` takes a cancellation for itself when
    what it waits for is done in the same instant, and the task goes on.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_S)
    if task is not None and not task.cancelled():
        task.exception()
