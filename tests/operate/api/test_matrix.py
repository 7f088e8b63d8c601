"""Role times action: each route lets in whom its declaration says, and nobody else."""

import datetime as dt
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.operate.api.running_plant import RunningPlant

from genba.operate.api.access import Access, Viewer
from genba.operate.api.matrix import BEGIN, END, Rule, Undeclared, rules_of, table_of
from genba.operate.people import Identities, Kind, PersonRole, Scope

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 60
"""Who may ask what does not hang on what was made."""

PAGE = Path(__file__).parents[3] / "docs/security.md"
LONG_AGO = 13 * 3600.0


def identities_of(plant: RunningPlant) -> Identities:
    identities: Identities = plant.app.state.identities
    return identities


@pytest.fixture(scope="module")
def callers(plant: RunningPlant) -> dict[str, tuple[str, PersonRole | None, Scope | None]]:
    """Tokens by what they are: a role, one scope, or something that must never do."""
    identities = identities_of(plant)
    found: dict[str, tuple[str, PersonRole | None, Scope | None]] = {}
    for role in PersonRole:
        found[f"token of {role}"] = (plant.tokens[role], role, None)
        name = f"person-{role}"
        identities.add_user(name, role, "a horse in the rain 7")
        found[f"session of {role}"] = (identities.sessions.open(name, "test")[0], role, None)
    for scope in Scope:
        token = identities.create(f"only-{scope}", PersonRole.ADMIN, frozenset({scope}))
        found[f"scope {scope}"] = (token, PersonRole.ADMIN, scope)
    for what, token in worthless(identities).items():
        found[what] = (token, None, None)
    return found


def worthless(identities: Identities) -> dict[str, str]:
    """Tokens that were good once, or never."""
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=1)
    expired = identities.create("expired", PersonRole.ADMIN, expires=soon)
    revoked = identities.create("revoked", PersonRole.ADMIN)
    identities.revoke("revoked")
    identities.add_user("disabled", PersonRole.ADMIN, "a horse in the rain 7")
    disabled, _ = identities.sessions.open("disabled", "test")
    identities.change_user("disabled", enabled=False)
    identities.add_user("gone", PersonRole.ADMIN, "a horse in the rain 7")
    over, session = identities.sessions.open("gone", "test")
    identities.sessions.end(session.id, "gone")
    identities.add_user("late", PersonRole.ADMIN, "a horse in the rain 7")
    late, _ = identities.sessions.open("late", "test")
    with identities.sessions._file.changing() as rows:
        for key, row in rows.items():
            if row.user == "late":
                rows[key] = type(row)(
                    row.id,
                    row.user,
                    row.digest,
                    row.created - LONG_AGO,
                    row.expires - LONG_AGO,
                    row.origin,
                )
    return {
        "garbage": "genba_00000000_" + "A" * 43,
        "no token at all": "",
        "expired token": expired,
        "revoked token": revoked,
        "session of a disabled user": disabled,
        "session that was ended": over,
        "session that is too old": late,
    }


def allowed(rule: Rule, role: PersonRole | None, scope: Scope | None) -> bool:
    if rule.access is None:
        return True
    if role is None or not role.covers(rule.access.role):
        return False
    return scope in (None, rule.access.scope)


async def test_each_route_lets_in_whom_it_says(plant: RunningPlant, callers) -> None:
    """Every route, with every kind of caller: 401 for nobody, 403 for too little, else neither."""
    rules = list(rules_of(plant.app))
    asked = 0
    async with plant.client(None) as client:
        for rule in rules:
            path = re.sub(r"\{[^}]*\}", "no-such-thing", rule.path)
            for what, (token, role, scope) in callers.items():
                if path.endswith(("/stream", "/logout")) and allowed(rule, role, scope):
                    continue  # one has no end, the other ends the session that the test holds
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                answer = await client.request(
                    rule.method, f"http://genba{path}", headers=headers, content=b"{}"
                )
                asked += 1
                said = (rule.method, rule.path, what, answer.status_code, answer.text)
                if allowed(rule, role, scope):
                    assert answer.status_code != 401, said
                    assert answer.status_code != 403 or role_suffices(answer.json()), said
                else:
                    assert answer.status_code == (401 if role is None else 403), said
    assert asked > 20 * len(rules) - 30
    assert len(rules) >= 35


def role_suffices(told: dict[str, str]) -> bool:
    """Whether a refusal is about something else than role and scope."""
    return not told["detail"].startswith(("this needs the role", "this needs the scope"))


async def test_the_first_and_the_last_role_differ(plant: RunningPlant) -> None:
    """The matrix is no formality: some routes are for admins, and only /login is for all."""
    rules = list(rules_of(plant.app))
    assert [rule.path for rule in rules if rule.access is None] == ["/api/v1/login"]
    admin = {rule.path for rule in rules if rule.access and rule.access.role == PersonRole.ADMIN}
    assert {"/api/v1/audit", "/api/v1/users", "/api/v1/tokens"} <= admin
    for rule in rules:
        if rule.method != "GET" and rule.access is not None and "/me" not in rule.path:
            own = rule.path.endswith("/logout")
            assert own or rule.access.role is not PersonRole.VIEWER, rule


async def test_a_route_that_declares_nothing_is_found() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/declared")
    def declared(caller: Viewer) -> None: ...

    assert [rule.access for rule in rules_of(app)] == [Access(PersonRole.VIEWER, Scope.READ)]

    @app.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(Undeclared, match="/forgotten declares 0 least roles"):
        list(rules_of(app))


async def test_the_page_shows_the_matrix_as_it_is(plant: RunningPlant) -> None:
    shown = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown == table_of(plant.app), "run `make docs`"


async def test_a_session_is_a_person_and_a_token_is_not(plant: RunningPlant, callers) -> None:
    async with plant.client(None) as client:
        for what, (token, role, scope) in callers.items():
            if role is None or scope not in (None, Scope.READ):
                continue
            answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
            kind = Kind.PERSON if what.startswith("session") else Kind.SERVICE
            assert answer.json()["kind"] == kind
