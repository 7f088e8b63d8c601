"""A task that swallows a cancellation ends all the same."""

import asyncio
import contextlib

from genba.connect.ending import end_task


async def test_a_task_that_swallows_a_cancellation_is_ended() -> None:
    swallowed = []

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        swallowed.append(True)
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_task(task), 5)
    assert task.cancelled()
    assert swallowed


async def test_ended_failed_and_missing_tasks_are_fine() -> None:
    async def fail() -> None:
        raise OSError

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    await end_task(task)
    await end_task(None)
