"""A foreign OPC UA client (node-opcua) gets along with a device of the testbed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.testbed.servers.small_plant import START
from tests.testbed.servers.test_opcua import Bench

from genba.plant import format_time
from genba.testbed.servers.identity import DeviceIdentity

PEER = Path(__file__).parents[2] / "peers" / "node-opcua"

pytestmark = pytest.mark.peer("node-opcua")


async def test_node_opcua_subscribes_writes_and_reads_history(
    runtime: Path, visitor: DeviceIdentity, free_port: Callable[[], int], tmp_path: Path
) -> None:
    bench = Bench(runtime, free_port())
    await bench.server.start()
    await bench.push()
    certificate = tmp_path / "visitor.pem"
    loaded = x509.load_der_x509_certificate(visitor.certificate.read_bytes())
    certificate.write_bytes(loaded.public_bytes(Encoding.PEM))
    wish = {
        "url": bench.url,
        "certificate": str(certificate),
        "key": str(visitor.key),
        "uri": visitor.uri,
        "pki": str(tmp_path / "node"),
        "namespace": "urn:small:press",
        "read": "Melt",
        "count": 101,
        "write": "Speed",
        "value": 1200.0,
        "start": format_time(START),
        "end": format_time(START + 1_000_000),
    }
    process = await asyncio.create_subprocess_exec(
        *("node", str(PEER / "client.js"), json.dumps(wish)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line == b"listening\n"
        for step in range(1, 101):
            bench.memory.set("press-1.melt", 210.5 + step, after_s=0.001)
        await bench.push()
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await bench.server.stop()
    assert [value for value, _ in answer["changes"]] == [210.5 + step for step in range(101)]
    assert answer["changes"][-1][1] == "2026-01-05T06:00:00.100Z"
    assert answer["written"] == "Good"
    assert bench.memory.written == [("press-1.speed", 120.0)]
    assert answer["range"] == [0, 400]
    assert answer["history"][-1] == [310.5, "2026-01-05T06:00:00.100Z"]
    assert len(answer["history"]) == 101
