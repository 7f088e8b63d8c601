"""The line twin as anything else that predicts: from a recorded start, one future per seed."""

import numpy as np

from genba.plant import US
from genba.twin.future import Futures, futures
from genba.twin.line import Line
from genba.twin.prediction import Case, Prediction, tardiness_h
from genba.twin.record_state import state_at
from genba.twin.records import STATES as KERNEL_STATES
from genba.twin.state import State

_STATE_OF = {"blocked": "idle", "waiting": "idle"}
"""States of the kernel that a recorded machine does not show apart."""


class LineTwin:
    """Satisfies :class:`genba.twin.prediction.Twin` with a (calibrated) line.

    Lots go on by the plain rules: earliest due date within set-up families, nearest vehicle.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._case: Case | None = None
        self._state: State | None = None

    def predict(self, case: Case, seed: int) -> Prediction:
        """Return one future of a period."""
        state = self._start(case)
        found = futures(self._line, state, case.length_s, n=1, seed=seed)
        return _prediction(case, state, found)

    def _start(self, case: Case) -> State:
        """Read the state once per case; it is the same for all futures."""
        if self._state is None or self._case is not case:
            self._case = case
            self._state = state_at(case.recording, self._line, case.start, case.end)
        return self._state


def _prediction(case: Case, state: State, found: Futures) -> Prediction:
    parts_in = sum(lot.quantity for lot in state.lots)
    output, scrap = float(found.output[0]), float(found.scrapped[0])
    done = {d.lot: d.time for d in case.recording.done if d.time < case.start}
    done |= {
        lot: case.start + round(seconds * US)
        for lot, seconds in zip(found.lot_ids, found.done_s[0].tolist(), strict=True)
        if np.isfinite(seconds)
    }
    seconds: dict[tuple[str, str], float] = {}
    for machine, row in zip(found.machine_ids, found.seconds[0].tolist(), strict=True):
        for state_name, spent in zip(KERNEL_STATES, row, strict=True):
            key = machine, _STATE_OF.get(state_name, state_name)
            seconds[key] = seconds.get(key, 0.0) + spent
    return Prediction(
        output=output,
        lots=float(found.lots[0]),
        scrap=scrap,
        parts_in=float(parts_in),
        parts_left=parts_in - output - scrap,
        tardiness_h=tardiness_h(case.recording, done, case.start, case.end),
        energy_kwh=float(found.energy_kwh[0]),
        transports=float(found.moves[0]),
        seconds=seconds,
    )
