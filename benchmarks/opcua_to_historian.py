"""OPC UA subscriptions into the historian, with source and Genba on the same machine.

``python -m benchmarks.opcua_to_historian --minutes 10``

The source is an asyncua server in a process of its own whose counters are written at a fixed rate.
Genba's side is the real driver (signed and encrypted session) and the real historian (durable
spool, Delta tables). A third process asks the historian every 0.2 s for the newest samples of a
few signals: a sample's latency is the time from its source timestamp to the end of the first
query that shows it. At the end every counter is read back: each value must be there, once.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc

from genba.connect import DriverContext, open_driver, pki
from genba.historian import Historian, Ingest
from genba.plant import US, Connection, Signal, SystemClock

URI = "urn:genba:benchmark"
TICK_S = 0.02
PROBES = 4
PROBE_EVERY_S = 0.2
WARM_UP_S = 3.0


async def serve(folder: Path, port: int, signals: int, rate: float) -> None:
    """Be the source until standard input says stop; then print the counters."""
    from asyncua import Server, ua
    from asyncua.server.monitored_item_service import MonitoredItemValues

    def keep(self: MonitoredItemValues, value: ua.DataValue) -> None:
        self.old_dvalue, self.current_dvalue = self.current_dvalue, value

    # every write below makes a fresh DataValue, so the server need not deep-copy it
    MonitoredItemValues.set_current_datavalue = keep
    identity = pki.ensure_identity(folder, "source")
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    await server.set_application_uri(identity.uri)
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    await server.load_certificate(str(identity.certificate))
    await server.load_private_key(str(identity.key))
    space = await server.register_namespace(URI)
    nodes = []
    for number in range(signals):
        name = f"counter-{number}"
        node = await server.nodes.objects.add_variable(
            ua.NodeId(name, space), name, 0, ua.VariantType.Int64
        )
        nodes.append(node.nodeid)
    async with server:
        say({"ready": True})
        told_to_stop = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        counts = await count_up(server.iserver.aspace, nodes, rate, told_to_stop)
        say({"counts": counts, "cpu_s": sum(os.times()[:2])})
        await asyncio.to_thread(sys.stdin.readline)  # until then, what is queued still goes out


async def count_up(space, nodes, rate, told_to_stop) -> list[int]:
    """Write the next value of each counter in turn, at ``rate`` values per second."""
    from asyncua import ua

    counts = [0] * len(nodes)
    await until_subscribed(space, nodes)
    value_attribute, good, int64 = ua.AttributeIds.Value, ua.StatusCode(), ua.VariantType.Int64
    at, owed, began, done = 0, 0.0, time.monotonic(), 0
    while not told_to_stop.done():
        owed = (time.monotonic() - began) * rate - done
        for _ in range(min(int(owed), 2000)):
            counts[at] += 1
            value = ua.DataValue(
                ua.Variant(counts[at], int64), good, SourceTimestamp=dt.datetime.now(dt.UTC)
            )
            await space.write_attribute_value(nodes[at], value_attribute, value)
            at = (at + 1) % len(nodes)
            done += 1
        await asyncio.sleep(TICK_S if owed < 2000 else 0)
    return counts


async def until_subscribed(space, nodes) -> None:
    from asyncua import ua

    last = space._nodes[nodes[-1]].attributes[ua.AttributeIds.Value]
    while not last.datachange_callbacks:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.05)


def probe(folder: Path, signals: list[str]) -> None:
    """Print the latencies of new samples, query by query, until standard input ends."""
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    clock = SystemClock()
    seen = dict.fromkeys(signals, 0)
    latencies: list[float] = []
    with Historian.open(folder, clock, read_only=True) as historian:
        while not stop.wait(PROBE_EVERY_S):
            now = clock.now()
            found = historian.samples(signals, now - 20 * US, now + US)
            shown_at = clock.now()
            for name in signals:
                times = found.filter(pc.equal(found["signal"], name))["source_time"]
                ticks = times.cast("int64").to_numpy()
                fresh = ticks[ticks > seen[name]]
                if fresh.size:
                    latencies.extend((shown_at - fresh) / US)
                    seen[name] = int(fresh.max())
    say({"latencies": [round(x, 4) for x in latencies], "cpu_s": sum(os.times()[:2])})


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def child(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.opcua_to_historian", *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


async def measure(args: argparse.Namespace, folder: Path) -> dict:
    names = [f"source.counter-{number}" for number in range(args.signals)]
    signals = [
        Signal(
            id=name, equipment="source", connection="source", type="int", kind="counter",
            address=f"nsu={URI};s={name.removeprefix('source.')}",
        )
        for name in names
    ]  # fmt: skip
    pki.trust(folder / "state/pki", pki.ensure_identity(folder / "source", "source").certificate)
    source = child("--serve", folder / "source", "--port", args.port, "--signals", args.signals,
                   "--rate", args.rate)  # fmt: skip
    await asyncio.to_thread(source.stdout.readline)
    connection = Connection(
        id="source", driver="opcua", url=f"opc.tcp://127.0.0.1:{args.port}",
        options={"publish_ms": args.publish_ms, "queue_size": 10_000},
    )  # fmt: skip
    clock = SystemClock()
    historian = Historian.open(folder / "historian", clock)
    historian.start_committing(5.0)
    ingest = Ingest(historian)
    driver = open_driver(DriverContext(connection, tuple(signals), clock, folder / "state/pki"))
    await driver.connect()
    asked = child("--probe", folder / "historian", "--names", *names[:PROBES])
    began, first_cpu = time.monotonic(), cpu_of_genba()
    await driver.subscribe(signals, ingest.put)
    await asyncio.sleep(WARM_UP_S)
    resident = [memory_of_genba()]
    end = time.monotonic() + args.minutes * 60
    while time.monotonic() < end:
        await asyncio.sleep(min(5.0, max(0.0, end - time.monotonic())))
        resident.append(memory_of_genba())
        show_progress(driver, ingest, began, args.minutes)
    source.stdin.write("stop\n")
    source.stdin.flush()
    told = json.loads(await asyncio.to_thread(source.stdout.readline))
    seconds, genba_cpu = time.monotonic() - began, cpu_of_genba() - first_cpu
    await received(driver, sum(told["counts"]) + args.signals)
    health = driver.health()
    await driver.close()
    source.stdin.close()
    await asyncio.to_thread(source.wait)
    await ingest.drained()
    asked.stdin.close()
    probed = json.loads(await asyncio.to_thread(asked.stdout.read))
    result = verify(historian, names, told["counts"])
    ingest.close()
    historian.close()
    latencies = np.array(probed["latencies"])
    return {
        "rate_per_s": sum(told["counts"]) / seconds,
        **result,
        "errors": health.error,
        "latency_p50_s": float(np.quantile(latencies, 0.5)),
        "latency_p99_s": float(np.quantile(latencies, 0.99)),
        "latencies": len(latencies),
        "core_mb": [round(core) for core, _ in resident],
        "committer_mb": [round(rss) for _, rss in resident],
        "source_cores": told["cpu_s"] / seconds,
        "genba_cores": genba_cpu / seconds,
        "probe_cores": probed["cpu_s"] / seconds,
    }


async def received(driver, wanted: int) -> None:
    """Wait for what is still on its way, but not for ever: what does not come is lost."""
    deadline = time.monotonic() + 10.0
    while driver.health().received < wanted and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def verify(historian: Historian, names: list[str], counts: list[int]) -> dict:
    """Read every counter back: how many samples, how many values are missing or twice there."""
    rows = lost = doubled = 0
    now = SystemClock().now()
    for name, count in zip(names, counts, strict=True):
        values = historian.samples([name], now - 86_400 * US, now + 60 * US)["value"].to_numpy()
        distinct = np.unique(values)
        wanted = np.arange(count + 1)
        rows += values.size
        lost += int(np.setdiff1d(wanted, distinct, assume_unique=True).size)
        doubled += int(values.size - distinct.size)
    return {"samples": rows, "lost": lost, "doubled": doubled}


def committer() -> list[psutil.Process]:
    """The historian's own process, child of this one."""
    return [c for c in psutil.Process().children() if "committer" in " ".join(c.cmdline())]


def cpu_of_genba() -> float:
    return sum(sum(p.cpu_times()[:2]) for p in [psutil.Process(), *committer()])


def memory_of_genba() -> tuple[float, float]:
    """Resident MB of the core and of the committer."""
    core = psutil.Process().memory_info().rss / 2**20
    return core, sum(p.memory_info().rss for p in committer()) / 2**20


def show_progress(driver, ingest: Ingest, began: float, minutes: float) -> None:
    if not sys.stderr.isatty():
        return
    elapsed = time.monotonic() - began
    received = driver.health().received
    sys.stderr.write(
        f"\r{elapsed:5.0f} s of {minutes * 60:.0f}: {received:,} received "
        f"({received / elapsed:,.0f}/s), {ingest.waiting:,} on their way to the disk   "
    )
    sys.stderr.flush()


def span(series: list[int]) -> str:
    """Memory over the run: the median of its first, middle and last fifth."""
    fifth = max(1, len(series) // 5)
    middle = len(series) // 2
    parts = (series[:fifth], series[middle : middle + fifth], series[-fifth:])
    return " -> ".join(f"{np.median(part):.0f}" for part in parts) + " MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=18_500.0, help="values written per second")
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--publish-ms", type=float, default=200.0)
    parser.add_argument("--port", type=int, default=48_990)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--probe", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--names", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve, args.port, args.signals, args.rate))
        return
    if args.probe:
        probe(args.probe, args.names)
        return
    with tempfile.TemporaryDirectory(prefix="genba-bench-") as folder:
        result = asyncio.run(measure(args, Path(folder)))
    if args.json:
        say(result)
        return
    print(
        "\n| samples/s | samples | lost | doubled | p50 | p99 | core RSS | committer RSS "
        "| source | Genba | probe |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        f"| {result['rate_per_s']:,.0f} | {result['samples']:,} | {result['lost']} "
        f"| {result['doubled']} | {result['latency_p50_s']:.2f} s | {result['latency_p99_s']:.2f} s"
        f" | {span(result['core_mb'])} | {span(result['committer_mb'])} "
        f"| {result['source_cores']:.2f} cores | {result['genba_cores']:.2f} cores "
        f"| {result['probe_cores']:.2f} cores |"
    )
    if result["errors"]:
        print(f"driver: {result['errors']}")
    if result["lost"] or result["doubled"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
