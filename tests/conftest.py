"""What all tests share: foreign peers that must be there, free ports, bounded waiting."""

import asyncio
import functools
import os
import shutil
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import typer.main
import typer.testing

# A command in the test's own process: Typer would build all of ``genba`` anew for each.
typer.testing._get_command = functools.cache(typer.main.get_command)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it starts in the background ignore Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

PEERS_FOLDER = Path(__file__).parent / "peers"


def _on_path(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def _from_npm(name: str) -> bool:
    return _on_path("node") and (PEERS_FOLDER / name / "node_modules" / name).exists()


def _from_pypi(name: str) -> bool:
    return (PEERS_FOLDER / name / ".venv" / ".installed").exists()


PEERS: dict[str, Callable[[], bool]] = {
    "mosquitto": lambda: _on_path("mosquitto") and _on_path("mosquitto_sub"),
    "mbpoll": lambda: _on_path("mbpoll"),
    "node-opcua": lambda: _from_npm("node-opcua"),
    "sparkplug-client": lambda: _from_npm("sparkplug-client"),
    "mlflow": lambda: _from_pypi("mlflow"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by name where a peer is missing; in CI a missing peer is a failure."""
    for marker in item.iter_markers("peer"):
        name = marker.args[0]
        if PEERS[name]():
            continue
        message = f"foreign peer '{name}' is not installed; run tests/peers/install.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a function that finds a TCP port that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Return ``await eventually(condition, within_s=10)``: wait for a condition, with a bound."""

    async def wait(
        condition: Callable[[], object], within_s: float = 10.0, what: str = "the condition"
    ) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come within {within_s:g} s")
            await asyncio.sleep(0.01)

    return wait
