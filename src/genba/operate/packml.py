"""Machine states after PackML: which follow which, and how long each lasted."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from genba.operate.judge import Judgement, Sight
from genba.plant import (
    US,
    Evidence,
    Finding,
    PackMLMode,
    PackMLState,
    Plant,
    Quality,
    Role,
    Sample,
    Severity,
)

S = PackMLState
_Kind = TypeVar("_Kind", PackMLState, PackMLMode)

NEXT: Mapping[PackMLState, frozenset[PackMLState]] = {
    S.STOPPED: frozenset({S.RESETTING}),
    S.RESETTING: frozenset({S.IDLE}),
    S.IDLE: frozenset({S.STARTING}),
    S.STARTING: frozenset({S.EXECUTE}),
    S.EXECUTE: frozenset({S.COMPLETING, S.HOLDING, S.SUSPENDING}),
    S.COMPLETING: frozenset({S.COMPLETE}),
    S.COMPLETE: frozenset({S.RESETTING}),
    S.HOLDING: frozenset({S.HELD}),
    S.HELD: frozenset({S.UNHOLDING}),
    S.UNHOLDING: frozenset({S.EXECUTE, S.HOLDING}),
    S.SUSPENDING: frozenset({S.SUSPENDED, S.HOLDING}),
    S.SUSPENDED: frozenset({S.UNSUSPENDING, S.HOLDING}),
    S.UNSUSPENDING: frozenset({S.EXECUTE, S.HOLDING}),
    S.STOPPING: frozenset({S.STOPPED}),
    S.ABORTING: frozenset({S.ABORTED}),
    S.ABORTED: frozenset({S.CLEARING}),
    S.CLEARING: frozenset({S.STOPPED}),
}
"""The state model of ISA-TR88.00.02, figure "base state model", without stop and abort."""

_NO_STOP = frozenset({S.STOPPED, S.STOPPING, S.ABORTING, S.ABORTED, S.CLEARING})
_NO_ABORT = frozenset({S.ABORTING, S.ABORTED})
_WAITING = frozenset({S.STOPPED, S.IDLE, S.SUSPENDED, S.ABORTED, S.HELD, S.COMPLETE, S.EXECUTE})
"""States that last; a sample may well miss the acting ones between them."""

POLLED_DRIVERS = frozenset({"modbus"})
"""Drivers that see what holds when they ask, and no change in between: any state may have been
missed, and from every state there is a way to every other."""


def follows(before: PackMLState, after: PackMLState) -> bool:
    """Whether ``after`` can be the next state that is seen, acting states between may be missed."""
    seen: set[PackMLState] = set()
    ahead = list(_exits(before))
    while ahead:
        state = ahead.pop()
        if state is after:
            return True
        if state not in seen and state not in _WAITING:
            seen.add(state)
            ahead.extend(_exits(state))
    return False


def _exits(state: PackMLState) -> frozenset[PackMLState]:
    stop = frozenset() if state in _NO_STOP else frozenset({S.STOPPING})
    abort = frozenset() if state in _NO_ABORT else frozenset({S.ABORTING})
    return NEXT[state] | stop | abort


_FOLLOWS = {(a, b): follows(a, b) for a in S for b in S}

StateEvent = Callable[[str, int, int, PackMLState, PackMLMode | None], None]
"""Told of a state that ended: equipment, start, end, state, mode at its start."""


class PackMLJudge:
    """Flags transitions that the state model does not know, and reports states that ended.

    Of a device that is polled it flags only numbers that are no state.
    """

    name = "packml"

    def __init__(self, plant: Plant, ended: StateEvent) -> None:
        self._states = {s.id: s.equipment for s in plant.signals.values() if s.role is Role.STATE}
        self._modes = {s.id: s.equipment for s in plant.signals.values() if s.role is Role.MODE}
        polled = {c.id for c in plant.connections if c.driver in POLLED_DRIVERS}
        self._unsure = {s for s in self._states if plant.signals[s].connection in polled}
        self._present: dict[str, tuple[PackMLState, int, PackMLMode | None]] = {}
        self._mode: dict[str, PackMLMode] = {}
        self._ended = ended

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Follow every state and mode that came."""
        for sample in sight.batch:
            if sample.quality == Quality.BAD:
                continue
            if sample.signal in self._modes:
                mode = _member(PackMLMode, sample)
                if mode is not None:
                    self._mode[self._modes[sample.signal]] = mode
            elif sample.signal in self._states:
                yield from self._state(self._states[sample.signal], sample)

    def _state(self, equipment: str, sample: Sample) -> Iterable[Judgement]:
        state = _member(PackMLState, sample)
        if state is None:
            yield _told(
                equipment, sample, f"{equipment} shows state {sample.value!r}, no PackML state"
            )
            return
        before = self._present.get(equipment)
        if before is not None and before[0] is state:
            return
        self._present[equipment] = (state, sample.source_time, self._mode.get(equipment))
        if S.ABORTED in (state, before[0] if before else None):
            yield _aborted(equipment, sample, stands=state is S.ABORTED)
        if before is None:
            return
        self._ended(equipment, before[1], sample.source_time, before[0], before[2])
        if sample.signal not in self._unsure and not _FOLLOWS[before[0], state]:
            seconds = (sample.source_time - before[1]) / US
            text = (
                f"{equipment} went from {before[0].name} (for {seconds:.0f} s) to {state.name}, "
                "which the PackML state model does not know"
            )
            yield _told(equipment, sample, text)


def _member(kind: type[_Kind], sample: Sample) -> _Kind | None:
    if not isinstance(sample.value, int):
        return None
    try:
        return kind(sample.value)
    except ValueError:
        return None


def _aborted(equipment: str, sample: Sample, *, stands: bool) -> Judgement:
    return Judgement(
        Finding(
            id=f"F-aborted-{equipment}-{sample.source_time}",
            time=sample.source_time,
            kind="machine_aborted",
            equipment=equipment,
            text=f"{equipment} aborted" if stands else f"{equipment} is no longer aborted",
            severity=Severity.WARNING if stands else Severity.INFO,
            source="packml",
            evidence=(Evidence(sample.signal, sample.source_time, sample.value),),
        ),
        stands=stands,
        clears=not stands,
    )


def _told(equipment: str, sample: Sample, text: str) -> Judgement:
    return Judgement(
        Finding(
            id=f"F-state-{equipment}-{sample.source_time}",
            time=sample.source_time,
            kind="state_model",
            equipment=equipment,
            text=text,
            severity=Severity.INFO,
            source="packml",
            evidence=(Evidence(sample.signal, sample.source_time, sample.value),),
        )
    )
