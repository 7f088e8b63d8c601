"""``genba model verify`` of a model of signals: over which stretch, and with which faults."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genba.cli.model_verify_case import Case
from genba.cli.moments import moment
from genba.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genba.historian import Historian
    from genba.learn.edge.past import Stretch
    from genba.learn.verify.imagined import Fault
    from genba.learn.verify.verified import Verdict
    from genba.plant import Plant

_ONSETS = 5
"""At how many moments each fault is imagined."""


def of_signals(
    case: Case,
    *,
    span: tuple[str | None, str, float | None],
    twin: tuple[str, float],
) -> "Callable[..., Verdict]":
    """Return what runs a model in shadow over what the historian holds of a span."""
    from genba.historian import Historian
    from genba.learn.edge.past import Past
    from genba.learn.verify.unseen import unseen
    from genba.learn.verify.verified import verify
    from genba.plant import SystemClock

    clock = SystemClock()
    start, end, hours = span
    process, fault_hours = twin

    def opened() -> "Historian":
        return Historian.open(case.state / "historian", clock, read_only=True)

    with opened() as historian:
        begin = None if start is None else moment(historian, start)
        until, newest = moment(historian, end), moment(historian, "now")
    period = unseen(case.model.card, newest, start=begin, end=until, hours=hours)
    past = Past(case.plant, opened, clock.now)
    imagine = None
    if process:
        imagine = _imagining(case.plant, case.state, process, opened, fault_hours * 3600)
    return partial(
        verify,
        *(case.registry, case.model, case.plant, past, period, case.terms),
        in_force=case.in_force,
        imagine=imagine,
    )


def _imagining(
    plant: "Plant",
    folder: Path,
    process: str,
    opened: "Callable[[], Historian]",
    length_s: float,
) -> "Callable[[Stretch], Sequence[Fault]]":
    """Return what imagines faults in a stretch, by what was learned of a process."""
    from genba.cli.twin_learn import PROCESSES
    from genba.control.bound import bound
    from genba.control.imagined import faults_in
    from genba.control.learned import kept_world
    from genba.learn.registry.signature import KEY
    from genba.learn.verify.imagined import onsets
    from genba.operate.state import StateFolder

    joined = bound(plant, process)
    key = StateFolder(folder, create=False).secrets / KEY
    world, _ = kept_world(joined, folder / PROCESSES, key)

    def imagine(stretch: "Stretch") -> "Sequence[Fault]":
        begins = onsets(stretch, length_s, _ONSETS)
        if not begins:
            fail(f"the stretch is too short for faults of {length_s / 3600:g} h; take a longer one")
        with opened() as historian:
            return faults_in(joined, world, historian, begins, length_s)

    return imagine
