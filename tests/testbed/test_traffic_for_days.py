"""Vehicles keep delivering for days and never meet."""

import pytest
from benchmarks.traffic_for_days import lived


@pytest.mark.timeout(300)
def test_two_days_of_traffic_end_in_no_deadlock() -> None:
    """More seeds: ``python -m benchmarks.traffic_for_days``."""
    _, wrong = lived(seed=1)
    assert wrong == []
