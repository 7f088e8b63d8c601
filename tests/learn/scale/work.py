"""Work that comes out the same wherever it is done."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pytest
from tests.learn.backbone.made_process import process

from genba.errors import LearnError
from genba.learn import Candidate, Dataset, Task, anomaly_ladder, by_time, sample_for, train
from genba.learn.quality.ladder import quality_ladder
from genba.learn.scale import Pool, Scale


def quality(scale: Scale) -> Candidate:
    """Train with two other settings of each recipe."""
    data = sample_for(Task.QUALITY, 3, 200)
    assert data.target is not None
    ladder = quality_ladder(data.target)
    return train(data, by_time(data), ladder, seed=5, scale=scale, variants=2)


def anomaly(scale: Scale) -> Candidate:
    """Train with a ladder whose way of measuring is made while it runs."""
    data = sample_for(Task.ANOMALY, 2, 900)
    split = by_time(data)
    ladder = anomaly_ladder(split.take(data, "train"), false_alarms=0.02)
    return train(data, split, ladder, seed=5, scale=scale)


def backbone(scale: Scale, shares: int = 2) -> dict[str, np.ndarray]:
    """Train in shares, on a process and on made-up signals; what it cost in CPU is left out."""
    from genba.learn.backbone.backbone import pretrain
    from genba.learn.backbone.shape import Shape

    small = Shape(16, 1)
    taught = pretrain([process(1)], shape=small, steps=3, seed=4, shares=shares, scale=scale)
    return dict(taught.weights)


def doubled(task: int, data: Dataset, by: int) -> tuple[int, str]:
    return task * by, data.digest()


def refusing(task: int) -> int:
    if task == 1:
        raise LearnError(f"task {task} cannot be done")
    return task


def checked(pool: Pool) -> None:
    data = sample_for(Task.LIFE, 1, 180)
    held = pool.share(data)
    found = list(pool.run(doubled, range(6), held, 2))
    assert found == [(2 * task, data.digest()) for task in range(6)]
    with pytest.raises(LearnError, match=r"^task 1 cannot be done$"):
        list(pool.run(refusing, range(3)))
    assert list(pool.run(lambda task: task + 1, [1, 2])) == [2, 3]
    assert list(pool.run(refusing, [])) == []


def digest_of(files: Mapping[str, bytes]) -> str:
    """Digest names and contents."""
    told = hashlib.sha256()
    for name in sorted(files):
        told.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return told.hexdigest()
