"""What comes in over the API is on the audit log before it is answered; nothing can forget it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.operate.api.running_plant import RunningPlant

from genba.operate.api.matrix import rules_of
from genba.operate.api.repeats import ALL, EACH, WINDOW_S, Repeats
from genba.operate.audit import Entry, Result, entries, verify
from genba.operate.people import PersonRole

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 60
"""Who may ask what does not hang on what was made."""

WANTED = {
    "equipment": "press-1",
    "writes": [{"signal": "press-1.cooling_time", "value": 18, "unit": "s"}],
    "reason": "parts stick",
}


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Put a file where the folder of the log should be."""
    aside = folder.with_name("audit-aside")
    folder.rename(aside)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def newest(plant: RunningPlant) -> Entry:
    return list(entries(plant.core.audit.folder))[-1]


async def test_a_proposal_says_who_what_where_and_what_came_of_it(plant: RunningPlant) -> None:
    async with plant.client("operator") as client:
        verdict = (await client.post("/proposals", json=WANTED)).json()
    entry = newest(plant)
    assert (entry.actor, entry.role, entry.result) == ("operator", "operator", Result.DONE)
    assert entry.action == "POST /proposals"
    assert entry.target == verdict["proposal"]
    assert entry.detail["decision"] == verdict["decision"]
    assert entry.origin == "api 127.0.0.1"
    assert entry.plant_time.startswith("2026-01-05T06:01:00")


@pytest.mark.parametrize("name", ["users", "a/b"])
async def test_no_name_hides_what_was_done_to_it(plant: RunningPlant, name: str) -> None:
    plant.app.state.identities.add_user(name, PersonRole.VIEWER, "a horse in the rain 7")
    async with plant.client("admin") as client:
        path = f"/users/{quote(name, safe='')}"
        answer = await client.patch(path, json={"enabled": False})
    assert answer.status_code == 200, answer.text
    entry = newest(plant)
    assert (entry.action, entry.target) == ("PATCH /users/{name}", f"/users/{name}")


async def test_every_route_that_changes_something_leaves_an_entry(plant: RunningPlant) -> None:
    """Whatever routes there are, and whatever comes of the request."""
    asked = 0
    async with plant.client("admin") as client:
        for rule in rules_of(plant.app):
            if rule.method == "GET":
                continue
            before = newest(plant).number
            path = rule.path.replace("{", "").replace("}", "")
            await client.request(rule.method, f"http://genba{path}", content=b"{}")
            entry = newest(plant)
            assert entry.number == before + 1, rule
            assert entry.actor in ("admin", "unknown"), rule
            asked += 1
    assert asked >= 9


async def test_what_is_refused_is_told_and_what_is_looked_at_is_not(plant: RunningPlant) -> None:
    async with plant.client("viewer") as client:
        before = newest(plant).number
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/plant/signals/none")).status_code == 404
        assert newest(plant).number == before
        assert (await client.get("/audit")).status_code == 403
        assert newest(plant).result is Result.REFUSED
        assert (newest(plant).actor, newest(plant).action) == ("viewer", "GET /audit")
        await client.get("/events", params={"format": "csv", "kind": "state"})
        assert newest(plant).action == "export"
        assert newest(plant).target == "/events"
        assert newest(plant).detail["query"] == "format=csv&kind=state"


async def test_the_log_itself_is_shown_to_admins(plant: RunningPlant) -> None:
    first = await plant.ask("/audit", "admin", limit=2)
    assert [row["number"] for row in first["rows"]] == [1, 2]
    assert first["next"] == 2
    more = await plant.ask("/audit", "admin", after=2, actor="admin", action="GET")
    assert all(row["number"] > 2 and row["actor"] == "admin" for row in more["rows"])
    said = await plant.ask("/audit/verify", "admin")
    assert said["sound"]
    assert said["entries"] == verify(plant.core.audit.folder).entries


async def test_no_secret_is_on_the_log(plant: RunningPlant) -> None:
    async with plant.client("admin") as client:
        secret = "the secret horse 99"
        await client.post("/users", json={"name": "hal", "role": "viewer", "password": secret})
        await client.post("/login", json={"name": secret, "password": secret})
        opened = await client.post("/login", json={"name": "hal", "password": secret})
        token = opened.json()["token"]
        await client.post("/me/password", json={"old": secret, "new": secret + "!"})
    written = b"".join(path.read_bytes() for path in plant.core.audit.folder.glob("audit-*"))
    assert b"hal" in written
    for text in (secret, token, *plant.tokens.values()):
        assert text.encode() not in written


async def test_admins_wait_for_the_log_and_operators_need_not(plant: RunningPlant) -> None:
    """While it cannot be written, what engineers and admins change is refused, and not lost."""
    folder: Path = plant.core.audit.folder
    with unwritable(folder):
        async with plant.client("admin") as client, plant.client("operator") as operator:
            done = await operator.post("/proposals", json=WANTED)
            assert done.status_code == 201
            refused = await client.post("/tokens", json={"name": "unseen"})
            assert refused.status_code == 503
            assert "may not be done unseen" in refused.json()["detail"]
            assert (await client.get("/health")).json()["status"] == "degraded"
    async with plant.client("admin") as client:
        await client.post("/logout")
        assert (await client.post("/tokens", json={"name": "seen"})).status_code == 201
    assert done.json()["proposal"] in [entry.target for entry in entries(folder)]
    assert verify(folder).sound


async def test_whoever_is_refused_over_and_over_does_not_fill_the_log(plant: RunningPlant) -> None:
    async with plant.client(None) as client:
        before = newest(plant).number
        for _ in range(50):
            await client.get("/kpis", headers={"Authorization": "Bearer genba_1_2"})
    assert newest(plant).number - before <= EACH


async def test_what_went_untold_is_counted() -> None:
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    assert [repeats.count("x") for _ in range(EACH + 3)] == [0] * EACH + [None] * 3
    now[0] += WINDOW_S
    assert repeats.count("x") == 3
    assert repeats.count("x") == 0
    told = [repeats.count(f"from {n}") for n in range(2 * ALL)]
    assert sum(one is not None for one in told) == ALL - 2
