"""The source: an OPC UA server whose machine counts on, and keeps its own record, whatever happens.

``python -m benchmarks.outage.source FOLDER PORT SIGNALS RATE``; told what to do by JSON lines.
"""

import asyncio
import bisect
import datetime as dt
import json
import logging
import os
import sys
import time
from pathlib import Path

from asyncua import Server, ua
from asyncua.server.history import HistoryStorageInterface
from asyncua.server.monitored_item_service import MonitoredItemValues

from genba.connect import pki

URI = "urn:genba:benchmark"
SPACE = 2
"""Index of the namespace, which the peers ask for by number."""
TICK_S = 0.02


class Recorder(HistoryStorageInterface):
    """The machine's own record of every value, which outlives its OPC UA server."""

    def __init__(self) -> None:
        super().__init__(max_history_data_response_size=5_000)
        self._kept: dict[ua.NodeId, list[ua.DataValue]] = {}

    def keep(self, node: ua.NodeId, value: ua.DataValue) -> None:
        self._kept.setdefault(node, []).append(value)

    async def init(self) -> None:
        pass

    async def read_node_history(self, node_id, start, end, nb_values):
        kept = self._kept.get(node_id, [])
        first = bisect.bisect_left(kept, start, key=lambda value: value.SourceTimestamp)
        last = bisect.bisect_left(kept, end, key=lambda value: value.SourceTimestamp)
        most = min(nb_values or self.max_history_data_response_size, 5_000)
        part = kept[first:last][:most]
        more = kept[first + most].SourceTimestamp if last - first > most else None
        return part, more

    async def stop(self) -> None:
        pass


class Source:
    """Counters at a fixed rate behind an OPC UA server that can be restarted."""

    def __init__(self, folder: Path, port: int, signals: int, rate: float) -> None:
        self._identity = pki.ensure_identity(folder, "source")
        self._port, self._rate = port, rate
        self._nodes = [ua.NodeId(f"counter-{n}", SPACE) for n in range(signals)]
        self._recorder = Recorder()
        self._server: Server | None = None
        self._restarts: set[asyncio.Task] = set()
        self.counts = [0] * signals
        self.going = asyncio.Event()

    async def serve(self) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(f"opc.tcp://127.0.0.1:{self._port}")
        await server.set_application_uri(self._identity.uri)
        policies = ua.SecurityPolicyType
        server.set_security_policy([policies.NoSecurity, policies.Basic256Sha256_SignAndEncrypt])
        await server.load_certificate(str(self._identity.certificate))
        await server.load_private_key(str(self._identity.key))
        server.iserver.history_manager.set_storage(self._recorder)
        assert await server.register_namespace(URI) == SPACE
        machine = await server.nodes.objects.add_object(ua.NodeId("machine", SPACE), "machine")
        for node, count in zip(self._nodes, self.counts, strict=True):
            made = await machine.add_variable(node, node.Identifier, count, ua.VariantType.Int64)
            for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
                await made.set_attr_bit(attribute, ua.AccessLevel.HistoryRead)
        await server.start()
        self._server = server

    async def restart(self, down_s: float) -> None:
        server, self._server = self._server, None
        await server.stop()
        await asyncio.sleep(down_s)
        await self.serve()
        say({"restarted": time.time()})

    async def count(self) -> None:
        """Count each counter up in turn; what no client sees is in the record all the same."""
        await self.going.wait()
        began, done, at = time.monotonic(), 0, 0
        attribute, good, int64 = ua.AttributeIds.Value, ua.StatusCode(), ua.VariantType.Int64
        while self.going.is_set():
            owed = int((time.monotonic() - began) * self._rate) - done
            for _ in range(owed):
                self.counts[at] += 1
                value = ua.DataValue(
                    ua.Variant(self.counts[at], int64),
                    good,
                    SourceTimestamp=dt.datetime.now(dt.UTC),
                )
                self._recorder.keep(self._nodes[at], value)
                server = self._server
                if server is not None:
                    await server.iserver.aspace.write_attribute_value(
                        self._nodes[at], attribute, value
                    )
                at = (at + 1) % len(self._nodes)
            done += owed
            await asyncio.sleep(TICK_S)

    async def obey(self) -> None:
        """Do what standard input says until it says stop."""
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            match order["do"]:
                case "go":
                    self.going.set()
                case "restart":
                    task = asyncio.create_task(self.restart(order["down_s"]))
                    self._restarts.add(task)
                case "stop":
                    self.going.clear()
                    say({"counts": self.counts, "cpu_s": sum(os.times()[:2])})


async def main(folder: str, port: str, signals: str, rate: str) -> None:
    def keep(self: MonitoredItemValues, value: ua.DataValue) -> None:
        self.old_dvalue, self.current_dvalue = self.current_dvalue, value

    # Every write makes a fresh DataValue, so the server need not deep-copy it.
    MonitoredItemValues.set_current_datavalue = keep
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    source = Source(Path(folder), int(port), int(signals), float(rate))
    await source.serve()
    say({"ready": True})
    counting = asyncio.create_task(source.count())
    await source.obey()
    counting.cancel()


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
