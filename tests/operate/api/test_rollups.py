"""The route of rollups: the same as the historian says, and refusals that say what to do."""

from tests.operate.api.running_plant import START, RunningPlant

from genba.plant import US, format_time

HOUR = 3600 * US
PERIOD = {"from": format_time(START), "to": format_time(START + HOUR)}


async def test_rollups_are_the_historians(plant: RunningPlant) -> None:
    page = await plant.ask("/rollups", signal="press-1.power", every=600, **PERIOD)
    table = plant.core.historian.rollup(["press-1.power"], START, START + HOUR, 600 * US)
    assert page["next"] is None
    for name in ("count", "good", "mean", "min", "max", "increase"):
        assert [row[name] for row in page["rows"]] == table[name].to_pylist()
    assert len(page["rows"]) == 6


async def test_what_makes_no_steps_is_refused(plant: RunningPlant) -> None:
    async with plant.client() as client:
        query = {"signal": "press-1.power", "every": 90, **PERIOD}
        answer = await client.get("/rollups", params=query)
        assert answer.status_code == 422, answer.text
        answer = await client.get("/rollups", params={"signal": "press-1.speed-of-light", **PERIOD})
        assert answer.status_code == 404


async def test_the_core_is_alive_and_ready(plant: RunningPlant) -> None:
    for route in ("/health/live", "/health/ready"):
        assert (await plant.ask(route))["ready"] is True
