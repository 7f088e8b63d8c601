"""The reference plant, stepped in process, with a core on it and the API on that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from genba.operate.api.app import create_app
from genba.operate.api.rates import Rate
from genba.operate.identity import Identities, PersonRole
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, AutonomyRule, VirtualClock, parse_time
from genba.testbed import InProcessDriver, PlantSimulation, load_testbed, reference_files

START = parse_time("2026-01-05T06:00:00Z")
TICK_US = 5 * US
UNBOUNDED = Rate(per_s=1e9, burst=1e9)
"""Tests ask faster than any client may."""


@dataclass
class RunningPlant:
    """A plant whose time stands still unless :meth:`live` is awaited."""

    core: Core
    simulation: PlantSimulation
    clock: VirtualClock
    app: FastAPI
    tokens: dict[str, str]

    async def live(self, seconds: float) -> None:
        """Let plant and core step together; all of it is recorded when this returns."""
        until = self.clock.now() + round(seconds * US)
        while self.clock.now() < until:
            self.clock.set(self.clock.now() + TICK_US)
            self.simulation.advance(self.clock.now())
            self.simulation.deliver()
            await self.core.step(self.clock.now())
        await self.core.recorded()

    def client(self, role: str | None = "viewer") -> httpx.AsyncClient:
        """A client that holds a token of a role, or none, on the app itself."""
        return httpx.AsyncClient(
            # An error inside is to fail the test, not to become status 500.
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=True),
            base_url="http://genba/api/v1",
            headers={"Authorization": f"Bearer {self.tokens[role]}"} if role else {},
        )

    async def ask(self, route: str, role: str = "viewer", **query: Any) -> Any:
        """Return the JSON of an answer that must be 200."""
        async with self.client(role) as client:
            answer = await client.get(route, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def running_plant(folder: Path, *rules: AutonomyRule) -> AsyncIterator[RunningPlant]:
    """Start a core on the reference plant; ``rules`` come after those of the plant file."""
    plant, physics = load_testbed(*reference_files())
    plant = plant.model_copy(update={"tick_s": TICK_US / US, "autonomy": (*plant.autonomy, *rules)})
    clock = VirtualClock(START)
    simulation = PlantSimulation(plant, physics, seed=1, start=START, conventional=False)
    drivers = {
        connection.id: InProcessDriver(
            simulation,
            clock,
            [s for s in plant.signals.values() if s.connection == connection.id],
        )
        for connection in plant.connections
    }
    state = StateFolder(folder / "state")
    core = Core(plant, state, clock, drivers=drivers, judges=(), planners=())
    identities = Identities(state.secrets)
    tokens = {str(role): identities.create(str(role), role) for role in PersonRole}
    await core.start()
    try:
        yield RunningPlant(core, simulation, clock, create_app(core, identities, UNBOUNDED), tokens)
    finally:
        await core.stop()
