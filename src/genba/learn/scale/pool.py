"""One small face for all places: give a function and its tasks, get the answers in order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from genba.learn.scale.setting import Place, Scale
from genba.learn.scale.task import Function, done


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Something that was brought to where tasks run, once; only its own pool can make use of it."""

    held: Any


class Pool(Protocol):
    """Where tasks run."""

    def share(self, value: Any) -> Shared:
        """Bring something that many tasks need to where they run."""
        ...

    def run(self, function: Function, tasks: Sequence[Any], *common: Any) -> Iterator[Any]:
        """Call ``function(task, *common)`` for each task; answers come in the order of the tasks.

        ``common`` may hold what :meth:`share` gave. Function and tasks must be plain: what they
        hang on has to lie in them. With ``local``, a task is done when its answer is asked for.

        Raises
        ------
        Exception
            Whatever the function raised, for the first task that did.
        LearnError
            If a worker dies, or the place cannot be reached.
        """
        ...


class Here:
    """One task after the other, in this process."""

    def share(self, value: Any) -> Shared:
        """Hold it."""
        return Shared(value)

    def run(self, function: Function, tasks: Sequence[Any], *common: Any) -> Iterator[Any]:
        """Do a task whenever its answer is asked for."""
        held = [one.held if isinstance(one, Shared) else one for one in common]
        for task in tasks:
            yield done(function, task, held)


@contextmanager
def opened(scale: Scale) -> Iterator[Pool]:
    """Open a place for some work, and close it behind.

    Raises
    ------
    LearnError
        If it cannot be opened: Ray is not installed, or the cluster does not answer.
    """
    if scale.place is Place.LOCAL:
        yield Here()
    elif scale.place is Place.WORKERS:
        from genba.learn.scale.workers import workers

        with workers(scale.workers) as pool:
            yield pool
    else:
        from genba.learn.scale.ray_cluster import cluster

        with cluster(scale) as pool:
            yield pool


def run_all(function: Function, tasks: Sequence[Any], scale: Scale, *common: Any) -> list[Any]:
    """Call ``function(task, *common)`` for each task, at a place that is opened for it.

    The answers come in the order of the tasks, and are the same wherever they were found.
    """
    with opened(scale) as pool:
        return list(pool.run(function, tasks, *common))
