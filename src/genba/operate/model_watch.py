"""Watching the models of a core or a machine: looks in a process of their own, and alarms."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping

from genba.learn.edge.keys import Trust
from genba.learn.edge.mailbox import CORE
from genba.learn.watch.asked import Noticed, Round
from genba.learn.watch.rules import Rules
from genba.operate.alarms import Fact
from genba.operate.model_host import MODELS
from genba.operate.state import StateFolder
from genba.plant import US, Clock, Plant, VirtualClock

FIRST_S = 600.0
"""Plant seconds from the start to the first look."""
EVERY_S = 6 * 3600.0
"""Plant seconds from look to look."""
LONGEST_S = 1800.0
"""Wall seconds that a look may take."""
UNFIT, UNWATCHED = "unfit_model", "unwatched_models"


class ModelWatch:
    """Looks at the models in force from time to time; nothing here waits for a look.

    A plant whose models never ran has no such process, and neither has one that steps in process.

    Parameters
    ----------
    plant, state, clock
        Of the core, or of the machine.
    rules : Rules, optional
        What the plant puts up with.
    trust : Trust, optional
        Whose releases may be read from the shelf; needed where models lie in no registry.
    measured_us : callable, optional
        Gives the p99 of the CPU time of an answer by address, as measured at work.
    """

    def __init__(
        self,
        plant: Plant,
        state: StateFolder,
        clock: Clock,
        rules: Rules | None = None,
        trust: Trust | None = None,
        measured_us: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._plant = plant
        self._keys = () if trust is None else trust.keys
        self._measured_us = measured_us
        self._models = state.root / MODELS
        self._historian = state.historian
        self._rules = rules or Rules()
        self._off = isinstance(clock, VirtualClock)
        self._next = clock.now() + round(FIRST_S * US)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._found: tuple[Noticed, ...] = ()
        self._news: tuple[Noticed, ...] | None = None
        self.why = ""
        """Why nobody watches; empty where the last look went well."""
        self.looks = 0

    def facts(self, now: int) -> Iterable[Fact]:
        """Return what the last look found; begin the next one where it is due."""
        if not self._off and now >= self._next and self._thread is None:
            self._next = now + round(EVERY_S * US)
            self._begin(now)
        with self._lock:
            found, why = self._found, self.why
        if why:
            yield Fact(UNWATCHED, "models", f"nobody watches the models: {why}")
        for one in found:
            if one.text:
                about = one.name if one.where == CORE else f"{one.name}@{one.where}"
                equipment = equipment_of(self._plant, one)
                yield Fact(UNFIT, about, f"model {about}: {one.text}", equipment=equipment)

    def news(self) -> tuple[Noticed, ...] | None:
        """Return, once, what the last look that went well came to; None where there is no newer."""
        with self._lock:
            news, self._news = self._news, None
        return news

    def settle(self) -> None:
        """Wait until the look that runs is over."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """End a look that runs. Safe to call twice."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        self.settle()

    # -- inside -------------------------------------------------------------------------------

    def _begin(self, now: int) -> None:
        if not (self._models / "history.jsonl").exists():
            return
        asked = Round(
            self._plant, self._models, self._historian, now, self._rules, self._keys,
            dict(self._measured_us()),
        )  # fmt: skip
        self._thread = threading.Thread(
            target=self._look, args=(asked,), name="model watch", daemon=True
        )
        self._thread.start()

    def _look(self, asked: Round) -> None:
        try:
            told = self._ask(asked)
        except (OSError, EOFError, pickle.UnpicklingError, subprocess.SubprocessError) as error:
            told = f"a look came to nothing ({type(error).__name__})"
        with self._lock:
            if isinstance(told, str):
                self.why = "" if self._closed else told
            else:
                self._found, self._news, self.why = told, told, ""
                self.looks += 1
        self._thread = None

    def _ask(self, asked: Round) -> tuple[Noticed, ...] | str:
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "genba.learn.watch.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the core, which then closes this
        )
        try:
            answer, _ = process.communicate(pickle.dumps(asked), LONGEST_S)
        finally:
            process.kill()
            process.wait()
            self._process = None
        told: tuple[Noticed, ...] | str = pickle.loads(answer)  # noqa: S301 - from our own child
        return told


def equipment_of(plant: Plant, noticed: Noticed) -> str:
    """Return the id of the equipment that a model is of; empty where the plant has none such."""
    equipment = noticed.name.rpartition(".")[0]
    return equipment if equipment in plant.equipment_by_id else ""
