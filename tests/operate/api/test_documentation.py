"""The page about the API names all routes, and its examples work as they stand."""

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.operate.api.running_plant import RunningPlant

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 1800
"""Long enough for the examples."""

PAGE = (Path(__file__).parents[3] / "docs/api.md").read_text("utf-8")
BASE = "http://127.0.0.1:8460/api/v1"


async def test_every_route_stands_in_the_table(plant: RunningPlant) -> None:
    described = await plant.ask("/openapi.json")
    there = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in described["paths"].items()
        for method in methods
    }
    told = set(re.findall(r"`(GET|POST|PATCH|DELETE) (/[^ `]*)`", PAGE.partition("## What can")[2]))
    told = {(method, path) for method, path in told if "?" not in path}
    assert told == there


async def test_the_parameters_that_are_named_exist(plant: RunningPlant) -> None:
    described = await plant.ask("/openapi.json")
    for line in PAGE.splitlines():
        row = re.match(r"\| `GET (/[^`{]*)` \| .*\bby `(.*)` \|", line)
        if row:
            operation = described["paths"][f"/api/v1{row[1]}"]["get"]
            there = {parameter["name"] for parameter in operation["parameters"]}
            assert set(row[2].split("`, `")) <= there, line


async def test_the_examples_are_answered(plant: RunningPlant) -> None:
    asked = 0
    text = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)).replace("ask() {", "")
    async with plant.client("operator") as client:
        for call in re.findall(r"^ask (?:.*?)(?=^ask |^genba |^export |\Z)", text, re.M | re.S):
            words = shlex.split(call)
            (url,) = [word for word in words if word.startswith(BASE)]
            if "/stream" in url:
                continue
            body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
            method = "POST" if body else "GET"
            answer = await client.request(method, url.removeprefix(BASE), json=body)
            assert answer.status_code == (201 if body else 200), (url, answer.text)
            if body:
                assert answer.json()["decision"] == "allowed", answer.text
                example = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.S)[0])
                assert example.keys() == answer.json().keys()
            asked += 1
    assert asked == 6
