"""Nothing hostile reaches a device of the reference plant, and nothing legal is refused."""

import asyncio
from pathlib import Path

import pytest
from benchmarks.hostile_commands import attack


@pytest.mark.parametrize("seed", [2, 3])
def test_only_what_is_legal_arrives(tmp_path: Path, seed: int) -> None:
    tally = asyncio.run(attack(2500, seed, tmp_path / "state"))
    legal = [case for case in tally.cases if case.legal]
    assert len(legal) > 200
    assert len({case.label for case in tally.cases}) == 27
    assert tally.hostile_arrived == []
    assert tally.legal_refused == []
    assert tally.outside == []
    assert tally.unsafe == {}
    assert all(tally.arrived[case.ids[0]] == 1 for case in legal)
