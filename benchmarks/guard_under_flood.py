"""Guard and loop while the API is flooded and the disk is slow.

``python -m benchmarks.guard_under_flood [--seconds 60] [--connections 64] [--addresses 16]
[--tick 1]``

The core runs in real time on the reference plant in process (simulated plant), with its API on a
loopback port. A process of its own floods that with keep-alive connections, as fast as they are
answered: questions of all sorts (health, live values, history, KPIs, decisions), proposals, and
requests without a token. Each connection comes from one of several loopback addresses, so that
bounding a single client is not enough. Every append to the historian takes 0.2 to 0.5 s longer, as
on a bad disk. Meanwhile a probe has the guard decide every 10 ms; each decision is timed by itself
on the wall clock. Jitter is how late ticks begin. Once quiet, once flooded, in one run.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.guard_decision import proposals
from genba.operate.api.app import create_app
from genba.operate.api.serve import ApiServer
from genba.operate.listening import listen
from genba.operate.people import Identities, PersonRole
from genba.operate.runtime import Core
from genba.operate.state import StateFolder
from genba.plant import US, SystemClock, format_time
from genba.testbed import InProcessDriver, PlantSimulation, load_testbed, reference_files

BAR_DECISION_MS = 2.0
BAR_JITTER = 0.1
PROBE_S = 0.01
SLOW_S = (0.2, 0.5)
BODY = json.dumps(
    {
        "equipment": "press-1",
        "writes": [{"signal": "press-1.cooling_time", "value": 9999, "unit": "s"}],
        "reason": "a flood",
    }
)


@dataclass
class Measured:
    """One stretch of time."""

    decisions_ms: list[float] = field(default_factory=list)
    late_ms: dict[str, float | int] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def p(self, share: float) -> float:
        ordered = sorted(self.decisions_ms)
        return ordered[round(share * (len(ordered) - 1))]


# -- the flood, in a process of its own -------------------------------------------------------


def requests(port: int, token: str, start: int) -> Sequence[bytes]:
    """The requests that each connection sends in turn."""
    hour = f"from={format_time(start - 3600 * US)}&to={format_time(start + 3600 * US)}"
    signals = "&".join(f"signal=press-{n}.melt_temperature" for n in (1, 2))
    routes = [
        "/health", "/live", f"/history?{hour}&{signals}", "/situation", "/orders",
        f"/kpis?{hour}", "/proposals?limit=1000", f"/decisions?{hour}", "/openapi.json", "/metrics",
    ]  # fmt: skip
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    asked = [f"GET /api/v1{route} HTTP/1.1\r\n{head}\r\n".encode() for route in routes]
    posted = (
        f"POST /api/v1/proposals HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    )
    nobody = f"GET /api/v1/live HTTP/1.1\r\nHost: x:{port}\r\n\r\n"
    return [*asked, posted.encode(), nobody.encode()]


async def connection(
    port: int, address: str, texts: Sequence[bytes], until: float, answers: Counter[str]
) -> None:
    """Send the next request when the last is answered, until time is over."""
    dice = random.Random(address)
    while time.time() < until:
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0), limit=2**24
            )
            for text in itertools.islice(itertools.cycle(texts), dice.randrange(12), None):
                if time.time() >= until:
                    break
                writer.write(text)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                answers[head.split(" ", 2)[1]] += 1
                if "transfer-encoding: chunked" in head:
                    while int((await reader.readline()).strip() or b"0", 16):
                        await reader.readuntil(b"\r\n")
                    continue
                length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
                await reader.readexactly(int(length or 0))
                if "connection: close" in head:
                    break
            writer.close()
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            answers["broken off"] += 1
            await asyncio.sleep(0.05)


def flood(
    port: int, token: str, start: int, until: float, count: int, addresses: int, told: Any
) -> None:
    """Flood until time is over, then tell what was answered."""

    async def all_of_it() -> Counter[str]:
        answers: Counter[str] = Counter()
        texts = requests(port, token, start)
        names = [f"127.0.0.{2 + n % addresses}" for n in range(count)]
        await asyncio.gather(*(connection(port, n, texts, until, answers) for n in names))
        return answers

    told.send(asyncio.run(all_of_it()))


# -- the core ---------------------------------------------------------------------------------


def slow_disk(core: Core) -> None:
    """Let every append take longer."""
    append, dice = core.historian.append_all, random.Random(1)

    def slow(*given: Any, **more: Any) -> Any:
        time.sleep(dice.uniform(*SLOW_S))
        return append(*given, **more)

    core.historian.append_all = slow  # type: ignore[method-assign]


async def probe(core: Core, measured: Measured) -> None:
    """Have the guard decide, again and again, and time it."""
    made = proposals(core.plant, core.clock)  # type: ignore[arg-type]
    while True:
        proposal = next(made)
        begun = time.perf_counter()
        core.guard.decide(proposal)
        measured.decisions_ms.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(PROBE_S)


async def live(core: Core, simulation: PlantSimulation) -> None:
    """Let the plant live at the wall clock's pace."""
    while True:
        simulation.advance(core.clock.now())
        simulation.deliver()
        await asyncio.sleep(0.5)


async def stretch(core: Core, seconds: float, flooding: Any = None) -> Measured:
    """Measure for a while."""
    measured = Measured()
    core._lateness.__init__()  # type: ignore[misc]
    task = asyncio.create_task(probe(core, measured))
    await asyncio.sleep(seconds)
    task.cancel()
    measured.late_ms = core._lateness.report()
    if flooding is not None:
        measured.answers = await asyncio.to_thread(flooding.recv)
    return measured


async def run(
    seconds: float, count: int, addresses: int, tick_s: float, state: Path
) -> tuple[Measured, Measured]:
    """Measure quietly, then flooded."""
    plant, physics = load_testbed(*reference_files())
    plant = plant.model_copy(update={"tick_s": tick_s})
    clock = SystemClock()
    start = clock.now()
    simulation = PlantSimulation(plant, physics, seed=1, start=start, conventional=False)
    drivers = {
        c.id: InProcessDriver(
            simulation, clock, [s for s in plant.signals.values() if s.connection == c.id]
        )
        for c in plant.connections
    }
    folder = StateFolder(state)
    core = Core(plant, folder, clock, drivers=drivers, judges=(), planners=())
    slow_disk(core)
    identities = Identities(folder.secrets)
    token = identities.create("flood", PersonRole.OPERATOR)
    await core.start()
    server = ApiServer(create_app(core, identities), listen("127.0.0.1", 0))
    await server.start()
    port = int(server.url.rpartition(":")[2])
    works = [asyncio.create_task(core.run()), asyncio.create_task(live(core, simulation))]
    try:
        await asyncio.sleep(3)
        quiet = await stretch(core, seconds / 3)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=flood,
            args=(port, token, start, time.time() + seconds + 2, count, addresses, theirs),
        )
        process.start()
        await asyncio.sleep(2)
        flooded = await stretch(core, seconds, ours)
        await asyncio.to_thread(process.join)
    finally:
        await server.stop()
        await core.stop()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
    return quiet, flooded


def show(name: str, measured: Measured, tick_ms: float) -> None:
    late = measured.late_ms
    print(
        f"{name:8} decisions {len(measured.decisions_ms):,}: p50 {measured.p(0.5):.3f} ms, "
        f"p99 {measured.p(0.99):.3f} ms, largest {measured.p(1):.1f} ms; ticks late p50 "
        f"{late['late_p50_ms']} ms, p99 {late['late_p99_ms']} ms, largest {late['late_max_ms']} ms,"
        f" missed {late['missed']} (period {tick_ms:.0f} ms)"
    )


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--addresses", type=int, default=16)
    parser.add_argument("--tick", type=float, default=1.0, help="period of the loop in seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        quiet, flooded = asyncio.run(
            run(
                given.seconds,
                given.connections,
                given.addresses,
                given.tick,
                Path(folder) / "state",
            )
        )
    tick_ms = 1000 * given.tick
    show("quiet", quiet, tick_ms)
    show("flooded", flooded, tick_ms)
    answers = sum(flooded.answers.values())
    print(f"answers  {answers:,} ({answers / given.seconds:,.0f}/s): {dict(flooded.answers)}")
    jitter = float(flooded.late_ms["late_p99_ms"])
    good = flooded.p(0.99) <= BAR_DECISION_MS and jitter <= BAR_JITTER * tick_ms
    print(f"bars: decision p99 {BAR_DECISION_MS:g} ms, jitter p99 {BAR_JITTER * tick_ms:.0f} ms")
    return 0 if good and answers else 1


if __name__ == "__main__":
    sys.exit(main())
