"""What happens to all collectors at once, and for how long."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.tcp_proxy import TcpProxy

from benchmarks.outage.collectors import Collector

KILLED_S = 5.0
"""How long a killed collector stays down before it is started again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of disturbance and its length in seconds."""

    kind: str
    seconds: float

    @property
    def name(self) -> str:
        return f"{_WORDS[self.kind]}, {self.seconds:g} s"


_WORDS = {
    "cut": "link cut",
    "silence": "half-open link",
    "freeze": "source frozen (SIGSTOP)",
    "restart": "source's server restarted",
    "kill": "collector killed (kill -9)",
    "broker": "broker killed (kill -9) and started",
    "broker frozen": "broker frozen (SIGSTOP)",
    "edge": "edge node killed (kill -9)",
    "hub": "hub killed (kill -9)",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that was made; times in seconds since 1970."""

    fault: Fault
    began: float
    over: float


@dataclass(frozen=True, slots=True)
class Scene:
    """The source, the collectors, and the wires between them."""

    source: subprocess.Popen
    collectors: Sequence[Collector]
    wires: Sequence[TcpProxy]
    tell: Callable[[dict], Awaitable[None]]


async def break_links(fault: Fault, wires: Sequence[TcpProxy]) -> None:
    """Cut all links, or let them go silent, for as long as the fault lasts."""
    for wire in wires:
        wire.cut() if fault.kind == "cut" else wire.blackhole()
    await asyncio.sleep(fault.seconds)
    for wire in wires:
        wire.restore()


async def make(fault: Fault, scene: Scene) -> Happened:
    """Make a fault happen, and return when it is over."""
    began = time.time()
    match fault.kind:
        case "cut" | "silence":
            await break_links(fault, scene.wires)
        case "freeze":
            scene.source.send_signal(signal.SIGSTOP)
            await asyncio.sleep(fault.seconds)
            scene.source.send_signal(signal.SIGCONT)
        case "restart":
            await scene.tell({"do": "restart", "down_s": fault.seconds})
        case "kill":
            for collector in scene.collectors:
                await asyncio.to_thread(collector.tree().kill)
            await asyncio.sleep(fault.seconds)
            for collector in scene.collectors:
                collector.start()
    return Happened(fault, began, time.time())
