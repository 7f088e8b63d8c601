"""Manual over the API: people win over programs, and a program lets nobody's machine go."""

from pathlib import Path

from tests.operate.api.running_plant import running_plant

from genba.operate.people import PersonRole, Scope

PASSWORD = "a horse in the rain 7"
FASTER = {"signal": "press-1.injection_speed", "value": 100.0, "unit": "mm/s"}
WANTED = {"equipment": "press-1", "reason": "a test", "writes": [FASTER]}


async def test_a_program_keeps_off_what_a_person_holds(tmp_path: Path) -> None:
    async with running_plant(tmp_path) as plant, plant.client(None) as client:
        await plant.live(30)
        identities = plant.app.state.identities
        identities.add_user("ana", PersonRole.OPERATOR, PASSWORD)
        token, _ = identities.log_in("ana", PASSWORD, "here")
        ana = {"Authorization": f"Bearer {token}"}
        scopes = frozenset({Scope.PROPOSE, Scope.READ})
        token = identities.create("bot", PersonRole.OPERATOR, scopes)
        bot = {"Authorization": f"Bearer {token}"}
        hold = {"target": "press-1", "reason": "hands inside", "hours": None}
        assert (await client.post("/overrides", json=hold, headers=ana)).status_code == 201
        refused = (await client.post("/proposals", json=WANTED, headers=bot)).json()
        assert refused["decision"] == "refused"
        assert refused["reasons"] == ["press-1 is in manual, by ana: hands inside"]
        for answer in (
            await client.delete("/overrides/press-1", headers=bot),
            await client.post("/overrides", json={**hold, "hours": 0.001}, headers=bot),
        ):
            assert answer.status_code == 409
            assert "ana holds press-1" in answer.json()["detail"]
        by_hand = (await client.post("/proposals", json=WANTED, headers=ana)).json()
        assert by_hand["decision"] == "allowed"
        assert (await client.delete("/overrides/press-1", headers=ana)).status_code == 200
        again = (await client.post("/proposals", json=WANTED, headers=bot)).json()
        assert "in manual" not in str(again["reasons"])
