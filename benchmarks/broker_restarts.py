"""MQTT Sparkplug under faults: a foreign edge node, mosquitto, Genba, and a hub above it.

``python -m benchmarks.broker_restarts`` (about 6 minutes; ``--quick`` about 3).

The node is a program of Node.js with the payloads of npm's sparkplug-client. It counts whatever
happens, keeps what it knows it cannot send, and sends that later as historical. What it handed to
a connection that was dead already is gone: Sparkplug sends data with quality of service 0. Genba
follows the node through a TCP proxy, and shows all of it by its uplink to a second Genba, the hub,
each through a proxy of its own. At the end every value of every counter is looked for in both.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tcp_proxy import TcpProxy

from benchmarks.outage.faults import Fault, Happened, break_links
from benchmarks.outage.sparkplug_pair import Broker, Edge, Plant, Value
from benchmarks.outage.telling import progress, show_faults
from benchmarks.outages import note_live, which

START_S = 15.0
SETTLE_S = 20.0
LAST_S = 40.0
LIVE_BAR_S = 5.0
FULL = [Fault("broker", 3), Fault("cut", 5), Fault("cut", 60), Fault("silence", 30),
        Fault("broker frozen", 30), Fault("edge", 5), Fault("hub", 10)]  # fmt: skip
QUICK = [Fault("broker", 2), Fault("cut", 5), Fault("silence", 12), Fault("broker frozen", 12),
         Fault("edge", 3)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """What one Genba made of the run."""

    name: str
    sent: int
    lost: Sequence[Value]
    untold: Sequence[Value]
    """Lost, and not in the gap ledger as not recovered."""
    late: int
    """Stored more than two seconds after they were made: recovered."""
    doubled: int
    per_fault: tuple[tuple[int, float | None], ...]
    """Values lost, and seconds until live again, for each fault."""


class Scene:
    """All that takes part."""

    def __init__(self, folder: Path, signals: int, rate: float) -> None:
        self.broker = Broker(folder)
        self.wires = [TcpProxy(self.broker.port) for _ in range(3)]
        self.edge = Edge(folder, self.broker.port, signals, rate)
        self._folder, self._signals = folder, signals

    async def start(self) -> None:
        self.broker.start()
        for wire in self.wires:
            await wire.start()
        line, up, hub = (wire.port for wire in self.wires)
        self.line = Plant(self._folder, "line", line, "machine", "", self._signals, up)
        self.hub = Plant(self._folder, "hub", hub, "line", "source.", self._signals)
        self.line.tree.start()
        self.hub.tree.start()
        await asyncio.sleep(START_S)
        self.edge.start()

    async def make(self, fault: Fault) -> Happened:
        """Make a fault happen, and return when it is over."""
        began = time.time()
        broker = self.broker
        match fault.kind:
            case "cut" | "silence":
                await break_links(fault, self.wires)
            case "broker frozen":
                broker.process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(fault.seconds)
                broker.process.send_signal(signal.SIGCONT)
            case kind:
                stop, start = {
                    "broker": (broker.kill, broker.start),
                    "edge": (self.edge.kill, self.edge.start),
                    "hub": (self.hub.tree.kill, self.hub.tree.start),
                }[kind]
                await asyncio.to_thread(stop)
                await asyncio.sleep(fault.seconds)
                await asyncio.to_thread(start)
        return Happened(fault, began, time.time())

    async def stop(self) -> None:
        self.edge.kill()
        await asyncio.to_thread(self.line.tree.stop)
        await asyncio.to_thread(self.hub.tree.stop)
        for wire in self.wires:
            await wire.stop()
        self.broker.kill()


async def run(args: argparse.Namespace, folder: Path) -> tuple[list[Happened], list[Score]]:
    scene = Scene(folder, args.signals, args.rate)
    happened: list[Happened] = []
    try:
        await scene.start()
        await asyncio.sleep(SETTLE_S / 2)
        for fault in QUICK if args.quick else FULL:
            progress(f"{fault.name} ...")
            happened.append(await scene.make(fault))
            await asyncio.sleep(SETTLE_S)
        await asyncio.to_thread(scene.edge.finish)
        await asyncio.sleep(LAST_S)
    finally:
        await scene.stop()
    made = scene.edge.made()
    shown = {value for value, _, _ in scene.line.rows()}  # the hub is to have its marks, too
    line = score("Genba, of the foreign node", scene.line, made, happened)
    hub = score("hub, of Genba's uplink", scene.hub, shown, happened)
    return happened, [line, hub]


def score(name: str, plant: Plant, made: set[Value], happened: Sequence[Happened]) -> Score:
    """Look for every value that was made."""
    found: Counter[Value] = Counter()
    live: list[float | None] = [None] * len(happened)
    late = 0
    for value, stored, is_mark in plant.rows():
        if is_mark and value not in made:
            continue
        found[value] += 1
        made_s = value[2] / 1e6
        late += stored - made_s > 2.0
        note_live(live, list(happened), made_s, stored)
    lost = sorted(made - found.keys())
    gaps = plant.gaps()
    untold = [value for value in lost if not told(value, gaps)]
    per_fault = Counter(which(list(happened), time_us / 1e6) for _, _, time_us in lost)
    strangers = sum(found[value] for value in found.keys() - made)
    doubled = sum(count - 1 for count in found.values()) + strangers
    each = tuple((per_fault[index], live[index]) for index in range(len(happened)))
    return Score(name, len(made), lost, untold, late, doubled, each)


def told(value: Value, gaps: Sequence[tuple[int, int, int | None, str]]) -> bool:
    """Whether the ledger has the span of a value as one that was not received."""
    number, _, time_us = value
    return any(
        signal == number
        and start // 1000 * 1000 <= time_us  # the node tells milliseconds
        and (end is None or time_us <= end)
        and recovery in ("none", "partly")
        for signal, start, end, recovery in gaps
    )


def show(happened: Sequence[Happened], scores: Sequence[Score], total: str) -> None:
    print(
        f"\n{total}\n\n| receiver | made | recovered late | lost | of them not in the ledger ",
        end="",
    )
    print("| doubled |\n|---|---|---|---|---|---|")
    for each in scores:
        print(
            f"| {each.name} | {each.sent:,} | {each.late:,} | {len(each.lost):,} "
            f"| {len(each.untold):,} | {each.doubled:,} |"
        )
    show_faults(happened, scores)


def missed(line: Score, hub: Score) -> list[str]:
    """What does not meet its bar."""
    slow = [live for _, live in line.per_fault if live is None or live > LIVE_BAR_S]
    return [
        text
        for text, wrong in (
            ("values were lost that the ledger does not know", line.untold),
            ("values were doubled", line.doubled or hub.doubled),
            ("the hub lost values", hub.lost),
            (f"not live within {LIVE_BAR_S:g} s", slow),
        )
        if wrong
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter faults, about 3 minutes")
    parser.add_argument("--signals", type=int, default=10)
    parser.add_argument("--rate", type=float, default=100.0, help="values per second, in all")
    parser.add_argument("--keep", type=Path, help="keep what was recorded in this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genba-brokers-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        happened, scores = asyncio.run(run(args, folder))
    show(happened, scores, f"{args.signals} signals, {args.rate:g} values per second in all")
    for text in missed(*scores):
        print(f"bar missed: {text}")
        for each in scores:
            for value in each.untold[:5]:
                print(f"  {each.name}: {value}")
    sys.exit(bool(missed(*scores)))


if __name__ == "__main__":
    main()
