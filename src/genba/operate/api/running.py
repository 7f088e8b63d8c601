"""The core behind a request."""

from typing import Annotated

from fastapi import Depends, Request

from genba.operate.runtime import Core


async def _core(request: Request) -> Core:
    core: Core = request.app.state.core
    return core


TheCore = Annotated[Core, Depends(_core)]
"""For routes: the running core. Only routes on the event loop (``async def``) may look into it."""
