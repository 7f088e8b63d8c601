"""The collectors under test: Genba, Node-RED and ThingsBoard Gateway, each as its makers run it.

Each is a process tree that reads the same OPC UA source through a wire of its own and leaves what
it received in a file (Genba: its historian). Peers subscribe without security, with queues of
10,000 values for each item where they have such a setting; Genba's session is signed and encrypted.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.outage.source import SPACE, URI
from genba.connect import pki
from genba.historian import Historian
from genba.historian.quarantine import Selection, select
from genba.operate.state import StateFolder
from genba.plant import SystemClock

HERE = Path(__file__).parent
INSTALLED = HERE / ".peers"
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
Row = tuple[int, int, float, float]
"""Counter number, value, source time and time of storing, both in seconds since 1970."""


class Collector(Protocol):
    name: str
    version: str

    def start(self) -> None: ...
    def rows(self) -> Iterator[Row]: ...
    def tree(self) -> "Tree": ...
    def stop(self) -> None: ...


class Tree:
    """A process and its children: kill it, freeze it, and what CPU time it used over its lives."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self._command, self._log = command, log
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen | None = None
        self._seconds: dict[tuple[int, float], float] = {}

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment, start_new_session=True,
            )  # fmt: skip

    def measure(self) -> None:
        """Note the CPU time so far; what a killed process used last is not seen, so call often."""
        for process in self._all():
            try:
                key = (process.pid, process.create_time())
                self._seconds[key] = sum(process.cpu_times()[:2])
            except psutil.Error:
                continue

    @property
    def cpu_s(self) -> float:
        return sum(self._seconds.values())

    @property
    def memory_mb(self) -> float:
        """What the system has to give for it: a page that processes share counts once (PSS)."""
        return sum(process.memory_full_info().pss for process in self._all()) / 2**20

    def kill(self) -> None:
        """``kill -9`` of the process alone; its children notice."""
        self.measure()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, grace_s: float = 60.0) -> None:
        self.measure()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _all(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except (psutil.Error, AttributeError):
            return []


class Genba:
    """``genba run`` on a plant file of one connection."""

    name = "Genba"

    def __init__(
        self, folder: Path, url: str, source: Path, signals: int, **environment: str
    ) -> None:
        from genba import __version__

        self.version = __version__
        folder.mkdir(parents=True)
        self.folder, self.state, self.signals = folder, folder / "state", signals
        listed = "\n".join(
            f"      - {{id: counter-{n}, kind: counter, type: int, "
            f'address: "nsu={URI};s=counter-{n}"}}'
            for n in range(signals)
        )
        (folder / "plant.yaml").write_text(
            "genba: 1\nid: outage\nconnections:\n"
            f'  - {{id: source, driver: opcua, url: "{url}", '
            "options: {publish_ms: 200, queue_size: 10000}}\n"
            "equipment:\n  - {id: works, level: site}\n"
            f"  - id: source\n    parent: works\n    connection: source\n    signals:\n{listed}\n"
        )
        StateFolder(self.state)
        pki.trust(self.state / "pki", pki.ensure_identity(source, "source").certificate)
        command = [sys.executable, "-m", "genba", "run", str(folder / "plant.yaml")]
        # As pip installs it: with its modules compiled, also where a shell says otherwise.
        compiled = {
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }
        self._log = folder.parent / f"{folder.name}.log"
        self._tree = Tree(
            [*command, "--port", str(free_port())], self._log, **compiled, **environment
        )

    def tree(self) -> Tree:
        return self._tree

    def start(self) -> None:
        self._tree.start()

    def stop(self) -> None:
        self._tree.stop()

    def says(self) -> str:
        """The last line of its log."""
        return self._log.read_text().strip().splitlines()[-1]

    def quarantined(self) -> int:
        with self.historian() as historian:
            return select(historian, Selection()).num_rows

    def replay_quarantine(self) -> None:
        command = [sys.executable, "-m", "genba", "historian", "quarantine", "replay"]
        plant = str(self.folder / "plant.yaml")
        more = ["--all", "--plant", plant, "--state", str(self.state)]
        subprocess.run([*command, *more], check=True, capture_output=True)

    def told(self, spans: Sequence[tuple[float, float]]) -> int:
        """Of how many spans the gap ledger shows something for every signal."""
        with self.historian() as historian:
            gaps = historian.gaps().to_pylist()
        wanted = {f"source.counter-{n}" for n in range(self.signals)}
        shown = 0
        for start, end in spans:
            over = {
                gap["signal"]
                for gap in gaps
                if gap["start"].timestamp() <= end
                and (gap["end"] is None or gap["end"].timestamp() >= start)
            }
            shown += wanted <= over
        return shown

    def historian(self) -> Historian:
        return Historian.open(self.state / "historian", SystemClock(), read_only=True)

    def rows(self) -> Iterator[Row]:
        with self.historian() as historian:
            for number in range(self.signals):
                found = historian.samples([f"source.counter-{number}"], 0, 2**52)
                good = found.filter(found["quality"].to_numpy() == 0)
                for value, source, stored in zip(
                    good["value"].to_numpy(),
                    good["source_time"].cast("int64").to_numpy() / 1e6,
                    good["store_time"].cast("int64").to_numpy() / 1e6,
                    strict=True,
                ):
                    yield number, int(value), source, stored


class NodeRed:
    """Node-RED with node-red-contrib-opcua: a subscription into a file."""

    name = "Node-RED"

    def __init__(self, folder: Path, url: str, signals: int) -> None:
        modules = INSTALLED / "node-red" / "node_modules"
        if not (modules / "node-red").exists():
            raise FileNotFoundError("python -m benchmarks.outages --install")
        folder.mkdir(parents=True)
        self._out = folder / "out.txt"
        versions = [version_of(modules, name) for name in ("node-red", "node-red-contrib-opcua")]
        self.version = f"{versions[0]} (contrib-opcua {versions[1]})"
        (folder / "flow.json").write_text(json.dumps(self._flow(url, signals)))
        (folder / "settings.js").write_text(
            "module.exports = {flowFile: 'flow.json', credentialSecret: false, "
            "editorTheme: {tours: false}, logging: {console: {level: 'warn'}}}"
        )
        command = ["node", str(modules / "node-red" / "red.js"), "-u", str(folder)]
        command += ["-s", str(folder / "settings.js"), "-p", str(free_port())]
        self._tree = Tree(command, folder / "log")

    def _flow(self, url: str, signals: int) -> list[dict]:
        ask = (
            f"for (let n = 0; n < {signals}; n++) node.send({{topic: `ns={SPACE};s=counter-${{n}}`,"
            " datatype: 'Int64', interval: 101, queueSize: 10000}); return null;"
        )
        write = (
            "if (!/counter-/.test(msg.topic)) return null; const raw = msg.payload; "
            "const v = Array.isArray(raw) ? raw[0] * 4294967296 + raw[1] : Number(raw); "
            "msg.payload = msg.topic.split('-')[1] + ' ' + v + ' ' + "
            "new Date(msg.sourceTimestamp).getTime() / 1000 + ' ' + Date.now() / 1000; return msg;"
        )
        place = {"z": "tab", "x": 100, "y": 100}  # a node without a place is a configuration
        return [
            {"id": "tab", "type": "tab", "label": "outage"},
            {"id": "end", "type": "OpcUa-Endpoint", "endpoint": url, "secpol": "None",
             "secmode": "None", "none": True, "login": False, "usercert": False},
            {"id": "go", "type": "inject", **place, "once": True, "onceDelay": 1, "repeat": "",
             "props": [{"p": "payload"}], "payload": "", "payloadType": "date", "wires": [["ask"]]},
            {"id": "ask", "type": "function", **place, "func": ask, "outputs": 1,
             "wires": [["client"]]},
            {"id": "client", "type": "OpcUa-Client", **place, "endpoint": "end",
             "action": "subscribe", "time": 200, "timeUnit": "ms", "certificate": "n",
             "securitymode": "None", "securitypolicy": "None", "keepsessionalive": True,
             "wires": [["write"], [], []]},
            {"id": "write", "type": "function", **place, "func": write, "outputs": 1,
             "wires": [["file"]]},
            {"id": "file", "type": "file", **place, "filename": str(self._out),
             "filenameType": "str", "appendNewline": True, "overwriteFile": "false",
             "wires": [[]]},
        ]  # fmt: skip

    def tree(self) -> Tree:
        return self._tree

    def start(self) -> None:
        self._tree.start()

    def stop(self) -> None:
        self._tree.stop(10.0)

    def rows(self) -> Iterator[Row]:
        if not self._out.exists():
            return
        for line in self._out.read_text().splitlines():
            parts = line.split()
            if len(parts) == 4:
                number, value, source, stored = parts
                yield int(number), int(float(value)), float(source), float(stored)


class ThingsBoard:
    """ThingsBoard Gateway: OPC UA subscriptions, stored in SQLite, published to an MQTT broker.

    In place of a ThingsBoard server stand mosquitto and :mod:`benchmarks.outage.platform`, which
    writes every message to a file; neither is ever disturbed, nor is its CPU time counted.
    """

    name = "ThingsBoard Gateway"

    def __init__(self, folder: Path, url: str, signals: int) -> None:
        python = INSTALLED / "thingsboard" / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError("python -m benchmarks.outages --install")
        folder.mkdir(parents=True)
        self._out, self._broker = folder / "out.txt", free_port()
        self.version = installed_version(python, "thingsboard-gateway")
        self._folder, self._helpers = folder, []
        self._configure(folder, url, signals)
        command = [str(python), "-c", "from thingsboard_gateway.tb_gateway import main; main()"]
        self._tree = Tree(
            command, folder / "log", TB_GW_CONFIG_DIR=f"{folder}/", TB_GW_LOGS_PATH=f"{folder}/logs"
        )

    def _configure(self, folder: Path, url: str, signals: int) -> None:
        (folder / "logs").mkdir()
        (folder / "data").mkdir()
        none = "0:0,"
        limits = dict.fromkeys(
            ("rateLimits", "dpRateLimits", "messagesRateLimits", "deviceMessagesRateLimits",
             "deviceRateLimits", "deviceDpRateLimits"), none,
        )  # fmt: skip
        gateway = {
            "thingsboard": {
                "host": "127.0.0.1", "port": self._broker, "remoteShell": False,
                "remoteConfiguration": False, "statistics": {"enable": False},
                "maxPayloadSizeBytes": 65_000, "minPackSendDelayMS": 50, "minPackSizeToSend": 500,
                "checkConnectorsConfigurationInSeconds": 60, "handleDeviceRenaming": True,
                "security": {"type": "accessToken", "accessToken": "benchmark"}, "qos": 1,
                "reportStrategy": {"type": "ON_RECEIVED"}, **limits,
            },
            "storage": {
                "type": "sqlite", "data_file_path": f"{folder}/data/",
                "messages_ttl_check_in_hours": 1, "messages_ttl_in_days": 7,
                "max_read_records_count": 1000,
            },
            "grpc": {"enabled": False},
            "connectors": [
                {"name": "source", "type": "opcua", "configuration": "opcua.json",
                 "logLevel": "WARNING"}
            ],
        }  # fmt: skip
        series = [
            {"key": f"counter-{n}", "type": "identifier", "value": f"ns={SPACE};s=counter-{n}",
             "timestampLocation": "sourceTimestamp"}
            for n in range(signals)
        ]  # fmt: skip
        connector = {
            "name": "source", "logLevel": "WARNING",
            "server": {
                "name": "source", "url": url, "timeoutInMillis": 5000,
                "scanPeriodInMillis": 10_000, "pollPeriodInMillis": 5000,
                "enableSubscriptions": True, "subCheckPeriodInMillis": 100,
                "subDataMaxBatchSize": 1000, "subDataMinBatchCreationTimeMs": 200,
                "subscriptionProcessBatchSize": 2000, "sessionTimeoutInMillis": 120_000,
                "showMap": False, "security": "None", "identity": {"type": "anonymous"},
            },
            "mapping": [
                {"deviceNodeSource": "identifier", "deviceNodePattern": f"ns={SPACE};s=machine",
                 "deviceInfo": {
                     "deviceNameExpression": "machine", "deviceNameExpressionSource": "constant",
                     "deviceProfileExpression": "default",
                     "deviceProfileExpressionSource": "constant"},
                 "attributes": [], "timeseries": series, "rpc_methods": [],
                 "attributes_updates": []}
            ],
        }  # fmt: skip
        (folder / "tb_gateway.json").write_text(json.dumps(gateway))
        (folder / "opcua.json").write_text(json.dumps(connector))
        (folder / "mosquitto.conf").write_text(
            f"listener {self._broker} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 100000\nmax_inflight_messages 0\n"
        )

    def tree(self) -> Tree:
        return self._tree

    def start(self) -> None:
        if not self._helpers:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            configuration = str(self._folder / "mosquitto.conf")
            self._helpers.append(subprocess.Popen([MOSQUITTO, "-c", configuration], **quiet))
            wait_for_port(self._broker)
            record = [sys.executable, "-m", "benchmarks.outage.platform", str(self._broker)]
            self._helpers.append(subprocess.Popen([*record, str(self._out)], **quiet))
        self._tree.start()

    def stop(self) -> None:
        self._tree.stop(20.0)
        time.sleep(1.0)
        for helper in reversed(self._helpers):
            helper.terminate()
            helper.wait()
        self._helpers.clear()

    def rows(self) -> Iterator[Row]:
        for line in self._out.read_text().splitlines():
            stored, _, text = line.partition(" ")
            for series in json.loads(text).values():
                for entry in series:
                    for key, value in entry["values"].items():
                        if isinstance(value, int):
                            number = int(key.removeprefix("counter-"))
                            yield number, value, entry["ts"] / 1000, float(stored)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for_port(port: int, limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def version_of(modules: Path, name: str) -> str:
    return str(json.loads((modules / name / "package.json").read_text())["version"])


def installed_version(python: Path, name: str) -> str:
    ask = f"from importlib.metadata import version; print(version('{name}'))"
    return subprocess.run(
        [python, "-c", ask], check=True, capture_output=True, text=True
    ).stdout.strip()


def install() -> None:
    """Install the peers into an environment of their own beside this file."""
    node = INSTALLED / "node-red"
    node.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node-red" / name, node / name)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=node, check=True)
    python = INSTALLED / "thingsboard"
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    requirements = HERE / "thingsboard" / "requirements.txt"
    pip = [str(python / "bin" / "pip"), "install", "-q", "-r", str(requirements)]
    subprocess.run(pip, check=True)
