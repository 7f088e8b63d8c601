"""The same work comes out the same, byte for byte, wherever it is done."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.learn.scale.work import anomaly, backbone, checked, digest_of, quality, refusing

from genba.errors import LearnError
from genba.learn import Candidate, Task, by_time, sample_for, train
from genba.learn.quality.ladder import quality_ladder
from genba.learn.scale import Place, Scale, opened, run_all, scale_of
from genba.learn.scale.pool import Here

LOCAL, WORKERS = Scale(), Scale(Place.WORKERS, 2)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def from_ray() -> dict[str, str]:
    """What Ray made of the same work; on a busy machine it may not start at once.

    Ray's workers give way to all else, and beside other tests would hardly ever run.
    """
    command = [sys.executable, "-m", "tests.learn.scale.on_ray"]
    given = {**os.environ, "RAY_worker_niceness": "0"}
    for _ in range(2):
        told = subprocess.run(
            command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=380
        )
        if told.returncode == 0:
            return dict(json.loads(told.stdout.strip().splitlines()[-1]))
    raise AssertionError(told.stdout + told.stderr)


@pytest.mark.timeout(800)
@pytest.mark.parametrize("learned", [quality, anomaly])
def test_a_candidate_is_the_same_to_the_byte_here_in_workers_and_on_ray(
    learned: Callable[[Scale], Candidate], from_ray: dict[str, str]
) -> None:
    here = learned(LOCAL).files
    assert learned(WORKERS).files == here
    assert digest_of(here) == from_ray[learned.__name__]


def test_a_backbone_in_shares_is_the_same_here_in_workers_and_on_ray(
    from_ray: dict[str, str],
) -> None:
    pytest.importorskip("torch")
    here = backbone(LOCAL)
    assert same(here, backbone(WORKERS))
    assert digest_of({k: np.asarray(v).tobytes() for k, v in here.items()}) == from_ray["backbone"]


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_how_many_shares_there_are_is_part_of_the_result_and_seconds_cannot_bound_them() -> None:
    pytest.importorskip("torch")
    from genba.learn.backbone.backbone import pretrain

    assert not same(backbone(LOCAL), backbone(LOCAL, shares=1))
    assert same(backbone(LOCAL, shares=1), backbone(WORKERS, shares=1))
    with pytest.raises(LearnError, match="give at least one share, and steps in place of seconds"):
        pretrain([], made=1.0, shares=2, seconds=1.0)


def test_another_seed_gives_another_candidate_so_that_sameness_proves_something() -> None:
    data = sample_for(Task.QUALITY, 3, 200)
    assert data.target is not None
    ladder = quality_ladder(data.target)
    one, other = (train(data, by_time(data), ladder, seed=seed) for seed in (5, 6))
    assert one.files != other.files


def test_answers_come_in_order_and_a_refusal_comes_as_it_was_raised_here() -> None:
    checked(Here())


def test_answers_come_in_order_and_a_refusal_comes_as_it_was_raised_from_workers() -> None:
    with opened(WORKERS) as pool:
        checked(pool)


def test_what_is_shared_with_one_pool_is_still_there_for_the_next_run() -> None:
    with opened(WORKERS) as pool:
        held = pool.share(np.arange(4))
        first, again = (next(pool.run(plus, [1], held)) for _ in range(2))
    assert first.tolist() == again.tolist() == [1, 2, 3, 4]


def plus(task: int, values: np.ndarray) -> np.ndarray:
    return values + task


def dying(task: int) -> None:
    import os

    os._exit(3)


def test_a_worker_that_dies_is_told_with_the_mend() -> None:
    with pytest.raises(LearnError, match="worker process died"):
        run_all(dying, [1], WORKERS)


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("", LOCAL),
        ("local", LOCAL),
        ("workers=3", Scale(Place.WORKERS, 3)),
    ],
)
def test_the_setting_is_read(text: str, scale: Scale) -> None:
    assert scale_of(text) == scale
    assert scale_of(str(scale)) == scale


@pytest.mark.parametrize("text", ["ray", "ray=auto", "ray=10.0.0.5:6379", "workers"])
def test_the_setting_says_again_what_it_was_read_from(text: str) -> None:
    assert str(scale_of(text)).startswith(text)


@pytest.mark.parametrize("text", ["Ray", "workers=0", "workers=-1", "ray=", "ray=ray://a:1", "4"])
def test_what_says_no_place_is_refused(text: str) -> None:
    with pytest.raises(LearnError, match="does not say where to run"):
        scale_of(text)


def test_without_an_option_the_variable_of_the_environment_counts(monkeypatch) -> None:
    monkeypatch.setenv("GENBA_SCALE", "workers=2")
    assert scale_of() == WORKERS
    assert scale_of("local") == LOCAL


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(LearnError, match=r"there is no Ray at 'ray=127.0.0.1:9'"):
        run_all(refusing, [0], scale_of("ray=127.0.0.1:9"))
