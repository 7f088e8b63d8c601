"""Follow a running process: its state and, slowly, its parameters, from what is shown.

An extended Kalman filter over states and parameters together (Ljung 1979), the covariance kept
symmetric in Joseph's form. A parameter that nothing speaks of keeps its value and its
uncertainty: narrow data cannot ruin it. How surprising the last values were is the test of the
model (normalized innovation squared; Bar-Shalom, Li & Kirubarajan 2001, ch. 5.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import cho_solve

from genba.errors import TwinError
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.scatter import Scatter
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic

NOISE_FLOOR = 1e-5
"""Least noise of a sensor, as a share of its output's span."""
_NOISES = (1.0, 0.3, 0.1, 0.03)
_COARSE = (1.0, 0.1)
_WANDERS = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_FREEDOM = 5.0
"""Degrees of freedom of Student's distribution."""
_LOST = 20.0
"""What the logarithm of the likelihood loses where the model ran away from its estimate."""
_ROWS = 400
_WORTH = 2.0
"""By so much the logarithm of the likelihood has to rise for more to be left out by the physics."""
_STRAY = 5.0
"""A value this many standard deviations off moves the estimate as if it were only so far off."""


@dataclass(frozen=True, slots=True)
class Wander:
    """How much may change by itself in one step.

    Attributes
    ----------
    states : float
        Standard deviation that states pick up in a step, in spans: what the model leaves out.
    parameters : float
        The same of parameters, in standard deviations of their prior.
    """

    states: float
    parameters: float = 0.0


@dataclass(slots=True, eq=False)
class Tracker:
    """The present state of one process, and what is believed of it.

    ``seen`` takes what is shown now; ``went`` lets a step pass.
    """

    symbolic: Symbolic
    belief: Belief
    wander: Wander | None = None
    """How much may change in a step; by default what the belief says of states alone."""
    state: Floats = field(default_factory=lambda: np.empty(0))
    numeric: Numeric | None = None
    """The process in numbers, where it is at hand already."""
    surprise: float = 0.0
    """Normalized innovation squared of the last values over how many there were; about 1."""
    unlikely: float = 0.0
    """Negative logarithm of the likelihood of what was seen, less a constant. Tails are those of
    Student's distribution: some values are farther off than most, and mean nothing by it."""
    _covariance: Floats = field(init=False)
    _numeric: Numeric = field(init=False)
    _scatter: Scatter = field(init=False)
    _z: Floats = field(init=False)
    _drift: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._numeric = self.numeric or Numeric(self.symbolic)
        self._scatter = Scatter(self.symbolic.process)
        begun = self.state
        self.restart()
        if len(begun):
            self.state = begun
        span = np.array([one.span for one in self.symbolic.process.states])
        wander = self.wander or Wander(self.belief.wander)
        self._drift = np.concatenate(
            [(wander.states * span) ** 2, np.full(len(self._z), wander.parameters**2)]
        )

    def restart(self) -> None:
        """Begin anew: nothing is known of the state, and of the parameters what was believed."""
        states = self.symbolic.process.states
        span, nx = np.array([one.span for one in states]), len(states)
        self.state = np.array([one.middle for one in states])
        self._z = self.belief.mean.copy()
        self._covariance = np.zeros((nx + len(self._z),) * 2)
        self._covariance[:nx, :nx] = np.diag(span**2)
        self._covariance[nx:, nx:] = self.belief.covariance

    @property
    def parameters(self) -> Floats:
        """The parameters now, as ``z``."""
        return self._z

    def learned(self) -> Belief:
        """Give what is believed now."""
        nx = len(self.state)
        return replace(
            self.belief, mean=self._z.copy(), covariance=self._covariance[nx:, nx:].copy()
        )

    def loosen(self, drift: float) -> None:
        """Allow parameters to have changed by this many prior deviations, and states with them."""
        nx = len(self.state)
        span = np.array([one.span for one in self.symbolic.process.states])
        self._covariance[nx:, nx:] = self.learned().loosened(drift).covariance
        self._covariance[:nx, :nx] += np.diag((0.01 * span) ** 2)

    def uncertainty(self) -> Floats:
        """Give the standard deviation of each state."""
        return np.sqrt(np.diag(self._covariance)[: len(self.state)])

    @property
    def covariance(self) -> Floats:
        """Of states and parameters together, (states + parameters,) squared."""
        return self._covariance

    def starts(self, count: int, source: np.random.Generator) -> Floats:
        """Draw where the process may be, (count, states); first where it is thought to be."""
        away = source.standard_normal((count, len(self.state))) * self.uncertainty()
        away[0] = 0.0
        return self.state + away

    def seen(self, shown: Floats, u: Floats, c: Floats) -> float:
        """Take in what is shown now, under the set-points in force; NaN: not measured.

        Returns
        -------
        float
            How surprising it was: about 1 where the model is right.

        Raises
        ------
        TwinError
            If the set-points or the context are not finite, or the estimate has come apart.
        """
        self._finite(u, c)
        known = np.isfinite(shown)
        if not known.any():
            return self.surprise
        now = self._numeric.linear(self.state[None], u[None], c[None], self._z[None])
        slope = np.concatenate([now.shown_x[0], now.shown_z[0]], axis=1)[known]
        noise = np.diag(self._scatter.noise(self.belief.noise, now.shown)[0, known] ** 2)
        error = (shown - now.shown[0])[known]
        spread = slope @ self._covariance @ slope.T + noise
        root = _root(spread)
        if root is None:
            name = self.symbolic.process.name
            raise TwinError(f"the estimate of '{name}' came apart; restart it")
        wanted = np.column_stack([error, slope @ self._covariance])
        solved = cho_solve((root, True), wanted, check_finite=False)
        square = float(error @ solved[:, 0])
        self.surprise = square / int(known.sum())
        tail = (_FREEDOM + int(known.sum())) * float(np.log1p(square / _FREEDOM))
        self.unlikely += 0.5 * tail + float(np.log(np.diag(root)).sum())
        far = np.abs(error) / np.sqrt(np.diag(spread))
        error = error * np.minimum(1.0, _STRAY / np.maximum(far, 1e-300))
        gain = solved[:, 1:].T
        self._move(gain @ error)
        kept = np.eye(len(self._covariance)) - gain @ slope
        self._covariance = kept @ self._covariance @ kept.T + gain @ noise @ gain.T
        return self.surprise

    def went(self, u: Floats, c: Floats) -> None:
        """Let a step pass under set-points ``u`` in context ``c``.

        Raises
        ------
        TwinError
            If the set-points or the context are not finite, or the model runs away.
        """
        self._finite(u, c)
        step = self._numeric.linear(self.state[None], u[None], c[None], self._z[None])
        if not np.isfinite(step.after).all():
            raise TwinError(
                f"the model of '{self.symbolic.process.name}' ran away from {self.state}; restart "
                "its tracker"
            )
        nx = len(self.state)
        slope = np.eye(len(self._covariance))
        slope[:nx, :nx], slope[:nx, nx:] = step.after_x[0], step.after_z[0]
        self.state = step.after[0]
        with np.errstate(over="ignore", invalid="ignore"):  # what has come apart is told when seen
            self._covariance = slope @ self._covariance @ slope.T + np.diag(self._drift)
        self._covariance = 0.5 * (self._covariance + self._covariance.T)

    def _move(self, by: Floats) -> None:
        nx = len(self.state)
        self.state = self.state + by[:nx]
        self._z = self._z + by[nx:]

    def _finite(self, u: Floats, c: Floats) -> None:
        if not (np.isfinite(u).all() and np.isfinite(c).all()):
            raise TwinError(
                f"set-points {u} or context {c} of '{self.symbolic.process.name}' are not finite; "
                "nothing was taken in"
            )


def _root(spread: Floats) -> Floats | None:
    """Lower root of a covariance; None where it is none."""
    try:
        root = np.linalg.cholesky(0.5 * (spread + spread.T))
    except np.linalg.LinAlgError:
        return None
    return np.asarray(root) if np.isfinite(root).all() and np.diag(root).min() > 0 else None


def doubted(symbolic: Symbolic, belief: Belief, episodes: Sequence[Episode]) -> Belief:
    """Part what a belief calls noise into noise of sensors and what the physics leaves out.

    The errors of long runs hold both. How they show one step ahead tells them apart: the pair under
    which what was recorded is most likely is taken (Schweppe 1965). Physics are taken to leave
    nothing out until the recording says clearly that they do.
    """
    cut = _newest(episodes, _ROWS)
    floor = NOISE_FLOOR * np.array([one.span for one in symbolic.process.outputs])
    best, least, numeric = belief, np.inf, Numeric(symbolic)

    def tried(noise: Floats, wander: float) -> None:
        nonlocal best, least
        other = replace(belief, noise=np.maximum(noise * belief.noise, floor), wander=wander)
        unlikely = sum(_unlikely(numeric, other, episode) for episode in cut)
        if unlikely < least - _WORTH:
            best, least = other, unlikely

    for wander in _WANDERS:
        for noise in _COARSE:
            tried(np.full(len(floor), noise), wander)
    # One sensor may be quiet where another is not, and what is left out then shows elsewhere.
    for place in range(len(floor)):
        for wander in _beside(best.wander):
            for noise in (n for n in _NOISES if n * belief.noise[place] != best.noise[place]):
                each = best.noise / belief.noise
                each[place] = noise
                tried(each, wander)
    return best


def _beside(wander: float) -> list[float]:
    at = int(np.argmin(np.abs(np.array(_WANDERS) - wander)))
    return list(_WANDERS[at : at + 2])


def _newest(episodes: Sequence[Episode], rows: int) -> list[Episode]:
    kept: list[Episode] = []
    for episode in reversed(episodes):
        if rows > 1:
            kept.append(episode.cut(max(0, episode.rows - rows), episode.rows))
            rows -= episode.rows
    return kept


def _unlikely(numeric: Numeric, belief: Belief, episode: Episode) -> float:
    known = replace(belief, covariance=1e-12 * np.eye(len(belief.mean)))
    tracker, lost = Tracker(numeric.symbolic, known, numeric=numeric), 0.0
    for row in range(episode.rows):
        u, c = episode.inputs[row], episode.context[row]
        try:
            tracker.seen(episode.shown[row], u, c)
            tracker.went(u, c)
        except TwinError:
            tracker.restart()
            lost += _LOST
    return tracker.unlikely + lost
