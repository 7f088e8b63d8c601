"""Faults of Genba's own machine: kills, a full disk, a clock that jumps.

``python -m benchmarks.core_faults`` (about 12 minutes), or one of ``--only kill|disk|clock``.

The source is the one of ``benchmarks.outages``: an OPC UA server whose counters go on whatever
happens, with a history that clients may read. The core is a whole ``genba run``. At the end every
value of every counter is looked for in its historian, and every fault in the gap ledger of every
signal. The full disk is a small file system in memory (needs root); the clock of the core, and of
nothing else, is moved with libfaketime (Debian).
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.outage import collectors as known
from benchmarks.outage.collectors import Genba
from benchmarks.outage.telling import progress
from genba.errors import GenbaError

SIGNALS, RATE = 20, 200.0
KILLS = 50
RECOVER_S = 180.0
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
"""The one for programs with threads: the other lets sleeps of theirs fail."""
JUMPS = ("+3600s", "+0", "-3600s", "+0", "+90s", "-90s", "+0")
DISK_MB = 160


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked for and what was found."""

    made: int
    lost: int
    doubled: int
    untold: int
    """Faults that the gap ledger does not show for every signal."""
    note: str


class Bench:
    """A source that counts, and a core that listens to it."""

    def __init__(self, folder: Path, source: subprocess.Popen, genba: Genba) -> None:
        self.folder, self.genba = folder, genba
        self._source = source
        self.spans: list[tuple[float, float]] = []
        """From when to when nothing could be stored, in seconds since 1970."""

    async def tell(self, order: dict) -> None:
        self._source.stdin.write(json.dumps(order) + "\n")
        self._source.stdin.flush()

    def wait_for_all(self) -> None:
        while not self.hears_all():
            time.sleep(1.0)

    def hears_all(self) -> bool:
        """Whether the core was connected: what was made before that, nobody promised to store."""
        try:
            return len({number for number, *_ in self.genba.rows()}) == SIGNALS
        except GenbaError:
            return False

    async def stop_counting(self) -> list[int]:
        await self.tell({"do": "stop"})
        return json.loads(await asyncio.to_thread(self._source.stdout.readline))["counts"]

    async def settle(self, counts: list[int]) -> None:
        """Wait until all is there, or until it is clear that it will not come."""
        deadline = time.monotonic() + RECOVER_S
        left: list[int] = []
        while time.monotonic() < deadline and (len(left) < 8 or len(set(left[-8:])) > 1):
            await asyncio.sleep(5.0)
            left.append(await asyncio.to_thread(lambda: self.count(counts).lost))
            if not left[-1]:
                return

    def count(self, counts: list[int], note: str = "") -> Found:
        found: dict[tuple[int, int], int] = {}
        for number, value, _, _ in self.genba.rows():
            found[number, value] = found.get((number, value), 0) + 1
        wanted = {(n, value) for n, count in enumerate(counts) for value in range(1, count + 1)}
        doubled = sum(times - 1 for key, times in found.items() if key in wanted)
        untold = len(self.spans) - self.genba.told(self.spans)
        return Found(len(wanted), len(wanted - found.keys()), doubled, untold, note)

    def live_after(self) -> list[float]:
        """Seconds from each start to the first value stored that was made after it.

        Starts that were killed before are left out.
        """
        rows = sorted((stored, made) for _, _, made, stored in self.genba.rows())
        took = []
        ends = [killed for killed, _ in self.spans[1:]] + [float("inf")]
        for (_, started), ended in zip(self.spans, ends, strict=True):
            live = [stored for stored, made in rows if made >= started and stored < ended]
            took += [live[0] - started] if live else []
        return took


@contextlib.asynccontextmanager
async def bench(
    folder: Path, state: Path | None = None, **environment: str
) -> AsyncIterator[Bench]:
    port = known.free_port()
    source = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.outage.source", str(folder / "source"), str(port),
         str(SIGNALS), str(RATE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    await asyncio.to_thread(source.stdout.readline)
    url = f"opc.tcp://127.0.0.1:{port}"
    genba = Genba(state or folder / "genba", url, folder / "source", SIGNALS, **environment)
    try:
        genba.start()
        made = Bench(folder, source, genba)
        await asyncio.sleep(5.0)
        await asyncio.to_thread(made.wait_for_all)
        await made.tell({"do": "go"})
        yield made
    finally:
        await asyncio.to_thread(genba.stop)
        source.stdin.close()
        source.wait()


async def kill(folder: Path, kills: int, seed: int) -> Found:
    """``kill -9`` of the core at random moments, some of them while it starts."""
    moments = random.Random(seed)
    async with bench(folder) as made:
        for number in range(kills):
            await asyncio.sleep(moments.uniform(0.2, 8.0))
            progress(f"kill {number + 1} of {kills}")
            killed = time.time()
            await asyncio.to_thread(made.genba.tree().kill)
            await asyncio.sleep(moments.uniform(0.0, 2.0))
            made.spans.append((killed, time.time()))
            made.genba.start()
        await asyncio.sleep(10.0)
        counts = await made.stop_counting()
        await made.settle(counts)
    live = made.live_after()
    return made.count(
        counts,
        f"{kills} kills, seed {seed}; {len(live)} starts lived to store a live value, after "
        f"{statistics.median(live):.1f} s (median), {max(live):.1f} s (longest)",
    )


async def disk(folder: Path) -> Found:
    """A file system that fills up, stays full for 40 s, and has room again."""
    small = folder / "small"
    small.mkdir()
    await asyncio.to_thread(
        root, "mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "genba", str(small)
    )
    try:
        async with bench(folder, small / "plant") as made:
            await asyncio.sleep(15.0)
            progress("the disk fills up")
            ballast = small / "ballast"
            await asyncio.to_thread(fill, ballast)
            await asyncio.sleep(40.0)
            said = made.genba.says()
            ballast.unlink()
            progress("the disk has room again")
            await asyncio.sleep(20.0)
            counts = await made.stop_counting()
            await made.settle(counts)
        return made.count(counts, f"while full it said: {said}")
    finally:
        await asyncio.to_thread(root, "umount", "-l", str(small))


def root(*command: str) -> None:
    subprocess.run(command, check=True)


def fill(path: Path) -> None:
    """Write until there is no room left, and again for what is given back meanwhile."""
    deadline = time.monotonic() + 3.0
    with path.open("wb", buffering=0) as ballast:
        while time.monotonic() < deadline:
            try:
                ballast.write(bytes(64 * 1024))
            except OSError:
                time.sleep(0.05)


async def clock(folder: Path) -> Found:
    """The wall clock of the core's machine jumps by an hour and by 90 s, both ways."""
    offset = folder / "offset"
    offset.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    async with bench(folder, **environment) as made:
        for jump in JUMPS:
            await asyncio.sleep(15.0)
            progress(f"clock {jump}")
            offset.write_text(jump + "\n")
        await asyncio.sleep(15.0)
        counts = await made.stop_counting()
        await made.settle(counts)
    before = made.count(counts)
    held = made.genba.quarantined()
    made.genba.replay_quarantine()
    return made.count(
        counts, f"{before.lost:,} of them in quarantine until replayed ({held:,} rows held)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("kill", "disk", "clock"))
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(
        "| fault | values made | lost | doubled | not in the ledger | |\n|---|---|---|---|---|---|"
    )
    failed = False
    for name in [args.only] if args.only else ["kill", "disk", "clock"]:
        folder = Path(tempfile.mkdtemp(prefix=f"genba-{name}-"))
        match name:
            case "kill":
                found = asyncio.run(kill(folder, args.kills, args.seed))
            case "disk":
                found = asyncio.run(disk(folder))
            case _:
                found = asyncio.run(clock(folder))
        print(
            f"| {name} | {found.made:,} | {found.lost:,} | {found.doubled:,} | {found.untold} "
            f"| {found.note} |"
        )
        bad = bool(found.lost or found.doubled or found.untold)
        failed |= bad
        if bad:
            print(f"kept for a look: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
