"""Compaction: the same rows, sorted, in fewer files; what a query reads is not taken away."""

import itertools
import os
import random
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.historian.conftest import START, series

from genba.historian import Historian, lake
from genba.historian.encoding import QUICK, thorough
from genba.historian.parquet import GROUP_ROWS, cuts, sort
from genba.historian.schema import SAMPLES, batch_of_samples
from genba.plant import US, Sample


def files(folder: Path, table: str = "samples") -> list[str]:
    return DeltaTable(folder / table).file_uris()


def test_eight_small_files_become_one(historian: Historian, folder: Path) -> None:
    for n in range(8):
        samples = series("b.x", range(3), start=START + n * US, first=3 * n)
        samples += series("a.x", [n], first=n)
        historian.append(samples)
        historian.commit()
    before = historian.samples(["a.x", "b.x"], START, START + 100 * US)
    assert historian.compact() == 8
    assert historian.samples(["a.x", "b.x"], START, START + 100 * US).equals(before)
    assert len(files(folder)) == 1
    rows = pq.read_table(files(folder)[0]).to_pylist()
    keys = [(row["signal"], row["source_time"], row["sequence"]) for row in rows]
    assert keys == sorted(keys)


@pytest.mark.parametrize("name", ["events", "gaps", "quarantine"])
def test_records_are_merged_too(
    historian: Historian, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.historian.merging._WORTHWHILE_ROWS", 1)
    for n in range(8):
        historian.append_rows(name, [{"id": str(n), "time": START + (8 - n) * US}])
        historian.commit()
    historian.compact()
    assert len(files(folder, name)) == 1
    assert historian.rows(name)["id"].to_pylist() == list("76543210")


def test_a_day_that_is_over_is_merged_as_far_as_it_goes(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        historian.append(series("a.x", [n], start=START + n * US))
        historian.commit()
    assert historian.compact() == 0
    historian.append(series("a.x", [9.0], start=START + 86_400 * US))
    historian.commit()
    assert historian.compact() == 0, "something may still come for it"
    monkeypatch.setattr("genba.historian.merging._QUIET_S", -1)
    assert historian.compact() == 3
    assert historian.stats()["files"]["samples"] == 2


def test_a_long_merge_cuts_row_groups_at_signals(
    historian: Historian, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genba.historian.parquet.GROUP_ROWS", 100)
    monkeypatch.setattr("genba.historian.merging.GROUP_ROWS", 100)
    rng = random.Random(3)
    stored: list[Sample] = []
    for n in range(9):
        samples = [
            Sample(f"s.{rng.choice('abcdefgh')}", START + rng.randrange(10**6), START, i, 0, n)
            for i in range(300)
        ]
        samples += series("s.rare", [n])
        historian.append(samples)
        historian.commit()
        stored += samples
    historian.compact(whole=True)
    (file,) = files(folder)
    groups = pq.ParquetFile(file).metadata
    bounds = []
    for index in range(groups.num_row_groups):
        group = groups.row_group(index)
        assert group.num_rows <= 100
        bounds.append((group.column(0).statistics.min, group.column(0).statistics.max))
    assert bounds == sorted(bounds)
    assert sum(low <= "s.c" <= high for low, high in bounds) <= 5
    rows = pq.read_table(file).to_pylist()
    keys = [(row["signal"], row["source_time"], row["sequence"]) for row in rows]
    assert keys == sorted(keys)
    assert sorted((row["signal"], row["value"], row["sequence"]) for row in rows) == sorted(
        (sample.signal, sample.value, sample.sequence) for sample in stored
    )
    names = [f"s.{letter}" for letter in "abcdefgh"] + ["s.rare"]
    found = historian.samples(names, START - 1, START + 10**7)
    assert found.num_rows == len(stored)


def test_replaced_files_stay_until_no_query_can_need_them(
    historian: Historian, folder: Path
) -> None:
    for n in range(8):
        historian.append(series("a.x", [n], start=START + n * US))
        historian.commit()
    old = files(folder)
    historian.compact()
    table = historian._store.tables["samples"]
    assert table.vacuum() == 0
    assert all(Path(path).exists() for path in old)
    orphan = Path(old[0]).with_name("never-committed.parquet")
    orphan.write_bytes(b"half a file")
    assert table.vacuum() == 0
    assert orphan.exists()
    past = time.time() - (lake.KEEP_HOURS + 1) * 3600
    os.utime(orphan, (past, past))
    table.vacuum()
    assert not orphan.exists()
    assert historian.samples(["a.x"], START, START + 100 * US).num_rows == 8


def test_long_texts_make_short_row_groups(historian: Historian, folder: Path) -> None:
    texts = [f"{n:04}" * 5000 for n in range(3000)]
    historian.append(series("a.orders", texts))
    historian.commit()
    (file,) = files(folder)
    meta = pq.ParquetFile(file).metadata
    sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    assert sizes == [1024, 1024, 952]
    assert historian.samples(["a.orders"], START, START + 9999 * US)["text"].to_pylist() == texts


def test_a_reader_that_began_before_a_merge_finishes(historian: Historian) -> None:
    for n in range(8):
        historian.append(series("a.x", range(50), start=START + n * 50 * US, first=n * 50))
        historian.commit()
    stream = historian.stream(["a.x"], START, START + 1000 * US, rows=20)
    first = next(stream)
    historian.compact()
    historian._store.tables["samples"].vacuum()
    assert first.num_rows + sum(batch.num_rows for batch in stream) == 400


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 3)), max_size=60)
)
def test_sorting_is_that_of_python(rows: list[tuple[str, int, int]]) -> None:
    samples = [Sample(name, at, at, None, 0, number) for name, at, number in rows]
    if not samples:
        return
    table = sort(_spooled(samples), SAMPLES).cast(SAMPLES.schema)
    found = [
        (row["signal"], int(row["source_time"].timestamp() * 1e6 + 0.5), row["sequence"])
        for row in table.to_pylist()
    ]
    assert found == sorted(rows)


def test_cuts_never_pass_the_bound_nor_lose_a_row() -> None:
    rng = random.Random(5)
    samples = [
        Sample(name, at, at, 1.0)
        for name, count in (("a", 10), ("b", 3 * GROUP_ROWS + 7), ("c", 5), ("d", GROUP_ROWS))
        for at in range(count)
    ]
    rng.shuffle(samples)
    table = sort(_spooled(samples), SAMPLES)
    places = cuts(table)
    sizes = [end - begin for begin, end in itertools.pairwise(places)]
    assert places[0] == 0
    assert places[-1] == len(samples)
    assert all(0 < size <= GROUP_ROWS for size in sizes)


def test_encodings_are_chosen_by_what_is_smallest() -> None:
    rng = random.Random(7)
    few = [Sample("a", n, n, rng.choice((1.5, 2.5))) for n in range(5000)]
    noise = [Sample("a", n, n, rng.gauss(0, 1)) for n in range(5000)]
    chosen = [
        thorough([sort(_spooled(samples), SAMPLES)], SAMPLES, 3).encodings["value"]
        for samples in (few, noise)
    ]
    assert chosen[1] == "BYTE_STREAM_SPLIT"
    assert chosen[0] != "BYTE_STREAM_SPLIT"
    assert QUICK.encodings["source_time"] == "DELTA_BINARY_PACKED"


def _spooled(samples: list[Sample]) -> pa.Table:
    return pa.Table.from_batches([batch_of_samples(samples, 0)])
