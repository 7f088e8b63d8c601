"""What the routes answer is what the plant shows, and what was recorded of it."""

import io
import json
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pyarrow import csv
from tests.operate.api.running_plant import START, RunningPlant

from genba.plant import US, format_time, parse_time

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTHING_YET = {"/audit", "/gaps", "/quarantine", "/rollups"}
"""Tables that may be empty: nobody did anything by hand, and nothing went wrong."""

SHIFT = {"from": format_time(START), "to": "2026-01-05T08:00:00Z"}


async def test_every_answer_is_what_the_description_says(plant: RunningPlant) -> None:
    """All routes that only read, against the schemas that OpenAPI gives for them."""
    described = await plant.ask("/openapi.json")
    ended = (await plant.ask("/operations", **SHIFT))["rows"][0]
    filled = {
        "{operation}": ended["id"],
        "{lot}": ended["lot"],
        "{alarm_id}": "mill-1.state:machine_aborted",
        "/equipment/{name}": "/equipment/press-1",
        "/signals/{name}": "/signals/press-1.state",
    }
    asked = 0
    for path, methods in described["paths"].items():
        body = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" not in body:
            continue
        route = path.removeprefix("/api/v1")
        for name, value in filled.items():
            route = route.replace(name, value)
        parameters = methods["get"].get("parameters", ())
        required = {each["name"] for each in parameters if each.get("required")}
        query = {"signal": "press-1.melt_temperature"} if "signal" in required else {}
        period = SHIFT if "from" in {each["name"] for each in parameters} else {}
        told = await plant.ask(route, "admin", **query, **period)
        schema = {**body["application/json"]["schema"], "components": described["components"]}
        jsonschema.validate(told, schema, jsonschema.Draft202012Validator)
        if isinstance(told, dict) and "rows" in told and route not in NOTHING_YET:
            assert told["rows"], route
        asked += 1
    assert asked >= 20


async def test_all_refusals_are_described(plant: RunningPlant) -> None:
    described = await plant.ask("/openapi.json")
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if (method, path) == ("post", "/api/v1/login"):
                continue  # the one question that nobody needs a token for
            assert {"401", "403", "422"} <= operation["responses"].keys(), (method, path)
            assert ("404" in operation["responses"]) or "{" not in path, (method, path)
            assert operation["security"], (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and status != "413":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, (path, status)


async def test_the_plant_is_told_as_its_file_says(plant: RunningPlant) -> None:
    told = await plant.ask("/plant")
    assert type(plant.core.plant).model_validate(told) == plant.core.plant
    assert told["orders"][0]["due"].endswith("Z")
    assert (await plant.ask("/plant/equipment/press-1"))["kind"] == "injection_press"
    assert (await plant.ask("/plant/signals/press-1.state"))["role"] == "state"


@pytest.mark.parametrize(
    ("route", "named"),
    [
        ("/plant/equipment/press-9", "press-9"),
        ("/plant/equipment/area/press", "area/press"),
        ("/plant/signals/press-1.nothing", "press-1.nothing"),
        ("/live?signal=press-1.state&signal=nope", "nope"),
        ("/live/stream?signal=nope", "nope"),
        ("/history?signal=nope", "nope"),
        ("/operations/R-1/history", "R-1"),
        ("/lots/O-9-99/history", "O-9-99"),
        ("/nothing", "/api/v1/nothing"),
    ],
)
async def test_what_is_not_there_is_named(plant: RunningPlant, route: str, named: str) -> None:
    async with plant.client() as client:
        answer = await client.get(route)
    assert answer.status_code == 404
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-01-05T06:00:00", "has no time zone; add Z"),
        ("from=yesterday", "'yesterday' is not a time; write it like"),
        ("from=1767592800", "is not a time"),
        ("from=2026-01-05T08:00:00Z&to=2026-01-05T07:00:00Z", "must be before 'to'"),
        ("from=0001-01-01T00:00:00Z", "not between the years 1900 and 2200"),
        ("from=9999-12-31T23:59:59-14:00", "not between the years 1900 and 2200"),
        ("limit=0", "query 'limit': input should be greater than or equal to 1"),
        ("limit=100001", "less than or equal to 100000"),
        ("offset=-1", "query 'offset'"),
        ("format=xml", "'json', 'csv' or 'arrow'"),
        ("every=0", "query 'every'"),
        ("every=nan", "query 'every'"),
        ("every=1&from=2020-01-01T00:00:00Z", "more than 1,000,000 values; shorten the period"),
        ("how=median", "query 'how'"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_mend(
    plant: RunningPlant, query: str, said: str
) -> None:
    async with plant.client() as client:
        answer = await client.get(f"/history?signal=press-1.state&{query}")
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


async def test_a_zone_may_be_written_with_a_bare_plus(plant: RunningPlant) -> None:
    bare = "/events?from=2026-01-05T07:00:00+01:00&to=2026-01-05T09:00:00+01:00"
    async with plant.client() as client:
        told = (await client.get(bare)).json()
    assert told == await plant.ask("/events", **SHIFT)


async def test_live_values_are_those_that_the_devices_show(plant: RunningPlant) -> None:
    told = {value["signal"]: value for value in await plant.ask("/live")}
    shown = {name: plant.simulation.value(name) for name in told}
    assert len(told) > 300
    assert told["press-1.melt_temperature"]["unit"] == "Cel"
    states = [name for name in told if name.endswith(".state")]
    assert [told[name]["value"] for name in states] == [shown[name] for name in states]
    two = await plant.ask("/live", signal=["press-1.state", "mill-1.state"])
    assert {value["signal"] for value in two} == {"press-1.state", "mill-1.state"}


async def test_history_comes_in_pages_that_make_a_whole(plant: RunningPlant) -> None:
    asked = {"signal": ["press-1.state", "press-1.mode"], **SHIFT}
    whole = await plant.ask("/history", **asked)
    assert whole["next"] is None
    rows: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        page = await plant.ask("/history", **asked, limit=7, offset=offset)
        assert len(page["rows"]) == 7 or page["next"] is None
        rows += page["rows"]
        offset = page["next"]
    assert rows == whole["rows"]
    stored = plant.core.historian.samples(asked["signal"], START, START + 7200 * US)
    assert len(rows) == stored.num_rows > 14
    assert [row["value"] for row in rows] == stored["value"].to_pylist()
    assert [parse_time(row["source_time"]) for row in rows] == stored["source_time"].cast(
        pa.int64()
    ).to_pylist()


async def test_a_page_beyond_the_end_is_empty(plant: RunningPlant) -> None:
    for route in ("/history", "/events"):
        query = {"signal": "press-1.state"} if route == "/history" else {}
        assert await plant.ask(route, **query, **SHIFT, offset=10**9) == {"rows": [], "next": None}


async def test_a_page_is_the_same_as_csv_and_as_arrow(plant: RunningPlant) -> None:
    asked = {"signal": "mill-1.power", **SHIFT, "limit": 50}
    rows = (await plant.ask("/history", **asked))["rows"]
    async with plant.client() as client:
        as_csv = await client.get("/history", params={**asked, "format": "csv"})
        as_arrow = await client.get("/history", params={**asked, "format": "arrow"})
    assert as_csv.headers["X-Genba-Next"] == as_arrow.headers["X-Genba-Next"] == "50"
    assert as_csv.headers["Content-Type"].startswith("text/csv")
    table = csv.read_csv(io.BytesIO(as_csv.content))
    assert table["value"].to_pylist() == [row["value"] for row in rows]
    with pa.ipc.open_stream(as_arrow.content) as reader:
        arrow = reader.read_all()
    assert arrow["value"].to_pylist() == [row["value"] for row in rows]
    assert arrow.schema.field("source_time").type == pa.timestamp("us", "UTC")


async def test_history_on_a_grid(plant: RunningPlant) -> None:
    rows = (await plant.ask("/history", signal="climate.temperature", **SHIFT, every=600))["rows"]
    assert [row["time"] for row in rows[:2]] == [SHIFT["from"], "2026-01-05T06:10:00Z"]
    assert len(rows) == 12
    assert all(5 < row["value"] < 40 for row in rows)


async def test_the_history_of_a_lot_lies_within_its_operations(plant: RunningPlant) -> None:
    ended = (await plant.ask("/operations", **SHIFT))["rows"]
    run = next(row for row in ended if row["equipment"].startswith("press"))
    query = {"signal": "state", "limit": 100_000}
    by_run = (await plant.ask(f"/operations/{run['id']}/history", **query))["rows"]
    by_lot = (await plant.ask(f"/lots/{run['lot']}/history", **query))["rows"]
    assert {row["signal"] for row in by_run} == {f"{run['equipment']}.state"}
    assert all(run["start"] <= row["source_time"] < run["end"] for row in by_run)
    assert [row for row in by_lot if row["operation"] == run["id"]] == by_run


async def test_records_can_be_narrowed(plant: RunningPlant) -> None:
    ended = (await plant.ask("/operations", **SHIFT))["rows"]
    lot = ended[0]["lot"]
    assert {r["lot"] for r in (await plant.ask("/operations", **SHIFT, lot=lot))["rows"]} == {lot}
    finished = (await plant.ask("/lots", **SHIFT, status="released"))["rows"]
    assert {row["status"] for row in finished} == {"released"}
    about = (await plant.ask("/events", **SHIFT, equipment="mill-1", kind="state"))["rows"]
    assert {(row["equipment"], row["kind"]) for row in about} == {("mill-1", "state")}
    assert about[0]["data"]["duration_s"] > 0


async def test_a_decision_can_be_followed_from_proposal_to_outcome(plant: RunningPlant) -> None:
    command = (await plant.ask("/decisions", **SHIFT, stage="command", kind="dispatch"))["rows"][0]
    about = (await plant.ask("/decisions", **SHIFT, ref=command["ref"]))["rows"]
    assert [row["stage"] for row in about] == ["proposal", "verdict", "command"]
    outcome = (await plant.ask("/decisions", **SHIFT, ref=command["id"]))["rows"]
    assert [row["stage"] for row in outcome] == ["outcome"]
    assert outcome[0]["data"]["done"] is True
    newest = (await plant.ask("/proposals", limit=1))[0]
    assert newest["verdict"]["proposal"] == newest["id"]
    assert await plant.ask("/proposals", decision="awaiting_approval") == []


async def test_orders_and_the_situation_agree_with_the_plant(plant: RunningPlant) -> None:
    orders = await plant.ask("/orders")
    assert orders == sorted(orders, key=lambda order: (order["due"], order["id"]))
    released = [order for order in orders if order["release"] <= SHIFT["to"]]
    assert all(order["lots"] > 0 for order in released)
    health = (await plant.ask("/health"))["production"]
    assert sum(order["parts_delivered"] for order in orders) == health["parts_finished"]
    seen = await plant.ask("/situation")
    assert len(seen["lots"]) == health["lots_open"]
    assert {vehicle["id"] for vehicle in seen["vehicles"]} == set(plant.core.plant.vehicles_by_id)
    working = {lot for machine in seen["machines"] for lot in machine["work"]}
    assert working == {lot["id"] for lot in seen["lots"] if lot["phase"] == "in_work"}
    first = {p["id"]: p["routing"][0]["id"] for p in (await plant.ask("/plant"))["products"]}
    waiting = [lot for lot in seen["lots"] if lot["place"] == "store"]
    assert waiting
    assert all(lot["operation"] == first[lot["product"]] for lot in waiting)


async def test_looking_at_the_situation_leaves_planning_alone(plant: RunningPlant) -> None:
    """Whoever looks must not take away what planning has yet to notice."""
    tracker = plant.core._tracker
    for changed in (True, False):
        tracker.changed = changed
        await plant.ask("/situation")
        assert tracker.changed is changed


async def test_kpis_add_up(plant: RunningPlant) -> None:
    told = await plant.ask("/kpis", **SHIFT)
    *machines, together = told["rows"]
    assert together["key"] == "all"
    assert together["elements"]["production_s"] == pytest.approx(
        sum(row["elements"]["production_s"] for row in machines)
    )
    async with plant.client() as client:
        long = await client.get("/kpis", params={"from": "2025-01-05T06:00:00Z"})
    assert long.status_code == 422
    assert "genba kpi" in long.json()["detail"]


async def test_metrics_are_what_prometheus_reads(plant: RunningPlant) -> None:
    async with plant.client() as client:
        answer = await client.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    health = plant.core.health()
    assert families["genba_ok"].samples[0].value == 1
    verdicts = {s.labels["decision"]: s.value for s in families["genba_guard_verdicts"].samples}
    assert verdicts == health["guard"]
    assert families["genba_historian_acknowledged"].type == "counter"
    assert families["genba_production_lots_open"].type == "gauge"
    up = {s.labels["connection"]: s.value for s in families["genba_connection_up"].samples}
    assert up == dict.fromkeys(health["connections"], 1.0)
    assert "process_resident_memory_bytes" in families


async def test_no_answer_holds_nan(plant: RunningPlant) -> None:
    """What JSON has no word for is null, whatever a driver or a plug-in brought in."""
    bad = plant.core.live.get("press-1.melt_temperature")
    assert bad is not None
    plant.core.live.update([bad._replace(value=float("nan"))])
    plant.core._tell(
        "events",
        {
            "id": "E-nan",
            "time": START + 1,
            "equipment": None,
            "kind": "odd",
            "severity": "info",
            "text": "odd",
            "data": json.dumps({"x": float("inf"), "y": [float("nan"), 1]}),
        },
    )
    await plant.core.recorded()
    plant.core.historian.append([bad._replace(value=float("inf"), source_time=START + 1)])

    def refuse(name: str) -> None:
        raise AssertionError(name)

    period = {"from": SHIFT["from"], "to": "2026-01-05T06:00:01Z"}
    texts = {}
    async with plant.client() as client:
        for route, query in (
            ("/live", {"signal": bad.signal}),
            ("/history", {"signal": bad.signal, **period}),
            ("/events", {"kind": "odd", **period}),
        ):
            answer = await client.get(route, params=query)
            texts[route] = json.loads(answer.text, parse_constant=refuse)
    assert texts["/live"][0]["value"] is None
    assert None in [row["value"] for row in texts["/history"]["rows"]]
    assert texts["/events"]["rows"][0]["data"] == {"x": None, "y": [None, 1]}
