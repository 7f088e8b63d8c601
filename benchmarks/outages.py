"""Outages: Genba, Node-RED and ThingsBoard Gateway on the same source, with the same cuts.

``python -m benchmarks.outages`` (about 25 minutes; ``--quick`` about 5). Once before:
``python -m benchmarks.outages --install``, which installs the peers beside the benchmark.

The source is an OPC UA server whose counters go on whatever happens, with a history that clients
may read. Each collector reads it through a TCP proxy of its own. Links are cut for 5, 60 and 600
seconds, go silent without closing, the source freezes, its server restarts, and the collectors are
killed. At the end every value of every counter is looked for in what each collector stored.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tcp_proxy import TcpProxy

from benchmarks.outage import collectors as known
from benchmarks.outage.collectors import Collector, Genba, NodeRed, ThingsBoard
from benchmarks.outage.faults import KILLED_S, Fault, Happened, Scene, make
from benchmarks.outage.telling import progress, show_faults

SETTLE_S = 30.0
START_S = 60.0
LAST_S = 60.0
MEASURE_S = 0.5
FULL = [Fault("cut", 5), Fault("cut", 60), Fault("silence", 30), Fault("freeze", 30),
        Fault("restart", 10), Fault("kill", KILLED_S), Fault("cut", 600)]  # fmt: skip
QUICK = [Fault("cut", 5), Fault("silence", 15), Fault("freeze", 15), Fault("restart", 5),
         Fault("kill", KILLED_S), Fault("cut", 30)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """What one collector made of the run."""

    name: str
    version: str
    stored: int
    lost: int
    doubled: int
    cpu_us_per_sample: float
    memory_mb: float
    per_fault: tuple[tuple[int, float | None], ...]
    """Values lost, and seconds until live again, for each fault."""


async def run(args: argparse.Namespace, folder: Path) -> tuple[list[Happened], list[Score], str]:
    faults = QUICK if args.quick else FULL
    port = known.free_port()
    source = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.outage.source", str(folder / "source"), str(port),
         str(args.signals), str(args.rate)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip

    async def answer() -> dict:
        return json.loads(await asyncio.to_thread(source.stdout.readline))

    async def tell(order: dict) -> None:
        source.stdin.write(json.dumps(order) + "\n")
        source.stdin.flush()
        if order["do"] == "restart":
            await answer()

    await answer()
    wires = [TcpProxy(port) for _ in range(1 if args.alone else 3)]
    for wire in wires:
        await wire.start()
    urls = [f"opc.tcp://127.0.0.1:{wire.port}" for wire in wires]
    genba = Genba(folder / "genba", urls[0], folder / "source", args.signals)
    collectors: list[Collector] = [genba]
    if not args.alone:
        collectors.append(NodeRed(folder / "node-red", urls[1], args.signals))
        collectors.append(ThingsBoard(folder / "thingsboard", urls[2], args.signals))
    scene = Scene(source, collectors, wires, tell)
    happened: list[Happened] = []
    try:
        for collector in collectors:
            collector.start()
        await asyncio.sleep(START_S / 2 if args.quick else START_S)
        for collector in collectors:
            collector.tree().measure()
        first_cpu = [collector.tree().cpu_s for collector in collectors]
        meter = asyncio.create_task(measure(collectors))
        await tell({"do": "go"})
        await asyncio.sleep(SETTLE_S / 2)
        for fault in faults:
            progress(f"{fault.name} ...")
            happened.append(await make(fault, scene))
            await asyncio.sleep(SETTLE_S)
        await asyncio.sleep(LAST_S)
        await tell({"do": "stop"})
        counts = (await answer())["counts"]
        await asyncio.sleep(SETTLE_S / 3)
        meter.cancel()
        memory = [collector.tree().memory_mb for collector in collectors]
        cpu = [c.tree().cpu_s - first for c, first in zip(collectors, first_cpu, strict=True)]
    finally:
        for collector in collectors:
            await asyncio.to_thread(collector.stop)
        for wire in wires:
            await wire.stop()
        source.stdin.close()
        source.wait()
    scores = [
        score(collector, counts, happened, used, mb)
        for collector, used, mb in zip(collectors, cpu, memory, strict=True)
    ]
    return happened, scores, ledger(genba, happened)


async def measure(collectors: Sequence[Collector]) -> None:
    """Read the CPU time often: what a killed process used since the last look is not seen."""
    while True:
        for collector in collectors:
            collector.tree().measure()
        await asyncio.sleep(MEASURE_S)


def score(
    collector: Collector, counts: list[int], happened: list[Happened], cpu_s: float, mb: float
) -> Score:
    """Look for every value of every counter."""
    found: dict[tuple[int, int], int] = {}
    times: dict[tuple[int, int], float] = {}
    live: list[float | None] = [None] * len(happened)
    rows = [row for row in collector.rows() if row[1] > 0]
    for number, value, source, stored in rows:
        found[number, value] = found.get((number, value), 0) + 1
        times[number, value] = source
        note_live(live, happened, source, stored)
    wanted = {(n, value) for n, count in enumerate(counts) for value in range(1, count + 1)}
    lost = sorted(wanted - found.keys())
    per_fault = [0] * len(happened)
    for number, value in lost:
        per_fault[which(happened, when(times, number, value))] += 1
    doubled = sum(times_stored - 1 for times_stored in found.values())
    return Score(
        collector.name, collector.version, len(rows), len(lost), doubled,
        1e6 * cpu_s / max(1, len(rows)), mb, tuple(zip(per_fault, live, strict=True)),
    )  # fmt: skip


def note_live(
    live: list[float | None], happened: list[Happened], source: float, stored: float
) -> None:
    """Keep how soon after each fault a value was stored that was also made after it."""
    for index, event in enumerate(happened):
        next_began = happened[index + 1].began if index + 1 < len(happened) else float("inf")
        if event.over <= source < next_began:
            took = stored - event.over
            if live[index] is None or took < live[index]:
                live[index] = took


def when(times: dict[tuple[int, int], float], number: int, value: int) -> float:
    """About when a lost value was made: just after the last one before it that was found."""
    while value > 0 and (number, value) not in times:
        value -= 1
    return times.get((number, value), 0.0)


def which(happened: list[Happened], moment: float) -> int:
    """The fault during, or after, which a moment lies."""
    for index in reversed(range(len(happened))):
        if moment >= happened[index].began - 2.0:
            return index
    return 0


def ledger(genba: Genba, happened: list[Happened]) -> str:
    """Say how many faults the gap ledger shows for every signal, and what is not recovered."""
    with genba.historian() as historian:
        gaps = historian.gaps().to_pylist()
    shown = genba.told([(event.began, event.over) for event in happened])
    open_ = sum(gap["end"] is None for gap in gaps)
    kinds: dict[str, int] = {}
    for gap in gaps:
        kinds[gap["recovery"]] = kinds.get(gap["recovery"], 0) + 1
    listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return (
        f"Gap ledger: {shown} of {len(happened)} faults shown for every signal; "
        f"{len(gaps):,} entries ({listed}); {open_} open."
    )


def show(happened: list[Happened], scores: list[Score], told: str, total: str) -> None:
    print(f"\n{total}\n\n| collector | stored | lost | doubled | CPU per sample | memory |")
    print("|---|---|---|---|---|---|")
    for each in scores:
        print(
            f"| {each.name} {each.version} | {each.stored:,} | {each.lost:,} | {each.doubled:,} "
            f"| {each.cpu_us_per_sample:,.0f} us | {each.memory_mb:,.0f} MB |"
        )
    show_faults(happened, scores)
    print(f"\n{told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter faults, about 5 minutes")
    parser.add_argument("--alone", action="store_true", help="Genba only, without peers")
    parser.add_argument("--install", action="store_true", help="install the peers and end")
    parser.add_argument("--signals", type=int, default=20)
    parser.add_argument("--rate", type=float, default=200.0, help="values per second, in all")
    parser.add_argument("--keep", type=Path, help="keep what was recorded in this new folder")
    args = parser.parse_args()
    if args.install:
        known.install()
        return
    with tempfile.TemporaryDirectory(prefix="genba-outages-") as temporary:
        folder = args.keep or Path(temporary)
        happened, scores, told = asyncio.run(run(args, folder))
    total = f"{args.signals} signals, {args.rate:g} values per second in all"
    show(happened, scores, told, total)
    if scores[0].lost or scores[0].doubled:
        sys.exit(1)


if __name__ == "__main__":
    main()
