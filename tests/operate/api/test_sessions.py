"""People come in with a password, see their sessions, and leave; whoever guesses must wait."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from tests.operate.api.running_plant import RunningPlant

from genba.operate.audit import Result, entries
from genba.operate.people import Identities, PersonRole

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 60
"""Who may ask what does not hang on what was made."""

PASSWORD = "a horse in the rain 7"


@pytest_asyncio.fixture(loop_scope="module")
async def anyone(plant: RunningPlant) -> AsyncIterator[httpx.AsyncClient]:
    async with plant.client(None) as client:
        yield client


def people(plant: RunningPlant, name: str, role: PersonRole = PersonRole.OPERATOR) -> Identities:
    identities: Identities = plant.app.state.identities
    identities.add_user(name, role, PASSWORD)
    return identities


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/login", json={"name": name, "password": password})


def bearer(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def test_a_person_comes_in_and_leaves(plant: RunningPlant, anyone) -> None:
    people(plant, "ana")
    first, second = [await log_in(anyone, "ana") for _ in range(2)]
    assert first.json()["role"] == "operator"
    assert first.json()["idle_s"] == 1800
    me = await anyone.get("/me", headers=bearer(first))
    assert me.json() == {"name": "ana", "role": "operator", "kind": "person", "scopes": None}
    listed = (await anyone.get("/me/sessions", headers=bearer(second))).json()
    assert [session["this"] for session in listed] == [False, True]
    gone = await anyone.delete(f"/me/sessions/{listed[0]['id']}", headers=bearer(second))
    assert gone.status_code == 204
    assert (await anyone.get("/me", headers=bearer(first))).status_code == 401
    assert (await anyone.post("/logout", headers=bearer(second))).status_code == 204
    refused = await anyone.get("/me", headers=bearer(second))
    assert refused.status_code == 401
    assert "session is over" in refused.json()["detail"]


async def test_nobody_ends_the_session_of_another(plant: RunningPlant, anyone) -> None:
    identities = people(plant, "bo")
    people(plant, "cleo", PersonRole.ADMIN)
    bo, cleo = await log_in(anyone, "bo"), await log_in(anyone, "cleo")
    (session,) = identities.sessions.of("bo")
    answer = await anyone.delete(f"/me/sessions/{session.id}", headers=bearer(cleo))
    assert answer.status_code == 404
    assert (await anyone.get("/me", headers=bearer(bo))).status_code == 200


async def test_unknown_names_are_answered_like_wrong_passwords(plant, anyone) -> None:
    people(plant, "dora")
    wrong, unknown = await log_in(anyone, "dora", "wrong"), await log_in(anyone, "nobody", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    told = list(entries(plant.core.audit.folder, action="login"))[-2:]
    assert [(one.actor, one.result) for one in told] == [
        ("dora", Result.REFUSED),
        ("unknown", Result.REFUSED),
    ]


async def test_whoever_guesses_must_wait(plant: RunningPlant, anyone) -> None:
    identities = people(plant, "eve")
    try:
        statuses = [(await log_in(anyone, "eve", f"guess {n}")).status_code for n in range(6)]
        assert statuses == [401] * 5 + [429]
        right = await log_in(anyone, "eve")
        assert right.status_code == 429
        assert 0 < int(right.headers["Retry-After"]) <= 30
        admin = {"Authorization": f"Bearer {plant.tokens['admin']}"}
        answer = await anyone.patch("/users/eve", json={"unlock": True}, headers=admin)
        assert answer.json()["wait_s"] == 0
        bearer(await log_in(anyone, "eve"))
    finally:
        with identities.attempts._file.changing() as rows:
            rows.clear()


async def test_one_changes_ones_own_password(plant: RunningPlant, anyone) -> None:
    people(plant, "finn")
    first, second = [await log_in(anyone, "finn") for _ in range(2)]
    change = {"old": "not mine", "new": "another horse, dry"}
    answer = await anyone.post("/me/password", json=change, headers=bearer(first))
    assert answer.status_code == 403
    change["old"], change["new"] = PASSWORD, "password1234"
    answer = await anyone.post("/me/password", json=change, headers=bearer(first))
    assert answer.status_code == 422
    change["new"] = "another horse, dry"
    answer = await anyone.post("/me/password", json=change, headers=bearer(first))
    assert answer.status_code == 204
    assert (await anyone.get("/me", headers=bearer(first))).status_code == 200
    assert (await anyone.get("/me", headers=bearer(second))).status_code == 401
    bearer(await log_in(anyone, "finn", "another horse, dry"))


async def test_an_admin_says_who_is_who(plant: RunningPlant) -> None:
    async with plant.client("admin") as client:
        new = {"name": "gil", "role": "viewer", "password": PASSWORD}
        assert (await client.post("/users", json=new)).status_code == 201
        assert (await client.post("/users", json=new)).status_code == 422
        session = bearer(await log_in(client, "gil"))
        changed = await client.patch("/users/gil", json={"role": "engineer"})
        assert changed.json()["role"] == "engineer"
        assert (await client.get("/me", headers=session)).json()["role"] == "engineer"
        await client.patch("/users/gil", json={"enabled": False})
        assert (await client.get("/me", headers=session)).status_code == 401
        assert (await log_in(client, "gil")).status_code == 401
        assert (await client.patch("/users/none", json={})).status_code == 404
        listed = {user["name"]: user for user in (await client.get("/users")).json()}
        assert listed["gil"]["enabled"] is False
        assert PASSWORD not in str(listed)


async def test_an_admin_gives_machines_tokens(plant: RunningPlant) -> None:
    async with plant.client("admin") as client:
        wanted = {"name": "scada", "role": "operator", "scopes": ["alarms", "read"]}
        token = (await client.post("/tokens", json=wanted)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/me", headers=headers)).json()["scopes"] == ["alarms", "read"]
        refused = await client.post("/proposals", headers=headers, json={})
        assert refused.json()["detail"] == (
            "this needs the scope propose; the token of 'scada' has alarms, read"
        )
        (shown,) = [t for t in (await client.get("/tokens")).json() if t["name"] == "scada"]
        assert shown["last_used"] is not None
        late = {"name": "late", "expires": "2020-01-01T00:00:00Z"}
        assert (await client.post("/tokens", json=late)).status_code == 422
        assert (await client.delete("/tokens/scada")).status_code == 204
        assert (await client.delete("/tokens/scada")).status_code == 404
        assert (await client.get("/me", headers=headers)).status_code == 401
