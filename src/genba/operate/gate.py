"""The gate through which samples come in: admission, quarantine and the devices' clocks."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genba.errors import HistorianError
from genba.guard import Guard
from genba.historian import Ingest
from genba.historian.admission import Admission, Misfit, Reason
from genba.historian.lasting import last_stored
from genba.historian.queries import Queries
from genba.historian.setting_apart import Quarantine, Tell
from genba.operate.sense import Intake, LiveValues
from genba.operate.skew import ClockSkew
from genba.plant import Clock, Plant, Sample


class Gate:
    """Builds the parts that every sample passes, and knows their figures.

    Parameters
    ----------
    plant, clock
        What signals there are, and what time it is.
    live, guard
        Shown what fits.
    ingest
        Stores it.
    tell : callable
        Takes rows for tables of records, and keeps them until the historian has room.
    refused : callable
        Told of samples that the historian had no room for.
    """

    def __init__(
        self,
        plant: Plant,
        clock: Clock,
        live: LiveValues,
        guard: Guard,
        ingest: Ingest,
        tell: Tell,
        refused: Callable[[Sequence[Sample]], None],
    ) -> None:
        self._plant = plant
        self._ingest = ingest
        self._tell = tell
        connections = {name: signal.connection for name, signal in plant.signals.items()}
        self.quarantine = Quarantine(self._put_row, clock.now, connections)
        self.admission = Admission(plant.signals, clock.now, clock.speed, self.quarantine.hold)
        self.skew = ClockSkew(connections, clock.speed, tell)
        self.intake = Intake(live, guard, self.admission, self.skew, ingest.put, refused)

    def restore(self, historian: Queries, now: int) -> None:
        """Take up what was stored last of each signal, so that it is not stored again."""
        self.admission.seed(last_stored(historian, self._plant.signals.values(), now))

    def unfit(self, sample: Sample, why: str) -> None:
        """Keep what a driver could not read as a value of its signal."""
        number = sample.value
        if isinstance(number, float) and not math.isfinite(number):
            misfit = Misfit(Reason.NOT_A_NUMBER, f"{number!r} is no number")
        else:
            misfit = Misfit(Reason.WRONG_TYPE, why)
        self.quarantine.hold(sample, misfit)

    def health(self) -> dict[str, int]:
        """Return figures for the part ``historian`` of the core's health."""
        apart = self.quarantine.by_reason()
        return {
            "repeats": self.admission.repeats,
            "quarantined": sum(self.quarantine.counts.values()),
            "quarantine_left_out": self.quarantine.left_out,
            **{f"quarantined_{reason}": apart.get(reason, 0) for reason in Reason},
        }

    def with_skew(self, links: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Add to the health of each connection how far its clock is from Genba's."""
        return {
            name: {**link, "clock_skew_s": self.skew.seconds(name)} for name, link in links.items()
        }

    def _put_row(self, table: str, row: Mapping[str, Any]) -> None:
        """Store at once what was set apart; what the historian has no room for is kept."""
        try:
            self._ingest.put_rows(table, [row])
        except HistorianError:
            self._tell(table, row)
