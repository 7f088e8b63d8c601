"""Processes that are drawn from: what counts, what is left out, what is refused."""

import numpy as np
import pytest

from genba.errors import LearnError
from genba.learn import sample_for
from genba.learn.backbone.pool import WHOLE, Process, blended, long_enough, process_of, stretches
from genba.learn.recipe.protocol import Task


def test_a_stretch_never_crosses_from_one_run_to_the_next() -> None:
    runs = tuple(np.full((WHOLE + 20, 2), float(level)) for level in range(4))
    drawn, _ = stretches([Process("steps", runs)], 200, np.random.default_rng(0), (1, 2))
    assert np.array_equal(drawn, np.repeat(drawn[:, :1], WHOLE, axis=1))
    assert len(np.unique(drawn)) == 4


def test_processes_are_drawn_evenly_however_long_they_are() -> None:
    short = Process("short", (np.zeros((WHOLE, 1)),))
    long = Process("long", (np.ones((50 * WHOLE, 1)),))
    drawn, _ = stretches([short, long], 400, np.random.default_rng(0))
    assert 0.4 < drawn[:, 0].mean() < 0.6


def test_a_stride_reads_every_other_row() -> None:
    ramp = Process("ramp", (np.arange(3.0 * WHOLE)[:, None],), day=96)
    drawn, day = stretches([ramp], 10, np.random.default_rng(0), (2,))
    assert np.array_equal(np.diff(drawn, axis=1), np.full((10, WHOLE - 1), 2.0))
    assert np.array_equal(day, np.full(10, 48.0))


def test_short_runs_and_dead_signals_are_left_out() -> None:
    good = np.column_stack([np.arange(200.0), np.full(200, 7.0)])
    kept = long_enough(Process("mixed", (good, good[:50])))
    assert len(kept.runs) == 1
    assert kept.runs[0].shape == (200, 1)


def test_a_process_that_is_too_short_is_refused_by_name() -> None:
    with pytest.raises(LearnError, match=r"'brief' has no run of 120 rows"):
        long_enough(Process("brief", (np.ones((50, 2)),)))


def test_a_data_set_becomes_a_process_with_a_run_for_each_unit() -> None:
    made = process_of(sample_for(Task.QUALITY, rows=900))
    assert made.rows == 900
    with pytest.raises(LearnError, match="record longer"):
        process_of(sample_for(Task.LIFE, rows=900))


def test_blending_keeps_scaled_signals_or_mixes_two_and_leaves_dead_ones_alone() -> None:
    source = np.random.default_rng(0)
    drawn = source.normal(50, 5, (60, WHOLE))
    drawn[0] = 7.0
    told, day = blended(drawn, np.full(60, 96.0), np.random.default_rng(1))
    assert 0.1 < np.mean(day == 0) < 0.6
    assert np.array_equal(told[0], drawn[0])
    alike = np.array(
        [abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(told[1:], drawn[1:], strict=True)]
    )
    assert 0.1 < np.mean(alike < 0.999) < 0.6
    turned = [np.corrcoef(a, b)[0, 1] < -0.999 for a, b in zip(told[1:], drawn[1:], strict=True)]
    assert 0.1 < np.mean(turned) < 0.6
