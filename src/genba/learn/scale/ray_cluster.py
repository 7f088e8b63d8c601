"""Ray: one of its own on this machine, or a cluster that is there. The only file that imports it.

Moritz et al., *Ray: a distributed framework for emerging AI applications*, OSDI 2018.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from genba import __version__
from genba.errors import LearnError
from genba.learn.scale.pool import Shared
from genba.learn.scale.setting import Scale
from genba.learn.scale.task import Function, done, environment

_SAME = ("numpy", "scipy", "scikit-learn", "lightgbm")
"""Packages whose version decides what comes of a task, beside Genba's own."""
_ANSWERS_S = 10.0
_STARTS = 3


class Cluster:
    """Tasks as Ray's tasks, one core each."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._done = ray.remote(num_cpus=1)(_done)

    def share(self, value: Any) -> Shared:
        """Put it into Ray's object store."""
        return Shared(self._ray.put(value))

    def run(self, function: Function, tasks: Sequence[Any], *common: Any) -> Iterator[Any]:
        """Hand out all tasks, and give answers in their order."""
        held = [one if isinstance(one, Shared) else self.share(one) for one in common]
        refs = [one.held for one in held]
        asked = [self._done.remote(function, task, *refs) for task in tasks]
        try:
            for one in asked:
                yield self._answer(one)
        finally:
            for one in asked:
                self._ray.cancel(one, force=False)

    def _answer(self, asked: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(asked)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.RayError as error:
            raise LearnError(
                f"Ray could not finish: {_first_line(error)}; see its logs, or run here with "
                "GENBA_SCALE=local"
            ) from None


def _done(function: Function, task: Any, *common: Any) -> Any:
    return done(function, task, common)


@contextmanager
def cluster(scale: Scale) -> Iterator[Cluster]:
    """Join a cluster, or start one that ends with the work; it reports nothing to anybody.

    Raises
    ------
    LearnError
        If Ray is not installed, the cluster does not answer, or runs other versions.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError:
        raise LearnError(
            "Ray is not installed; install it with `pip install 'genba[scale]'`, or run here with "
            "GENBA_SCALE=local"
        ) from None
    mine = not ray.is_initialized()
    if mine:
        _begin(ray, scale)
    try:
        pool = Cluster(ray)
        if scale.address:
            _refuse_other_versions(pool, scale.address)
        yield pool
    finally:
        if mine:
            ray.shutdown()


def _begin(ray: Any, scale: Scale) -> None:
    how: dict[str, Any] = {"address": scale.address}
    if not scale.address:
        how = {"address": "local", "num_cpus": scale.workers, "include_dashboard": False}
    how.update(log_to_driver=False, logging_level=logging.ERROR)
    how["runtime_env"] = {"env_vars": environment()}
    try:
        if ":" in scale.address:  # Ray itself would go on trying for minutes
            host, _, port = scale.address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_ANSWERS_S).close()
        _joined(ray, how, tries=1 if scale.address else _STARTS)
    except Exception as error:  # noqa: BLE001 - Ray raises bare ones, too
        mend = "mend the address" if scale.address else "run here with GENBA_SCALE=local"
        raise LearnError(
            f"there is no Ray at '{scale}': {_first_line(error)}; start it (`ray start --head`), "
            f"or {mend}"
        ) from None


def _joined(ray: Any, how: dict[str, Any], tries: int) -> None:
    """Start or join; on a busy machine the 30 s that Ray gives its own start may be too few."""
    for left in reversed(range(tries)):
        try:
            ray.init(**how)
        except Exception:
            ray.shutdown()
            if not left:
                raise
        else:
            return


def _refuse_other_versions(pool: Cluster, address: str) -> None:
    mine = _versions(None)
    (theirs,) = pool.run(_versions, [None])
    for name, own in mine.items():
        if theirs[name] != own:
            raise LearnError(
                f"the cluster at {address} has {name} {theirs[name]}, and here is {own}: results "
                "would not be the same; install the same there"
            )


def _versions(nothing: None) -> dict[str, str]:
    return {"genba": __version__, **{name: version(name) for name in _SAME}}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
