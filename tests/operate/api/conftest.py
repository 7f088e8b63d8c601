"""One plant that has worked for two hours, for all tests of a file that only look at it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.operate.api.running_plant import RunningPlant, running_plant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningPlant]:
    async with running_plant(tmp_path_factory.mktemp("plant")) as running:
        await running.live(2 * 3600)
        yield running
