"""Brings a line built from the plant file to what the plant was recorded to do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from genba import __version__
from genba.errors import TwinError
from genba.twin.calibrate_fleet import calibrate_fleet
from genba.twin.calibrate_machines import calibrate_machines
from genba.twin.calibrate_rules import family_window_s
from genba.twin.demand import Demand, read_demand
from genba.twin.line import Line
from genba.twin.parameter import Basis, Findings, Parameter
from genba.twin.recording import Recording
from genba.twin.rules import FAMILY_WINDOW_S


@dataclass(frozen=True)
class Calibrated:
    """A line whose numbers were measured, and how each was come by."""

    line: Line
    fits: tuple[Parameter, ...]
    demand: Demand
    start: int
    """Begin of what it was calibrated on, microseconds UTC."""
    end: int
    seed: int = 0
    version: str = __version__
    family_window_s: float = FAMILY_WINDOW_S
    """By what the recorded plant chose; ``line`` keeps Genba's own."""

    @property
    def as_run(self) -> Line:
        """The line under the rules by which the recorded plant was run, to be held against it."""
        return replace(self.line, family_window_s=self.family_window_s)

    def counts(self) -> dict[Basis, int]:
        """Return how many parameters rest on what."""
        counted = Counter(parameter.basis for parameter in self.fits)
        return {basis: counted[basis] for basis in Basis}

    def of(self, thing: str) -> tuple[Parameter, ...]:
        """Return the parameters of one thing."""
        return tuple(parameter for parameter in self.fits if parameter.thing == thing)


def calibrate(line: Line, recording: Recording, seed: int = 0) -> Calibrated:
    """Fit every parameter of ``line`` that the recording says something of.

    What it says nothing of keeps the plan's value, and is listed as such. The same line, recording
    and seed give the same answer; and since every measured parameter is estimated from the
    recording alone, calibrating a calibrated line on the same recording changes nothing but the
    reported plan values.

    Parameters
    ----------
    line : Line
        As built from the plant file.
    recording : Recording
        From :func:`genba.twin.record.read_recording`.
    seed : int
        Of the bootstraps that judge fits.

    Raises
    ------
    TwinError
        If the recording holds no machine of the line.
    """
    if not any(machine.id in recording.pieces for machine in line.machines):
        raise TwinError(
            f"the recording holds no machine of line '{line.id}'; calibrate it on its own plant's"
        )
    found = Findings(seed=seed)
    changed = calibrate_machines(line, recording, found)
    changed = calibrate_fleet(changed, recording, found)
    demand = read_demand(recording, found)
    window_s = family_window_s(line, recording, found)
    return Calibrated(
        line=changed,
        fits=tuple(found.parameters),
        demand=demand,
        start=recording.start,
        end=recording.end,
        seed=seed,
        family_window_s=window_s,
    )


def kept_from_plan(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Return the parameters of which nothing was recorded."""
    return [parameter for parameter in parameters if parameter.basis is Basis.PLAN]
