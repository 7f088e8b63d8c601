"""Hidden wear and drift: what no signal shows."""

import math

from genba.testbed.randomness import Stream


class Wear:
    """A worn share that grows with use, at a rate that nobody knows beforehand.

    The life of each new piece is drawn from a Weibull distribution (Weibull, J. Appl. Mech. 18,
    1951); its ``share`` is used life, 1 at the end, and may go beyond.
    """

    __slots__ = ("_life", "_random", "_shape", "life", "used")

    def __init__(self, life: float, shape: float, stream: Stream, *, used: bool = True) -> None:
        self._life = life
        self._shape = shape
        self._random = stream
        self.life = 1.0
        self.used = 0.0
        self.renew()
        if used:  # a plant is never all new
            self.used = stream.uniform(0.0, 0.6) * self.life

    @property
    def share(self) -> float:
        """Used life over this piece's own life."""
        return self.used / self.life

    def use(self, amount: float) -> None:
        """Wear by an amount in the unit of the life (parts, minutes, dressings)."""
        self.used += amount

    def renew(self) -> None:
        """Fit a new piece, with a life of its own."""
        scale = self._life / math.gamma(1.0 + 1.0 / self._shape)
        self.life = max(0.05 * self._life, self._random.weibull(self._shape, scale))
        self.used = 0.0

    def restore(self, share: float) -> None:
        """Service brings back this share of what was used."""
        self.used *= 1.0 - share


class Drift:
    """A hidden offset that wanders: a mean-reverting random walk (Uhlenbeck and Ornstein 1930)
    about a slow trend.

    Parameters
    ----------
    sigma:
        Standard deviation of the wandering, in the unit of the value.
    tau_h:
        Time over which it forgets where it was, hours.
    per_h:
        Trend, units per hour of use.
    """

    __slots__ = (
        "_keep",
        "_kick",
        "_per_s",
        "_random",
        "_sigma",
        "_since_s",
        "_tau_s",
        "_trend",
        "_walk",
    )

    _STEP_S = 60.0

    def __init__(self, sigma: float, tau_h: float, per_h: float, stream: Stream) -> None:
        self._sigma = sigma
        self._tau_s = 3600.0 * tau_h
        self._per_s = per_h / 3600.0
        self._random = stream
        self._keep = math.exp(-self._STEP_S / self._tau_s)
        self._kick = sigma * math.sqrt(1.0 - self._keep**2)
        self._walk = stream.normal(0.0, sigma)
        self._trend = self._per_s * stream.uniform(0.0, 40.0 * 3600.0)
        self._since_s = 0.0

    @property
    def value(self) -> float:
        """The offset now."""
        return self._walk + self._trend

    def pass_time(self, dt_s: float) -> None:
        """Let time pass; the walk moves once a minute."""
        self._since_s += dt_s
        if self._since_s >= self._STEP_S:
            self._since_s -= self._STEP_S
            self._walk = self._walk * self._keep + self._random.normal(0.0, self._kick)
            self._trend += self._per_s * self._STEP_S

    def shift(self, by: float) -> None:
        """Jump (a crash, a knock)."""
        self._trend += by

    def calibrate(self, residual: float = 0.15) -> None:
        """Bring it back to a small rest of what it was."""
        self._walk *= residual
        self._trend *= residual
