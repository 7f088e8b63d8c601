"""A machine watches its own models: told upward, taken back by rule to the very bytes before."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.learn.edge.models import graph
from tests.learn.edge.test_pack import card
from tests.learn.press import MINUTE, START, plant_in, record
from tests.operate.devices import MemoryDriver

from genba.historian import Historian
from genba.learn.data.column import Column
from genba.learn.data.equipment import Slice, slice_of_equipment
from genba.learn.edge.bundle import REFERENCE, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.registry.history import What
from genba.learn.registry.store import Registered, Registry, files_of, write_arrays
from genba.learn.watch.kept import Reference
from genba.learn.watch.reference import sketch_of
from genba.learn.watch.rules import Rules
from genba.operate.edge import Edge
from genba.operate.edge_watch import BY
from genba.operate.model_watch import EVERY_S
from genba.operate.state import StateFolder
from genba.plant import US, PackMLState, Plant, Sample, VirtualClock, format_time

TRAINED = START + 30 * 60 * MINUTE
NOW = START + 40 * 60 * MINUTE
SIGNALS = ("press-1.melt", "press-1.cavity")
KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
ON_DRIFT = Rules(roll_back=("drift",))


class Hand:
    """A clock that is set by hand, and is none that steps in process."""

    speed = 1.0

    def __init__(self, now: int) -> None:
        self.time = now

    def now(self) -> int:
        return self.time


class Works:
    """A press recorded for 30 hours, a model of it, and ten hours in which melt ran hotter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plant: Plant = plant_in(folder)
        with record(folder / "first", 30 * 60) as historian:
            wanted = Slice("press-1", START, TRAINED, 10.0, SIGNALS)
            self.data = slice_of_equipment(historian, self.plant, wanted)
        self.registry = Registry(folder / "models", folder / "model-signing.key")

    def registered(self, seed: int, *, reference: bool = True) -> Registered:
        windows = np.lib.stride_tricks.sliding_window_view(self.data.values[:60], 4, axis=0)
        inputs = np.moveaxis(windows, -1, 1).astype(np.float32)
        made = card(
            equipment="press-1", step_s=10.0, threshold=1e6, seed=seed,
            columns=tuple(Column(n.split(".")[1], signal=n) for n in SIGNALS),
            lineage=self.data.lineage.as_json(),
        )  # fmt: skip
        kept = {"inputs": inputs, "value": inputs.mean(axis=(1, 2))}
        files = files_of(made, "a report", graph(), {"a": np.zeros(1)}, kept)
        if reference:
            sketch = sketch_of(self.data.names, self.data.values)
            files[REFERENCE] = write_arrays(Reference(sketch, None, None).arrays())
        return self.registry.add(files, format_time(TRAINED))

    def hot(self, folder: Path) -> None:
        """Fill a machine's historian: as it was learned from, and then 15 degrees hotter."""
        record(folder, 30 * 60).close()
        random = np.random.default_rng(7)
        samples = [Sample("press-1.state", TRAINED, TRAINED, int(PackMLState.EXECUTE))]
        for step in range(10 * 360):
            time, melt = TRAINED + step * 10 * US, float(random.normal(245, 1.2))
            samples.append(Sample("press-1.melt", time, time, melt))
            samples.append(Sample("press-1.cavity", time, time, 300 + 4 * (melt - 230)))
        with Historian.open(folder, VirtualClock(NOW)) as historian:
            historian.append(samples)


class Machine:
    """The press's own process, stepped by hand."""

    def __init__(self, works: Works, folder: Path, **how: Any) -> None:
        self.state = StateFolder(folder).hold()
        works.hot(self.state.historian)
        self.clock = Hand(TRAINED)
        self.edge = Edge(
            works.plant, self.state, self.clock, "cell", TRUST,
            drivers={"line": MemoryDriver(VirtualClock(TRAINED))}, **how,
        )  # fmt: skip

    def install(self, model: Registered) -> str:
        report = self.edge.node.receive(release_of(model, KEY))
        assert report.passed, report.why
        self.edge.node.activate(report.address)
        self.edge.node.confirm("press-1.anomaly")
        return report.address

    async def look(self, now: int) -> None:
        self.clock.time = now
        await self.edge.tick()
        await asyncio.to_thread(self.edge.watch._watch.settle)
        self.clock.time += US
        await self.edge.tick()
        await self.edge._ingest.drained()

    def told(self) -> list[tuple[str, str]]:
        rows = self.edge.historian.samples(
            ["press-1.model_findings"], START, NOW + 99 * 60 * MINUTE
        )
        told = [json.loads(text) for text in rows["text"].to_pylist()]
        return [(one["what"], one["address"]) for one in told if "value" not in one]


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    return Works(tmp_path_factory.mktemp("works"))


@pytest.fixture(autouse=True)
def committed_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Historian, "start_committing", lambda _, every_s: None)


@pytest.fixture
async def machine(works: Works, tmp_path: Path) -> AsyncIterator[Machine]:
    made = Machine(works, tmp_path / "state", rules=ON_DRIFT, act=True)
    yield made
    await made.edge.stop()
    made.state.release()


async def test_what_drifted_is_told_and_goes_back_by_rule_to_the_very_bytes(
    machine: Machine, works: Works
) -> None:
    before = machine.install(works.registered(1))
    bytes_before = machine.edge.node.content(before)
    drifted = machine.install(works.registered(2))
    await machine.edge.start()
    await machine.look(NOW)
    slot = machine.edge.node.slot("press-1.anomaly")
    assert (slot.force, slot.before) == (before, None)
    assert machine.edge.node.content(before) == bytes_before
    back, started = machine.edge.node.history.events()[-2:]
    assert (back.what, back.by, back.data["address"]) == (What.ROLLED_BACK, BY, drifted)
    assert "drifted: melt up by" in back.data["why"]
    assert (started.what, started.data["address"]) == (What.STARTED, before)
    assert "drifted: melt up by" in machine.edge.node.taken_back["press-1.anomaly"]
    assert machine.told() == [("unfit", drifted), ("taken back", drifted)]
    (alarm,) = [one for one in machine.edge.alarms.standing() if one.kind == "unfit_model"]
    assert alarm.equipment == "press-1"


async def test_without_leave_to_act_it_is_only_said(works: Works, tmp_path: Path) -> None:
    made = Machine(works, tmp_path / "state", rules=ON_DRIFT)
    address = made.install(works.registered(1))
    await made.edge.start()
    await made.look(NOW)
    assert made.edge.node.slot("press-1.anomaly").force == address
    assert made.told() == [("unfit", address)]
    await made.edge.stop()
    made.state.release()


async def test_a_release_without_a_reference_is_told_of_once_and_runs_on(
    machine: Machine, works: Works
) -> None:
    address = machine.install(works.registered(3, reference=False))
    assert open_bundle(machine.edge.node.content(address), TRUST).reference is None
    await machine.edge.start()
    await machine.look(NOW)
    await machine.look(NOW + round(EVERY_S * US))
    assert machine.edge.watch._watch.looks == 2
    assert machine.edge.watch._watch.why == ""
    assert machine.told() == [("unwatched", address)]
    assert machine.edge.node.slot("press-1.anomaly").force == address
    kinds = {one.kind for one in machine.edge.alarms.standing()}
    assert not kinds & {"unfit_model", "unwatched_models"}


def test_a_release_carries_its_reference_signed_and_an_altered_one_is_refused(
    works: Works,
) -> None:
    content = release_of(works.registered(1), KEY)
    bundle = open_bundle(content, TRUST)
    assert bundle.reference is not None
    place = content.rindex(bundle.reference)
    altered = bytearray(content)
    altered[place + len(bundle.reference) // 2] ^= 1
    with pytest.raises(Exception, match=f"{REFERENCE} of the release was altered"):
        open_bundle(bytes(altered), TRUST)
    assert replace(bundle, reference=None).address == bundle.address
