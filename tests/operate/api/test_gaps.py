"""The ledger and the quarantine over HTTP, while the core records."""

from typing import Any

import pytest
from tests.operate.api.running_plant import RunningPlant

from genba.historian import GapLedger
from genba.plant import US, Gap, GapReason, Sample

pytestmark = pytest.mark.asyncio(loop_scope="module")


def ledger(plant: RunningPlant) -> GapLedger:
    signals = plant.core.plant.signals
    return GapLedger(
        lambda name, row: plant.core.historian.append_rows(name, [row]),
        {name: signal.connection for name, signal in signals.items()},
    )


async def test_gaps_are_listed_and_summed_up(plant: RunningPlant) -> None:
    base = plant.clock.now() - 60 * US
    known = ledger(plant)
    signals = ("mill-1.state", "mill-1.mode")
    known.tell(Gap(signals, base + 10 * US, base + 20 * US, GapReason.LINK, "no route"))
    known.open(Gap(("press-1.state",), base + 30 * US, None, GapReason.DEVICE))
    rows = (await plant.ask("/gaps"))["rows"]
    assert [(row["signal"], row["end"] is None) for row in rows] == [
        ("mill-1.mode", False),
        ("mill-1.state", False),
        ("press-1.state", True),
    ]
    assert rows[0]["connection"] == "mill-1"
    open_ones = (await plant.ask("/gaps", open=True))["rows"]
    assert [row["signal"] for row in open_ones] == ["press-1.state"]
    sums = (await plant.ask("/gaps/summary", signal="press-1.state"))["rows"]
    assert [(row["gaps"], row["missing_s"]) for row in sums] == [(1, 30.0)]
    async with plant.client() as client:
        answer = await client.get("/gaps", params={"signal": "mill-1.stat"})
    assert answer.status_code == 404
    assert "did you mean 'mill-1.state'?" in answer.json()["detail"]


async def post(plant: RunningPlant, route: str, role: str, **body: Any) -> Any:
    async with plant.client(role) as client:
        return await client.post(f"/quarantine/{route}", json=body)


async def test_a_misfit_is_mended_by_an_engineer_and_read_from_history(
    plant: RunningPlant,
) -> None:
    name, signal = next(
        (name, s)
        for name, s in plant.core.plant.signals.items()
        if s.range is not None and s.kind.value == "measurement" and s.type.value == "float"
    )
    assert signal.range is not None
    too_much = signal.range.high * 10 + 100
    when = plant.clock.now() - US // 2
    plant.core.gate.intake([Sample(name, when, when + 9, too_much, 0, 1)])
    assert plant.core.live.value(name) is None
    await plant.core.recorded()
    (row,) = (await plant.ask("/quarantine", signal=name))["rows"]
    assert (row["reason"], row["status"], row["value"]) == ("out_of_range", "held", str(too_much))
    assert (await plant.ask("/quarantine/summary", signal=name))["rows"][0]["samples"] == 1
    assert (await plant.ask("/quarantine", id=row["id"]))["rows"] == [row]
    which = {"signals": [name]}
    middle = (signal.range.low + signal.range.high) / 2
    body = {"which": which, "correction": {"scale": middle / too_much}, "why": "wrong scale"}
    assert (await post(plant, "fix", "viewer", **body)).status_code == 403
    assert (await post(plant, "fix", "engineer", **body)).json() == {"samples": 1}
    done = (await post(plant, "replay", "engineer", which=which)).json()
    assert (done["stored"], done["held"]) == (1, {})
    assert (await post(plant, "replay", "engineer", which=which)).json()["stored"] == 0
    history = (await plant.ask("/history", signal=name))["rows"]
    assert [r["quality"] for r in history if abs((r["value"] or 0) - middle) < 1e-6] == [1]


async def test_what_is_wrong_with_a_request_is_said(plant: RunningPlant) -> None:
    for body, said in (
        ({"which": {}, "correction": {"scale": 2}, "why": "x"}, "say which"),
        ({"which": {"everything": True}, "correction": {}, "why": "x"}, "changes nothing"),
        (
            {"which": {"everything": True}, "correction": {"signal": "mill-1.stat"}, "why": "x"},
            "did you mean 'mill-1.state'?",
        ),
        ({"which": {"reasons": ["hot"]}, "correction": {"scale": 2}, "why": "x"}, "reasons"),
        ({"which": {"ids": ["Q"]}, "correction": {"scale": 2}, "why": " "}, "why"),
    ):
        answer = await post(plant, "fix", "engineer", **body)
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["detail"]
    assert (await plant.ask("/quarantine", id="nothing"))["rows"] == []
