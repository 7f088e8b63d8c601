"""How a machine spent its time: ISO 22400-2's time elements from PackML state and mode."""

from collections.abc import Mapping, Sequence

from genba.assess.elements import Elements
from genba.assess.series import Series, durations
from genba.plant import US, PackMLMode, PackMLState, Role
from genba.plant.worktime import Interval

_DELAYS = {
    PackMLState.CLEARING,
    PackMLState.SUSPENDED,
    PackMLState.STOPPING,
    PackMLState.ABORTING,
    PackMLState.ABORTED,
    PackMLState.HOLDING,
    PackMLState.HELD,
    PackMLState.UNHOLDING,
    PackMLState.SUSPENDING,
    PackMLState.UNSUSPENDING,
}
_BY_HAND = {PackMLMode.MAINTENANCE, PackMLMode.MANUAL}


def time_elements(
    of: Mapping[Role, Series | None],
    whole: Sequence[Interval],
    planned: Sequence[Interval] | None,
) -> Elements:
    """Split time by state and mode.

    Production and set-up count in all of ``whole``; delays, down time, maintenance and unknown
    states only in ``planned``, because nobody waits for a machine outside its calendar. Without a
    calendar they count in all of ``whole``.
    """
    state, mode = of.get(Role.STATE), of.get(Role.MODE)
    if state is None:
        return Elements(unknown_s=sum(b - a for a, b in whole) / US)
    worked = _sums(durations(state, mode, whole))
    stood = worked if planned is None else _sums(durations(state, mode, planned))
    if set(worked) == {"unknown_s"}:
        return Elements(unknown_s=stood.get("unknown_s", 0.0))
    return Elements(
        production_s=worked.get("production_s", 0.0),
        setup_s=worked.get("setup_s", 0.0),
        delay_s=stood.get("delay_s", 0.0),
        down_s=stood.get("down_s", 0.0),
        maintenance_s=stood.get("maintenance_s", 0.0),
        unknown_s=stood.get("unknown_s", 0.0),
    )


def _sums(lasted: Mapping[tuple[int, int] | None, float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, seconds in lasted.items():
        kind = "unknown_s" if key is None else _kind(*key)
        sums[kind] = sums.get(kind, 0.0) + seconds
    return sums


def _kind(state: int, mode: int) -> str:
    if mode in _BY_HAND:
        return "maintenance_s"
    if state in _DELAYS:
        return "delay_s"
    if state == PackMLState.EXECUTE:
        return "setup_s" if mode == PackMLMode.SETUP else "production_s"
    return "down_s"
