"""Whatever is asked, of whatever route there is, Genba answers or says what is wrong."""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.operate.api.running_plant import RunningPlant

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVED_S = 1800
"""Long enough that there is something in every table that fills by itself."""

ODD = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e308",
        "nan",
        "inf",
        "null",
        "true",
        "[]",
        "{}",
        "%00",
        "\x00",
        "\ud83d",
    ),
    *("'; DROP TABLE samples; --", "../../etc/passwd", "press-1.state", "press-1", "O-1001-01"),
    *("2026-01-05T06:30:00Z", "2026-01-05T06:00:00+23:59", "0001-01-01T00:00:00Z", "x" * 5000),
    *("9999-12-31T23:59:59.999999-12:00", "2026-02-30T00:00:00Z", "9" * 400, "\u0661\u0662", "a/b"),
    *("*", "%", "_", "?", "\\", '"', "\n", "all", "2", "100000", "asc", "json", "csv", "arrow"),
)


def questions(described: dict[str, Any], dice: random.Random) -> Iterator[tuple[str, str, Any]]:
    """Draw one question for each route: odd values, right ones, too many, none."""
    for path, methods in described["paths"].items():
        if path.endswith("/stream"):
            continue  # it has no end
        for method, operation in methods.items():
            route = path.removeprefix("/api/v1")
            query = []
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    value = quote(dice.choice(ODD), safe="/", errors="ignore")
                    route = route.replace(f"{{{parameter['name']}}}", value)
                elif dice.random() < 0.5:
                    wide = "from" if parameter["name"] == "from" else ""
                    right = "2026-01-05T06:00:00Z" if wide else right_value(parameter, dice)
                    times = dice.choice((1, 1, 1, 2, 60))
                    query += [(parameter["name"], odd_or(right, dice)) for _ in range(times)]
            if dice.random() < 0.2:
                query.append((dice.choice(ODD), dice.choice(ODD)))
            yield method, route, query


def odd_or(right: str, dice: random.Random) -> str:
    return dice.choice((right, dice.choice(ODD)))


def right_value(parameter: dict[str, Any], dice: random.Random) -> str:
    schema = parameter["schema"]
    options = [schema, *schema.get("anyOf", ())]
    choices = [value for option in options for value in option.get("enum", ())]
    return dice.choice(choices) if choices else "press-1.state"


def clean(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What can stand in a URL: half a surrogate pair cannot."""
    return [(name.replace("\ud83d", ""), value.replace("\ud83d", "")) for name, value in query]


@pytest.mark.parametrize("seed", range(12))
async def test_odd_questions_never_break_anything(plant: RunningPlant, seed: int) -> None:
    described = await plant.ask("/openapi.json")
    dice = random.Random(seed)
    answers: dict[int, int] = {}
    async with plant.client("admin") as client:
        for method, route, query in questions(described, dice):
            try:
                answer = await client.request(method, route, params=clean(query))
            except Exception as error:
                error.add_note(f"{method} {route} {query}")
                raise
            assert answer.status_code in (200, 403, 404, 405, 422), (
                method,
                route,
                query,
                answer.text,
            )
            if answer.status_code != 200:
                told = answer.json()["detail"]
                assert isinstance(told, str), told
                assert told
            elif answer.headers["Content-Type"] == "application/json":
                json.loads(answer.text, parse_constant=pytest.fail)
            answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
    assert answers[200] >= 3
    assert answers[422] >= 1
