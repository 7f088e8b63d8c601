"""A Sparkplug edge node, a broker, a Genba that follows the node, and a hub above that Genba."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.outage.collectors import MOSQUITTO, Tree, free_port, wait_for_port
from genba.historian import Historian
from genba.operate.state import StateFolder
from genba.plant import SystemClock

NODE = Path(__file__).with_name("sparkplug_edge.js")
Value = tuple[int, int, int]
"""Counter number, value, source time in microseconds."""


class Broker:
    """mosquitto, which can be killed, frozen and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        configuration = folder / "mosquitto.conf"
        configuration.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._command = [MOSQUITTO, "-c", str(configuration)]
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self._command, **quiet)
        wait_for_port(self.port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Edge:
    """The foreign node; its journal holds all that it made."""

    def __init__(self, folder: Path, port: int, signals: int, rate: float) -> None:
        self._journal = folder / "edge-journal.txt"
        options = {
            "url": f"mqtt://127.0.0.1:{port}", "group": "works", "node": "machine",
            "host": "line", "signals": signals, "rate": rate, "journal": str(self._journal),
        }  # fmt: skip
        self._command = ["node", str(NODE), json.dumps(options)]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def finish(self) -> None:
        """Count no more, and return when all that was kept is sent."""
        self._process.stdin.write("stop\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def made(self) -> set[Value]:
        lines = (line.split() for line in self._journal.read_text().splitlines())
        return {(int(w[1]), int(w[2]), 1000 * int(w[3])) for w in lines if w[0] == "m"}


class Plant:
    """A whole ``genba run`` that follows one Sparkplug node, and may have an uplink."""

    def __init__(
        self, folder: Path, name: str, port: int, node: str, metric: str, signals: int,
        uplink: int | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._state, self._signals = folder, folder / f"{name}-state", signals
        listed = "\n".join(
            f"      - {{id: counter-{n}, kind: counter, type: int, address: {metric}counter-{n}}}"
            for n in range(signals)
        )
        up = (
            f'uplinks:\n  - {{id: up, url: "mqtt://127.0.0.1:{uplink}", group: works, '
            "node: line, host: hub}\n"
        )
        file = folder / f"{name}.yaml"
        file.write_text(
            f"genba: 1\nid: {name}\nconnections:\n"
            f'  - {{id: node, driver: sparkplug, url: "mqtt://127.0.0.1:{port}", '
            f"options: {{group: works, node: {node}, host_id: {name}}}}}\n"
            f"{up if uplink else ''}"
            "equipment:\n  - {id: works, level: site}\n"
            f"  - id: source\n    parent: works\n    connection: node\n    signals:\n{listed}\n"
        )
        StateFolder(self._state)
        command = [sys.executable, "-m", "genba", "run", str(file), "--state", str(self._state)]
        self.tree = Tree([*command, "--port", str(free_port())], folder / f"{name}.log")

    def historian(self) -> Historian:
        return Historian.open(self._state / "historian", SystemClock(), read_only=True)

    def rows(self) -> Iterator[tuple[Value, float, bool]]:
        """Good values, with the time of storing in seconds, and whether each is a mark.

        With a mark Genba stores that a value which it had called bad is good again, as of now.
        """
        with self.historian() as historian:
            for number in range(self._signals):
                found = historian.samples([f"source.counter-{number}"], 0, 2**52)
                good = found.filter(found["quality"].to_numpy() == 0)
                columns = ("value", "source_time", "receive_time", "store_time")
                for value, source, receive, stored in zip(
                    *(good[name].cast("int64", safe=False).to_pylist() for name in columns),
                    strict=True,
                ):
                    if value > 0:
                        yield (number, value, source), stored / 1e6, source == receive

    def gaps(self) -> list[tuple[int, int, int | None, str]]:
        """The gap ledger: counter number, start, end (microseconds), recovery."""
        with self.historian() as historian:
            listed = historian.gaps().to_pylist()
        return [
            (
                int(gap["signal"].rsplit("-", 1)[1]),
                round(gap["start"].timestamp() * 1e6),
                None if gap["end"] is None else round(gap["end"].timestamp() * 1e6),
                str(gap["recovery"]),
            )
            for gap in listed
        ]
