"""Nothing acknowledged is lost and nothing is doubled, wherever a stop falls."""

import random
import shutil
from pathlib import Path

import pytest
from benchmarks.historian_kill import kill_repeatedly, through_deltalake, through_duckdb
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, series

from genba.historian import Historian
from genba.historian.folder import open_folder
from genba.plant import US, VirtualClock


class Stopped(BaseException):
    """Stands for the end of the process at this line."""


def _stop(*_: object, **__: object) -> None:
    raise Stopped


def numbers(historian: Historian) -> list[int]:
    found = historian.samples(["a.x"], START - US, START + 10**6 * US)
    return found["sequence"].to_pylist()


@pytest.mark.parametrize(
    "where",
    [
        "genba.historian.moving.write_file",
        "genba.historian.lake.LakeTable.append",
        "genba.historian.lake.LakeTable._sync",
        "genba.historian.lake.LakeTable._checkpoint_when_due",
    ],
)
def test_a_commit_that_stops_halfway_is_finished_once(
    folder: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", range(10)))
        historian.commit()
        historian.append(series("a.x", range(10, 20), start=START + 10 * US, first=10))
        with monkeypatch.context() as patch:
            patch.setattr(where, _stop)
            with pytest.raises(Stopped):
                historian.commit()
        assert numbers(historian) == list(range(20))
    with Historian.open(folder, clock) as historian:
        assert numbers(historian) == list(range(20))
        historian.commit()
        assert numbers(historian) == list(range(20))
        assert historian.stats()["spooled"] == 0
    assert sorted(through_deltalake(folder)) == list(range(20))


def test_a_batch_in_both_table_and_spool_counts_once(folder: Path, clock: VirtualClock) -> None:
    """Killed between the commit and the spool's forgetting: the state on disk is just that."""
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", range(10)))
        spool = folder / "spool.sqlite"
        kept = folder.with_name("kept")
        kept.mkdir()
        historian._store.spool.tidy()
        shutil.copy(spool, kept)
        historian.commit()
    for log in folder.glob("spool.sqlite*"):
        log.unlink()
    shutil.copy(kept / "spool.sqlite", spool)
    with Historian.open(folder, clock) as historian:
        assert historian.stats()["samples"] == 10
        assert numbers(historian) == list(range(10))
        assert historian.commit() == 0
        assert historian._store.spool.backlog().batches == 0
    assert sorted(through_duckdb(folder)) == list(range(10))


def test_a_lost_spool_does_not_make_new_batches_look_old(folder: Path, clock: VirtualClock) -> None:
    with Historian.open(folder, clock) as historian:
        for n in range(5):
            historian.append(series("a.x", [n], first=n))
        historian.commit()
    for log in folder.glob("spool.sqlite*"):
        log.unlink()
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", [5], first=5))
        historian.commit()
        assert sorted(numbers(historian)) == list(range(6))


def test_the_last_batch_survives_checkpoints_and_the_log_s_end(
    folder: Path, clock: VirtualClock
) -> None:
    """The transaction's number stands in the checkpoint when its own log entry is gone."""
    with Historian.open(folder, clock) as historian:
        for n in range(105):
            historian.append(series("a.x", [n], start=START + n * US, first=n))
            historian.commit()
    log = folder / "samples" / "_delta_log"
    checkpoint = max(int(path.name[:20]) for path in log.glob("*.checkpoint.parquet"))
    for entry in log.glob("*.json"):
        if entry.stem.isdigit() and int(entry.stem) < checkpoint:
            entry.unlink()
    with Historian.open(folder, clock) as historian:
        assert historian._store.tables["samples"].snapshot().last_batch == 105
        historian.append(series("a.x", [105], start=START + 105 * US, first=105))
        historian.commit()
        assert numbers(historian) == list(range(106))
    assert sorted(through_deltalake(folder)) == list(range(106))


def test_a_stale_view_does_not_mix_two_versions(folder: Path, clock: VirtualClock) -> None:
    """A table object that lags behind must name the last batch of its own files."""
    with Historian.open(folder, clock) as historian:
        historian.append(series("a.x", range(3)))
        historian.commit()
        name = open_folder(folder, create=False).id
        stale = DeltaTable(folder / "samples")
        historian.append(series("a.x", range(3, 6), start=START + 3 * US, first=3))
        historian.commit()
        assert (stale.transaction_version(name), len(stale.file_uris())) == (1, 1)
        stale.update_incremental()
        assert (stale.transaction_version(name), len(stale.file_uris())) == (2, 2)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            ["append", "append", "append", "commit", "stop in commit", "stop in merge", "merge",
             "merge all", "open again"]
        ),
        min_size=5,
        max_size=25,
    ),
    st.integers(0, 2**16),
)  # fmt: skip
def test_any_course_of_events_keeps_every_number_once(
    tmp_path_factory: pytest.TempPathFactory, events: list[str], seed: int
) -> None:
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("h") / "historian"
    clock = VirtualClock(START)
    historian = Historian.open(folder, clock)
    stored = 0
    for event in events:
        with pytest.MonkeyPatch.context() as patch:
            if event == "append":
                count = rng.randrange(1, 40)
                start = START + stored * 3_000 * US
                samples = series("a.x", range(count), start=start, step_us=3_000 * US, first=stored)
                rng.shuffle(samples)
                historian.append(samples)
                stored += count
            elif event == "commit":
                historian.commit()
            elif event.startswith("stop"):
                steps = ["write_file", "LakeTable.append"] if "commit" in event else ["replace"]
                target = {
                    "write_file": "genba.historian.moving.write_file",
                    "LakeTable.append": "genba.historian.lake.LakeTable.append",
                    "replace": "genba.historian.lake.LakeTable.replace",
                }[rng.choice(steps)]
                patch.setattr(target, _stop)
                try:
                    historian.commit() if "commit" in event else historian.compact(whole=True)
                except Stopped:
                    historian.close()
                    historian = Historian.open(folder, clock)
            elif event.startswith("merge"):
                historian.compact(whole=event == "merge all")
            else:
                historian.close()
                historian = Historian.open(folder, clock)
        found = historian.samples(["a.x"], START - US, START + 10**7 * US)
        assert found["sequence"].to_pylist() == list(range(stored)), event
    historian.close()


def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """SIGKILL to the core, its committer or both; 50 of them are in the benchmark."""
    told = []
    counts = kill_repeatedly(
        tmp_path / "historian", 3, seed=7, told=lambda attempt, found: told.append(found)
    )
    assert [(found.lost, found.doubled) for found in told] == [(0, 0)] * 3
    assert [(found.lost, found.doubled) for found in counts.values()] == [(0, 0)] * 4
    assert counts["deltalake alone"].stored > 0


def test_a_long_backlog_reads_like_a_short_one(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what is kept decoded, batches are read again, and still each once."""
    monkeypatch.setattr("genba.historian.tail._MOST_ROWS", 25)
    for n in range(10):
        samples = series("a.x", range(10), start=START + 10 * n * US, first=10 * n)
        historian.append(samples + series("a.y", range(10), start=START + 10 * n * US))
        assert numbers(historian) == list(range(10 * n + 10))
        if n == 6:
            historian.commit()
    assert numbers(historian) == list(range(100))
