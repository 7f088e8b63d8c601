"""Hold a plant at its economic set-points, and go back to the plain ones while it is disturbed.

How much of the way from the plain set-points to the economic ones is gone depends on the room that
is left before each limit, as a share of the room at rest. Back is quick, out is slow, and each time
that it was needed, twice as much quiet is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import ControlError
from genba.twin.process.episode import Floats


@dataclass(frozen=True, slots=True)
class Watch:
    """A signal that must not reach a limit.

    Attributes
    ----------
    rest : float
        Where it is when nothing happens, at the economic set-points.
    low, high : float
        Limits, either may be infinite.
    plain : float, optional
        Where it is when nothing happens, at the plain set-points; without it the same.
    """

    name: str
    rest: float
    low: float
    high: float
    plain: float | None = None

    def used(self, lowest: float, highest: float, share: float = 1.0) -> float:
        """Give the share of the room at rest that is used; not finite values use all of it.

        Parameters
        ----------
        share : float
            Of the way from the plain set-points to the economic ones that is gone.
        """
        if not (np.isfinite(lowest) and np.isfinite(highest)):
            return 1.0
        plain = self.rest if self.plain is None else self.plain
        rest = plain + share * (self.rest - plain)
        up = (highest - rest) / (self.high - rest)
        down = (rest - lowest) / (rest - self.low)
        return float(max(up, down))


@dataclass(frozen=True, slots=True)
class Caution:
    """When to go back and when to go out again.

    Attributes
    ----------
    near : float
        Used share of the room from which the plain set-points hold.
    calm : float
        Used share below which it counts as quiet.
    calm_h : float
        Of quiet before going out again; doubled each time.
    out_h, back_h : float
        For the whole way.
    """

    near: float = 0.7
    calm: float = 0.35
    calm_h: float = 4.0
    out_h: float = 6.0
    back_h: float = 1.0


class Holder:
    """Drives one plant. One call a step.

    Raises
    ------
    ControlError
        If a watched signal does not rest within its limits.
    """

    def __init__(
        self,
        plain: Floats,
        best: Floats,
        watches: Sequence[Watch],
        caution: Caution | None = None,
    ) -> None:
        for watch in watches:
            rests = [watch.rest] if watch.plain is None else [watch.rest, watch.plain]
            if not all(watch.low < rest < watch.high for rest in rests):
                raise ControlError(
                    f"'{watch.name}' rests at {' and '.join(f'{r:g}' for r in rests)}, outside of "
                    f"{watch.low:g} to {watch.high:g}; choose set-points that keep it inside"
                )
        self._plain, self._best = np.asarray(plain, float), np.asarray(best, float)
        self._watches, self._caution = tuple(watches), caution or Caution()
        self._asked_h = self._caution.calm_h
        self._quiet_h = self._asked_h
        self.share = 0.0
        """Of the way to the economic set-points that is gone."""
        self.why = "on the way out"
        self.retreats = 0

    def choose(self, hours: float, low: Mapping[str, float], high: Mapping[str, float]) -> Floats:
        """Give the set-points of the next ``hours`` from the extremes of the last ones.

        Parameters
        ----------
        low, high : mapping
            Of each watched signal; one that is missing counts as at its limit.
        """
        caution, nan = self._caution, float("nan")
        used = {
            w.name: w.used(low.get(w.name, nan), high.get(w.name, nan), self.share)
            for w in self._watches
        }
        worst = max(used, key=lambda name: used[name])
        if used[worst] >= caution.near:
            if self._quiet_h >= self._asked_h:
                self.retreats += 1
                self._asked_h = caution.calm_h * 2 ** (self.retreats - 1)
            self._quiet_h = 0.0
            self.why = f"{used[worst]:.0%} of the room of {worst} is used"
        elif self._quiet_h < self._asked_h:
            self._quiet_h = self._quiet_h + hours if used[worst] < caution.calm else 0.0
        if self._quiet_h >= self._asked_h:
            self.share = min(1.0, self.share + hours / caution.out_h)
            self.why = "at the economic set-points" if self.share == 1.0 else "on the way out"
        else:
            self.share = max(0.0, self.share - hours / caution.back_h)
        return np.asarray(self._plain + self.share * (self._best - self._plain))
