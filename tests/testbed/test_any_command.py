"""Whatever is written to it, the plant lives on and loses nothing."""

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from genba.plant import US, DataType, Signal
from genba.testbed import PlantSimulation, load_testbed

PLANT, PHYSICS = load_testbed()
SETPOINTS = [s for s in PLANT.signals.values() if s.writable]
WORDS = st.sampled_from(
    ["", "O-1001-01", "O-1001-01,O-1002-01", "JA14-P/mold", "JA17-S/mill", "moon/mill", "\x00,,"]
)
DOCUMENTS = st.sampled_from(
    [
        "",
        "[]",
        "{}",
        "null",
        json.dumps({"orderId": "X", "orderUpdateId": 0, "nodes": [], "edges": []}),
        json.dumps({"orderId": "X", "nodes": [{"nodeId": "a1"}], "edges": None}),
        json.dumps(
            {
                "orderId": "Y",
                "orderUpdateId": 0,
                "nodes": [{"nodeId": "park-1", "sequenceId": 0, "released": True, "actions": []}],
                "edges": [],
            }
        ),
        json.dumps({"actions": [{"actionId": "1", "actionType": "cancelOrder"}]}),
        json.dumps({"actions": [{"actionId": "2", "actionType": "startPause"}, 7]}),
        json.dumps({"actions": None}),
    ]
)


def values(signal: Signal) -> st.SearchStrategy[Any]:
    if signal.type is DataType.FLOAT:
        low, high = (signal.range.low, signal.range.high) if signal.range else (-1.0, 1.0)
        edges = st.sampled_from([0.0, -1.0, 1e-6, 1e9, -1e9, low, high])
        return edges | st.floats(low, high, allow_nan=False)
    if signal.type is DataType.INT:
        return st.integers(-5, 50) | st.sampled_from([2**31 - 1, -(2**31) + 1])
    return DOCUMENTS if signal.type is DataType.JSON else WORDS


WRITES = st.sampled_from(SETPOINTS).flatmap(lambda s: st.tuples(st.just(s), values(s)))


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(WRITES, st.integers(0, 40)), min_size=5, max_size=30), st.booleans())
def test_any_writes_leave_a_plant_that_keeps_its_books(
    writes: list[tuple[tuple[Signal, Any], int]], conventional: bool
) -> None:
    simulation = PlantSimulation(PLANT, PHYSICS, seed=1, conventional=conventional)
    simulation.advance(simulation.now + 900 * US)
    for (signal, value), pause_s in writes:
        simulation.write(signal.id, value)
        simulation.advance(simulation.now + pause_s * US)
    simulation.advance(simulation.now + 300 * US)
    ledger = simulation.ledger()
    json.dumps(ledger, allow_nan=False)
    for lot in ledger["lots"].values():
        assert lot["parts"] + lot["scrapped"] == lot["quantity"]
    for _, when, _ in simulation.drain():
        assert simulation.start <= when <= simulation.now
