"""A foreign OPC UA server (node-opcua) in a process of its own, that can freeze and restart."""

import json
import signal as signals
import socket
import subprocess
from pathlib import Path

from tests.connect.opcua_device import give_identity, signal

PEER = Path(__file__).parents[1] / "peers" / "node-opcua"
URI = "urn:genba:test:mill"


def of_mill(name, **fields):
    return signal(name, address=f"nsu={URI};s={name}", **fields)


class Mill:
    """Signed and encrypted, with a counter, history, an alarm and a login."""

    def __init__(self, folder: Path, client: Path, port: int = 0) -> None:
        self.folder, self._client = folder, client
        self.port = port or _free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self.certificate = Path()

    def start(self) -> "Mill":
        options = {"port": self.port, "pki": str(self.folder), "trusted": [str(self._client)]}
        self._process = subprocess.Popen(
            ["node", "server.js", json.dumps(options)],
            cwd=PEER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in self._process.stdout:
            if line.startswith("{"):
                self.certificate = Path(json.loads(line)["certificate"])
                return self
        raise AssertionError("the node-opcua server did not start")

    def count_to(self, value: int) -> None:
        self._say(f"count {value}")

    def turn_with(self, torque: float) -> None:
        self._say(f"torque {torque}")

    def freeze(self) -> None:
        self._process.send_signal(signals.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signals.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._ended()

    def stop(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended()

    def _say(self, text: str) -> None:
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()

    def _ended(self) -> None:
        self._process.wait()
        self._process.stdout.close()
        self._process.stdin.close()


def new_mill(folder: Path) -> Mill:
    client = give_identity(folder / "plant", "genba")
    return Mill(folder / "device", client.certificate).start()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
