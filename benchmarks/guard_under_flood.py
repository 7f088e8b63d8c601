"""Guard and loop while the API is flooded and the disk is slow.

``python -m benchmarks.guard_under_flood [--seconds 60] [--connections 64] [--addresses 16]
[--tick 1] [--rounds 3]``

The core runs in real time on the reference plant in process (simulated plant), with its API on a
loopback port. A process of its own floods that with keep-alive connections, as fast as they are
answered: questions of all sorts (health, live values, history, KPIs, decisions), proposals, and
requests without a token. Each connection comes from one of several loopback addresses, so that
bounding a single client is not enough. Every write to the historian, the command journal and the
audit log takes 0.2 to 0.5 s longer, as on a bad disk. Meanwhile a probe has the guard decide every
10 ms; each decision is timed by itself on the wall clock. Jitter is how late ticks begin.

Quiet and flooded stretches take turns: what else the computer does makes both late, and the flood
is to blame for the difference. The bars hold for the flooded ones as they are.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.guard_decision import proposals
from genba.operate.api.app import create_app, described
from genba.operate.api.serve import ApiServer
from genba.operate.listening import listen
from genba.operate.memory import settle, unsettle
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
    late_s: list[float] = field(default_factory=list)
    missed: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Measured") -> None:
        """Take in another stretch of the same kind."""
        self.decisions_ms += other.decisions_ms
        self.late_s += other.late_s
        self.missed += other.missed
        self.answers += other.answers

    def late_ms(self, share: float) -> float:
        ordered = sorted(self.late_s)
        return 1000 * ordered[round(share * (len(ordered) - 1))]

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


def flood(port: int, token: str, start: int, count: int, addresses: int, told: Any) -> None:
    """Flood for as many seconds as are asked for, and tell what was answered; 0 ends it."""

    async def all_of_it(until: float) -> Counter[str]:
        answers: Counter[str] = Counter()
        texts = requests(port, token, start)
        names = [f"127.0.0.{2 + n % addresses}" for n in range(count)]
        await asyncio.gather(*(connection(port, n, texts, until, answers) for n in names))
        return answers

    told.send("ready")  # a busy computer takes long to start a process
    while seconds := told.recv():
        told.send(asyncio.run(all_of_it(time.time() + seconds)))


# -- the core ---------------------------------------------------------------------------------


def slow_disk(core: Core) -> None:
    """Let every write of the historian, the journal of commands and the audit log take longer."""
    dice = random.Random(1)

    def slower(work: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*given: Any, **more: Any) -> Any:
            time.sleep(dice.uniform(*SLOW_S))
            return work(*given, **more)

        return slow

    audit, journal = core.audit._journal, core._journal
    core.historian.append_all = slower(core.historian.append_all)  # type: ignore[method-assign]
    audit.append = slower(audit.append)  # type: ignore[method-assign]
    journal._thread.submit = _in_turn(journal._thread.submit, slower)  # type: ignore[method-assign]


def _in_turn(submit: Callable[..., Any], slower: Callable[..., Any]) -> Callable[..., Any]:
    return lambda work, *given, **more: submit(slower(work), *given, **more)


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
    if flooding is not None:
        flooding.send(seconds + 2)
        await asyncio.sleep(1)
    core._lateness.__init__()  # type: ignore[misc]
    task = asyncio.create_task(probe(core, measured))
    await asyncio.sleep(seconds)
    task.cancel()
    measured.late_s = list(core._lateness._late_s)
    measured.missed = core._lateness.missed
    if flooding is not None:
        measured.answers = await asyncio.to_thread(flooding.recv)
    return measured


async def run(
    seconds: float, count: int, addresses: int, tick_s: float, rounds: int, state: Path
) -> tuple[Measured, Measured]:
    """Measure quietly and flooded by turns."""
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
    app = create_app(core, identities)
    server = ApiServer(app, listen("127.0.0.1", 0))
    await server.start()
    port = int(server.url.rpartition(":")[2])
    works = [asyncio.create_task(core.run()), asyncio.create_task(live(core, simulation))]
    try:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=flood, args=(port, token, start, count, addresses, theirs)
        )
        process.start()
        await asyncio.to_thread(ours.recv)
        await described(app)
        settle()
        quiet, flooded = Measured(), Measured()
        for number in range(rounds):
            pair = await stretch(core, seconds), await stretch(core, seconds, ours)
            for name, one, whole in zip(("quiet", "flooded"), pair, (quiet, flooded), strict=True):
                show(f"{number + 1} {name}", one, tick_s)
                whole.add(one)
        ours.send(0)
        await asyncio.to_thread(process.join)
    finally:
        await server.stop()
        await core.stop()
        unsettle()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
    return quiet, flooded


def show(name: str, measured: Measured, tick_s: float) -> None:
    late = [f"{measured.late_ms(share):.1f}" for share in (0.5, 0.99, 1)]
    print(
        f"{name:10} {len(measured.decisions_ms):,} decisions: p50 {measured.p(0.5):.3f} ms, "
        f"p99 {measured.p(0.99):.3f} ms, largest {measured.p(1):.1f} ms; "
        f"{len(measured.late_s):,} ticks late p50 {late[0]} ms, p99 {late[1]} ms "
        f"({measured.late_ms(0.99) / tick_s / 10:.1f}% of the period), largest {late[2]} ms, "
        f"missed {measured.missed}",
        flush=True,
    )


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each stretch")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--addresses", type=int, default=16)
    parser.add_argument("--tick", type=float, default=1.0, help="period of the loop in seconds")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of stretches")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        quiet, flooded = asyncio.run(
            run(
                given.seconds,
                given.connections,
                given.addresses,
                given.tick,
                given.rounds,
                Path(folder) / "state",
            )
        )
    show("quiet", quiet, given.tick)
    show("flooded", flooded, given.tick)
    answers = sum(flooded.answers.values())
    each_s = answers / (given.rounds * (given.seconds + 2))
    print(f"answers    {answers:,} ({each_s:,.0f}/s): {dict(flooded.answers)}")
    jitter = flooded.late_ms(0.99) / 1000 / given.tick
    good = flooded.p(0.99) <= BAR_DECISION_MS and jitter <= BAR_JITTER
    print(f"bars: decision p99 {BAR_DECISION_MS:g} ms, jitter p99 {BAR_JITTER:.0%} of the period")
    return 0 if good and answers else 1


if __name__ == "__main__":
    sys.exit(main())
