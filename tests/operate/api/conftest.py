"""One plant for all tests of a file; it has worked for two hours, or for the file's ``LIVED_S``."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.operate.api.running_plant import START, RunningPlant, running_plant

from genba.historian import GapLedger
from genba.plant import US, Gap, GapReason, Sample


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningPlant]:
    async with running_plant(tmp_path_factory.mktemp("plant")) as running:
        await running.live(getattr(request.module, "LIVED_S", 2 * 3600) - 5)
        lose_some(running)
        await running.live(5)
        yield running


def lose_some(running: RunningPlant) -> None:
    """Let a gap and a sample that does not fit be on record."""
    tell = GapLedger(
        lambda name, row: running.core.historian.append_rows(name, [row]), {"furnace.state": "f"}
    ).tell
    tell(Gap(("furnace.state",), START + US, START + 2 * US, GapReason.LINK))
    running.core.gate.intake([Sample("press-1.unheard", START, START, 1.0)])
