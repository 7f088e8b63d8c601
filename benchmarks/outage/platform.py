"""What ThingsBoard Gateway talks to in place of a ThingsBoard server.

``python -m benchmarks.outage.platform PORT FILE``: writes every telemetry message to the file as
``<time received> <payload>``, and answers the one question that the gateway asks before it sends:
the session's limits (there are none).
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import aiomqtt

LIMITS = {
    "maxPayloadSize": 65_536,
    "maxInflightMessages": 0,
    "rateLimits": {},
    "gatewayRateLimits": {},
}
ASKED = "v1/devices/me/rpc/request/"
ANSWER = "v1/devices/me/rpc/response/"


async def main(port: int, path: Path) -> None:
    with path.open("ab", buffering=0) as out:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("v1/gateway/telemetry", qos=1)
            await client.subscribe(ASKED + "+", qos=1)
            async for message in client.messages:
                topic, payload = str(message.topic), bytes(message.payload)
                if topic.startswith(ASKED):
                    await client.publish(
                        ANSWER + topic.removeprefix(ASKED), json.dumps(LIMITS), qos=1
                    )
                else:
                    out.write(f"{time.time():.6f} ".encode() + payload + b"\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
