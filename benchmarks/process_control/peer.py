"""A peer in an environment of its own: a server of ours there, asked line by line in JSON."""

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Peer:
    """One such process.

    Parameters
    ----------
    python : Path
        Of the peer's environment.
    server : str
        File beside this one.
    benchmark : str
        Whose ``--install`` makes the environment.
    """

    def __init__(self, python: Path, server: str, benchmark: str) -> None:
        if not python.exists():
            raise FileNotFoundError(f"python -m benchmarks.{benchmark} --install")
        self._process = subprocess.Popen(
            [str(python), str(HERE / server)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer's process ended; run its server by hand to see why")
        answer: dict[str, Any] = json.loads(line)
        return answer
