"""Models of the core, in a process of their own: the loop shows moments and takes answers."""

import contextlib
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, cast

from genba.errors import GenbaError
from genba.learn.edge.contract import Contract
from genba.learn.edge.host import Begin, Moment, Told
from genba.learn.edge.keys import ReleaseKey
from genba.learn.edge.mailbox import Mailbox
from genba.learn.edge.node import Slot, slots_in
from genba.learn.edge.runner import Answer
from genba.learn.edge.window import US, Look
from genba.learn.edge.worker import read_frame, write_frame
from genba.learn.registry.signature import KEY
from genba.operate.alarms import Fact
from genba.operate.state import StateFolder
from genba.plant import Clock, Plant, Sample, VirtualClock

logger = logging.getLogger(__name__)

MODELS = "models"
"""Folder of the models in the state folder."""
LOOK_EVERY_S = 0.5
"""Wall seconds between looks for a first release, while no model was ever released here."""
MOST_OPEN = 100
"""Moments that may wait for their answers; those beyond are not shown, and counted."""
RESTART_S = 5.0
"""Wall seconds after which the process is started again where it died."""
HANGS_S = 180.0
"""Wall seconds without a word, while a moment waits, after which the process is taken for hung."""
FAREWELL_S = 5.0
SETTLE_S = 120.0


class ModelHost:
    """Keeps the process of the models running, where there is a model or an order for one.

    Nothing here waits for it: moments are handed over and answers taken from tick to tick, and a
    process that dies or hangs costs answers and nothing else. A plant without models has no such
    process.

    Parameters
    ----------
    plant, state, clock
        Of the core.
    trial_answers : int
        Good answers that a release on trial needs before it is in force.
    """

    def __init__(
        self, plant: Plant, state: StateFolder, clock: Clock, trial_answers: int = 100
    ) -> None:
        self._plant = plant
        self._models = state.root / MODELS
        self._historian = state.historian
        self._key = state.secrets / KEY
        self._clock = clock
        self._trial_answers = trial_answers
        self._box = Mailbox(self._models)
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: list[Answer] = []
        self._contracts: tuple[Contract, ...] = ()
        self._number = 0
        self._steps: dict[tuple[str, str], int] = {}
        self._open = 0
        self._lost = False
        self._look_at = 0.0
        self._heard = 0.0
        self._closed = False
        self.why = ""
        """Why no model judges; empty where they do, or there is none."""
        self.slots: Mapping[str, Slot] = {}
        """What is in force, on trial and before, by model name."""
        self.unfit: Mapping[str, str] = {}
        """By equipment: why its newest picture could not be judged."""
        self.withheld = 0
        self.skipped = 0
        """Moments that were not shown, since the process was too far behind."""

    # -- for the loop -------------------------------------------------------------------------

    def show(self, now: int, look: Look, came: Sequence[Sample] = ()) -> None:
        """Show a moment, and what came since the last tick, if any model is due. Never waits."""
        if not self._up():
            return
        with self._changed:
            contracts, number, behind = self._contracts, self._number, self._open >= MOST_OPEN
        if not self._due(contracts, now) and not isinstance(self._clock, VirtualClock):
            return
        self._end_hung()
        if behind:
            self.skipped, self._lost = self.skipped + 1, True
            return
        names = {name for contract in contracts for name in contract.looks}
        heard = {name for contract in contracts for name in contract.hears}
        wanted = tuple(sample for sample in came if sample.signal in heard)
        values = {name: look(name) for name in names}
        moment = Moment(now, number, values, wanted, self._lost)
        self._lost = False
        with self._changed:
            self._heard = self._heard if self._open else time.monotonic()
            self._open += 1
        self._outbox.put(pickle.dumps(moment))

    def take(self) -> Sequence[Answer]:
        """Return what was answered since the last call."""
        with self._changed:
            answers, self._answers = self._answers, []
        return answers

    def facts(self) -> Iterable[Fact]:
        """Return that no model judges, where that is so."""
        if self.why:
            yield Fact("models_down", "models", f"no model judges: {self.why}")
        yield from picture_facts(self.unfit)

    def settle(self) -> None:
        """Wait until all moments so far are answered; for plants that step in process."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0 or self._process is None, SETTLE_S)

    def close(self) -> None:
        """End the process in good order. Safe to call twice."""
        self._closed = True
        process, self._process = self._process, None
        if process is None:
            return
        self._outbox.put(None)
        try:
            process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # -- inside -------------------------------------------------------------------------------

    def _due(self, contracts: Sequence[Contract], now: int) -> bool:
        """Whether a step of any model is over; those of parts and pictures are, in each tick."""
        due = any(contract.one_by_one for contract in contracts)
        for contract in contracts:
            step = now // max(1, round(contract.step_s * US))
            place = contract.name, contract.version
            due |= self._steps.get(place) != step
            self._steps[place] = step
        return due

    def _end_hung(self) -> None:
        """End a process that says nothing any more; it is started again like one that died."""
        process = self._process
        if process is not None and self._open and time.monotonic() - self._heard > HANGS_S:
            logger.warning("the process of the models hangs; it is ended")
            process.kill()

    def _up(self) -> bool:
        """Whether the process runs; start it where it is wanted, and was not just started."""
        if self._process is not None:
            return True
        if self._closed or time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK_EVERY_S
        try:
            if not self._wanted():
                return False
            self._start()
        except (GenbaError, OSError) as error:
            self._look_at = time.monotonic() + RESTART_S
            self.why = str(error)
            return False
        return True

    def _wanted(self) -> bool:
        slots = slots_in(self._models).values()
        return self._box.waiting() or any(slot.force or slot.trial for slot in slots)

    def _start(self) -> None:
        key = ReleaseKey.at(self._key)
        clock = None if isinstance(self._clock, VirtualClock) else self._clock
        begin = Begin(
            self._plant, self._models, self._historian, (key.public,), self._trial_answers,
            self._clock.now(), clock,
        )  # fmt: skip
        self._contracts, self._number, self._steps, self._open = (), 0, {}, 0
        self._outbox = queue.SimpleQueue()
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "genba.learn.edge.host_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the core, which then closes this
        )
        self._outbox.put(pickle.dumps(begin))
        for work in (self._write, self._read):
            threading.Thread(
                target=work, args=(process, self._outbox), name="models", daemon=True
            ).start()

    def _write(
        self, process: "subprocess.Popen[bytes]", outbox: "queue.SimpleQueue[bytes | None]"
    ) -> None:
        pipe = cast("BinaryIO", process.stdin)
        with contextlib.suppress(OSError, ValueError):
            while (content := outbox.get()) is not None:
                write_frame(pipe, b"m", content)
        with contextlib.suppress(OSError):
            pipe.close()

    def _read(
        self, process: "subprocess.Popen[bytes]", outbox: "queue.SimpleQueue[bytes | None]"
    ) -> None:
        pipe, said = cast("BinaryIO", process.stdout), ""
        try:
            while (frame := read_frame(pipe)) is not None:
                if frame[0] == b"e":
                    said = frame[1].decode("utf-8", "replace")
                else:
                    self._note(pickle.loads(frame[1]))  # noqa: S301 - from our own child
        except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
            said = f"their process is not understood ({error}); it is started again"
            process.kill()
        outbox.put(None)
        self._ended(process, said)
        pipe.close()

    def _note(self, told: Told) -> None:
        with self._changed:
            self.why, self._heard = "", time.monotonic()
            self._answers += told.answers
            self.slots, self.withheld, self.unfit = told.slots, told.withheld, told.unfit
            if told.contracts is not None:
                self._contracts, self._number = told.contracts, told.number
            if told.moment:
                self._open = max(0, self._open - 1)
            self._changed.notify_all()

    def _ended(self, process: "subprocess.Popen[bytes]", said: str) -> None:
        code = process.wait()
        with self._changed:
            self._open = 0
            if process is self._process and not self._closed:
                how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                self.why = said or f"their process died ({how}); it is started again"
                logger.warning("no model judges: %s", self.why)
                self._process = None
                self._look_at = time.monotonic() + RESTART_S
            self._changed.notify_all()


def picture_facts(unfit: Mapping[str, str]) -> Iterable[Fact]:
    """Return that the newest picture of equipment could not be judged, and why."""
    for equipment, why in unfit.items():
        yield Fact("unfit_picture", equipment, f"no picture is judged: {why}", equipment=equipment)
