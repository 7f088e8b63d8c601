"""Every route asks who is calling, whatever routes there are; roles are enough or not."""

import inspect
import re
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from tests.operate.api.running_plant import RunningPlant

from genba.operate.identity import PersonRole

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 60
"""Who may ask what does not hang on what was made."""

WRONG = (
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer genba_00000000_AAAA"},
    {"Authorization": "Basic YWRtaW46YWRtaW4="},
    {"Authorization": "Bearer \u00fc\u00f1".encode("latin-1")},
    {"X-Forwarded-User": "admin"},
    {"Cookie": "token=admin"},
)


def routes_of(plant: RunningPlant) -> Iterator[tuple[str, str]]:
    """Method and path of everything that the app answers; parameters are filled in."""
    for route in iter_route_contexts(plant.app.routes):
        for method in sorted(route.methods or ()):
            yield method, re.sub(r"\{[^}]*\}", "press-1", route.path)


async def test_every_route_refuses_whoever_has_no_token(plant: RunningPlant) -> None:
    routes = list(routes_of(plant))
    assert len(routes) >= 26
    assert ("GET", "/api/v1/openapi.json") in routes
    async with plant.client(None) as client:
        for method, path in routes:
            if path == "/api/v1/login":
                continue
            for headers in WRONG:
                answer = await client.request(method, f"http://genba{path}", headers=headers)
                assert answer.status_code == 401, (method, path, headers)
                assert "token" in answer.json()["detail"]
                assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_only_the_loop_itself_looks_into_the_core(plant: RunningPlant) -> None:
    """A route that is no coroutine runs in a thread, where the core's tables change under it."""
    unchanging = ("/api/v1/plant", "/api/v1/openapi.json")
    threaded = {
        route.path
        for route in iter_route_contexts(plant.app.routes)
        if not inspect.iscoroutinefunction(route.endpoint)
    }
    assert threaded
    assert all(path.startswith(unchanging) for path in threaded), threaded


async def test_nothing_but_the_routes_answers(plant: RunningPlant) -> None:
    """The pages that FastAPI brings along would answer without an identity."""
    async with plant.client(None) as client:
        for path in ("/", "/docs", "/redoc", "/openapi.json", "/api/v1", "/api/v1/plant/../../x"):
            answer = await client.get(f"http://genba{path}")
            assert answer.status_code == 404, path
            assert "openapi.json describes what there is" in answer.json()["detail"]


async def test_every_role_may_look_and_the_token_says_who_it_is(plant: RunningPlant) -> None:
    for role in PersonRole:
        assert await plant.ask("/me", role) == {
            "name": role,
            "role": role,
            "kind": "service",
            "scopes": None,
        }


async def test_a_viewer_may_not_propose_or_approve(plant: RunningPlant) -> None:
    wanted = {
        "equipment": "press-1",
        "writes": [{"signal": "press-1.hold_pressure", "value": 50, "unit": "MPa"}],
        "reason": "because",
    }
    decided = sum(plant.core.guard.counts.values())
    async with plant.client("viewer") as client:
        for route in ("/proposals", "/proposals/some-id/approve"):
            answer = await client.post(route, json=wanted)
            assert answer.status_code == 403
            assert answer.json()["detail"] == "this needs the role operator; 'viewer' has viewer"
    assert sum(plant.core.guard.counts.values()) == decided
