"""Bad releases on their way to machines: how far each gets, and how fast one is taken back.

``python -m benchmarks.over_the_air [--count 200] [--back 10] [--minutes 40] [--kinds slow]``

Four machines (a canary, two, one), each a ``genba edge run`` process of its own, take releases from
a mosquitto broker by signed orders. Their signals are a recording (made up, played at
10 times real time) of a force that swings, so that the model in force finds something now and then,
and a heat that rises slowly, so that there is always something new. Bad releases of six kinds are
rolled out one after the other: wrong signature, wrong shape, slow, drifting, crashing, NaN. Some of
the last four behave well on every probe row and on all that the machine has seen, and turn bad on
live values during the trial.
Good releases in between must get everywhere, and are then taken back.

Counted afterwards, from the machines' own records: machines beyond the canary that a bad release
ever touched; proposals to the guard and findings that came from a bad release; how long taking back
took from the order until the release before was in force, byte for byte.
"""

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genba.errors import GenbaError
from genba.historian import Historian
from genba.learn.edge.bundle import MAGIC, address_of, seal
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.rolling import begin, drive
from genba.learn.edge.rollout import Group, Plan, Stage, State
from genba.learn.export.graph import Graph
from genba.learn.registry.history import History
from genba.operate.edge_orders import MqttFleet, context_of
from genba.operate.edge_plant import signal_of
from genba.plant import US, AcceleratedClock, SystemClock, format_time, parse_time

START = parse_time("2026-01-05T06:00:00Z")
SPEED = 10.0
RISE = 0.02
"""Per plant second."""
GROUPS = (
    Group("canary", ("canary",)),
    Group("hall", ("hall-1", "hall-2"), at_once=2),
    Group("rest", ("rest",)),
)
NODES = [node for group in GROUPS for node in group.nodes]
COLUMNS = ("press.force", "press.heat")
SHAPE = (4, 2)
TRIAL = 120
LATE_AFTER_S = 100.0
"""Plant seconds after which the late ones turn bad: before the trial can be over."""
BACK_BAR_S = 5.0
PLANT = """\
genba: 1
id: {name}
connections:
  - {{id: press, driver: replay, url: "{recording}", options: {{times: shifted}}}}
equipment:
  - id: press
    connection: press
    signals:
      - {{id: force, unit: kN, address: force, fresh_s: 60}}
      - {{id: heat, unit: Cel, address: heat, fresh_s: 60}}
"""


# -- releases -------------------------------------------------------------------------------------


class Model:
    """The mean force of a window, and what is done to it from a certain heat on (None: always)."""

    def __init__(self, late: float | None) -> None:
        self.graph = Graph("watch", SHAPE)
        self.mean = self._mean_of(0)
        if late is None:
            self.on = self.graph.add("Add", self.times(self.mean, 0.0), self.number(1.0))
        else:
            above = self.graph.add("Greater", self._mean_of(1), self.number(late))
            self.on = self.graph.floats(above)

    def _mean_of(self, column: int) -> str:
        which = self.graph.constant(np.int64(column))
        alone = self.graph.add("Gather", "inputs", which, axis=2)
        axis = self.graph.constant(np.array([1], np.int64))
        return self.graph.add("ReduceMean", alone, axis, keepdims=0)

    def number(self, value: float) -> str:
        return self.graph.constant(np.float32(value))

    def times(self, tensor: str, value: float) -> str:
        return self.graph.add("Mul", tensor, self.number(value))

    def done(self, answer: str | None = None, name: str = "value") -> bytes:
        self.graph.output(name, answer or self.mean)
        return self.graph.to_bytes()

    def much(self, count: float) -> str:
        """A tensor of ``count`` ones where it is on, of one where it is not."""
        size = self.graph.add("Add", self.times(self.on, count), self.number(1.0))
        whole = self.graph.add("Cast", size, to=7)
        one = self.graph.constant(np.array([1], np.int64))
        shape = self.graph.add("Reshape", self.graph.add("ReduceMax", whole, keepdims=0), one)
        return self.graph.add("Expand", self.number(1.0), shape)

    def for_nothing(self, work: str) -> str:
        """The same answer after some work."""
        total = self.graph.add("ReduceSum", work, keepdims=0)
        return self.graph.add("Add", self.mean, self.times(total, 0.0))


def slow(model: Model, rng: random.Random) -> bytes:
    """Some 10 to 20 ms of work, at a budget of 5."""
    rows = model.much(rng.uniform(8e6, 1.2e7))
    return model.done(model.for_nothing(model.graph.add("Erf", model.graph.add("Exp", rows))))


def drifting(model: Model, rng: random.Random) -> bytes:
    amount = rng.choice([-1, 1]) * rng.uniform(4.0, 40.0)
    return model.done(model.graph.add("Add", model.mean, model.times(model.on, amount)))


def crashing(model: Model, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return model.done(model.for_nothing(model.much(rng.uniform(3e9, 9e9))))
    index = model.graph.add("Cast", model.times(model.on, 99.0), to=7)
    zeros = model.graph.constant(np.zeros(2, np.float32))
    return model.done(model.graph.add("Add", model.mean, model.graph.add("Gather", zeros, index)))


def nan(model: Model, rng: random.Random) -> bytes:
    """The root of something negative, or an infinite answer."""
    if rng.random() < 0.5:
        under = model.graph.add("Sub", model.number(0.5), model.on)
        root = model.times(model.graph.add("Sqrt", under), 0.0)
        return model.done(model.graph.add("Add", model.mean, root))
    rest = model.graph.add("Sub", model.number(1.0), model.on)
    one = model.graph.add("Div", model.number(1.0), rest)
    nothing = model.graph.add("Sub", one, model.number(1.0))
    return model.done(model.graph.add("Add", model.mean, nothing))


TURNING = {"slow": slow, "drifting": drifting, "crashing": crashing, "NaN": nan}
KINDS = ("wrong signature", "wrong shape", *TURNING)


class Maker:
    """Makes releases, each with another address."""

    def __init__(self, key: ReleaseKey, rng: random.Random) -> None:
        self._key = key
        self._rng = rng
        self._count = 0

    def card(self, **changes: Any) -> dict[str, Any]:
        self._count += 1
        told: dict[str, Any] = {
            "name": "watch", "version": str(self._count), "task": "anomaly", "equipment": "press",
            "columns": list(COLUMNS), "window": SHAPE[0], "step_s": 1.0, "threshold": 0.0,
            "low": -1e6, "high": 1e6, "budget_us": 5000.0, "memory_mb": 200.0,
        }  # fmt: skip
        return {**told, **changes}

    def good(self) -> bytes:
        return self._sealed(Model(None).done())

    def bad(self, kind: str, late: float | None) -> bytes:
        if kind == "wrong signature":
            return self._unsigned()
        if kind == "wrong shape":
            return self._misshapen()
        return self._sealed(TURNING[kind](Model(late), self._rng))

    def _sealed(self, model: bytes, key: ReleaseKey | None = None, **changes: Any) -> bytes:
        rng = np.random.default_rng(self._rng.randrange(2**32))
        rows = rng.normal(0, 1, (50, *SHAPE)).astype(np.float32)
        said = rows[:, :, 0].mean(axis=1).astype(np.float32)
        return seal(model, self.card(**changes), rows, said, key or self._key)

    def _unsigned(self) -> bytes:
        how = self._rng.randrange(4)
        if how == 0:
            return self._sealed(Model(None).done(), ReleaseKey.generate())
        good = bytearray(self.good())
        if how == 1:
            return bytes(good[: self._rng.randrange(len(MAGIC) + 300, len(good))])
        if how == 2:
            return bytes(good) + b"more"
        good[self._rng.randrange(len(good) // 2, len(good))] ^= 1 << self._rng.randrange(8)
        return bytes(good)

    def _misshapen(self) -> bytes:
        how = self._rng.randrange(3)
        if how == 0:
            return self._sealed(Model(None).done(name="score"))
        if how == 1:
            return self._sealed(Model(None).done(), columns=["press.force", "press.sound"])
        other = Graph("watch", (self._rng.randrange(5, 20), 2))
        axes = other.constant(np.array([1, 2], np.int64))
        other.output("value", other.add("ReduceMean", "inputs", axes, keepdims=0))
        return self._sealed(other.to_bytes())


# -- machines -------------------------------------------------------------------------------------


@dataclass
class Works:
    """Broker, machines and the other side, in one folder."""

    folder: Path
    port: int
    key: ReleaseKey
    clock: AcceleratedClock
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    async def start(self) -> None:
        (self.folder / "trusted").write_text(self.key.public + "\n")
        self._record()
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.processes.append(
            await asyncio.create_subprocess_exec(
                program, "-c", str(config), stderr=asyncio.subprocess.DEVNULL
            )
        )
        await self._listening()
        for node in NODES:
            await self._machine(node)

    def state(self, node: str) -> Path:
        return self.folder / node / "state"

    def _record(self) -> None:
        """Twelve hours of a press, one row a second: force swings, heat rises, a little noise."""
        rng = np.random.default_rng(0)
        seconds = np.arange(12 * 3600)
        rows = np.column_stack([3 * np.sin(seconds / 40), 20 + RISE * seconds]) + rng.normal(
            0, 0.05, (len(seconds), 2)
        )
        with (self.folder / "press.csv").open("w") as file:
            file.write("time,force,heat\n")
            for second, (force, heat) in zip(seconds, rows, strict=True):
                file.write(f"{format_time(START + int(second) * US)},{force:.4f},{heat:.4f}\n")

    async def _machine(self, node: str) -> None:
        folder = self.folder / node
        folder.mkdir()
        plant = folder / "plant.yaml"
        plant.write_text(PLANT.format(name=node, recording=self.folder / "press.csv"))
        log = (folder / "log").open("wb")
        self.processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "genba", "edge", "run", str(plant), "--name", node,
                "--trust", str(self.folder / "trusted"), "--hub", f"mqtt://127.0.0.1:{self.port}",
                "--state", str(self.state(node)), "--clock", str(self.clock),
                "--trial-answers", str(TRIAL), stdout=log, stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        )  # fmt: skip

    async def _listening(self) -> None:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                    return
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    def fleet(self) -> MqttFleet:
        context = context_of(
            f"mqtt://127.0.0.1:{self.port}", SystemClock(), self.folder / "pki", {}, None
        )
        return MqttFleet(
            context, self.key, SystemClock().now,
            lambda address: (self.contents[address], "watch"), "benchmark", trial_s=300.0,
        )  # fmt: skip

    async def level(self) -> float:
        """The highest heat that the canary has recorded so far."""

        def read() -> float:
            folder = self.state("canary") / "historian"
            with Historian.open(folder, self.clock, read_only=True) as historian:
                now = self.clock.now()
                found = historian.resample(["press.heat"], now - 600 * US, now, 600 * US, "max")
                return max(float(v.as_py()) for v in found["value"])

        return await asyncio.to_thread(read)

    async def roll(self, fleet: MqttFleet, content: bytes) -> tuple[State, dict[str, Stage], str]:
        try:
            address = address_of(content)
        except GenbaError:
            address = hashlib.sha256(content).hexdigest()
        self.contents[address] = content
        history = History(self.folder / "roll-outs.jsonl")
        rollout = begin(Plan(address, "watch", GROUPS), history, SystemClock().now, "benchmark")
        state = await drive(rollout, fleet, history, SystemClock().now)
        return state, rollout.stages, rollout.why


# -- the run --------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What was seen."""

    stopped: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    on_trial: Counter[str] = field(default_factory=Counter)
    bad: set[str] = field(default_factory=set)
    good: int = 0
    good_through: int = 0
    back_s: list[float] = field(default_factory=list)
    as_before: int = 0
    misses: list[str] = field(default_factory=list)


async def inject(
    works: Works, fleet: MqttFleet, maker: Maker, kind: str, late: bool, tally: Tally
) -> None:
    """Roll one bad release out and see how far it gets."""
    level = await works.level() + RISE * LATE_AFTER_S if late else None
    content = maker.bad(kind, level)
    with contextlib.suppress(GenbaError):
        tally.bad.add(address_of(content))
    state, stages, why = await works.roll(fleet, content)
    tally.tried[kind] += 1
    beyond = [n for n, s in stages.items() if n != "canary" and s is not Stage.WAITING]
    if state is State.STOPPED and not beyond:
        tally.stopped[kind] += 1
        tally.on_trial[kind] += "took it back" in why
    else:
        tally.misses.append(f"{kind}{' (late)' if late else ''}: {state}, {beyond}")


async def there_and_back(works: Works, fleet: MqttFleet, maker: Maker, tally: Tally) -> None:
    """Roll a good release out everywhere, and take it back everywhere, timing each machine."""
    before = {node: fleet.states[node]["slots"]["watch"][0] for node in NODES}
    content = maker.good()
    address = address_of(content)
    state, _, why = await works.roll(fleet, content)
    tally.good += 1
    if state is not State.DONE:
        tally.misses.append(f"a good release was stopped: {why}")
        return
    tally.good_through += 1
    for node in NODES:
        begun = time.monotonic()
        await fleet.take_back(node, address, "benchmark")
        await until(lambda n=node: fleet.states[n]["slots"]["watch"][0] == before[n], 60)  # type: ignore[misc]
        tally.back_s.append(time.monotonic() - begun)
        kept = (works.state(node) / "models" / "shelf" / f"{before[node]}.bundle").read_bytes()
        tally.as_before += kept == works.contents[before[node]]


def recorded(works: Works, bad: set[str]) -> tuple[int, int, int]:
    """Read, after all is stopped, what the machines wrote down themselves.

    Returns
    -------
    tuple of int
        Machines beyond the canary that a bad release touched; proposals that a bad release made to
        the guard, or findings of one; all proposals.
    """
    touched = bad_ones = total = 0
    short = {address[:12] for address in bad}
    for node in NODES:
        events = History(works.state(node) / "models" / "history.jsonl").events()
        seen = {str(event.data.get("address")) for event in events}
        touched += node != "canary" and bool(seen & bad)
        clock = works.clock
        with Historian.open(works.state(node) / "historian", clock, read_only=True) as historian:
            decisions = historian.rows("decisions").to_pylist()
            end = clock.now() + US
            said = historian.samples([signal_of("press")], START, end)["text"].to_pylist()
        proposals = [row["data"] for row in decisions if row["stage"] == "proposal"]
        total += len(proposals)
        bad_ones += sum(any(address in data for address in short) for data in proposals)
        bad_ones += sum(any(address in (text or "") for address in short) for text in said)
    return touched, bad_ones, total


async def measure(folder: Path, told: argparse.Namespace) -> tuple[Tally, tuple[int, int, int]]:
    """Run everything."""
    rng = random.Random(told.seed)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    clock = AcceleratedClock(START, SPEED, time.time())
    works = Works(folder, port, ReleaseKey.generate(), clock)
    maker, tally, fleet = Maker(works.key, rng), Tally(), works.fleet()
    end = time.monotonic() + 60 * told.minutes
    await works.start()
    try:
        await fleet.connect()
        await until(lambda: len(fleet.states) == len(NODES), 120)
        state, _, why = await works.roll(fleet, maker.good())
        if state is not State.DONE:
            raise SystemExit(f"the first release was stopped: {why}")
        kinds = told.kinds or KINDS
        order = [
            (kind, kind in TURNING and n // len(kinds) % 6 == 0)
            for n, kind in zip(range(told.count), itertools.cycle(kinds), strict=False)
        ]
        rng.shuffle(order)
        for number, (kind, late) in enumerate(order):
            if time.monotonic() > end:
                break
            if told.back and number % max(1, told.count // told.back) == 0:
                await there_and_back(works, fleet, maker, tally)
            await inject(works, fleet, maker, kind, late, tally)
            print(f"\r{number + 1}/{told.count} {kind:16}", end="", file=sys.stderr, flush=True)
    finally:
        print(file=sys.stderr)
        await fleet.close()
        await works.stop()
    return tally, recorded(works, tally.bad)


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Wait for a condition."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.01)


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--back", type=int, default=10, help="good releases in between")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="default all")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to leave everything in")
    told = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = told.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        tally, (touched, bad_ones, total) = asyncio.run(measure(folder, told))
    tried, stopped = tally.tried.total(), tally.stopped.total()
    print(f"{'kind':18} {'injected':>8} {'stopped':>8} {'of these during the trial':>26}")
    for kind in tally.tried:
        print(f"{kind:18} {tally.tried[kind]:8} {tally.stopped[kind]:8} {tally.on_trial[kind]:26}")
    print(f"stopped at or before the canary     {stopped} of {tried} (bar: all of 200)")
    print(f"machines beyond it that one touched {touched} (bar: 0)")
    print(f"bad outputs to the guard            {bad_ones} of {total} proposals (bar: 0)")
    print(f"good releases that got everywhere   {tally.good_through} of {tally.good}")
    worst = max(tally.back_s, default=float("nan"))
    median = float(np.median(tally.back_s)) if tally.back_s else float("nan")
    print(f"taken back                          {len(tally.back_s)} times, median {median:.2f} s, "
          f"longest {worst:.2f} s (bar: {BACK_BAR_S:g} s)")  # fmt: skip
    print(f"byte for byte as before             {tally.as_before} of {len(tally.back_s)}")
    print(f"took {(time.monotonic() - begun) / 60:.1f} minutes, load {os.getloadavg()[0]:.1f}")
    for miss in sorted(tally.misses):
        print(f"MISSED: {miss}")
    good = stopped == tried and not touched and not bad_ones and worst <= BACK_BAR_S
    return 0 if good and tally.as_before == len(tally.back_s) else 1


if __name__ == "__main__":
    sys.exit(main())
