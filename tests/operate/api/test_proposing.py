"""A person's proposal goes through the guard like any other, and is recorded with its outcome."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.operate.api.running_plant import RunningPlant, running_plant

from genba.plant import Autonomy, AutonomyRule, Proposal, Write

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningPlant]:
    async with running_plant(tmp_path_factory.mktemp("plant")) as running:
        await running.live(300)
        yield running


def wanted(signal: str, value: object, unit: str, **more: object) -> dict[str, Any]:
    equipment = signal.partition(".")[0]
    writes = [{"signal": signal, "value": value, "unit": unit}]
    return {"equipment": equipment, "writes": writes, "reason": "a try", **more}


async def propose(plant: RunningPlant, body: dict[str, Any], role: str = "operator") -> Any:
    async with plant.client(role) as client:
        answer = await client.post("/proposals", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_allowed_write_reaches_the_machine_and_is_on_the_record(
    plant: RunningPlant,
) -> None:
    verdict = await propose(plant, wanted("press-1.cooling_time", 0.5, "min"))
    assert (verdict["decision"], verdict["reasons"]) == ("allowed", [])
    await plant.live(30)
    assert plant.simulation.value("press-1.cooling_time") == 30.0
    (live,) = await plant.ask("/live", signal="press-1.cooling_time")
    assert (live["value"], live["unit"]) == (30.0, "s")
    about = (await plant.ask("/decisions", ref=verdict["proposal"]))["rows"]
    assert [row["stage"] for row in about] == ["proposal", "verdict", "command"]
    assert (about[0]["data"]["actor"], about[0]["data"]["role"]) == ("operator", "operator")
    (outcome,) = (await plant.ask("/decisions", ref=about[2]["id"]))["rows"]
    assert outcome["data"]["done"] is True


async def test_the_guard_asks_who_may_decide_now(plant: RunningPlant) -> None:
    wrong = Proposal(
        id="P-gone",
        time=plant.clock.now(),
        kind="setpoint",
        equipment="press-1",
        writes=(Write("press-1.cooling_time", 0.5, "min"),),
        reason="a try",
        source="person",
        actor="gone",
        role="admin",
    )
    verdict = await plant.core.by_hand.submit(wrong)
    assert verdict.reasons == ("gone is disabled or unknown by now",)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (wanted("press-1.cooling_time", 600, "s"), "600 s is outside 4 to 60"),
        (wanted("press-1.cooling_time", 20, "bar"), "'bar' cannot be converted to 's'"),
        (wanted("press-1.cooling_time", 20, "furlong"), "furlong"),
        (wanted("press-1.no_such_thing", 1, "1"), "there is no signal 'press-1.no_such_thing'"),
        (wanted("press-9.cooling_time", 20, "s"), "there is no equipment 'press-9'"),
        (wanted("press-1.state", 6, "1"), "press-1.state is a state, no setpoint"),
        (wanted("press-1.cooling_time", "20", "s"), "takes float, and '20' is none"),
        (wanted("press-1.cooling_time", True, "s"), "takes float, and True is none"),
        (wanted("press-1.cooling_time", None, "s"), "takes float, and None is none"),
        (wanted("press-1.cooling_time", 10**400, "s"), "too large"),
        (wanted("press-1.inspect_every", 2.5, "1"), "takes int, and 2.5 is none"),
        (wanted("press-1.melt_temperature", 320, "Cel"), "at 1 per second"),
        (wanted("press-1.job_request", 99, "1"), "is written by kind 'dispatch'"),
        (wanted("press-1.heartbeat", 1, "1"), "is written by kind 'heartbeat'"),
    ],
)
async def test_the_guard_refuses_with_its_reasons(
    plant: RunningPlant, body: dict[str, Any], reason: str
) -> None:
    name = body["writes"][0]["signal"]
    known = name in plant.core.plant.signals
    before = plant.simulation.value(name) if known else None
    verdict = await propose(plant, body)
    assert verdict["decision"] == "refused"
    assert any(reason in why for why in verdict["reasons"]), verdict["reasons"]
    newest = (await plant.ask("/proposals", decision="refused", limit=1))[0]
    assert newest["id"] == verdict["proposal"]
    assert not known or plant.simulation.value(name) == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "body 'equipment': field required"),
        (wanted("press-1.cooling_time", 20, "s", role="admin"), "'role': extra inputs"),
        (wanted("press-1.cooling_time", 20, "s", kind="heartbeat"), "'kind': extra inputs"),
        (wanted("press-1.cooling_time", [20], "s"), "writes.0.value"),
        (wanted("press-1.cooling_time", 20, "s", reason=""), "'reason'"),
        (wanted("press-1.cooling_time", 20, "s", writes=[]), "'writes'"),
    ],
)
async def test_a_body_of_another_form_is_answered_with_the_field(
    plant: RunningPlant, body: dict[str, Any], said: str
) -> None:
    async with plant.client("operator") as client:
        answer = await client.post("/proposals", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[" * 100_000, 400),
        (b'{"equipment": ' + b"9" * 10_000 + b"}", 400),
        (b" " * 2_000_000, 413),
    ],
)
async def test_a_body_that_is_no_json(plant: RunningPlant, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    async with plant.client("operator") as client:
        answer = await client.post("/proposals", content=content, headers=headers)
    assert answer.status_code == status
    assert (
        answer.text == "Content Too Large" if status == 413 else "JSON" in answer.json()["detail"]
    )


async def test_a_value_that_is_not_finite_never_becomes_a_proposal(plant: RunningPlant) -> None:
    decided = sum(plant.core.guard.counts.values())
    text = (
        '{"equipment": "press-1", "reason": "x", "writes": '
        '[{"signal": "press-1.cooling_time", "value": %s, "unit": "s"}]}'
    )
    async with plant.client("operator") as client:
        for value in ("NaN", "Infinity", "-Infinity", "1e999"):
            answer = await client.post(
                "/proposals", content=text % value, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422, value
    assert sum(plant.core.guard.counts.values()) == decided


async def test_a_person_says_yes_to_what_waits(tmp_path: Path) -> None:
    rule = AutonomyRule(level=Autonomy.APPROVE, equipment="press-*", kind="dispatch")
    async with running_plant(tmp_path, rule) as plant:
        waiting: list[Any] = []
        while not waiting:
            assert plant.core.loop.ticks < 500
            await plant.live(30)
            waiting = await plant.ask("/proposals/waiting")
        assert waiting[0]["verdict"]["decision"] == "awaiting_approval"
        name, press = waiting[0]["id"], waiting[0]["equipment"]
        async with plant.client("operator") as client:
            answer = await client.post(f"/proposals/{name}/approve")
            again = await client.post(f"/proposals/{name}/approve")
        assert (answer.status_code, answer.json()["decision"]) == (200, "allowed")
        assert again.status_code == 404
        assert name in again.json()["detail"]
        await plant.live(60)
        lot = waiting[0]["context"]["lot"]
        (machine,) = [m for m in (await plant.ask("/situation"))["machines"] if m["id"] == press]
        assert machine["work"] == [lot]
