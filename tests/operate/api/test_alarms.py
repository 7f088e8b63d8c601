"""Alarms over the API: seen by viewers, answered by operators, removed by engineers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from tests.operate.api.running_plant import START, RunningPlant, running_plant

from genba.historian import Historian
from genba.operate.alarms import newest
from genba.operate.alarms.journal import replay
from genba.operate.judge import Judgement
from genba.plant import Finding, Severity, VirtualClock, format_time

NAME = "mill-1.vibration:limit_high"


@pytest_asyncio.fixture
async def plant(tmp_path: Path) -> AsyncIterator[RunningPlant]:
    async with running_plant(tmp_path) as running:
        await running.live(60)
        yield running


def _vibrate(plant: RunningPlant, *, stands: bool = True) -> None:
    """What the judge says of a mill that shakes; the mill of the testbed does so too rarely."""
    finding = Finding(
        f"F-{plant.clock.now()}", plant.clock.now(), "limit_high", "mill-1", "it shakes",
        Severity.WARNING,
    )  # fmt: skip
    plant.core.loop.take(
        [Judgement(finding, stands=stands, clears=not stands, about="mill-1.vibration")]
    )


async def _post(plant: RunningPlant, role: str, action: str, **body: Any) -> tuple[int, Any]:
    async with plant.client(role) as client:
        answer = await client.post(f"/alarms/{NAME}/{action}", json=body)
    return answer.status_code, answer.json()


async def test_an_alarm_says_what_where_how_urgent_and_what_to_do(plant: RunningPlant) -> None:
    assert await plant.ask("/alarms") == []
    _vibrate(plant)
    await plant.live(30)
    (alarm,) = await plant.ask("/alarms")
    assert alarm["id"] == NAME
    assert (alarm["text"], alarm["equipment_name"]) == ("it shakes", "CNC mill 1")
    assert (alarm["priority"], alarm["state"]) == ("low", "unacknowledged")
    assert "tool clamping" in alarm["response"]
    assert alarm["first_out"] is True
    assert await plant.ask(f"/alarms/{NAME}") == alarm
    for query in ({"priority": "high"}, {"state": "shelved"}, {"equipment": "mill-2"}):
        assert await plant.ask("/alarms", **query) == []
    assert len(await plant.ask("/alarms", all=True)) > 100
    health = await plant.ask("/health")
    assert health["alarms"]["unacknowledged"]["low"] == 1
    async with plant.client() as client:
        text = (await client.get("/metrics")).text
    samples = [s for f in text_string_to_metric_families(text) for s in f.samples]
    assert [
        s.value
        for s in samples
        if s.name == "genba_alarms" and s.labels == {"priority": "low", "state": "unacknowledged"}
    ] == [1]
    assert sum(s.value for s in samples if s.name == "genba_alarms_annunciated_total") == 1


async def test_what_people_do_is_in_the_journal_with_their_name(plant: RunningPlant) -> None:
    _vibrate(plant)
    await plant.live(30)
    assert (await _post(plant, "viewer", "acknowledge"))[0] == 403
    status, alarm = await _post(plant, "operator", "acknowledge", comment="on my way")
    assert (status, alarm["state"], alarm["by"]) == (200, "acknowledged", "operator")
    status, problem = await _post(plant, "operator", "acknowledge")
    assert (status, "nothing to acknowledge" in problem["detail"]) == (403, True)
    assert (await _post(plant, "operator", "shelve", duration_s=60))[0] == 422
    status, alarm = await _post(
        plant, "operator", "shelve", duration_s=600, comment="the tool is being changed"
    )
    assert (status, alarm["state"]) == (200, "shelved")
    await plant.live(605)
    assert (await plant.ask(f"/alarms/{NAME}"))["state"] == "unacknowledged"
    assert (await _post(plant, "operator", "out-of-service", comment="broken"))[0] == 403
    assert (await _post(plant, "engineer", "out-of-service", comment="broken"))[0] == 200
    assert (await _post(plant, "engineer", "in-service"))[0] == 200
    await plant.live(5)
    page = await plant.ask("/alarms/journal", alarm=NAME)
    told = [(r["event"], r["actor"], r["after"]) for r in page["rows"]]
    assert told == [
        ("raise", "genba", "unacknowledged"),
        ("acknowledge", "operator", "acknowledged"),
        ("shelve", "operator", "shelved"),
        ("unshelve", "genba", "unacknowledged"),
        ("remove", "engineer", "out_of_service"),
        ("restore", "engineer", "unacknowledged"),
    ]
    assert page == await plant.ask(f"/alarms/{NAME}/history")
    rates = await plant.ask("/alarms/rates")
    assert (rates["annunciated"], rates["acknowledged"], rates["shelved"]) == (3, 1, 1)


async def test_an_alarm_that_nobody_knows(plant: RunningPlant) -> None:
    async with plant.client("operator") as client:
        for answer in (
            await client.get("/alarms/no-such:limit_low"),
            await client.post("/alarms/no-such:limit_low/acknowledge", json={}),
        ):
            assert answer.status_code == 404
            assert "no-such:limit_low" in answer.json()["detail"]


async def test_alarms_survive_a_core_that_stops(tmp_path: Path) -> None:
    async with running_plant(tmp_path) as plant:
        await plant.live(60)
        _vibrate(plant)
        await plant.live(30)
        await _post(plant, "operator", "acknowledge", comment="seen")
        await _post(plant, "operator", "shelve", duration_s=3600, comment="later")
        until = (await plant.ask(f"/alarms/{NAME}"))["until"]
        defined, folder = plant.core.plant, tmp_path / "state" / "historian"
    with Historian.open(folder, VirtualClock(START), read_only=True) as historian:
        alarm = replay(defined, newest(historian))[NAME]
    assert (alarm.state, alarm.by, alarm.comment) == ("shelved", "operator", "later")
    assert alarm.until is not None
    assert format_time(alarm.until) == until
