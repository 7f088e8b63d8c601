"""What happens to one task, wherever it runs: the numeric libraries use the same few threads."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from genba.learn.threads import VARIABLE, threads

Function: TypeAlias = Callable[..., Any]
"""Called as ``function(task, *common)``; it must hang on nothing else."""


def environment() -> dict[str, str]:
    """What a process has to be told before it loads a numeric library."""
    count = str(threads())
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", VARIABLE)
    return dict.fromkeys(names, count)


def done(function: Function, task: Any, common: Sequence[Any]) -> Any:
    """Do one task with the set number of threads.

    A sum that is divided among threads is rounded otherwise: with another number of threads the
    last digits, and so the digest of a model, would be others.
    """
    import scipy.linalg  # noqa: F401 - its own BLAS has to be loaded to be held
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads()):
        return function(task, *common)
