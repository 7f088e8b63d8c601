"""Set-up times between families on one machine."""

from genba.plant import Plant


class SetupTimes:
    """Looks up change-over times; the most specific row of the plant file wins."""

    def __init__(self, plant: Plant) -> None:
        self._rows = {
            (row.equipment, row.before, row.after): row.duration_s for row in plant.setup_times
        }

    def duration_s(self, equipment: str, before: str | None, after: str | None) -> float:
        """Return the time to change over in seconds; 0 within a family and where no row fits.

        A family after which nothing is known (``before`` is None) counts as another one.
        """
        if after is None or before == after:
            return 0.0
        for key in (
            (equipment, before or "*", after),
            (equipment, "*", after),
            (equipment, before or "*", "*"),
            (equipment, "*", "*"),
        ):
            if key in self._rows:
                return self._rows[key]
        return 0.0
