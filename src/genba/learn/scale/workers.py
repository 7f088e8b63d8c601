"""Worker processes on this machine, by loky: started fresh, never forked, gone with the work."""

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from genba.errors import LearnError
from genba.learn.scale.pool import Shared
from genba.learn.scale.task import Function, done, environment


class Workers:
    """Processes, and a folder for what is shared: each worker reads it once."""

    def __init__(self, executor: Any, folder: Path) -> None:
        self._executor = executor
        self._folder = folder
        self._count = 0

    def share(self, value: Any) -> Shared:
        """Write it where workers read it."""
        import cloudpickle

        self._count += 1
        path = self._folder / f"{self._count}.pickle"
        path.write_bytes(cloudpickle.dumps(value))
        return Shared(path)

    def run(self, function: Function, tasks: Sequence[Any], *common: Any) -> Iterator[Any]:
        """Hand out all tasks, and give answers in their order."""
        from loky.process_executor import BrokenProcessPool

        brought = [one for one in common if isinstance(one, Shared)]
        held = [one if isinstance(one, Shared) else self.share(one) for one in common]
        paths = tuple(one.held for one in held)
        asked = [self._executor.submit(_read_and_done, function, task, paths) for task in tasks]
        try:
            for one in asked:
                yield one.result()
        except BrokenProcessPool:
            raise LearnError(
                "a worker process died, most likely for want of memory; take fewer with "
                "GENBA_SCALE=workers=1, or fewer rows"
            ) from None
        finally:
            for one in asked:
                one.cancel()
            for one in held:
                if one not in brought:
                    one.held.unlink(missing_ok=True)


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Start so many processes, each with its numeric libraries held to the set threads."""
    from loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(count, env=environment())
    try:
        with tempfile.TemporaryDirectory(prefix="genba-workers-") as folder:
            yield Workers(executor, Path(folder))
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def _read_and_done(function: Function, task: Any, paths: tuple[Path, ...]) -> Any:
    return done(function, task, [_read(path) for path in paths])


@lru_cache(maxsize=8)
def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # noqa: S301 - the folder is this process's own
