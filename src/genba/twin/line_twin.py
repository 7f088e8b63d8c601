"""The line twin as anything else that predicts: from a recorded start, one future per seed."""

from dataclasses import dataclass

import numpy as np

from genba.plant import US
from genba.twin.future import Futures, futures
from genba.twin.line import Line
from genba.twin.outside import Outside, outside_of
from genba.twin.prediction import Case, Prediction, tardiness_h
from genba.twin.record_state import state_at
from genba.twin.records import STATES as KERNEL_STATES
from genba.twin.state import State

_STATE_OF = {"blocked": "idle", "waiting": "idle"}
"""States of the kernel that a recorded machine does not show apart."""


class LineTwin:
    """Satisfies :class:`genba.twin.prediction.Twin` with a (calibrated) line.

    Lots go on by the plain rules: earliest due date within set-up families, nearest vehicle.

    Parameters
    ----------
    line : Line
        Calibrated on other periods than those that it is asked for.
    traced : bool
        Free-running, a twin draws when machines stop and what is scrapped. Trace-driven, it takes
        both as they were recorded (:mod:`genba.twin.outside`).
    """

    def __init__(self, line: Line, *, traced: bool = False) -> None:
        self._line = line
        self._traced = traced
        self._case: Case | None = None
        self._start: _Start | None = None

    def predict(self, case: Case, seed: int) -> Prediction:
        """Return one future of a period."""
        if self._start is None or self._case is not case:
            self._case, self._start = case, self._read(case)  # the same for all futures
        start = self._start
        found = futures(
            start.line,
            start.state,
            case.length_s,
            n=1,
            seed=seed,
            outages=start.outside.outages,
            scrapped=start.outside.scrapped,
        )
        return _prediction(case, start.state, found)

    def _read(self, case: Case) -> "_Start":
        state = state_at(case.recording, self._line, case.start, case.end)
        if not self._traced:
            return _Start(self._line, state, Outside((), {}))
        outside = outside_of(case, self._line)
        return _Start(outside.line(self._line), outside.state(state), outside)


@dataclass(frozen=True)
class _Start:
    line: Line
    state: State
    outside: Outside


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
