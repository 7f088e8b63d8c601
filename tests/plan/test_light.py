"""What the core imports at its start stays light: compilers and solvers come when they are used."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "ortools", "matplotlib", "pandas")


@pytest.mark.parametrize(
    "room", ["genba.plan", "genba.plan.fleet.planner", "genba.twin", "genba.operate.runtime"]
)
def test_no_heavy_library_is_loaded(room: str) -> None:
    code = f"import sys, {room}; print(*(m for m in {HEAVY} if m in sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.split() == []
