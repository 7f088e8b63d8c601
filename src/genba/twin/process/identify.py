"""Find a process' parameters from recordings, and how well they are known.

Recordings are cut into segments; each has an initial state of its own, all share the parameters.
The most probable parameters under the prior are found by Levenberg and Marquardt's method on the
errors of what is shown, robust to stray values (Huber weights), with the initial states eliminated
segment by segment (multiple shooting: Bock 1983; elimination: Golub & Pereyra 1973). The noise of
each sensor is estimated along the way. The covariance is that of the linearized problem, widened
where errors are correlated from row to row, which is how a wrong model shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.errors import TwinError
from genba.twin.process.belief import Belief, no_wider, prior
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.slopes import Numeric
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.track import NOISE_FLOOR, doubted
from genba.twin.process.unit import UnitProcess

_HUBER = 3.0
"""Errors beyond this many standard deviations count linearly."""
_ROUNDS = 4
_STEPS = 60
_WIDE = 2.0
"""Standard deviation of an initial state before anything is seen, in spans."""


def identify(
    symbolic: Symbolic,
    episodes: Sequence[Episode],
    before: Belief | None = None,
    *,
    length: int = 20,
    first: Floats | None = None,
) -> Belief:
    """Find the parameters of a process from what was recorded.

    Parameters
    ----------
    before : Belief, optional
        What is believed already; by default the author's guess.
    length : int
        Steps of a segment. Short ones forgive a wrong model and chaos; hidden states need long
        ones.
    first : (states,), optional
        Where a state that nobody measures is thought to begin; the middle of its range by default.

    Raises
    ------
    TwinError
        If there are too few values, or no parameters explain them.
    """
    process = symbolic.process
    before = before or prior(process)
    for episode in episodes:
        episode.checked(process)
    segments = _Segments.of(symbolic, episodes, length, first)
    if segments.known.sum() < 2 * len(process.parameters) + 2:
        raise TwinError(
            f"{int(segments.known.sum())} values cannot tell {len(process.parameters)} parameters "
            f"of '{process.name}'; record more"
        )
    return doubted(symbolic, _Search(symbolic, segments, before).found(), episodes)


def fitted(
    symbolic: Symbolic,
    episodes: Sequence[Episode],
    before: Belief | None = None,
    *,
    length: int = 20,
    rounds: int = _ROUNDS,
    steps: int = _STEPS,
) -> tuple[Belief, Floats]:
    """Find the parameters alone, and what they leave of each value that was shown.

    Parameters
    ----------
    rounds, steps : int
        How often the noise is estimated anew, and steps of the search in each, at most.

    Returns
    -------
    belief : Belief
        Its noise holds what the physics leave out, too.
    left : (values, outputs)
        In the outputs' units; NaN where nothing was shown.

    Raises
    ------
    TwinError
        As :func:`identify`.
    """
    segments = _Segments.of(symbolic, episodes, length, None)
    search = _Search(symbolic, segments, before or prior(symbolic.process))
    return search.fit(rounds, steps)


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """Segments side by side: (segments, rows, ...), padded; ``known`` says which values count."""

    inputs: Floats
    context: Floats
    shown: Floats
    known: Floats
    starts: Floats

    @classmethod
    def of(
        cls,
        symbolic: Symbolic,
        episodes: Sequence[Episode],
        length: int,
        first: Floats | None,
    ) -> "_Segments":
        """Cut episodes; a segment's last row is the first one of the next."""
        cut = [
            episode.cut(start, start + length + 1)
            for episode in episodes
            for start in range(0, max(1, episode.rows - 1), length)
        ]
        cut = [piece for piece in cut if np.isfinite(piece.shown).any()]
        if not cut:
            raise TwinError("nothing was shown in any episode; check what was recorded")
        rows = max(piece.rows for piece in cut)
        inputs, context, shown = (
            np.stack([_padded(getattr(piece, name), rows, fill) for piece in cut])
            for name, fill in (("inputs", None), ("context", None), ("shown", np.nan))
        )
        known = np.isfinite(shown)
        starts = np.stack([_start(symbolic.process, piece, first) for piece in cut])
        return cls(inputs, context, np.where(known, shown, 0.0), known.astype(float), starts)


def _padded(values: Floats, rows: int, fill: float | None) -> Floats:
    """Lengthen by a value, or by the last row."""
    short = rows - len(values)
    if not short:
        return values
    last = np.repeat(values[-1:], short, axis=0)
    return np.concatenate([values, last if fill is None else np.full_like(last, fill)])


def _start(process: UnitProcess, piece: Episode, first: Floats | None) -> Floats:
    """Guess a segment's initial state from what is shown of it."""
    start = np.array([one.middle for one in process.states]) if first is None else first.copy()
    places = {(one.name, one.unit): place for place, one in enumerate(process.outputs)}
    for place, state in enumerate(process.states):
        shown = places.get((state.name, state.unit))
        if shown is not None and np.isfinite(piece.shown[:3, shown]).any():
            start[place] = np.nanmedian(piece.shown[:3, shown])
    return start


class _Search:
    """Levenberg and Marquardt's method over parameters and the segments' initial states."""

    def __init__(self, symbolic: Symbolic, segments: _Segments, before: Belief) -> None:
        self._numeric = Numeric(symbolic)
        self._segments = segments
        self._before = before
        self._process = symbolic.process
        self._precision = np.linalg.inv(before.covariance + 1e-12 * np.eye(len(before.mean)))
        self._span = np.array([one.span for one in self._process.states])
        self._least = NOISE_FLOOR * np.array([one.span for one in self._process.outputs])
        self._noise = np.maximum(before.noise, self._least)

    def found(self) -> Belief:
        return self.fit()[0]

    def fit(self, rounds: int = _ROUNDS, steps: int = _STEPS) -> tuple[Belief, Floats]:
        """Give what is believed, and what is left of each value, (values, outputs)."""
        z, starts = self._before.mean.copy(), self._segments.starts.copy()
        for _ in range(rounds):
            z, starts = self._fitted(z, starts, steps)
            noise = self._noise_seen(z, starts)
            settled = np.allclose(noise, self._noise, rtol=0.05)
            self._noise = noise
            if settled:
                break
        errors, by_z, by_x = self._errors(z, starts, sloped=True)
        hessian, _, _ = self._reduced(errors, by_z, by_x, z, starts, 0.0)
        covariance = self._widened(np.asarray(np.linalg.inv(hessian)), errors)
        covariance = no_wider(covariance, np.diag(self._before.covariance))
        belief = Belief(
            self._process,
            z,
            0.5 * (covariance + covariance.T),
            self._noise,
            self._before.rows + int(self._segments.known.any(axis=2).sum()),
        )
        left = np.where(self._segments.known > 0, errors * self._noise, np.nan)
        return belief, left.reshape(-1, left.shape[2])

    def _fitted(self, z: Floats, starts: Floats, steps: int) -> tuple[Floats, Floats]:
        damping = 1e-3
        errors, by_z, by_x = self._errors(z, starts, sloped=True)
        cost = self._cost(errors, z, starts)
        if not np.isfinite(cost):
            raise TwinError(
                f"process '{self._process.name}' gives values that are not finite where its author "
                "guessed; hold it against check_twin()"
            )
        for _ in range(steps):
            hessian, slope, back = self._reduced(errors, by_z, by_x, z, starts, damping)
            move = -np.linalg.solve(hessian, slope)
            next_z = z + np.clip(move, -2.0, 2.0)
            next_starts = starts + back(next_z - z)
            tried = self._errors(next_z, next_starts, sloped=False)[0]
            next_cost = self._cost(tried, next_z, next_starts)
            if np.isfinite(next_cost) and next_cost < cost:
                gain = (cost - next_cost) / max(cost, 1e-300)
                z, starts, cost = next_z, next_starts, next_cost
                damping = max(damping / 5, 1e-12)
                if gain < 1e-9:
                    break
                errors, by_z, by_x = self._errors(z, starts, sloped=True)
            else:
                damping *= 8
                if damping > 1e8:
                    break
        return z, starts

    def _errors(self, z: Floats, starts: Floats, *, sloped: bool) -> tuple[Floats, Floats, Floats]:
        """Give errors in standard deviations (segments, rows, outputs), and their slopes."""
        s = self._segments
        count, rows, ny = s.shown.shape
        nx, nz = starts.shape[1], len(z)
        errors = np.zeros((count, rows, ny))
        by_z = np.zeros((count, rows, ny, nz) if sloped else (0,))
        by_x = np.zeros((count, rows, ny, nx) if sloped else (0,))
        x, all_z = starts, np.broadcast_to(z, (count, nz))
        x_z, x_x = np.zeros((count, nx, nz)), np.broadcast_to(np.eye(nx), (count, nx, nx))
        with np.errstate(over="ignore", invalid="ignore"):
            for k in range(rows):
                if sloped:
                    step = self._numeric.linear(x, s.inputs[:, k], s.context[:, k], all_z)
                    after, shown = step.after, step.shown
                    by_z[:, k] = step.shown_x @ x_z + step.shown_z
                    by_x[:, k] = step.shown_x @ x_x
                    x_z, x_x = step.after_x @ x_z + step.after_z, step.after_x @ x_x
                else:
                    after, shown = self._numeric.step(x, s.inputs[:, k], s.context[:, k], all_z)
                errors[:, k] = (shown - s.shown[:, k]) * s.known[:, k] / self._noise
                x = after
        if sloped:
            scale = (s.known / self._noise)[..., None]
            by_z, by_x = (
                np.where(scale > 0, by_z * scale, 0.0),
                np.where(scale > 0, by_x * scale, 0.0),
            )
        return errors, by_z, by_x

    def _cost(self, errors: Floats, z: Floats, starts: Floats) -> float:
        size = np.abs(errors)
        near = np.minimum(size, _HUBER)
        robust = (near * (size - 0.5 * near)).sum()
        away = z - self._before.mean
        begun = (starts - self._segments.starts) / (_WIDE * self._span)
        return float(robust + 0.5 * away @ self._precision @ away + 0.5 * (begun**2).sum())

    def _reduced(
        self,
        errors: Floats,
        by_z: Floats,
        by_x: Floats,
        z: Floats,
        starts: Floats,
        damping: float,
    ) -> tuple[Floats, Floats, "_Back"]:
        """Give the curvature and slope in the parameters, initial states eliminated."""
        count = len(starts)
        weight = np.minimum(1.0, _HUBER / np.maximum(np.abs(errors), 1e-300))
        e = errors.reshape(count, -1)
        w = weight.reshape(count, -1, 1)
        jz, jx = by_z.reshape(count, -1, len(z)), by_x.reshape(count, -1, starts.shape[1])
        wide = 1.0 / (_WIDE * self._span) ** 2
        xx = jx.swapaxes(1, 2) @ (w * jx) + np.diag(wide)
        xx = xx + damping * np.einsum("sij,ij->sij", xx, np.eye(xx.shape[1]))
        xz = jx.swapaxes(1, 2) @ (w * jz)
        gx = np.einsum("skx,sk->sx", w * jx, e) + wide * (starts - self._segments.starts)
        zz = np.einsum("ski,skj->ij", w * jz, jz) + self._precision
        zz = zz + damping * np.diag(np.diag(zz))
        gz = np.einsum("skz,sk->z", w * jz, e) + self._precision @ (z - self._before.mean)
        solved = np.linalg.solve(xx, np.concatenate([xz, gx[..., None]], axis=2))
        hessian = zz - np.einsum("sxi,sxj->ij", xz, solved[..., :-1])
        slope = gz - np.einsum("sxi,sx->i", xz, solved[..., -1])
        return 0.5 * (hessian + hessian.T), slope, _Back(solved)

    def _noise_seen(self, z: Floats, starts: Floats) -> Floats:
        """Estimate each sensor's noise from the errors, robustly."""
        errors, _, _ = self._errors(z, starts, sloped=False)
        known = self._segments.known > 0
        seen = np.empty(errors.shape[2])
        for place in range(errors.shape[2]):
            own = errors[..., place][known[..., place]] * self._noise[place]
            seen[place] = 1.4826 * np.median(np.abs(own)) if len(own) > 8 else self._noise[place]
        return np.maximum(seen, self._least)

    def _widened(self, covariance: Floats, errors: Floats) -> Floats:
        """Widen by how much errors hang together from row to row (a variance inflation)."""
        known = self._segments.known
        both = known[:, 1:] * known[:, :-1]
        size = np.clip(errors, -_HUBER, _HUBER)
        power = (size[:, 1:] ** 2 * both).sum() + (size[:, :-1] ** 2 * both).sum()
        if power <= 0:
            return covariance
        together = float(np.clip(2 * (size[:, 1:] * size[:, :-1] * both).sum() / power, 0.0, 0.95))
        return covariance * (1 + together) / (1 - together)


@dataclass(frozen=True, slots=True, eq=False)
class _Back:
    """What a move of the parameters does to the initial states."""

    solved: Floats

    def __call__(self, move: Floats) -> Floats:
        return -(self.solved[..., -1] + self.solved[..., :-1] @ move)
