"""Teach the networks, through the physics: errors many steps ahead are led back to the rates.

Segments begin where a tracker holds the process to be; the physics is stepped with its parameters
held, and its slopes (CasADi) join PyTorch's. Members see other rows (a block bootstrap) and are
drawn to where they began (anchors: Pearce et al. 2020). This file alone imports PyTorch, when it
is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import casadi
import numpy as np
import numpy.typing as npt

from genba.errors import TwinError
from genba.twin.process.belief import Belief
from genba.twin.process.episode import Episode, Floats
from genba.twin.process.residual.driven import driven
from genba.twin.process.residual.ensemble import Ensemble, feature_names, own_outputs
from genba.twin.process.residual.support import support_of
from genba.twin.process.symbolic import Symbolic
from genba.twin.process.track import Tracker

_WAVES = 24
_PULL = 1e-3
"""Weight of the distance from where a network began."""
_SIZE = 3e-3
"""Weight of the size of what is said, in limits."""
_FAR = 3.0
"""Errors beyond this many scales count linearly."""
_LIMIT = 4.0
"""How much a network may add: so many times what the tracker had to correct."""
_DOUBT = 3.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """How networks are taught.

    Attributes
    ----------
    length : int
        Steps that are looked ahead in an error.
    batch : int
        Segments of each member in a round.
    """

    members: int = 5
    hidden: int = 16
    rounds: int = 250
    batch: int = 24
    length: int = 8
    rate: float = 0.01
    seed: int = 0


def taught(
    plain: Symbolic,
    belief: Belief,
    episodes: Sequence[Episode],
    lesson: Lesson | None = None,
) -> Ensemble:
    """Teach an ensemble what the physics leaves out of these episodes.

    Raises
    ------
    TwinError
        If PyTorch is not installed, or the episodes are too short.
    """
    lesson = lesson or Lesson()
    rows = _Rows.of(plain, belief, episodes, lesson.length)
    return _School(plain, belief, rows, lesson).held()


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of all episodes on end; a segment may begin at ``starts``."""

    inputs: Floats
    context: Floats
    shown: Floats
    states: Floats
    """Where the tracker holds the process to be."""
    moved: Floats
    """What the tracker had to add to the states of one step, (steps, states)."""
    starts: npt.NDArray[np.int64]
    blocks: npt.NDArray[np.int64]
    """Which stretch a start belongs to, for the bootstrap."""

    @classmethod
    def of(
        cls, plain: Symbolic, belief: Belief, episodes: Sequence[Episode], length: int
    ) -> "_Rows":
        states, moved, starts, at = [], [], [], 0
        for episode in episodes:
            found, added = _followed(plain, belief, episode)
            states.append(found)
            moved.append(added)
            starts.append(at + np.arange(1, max(1, episode.rows - length)))
            at += episode.rows
        begun = np.concatenate(starts)
        if len(begun) < 4 * length:
            raise TwinError(
                f"{at} rows of '{plain.process.name}' are too few for networks; record for longer"
            )
        inputs, context, shown = (
            np.concatenate([getattr(episode, name) for episode in episodes])
            for name in ("inputs", "context", "shown")
        )
        return cls(
            inputs,
            context,
            shown,
            np.concatenate(states),
            np.concatenate(moved),
            begun,
            begun // (3 * length),
        )


def _followed(plain: Symbolic, belief: Belief, episode: Episode) -> tuple[Floats, Floats]:
    """Follow an episode, parameters held: states, and what was added to each after a step."""
    held = Belief(
        belief.process,
        belief.mean,
        1e-12 * np.eye(len(belief.mean)),
        belief.noise,
        belief.rows,
        max(belief.wander, 1e-4),
    )
    tracker, states, added = Tracker(plain, held), [], []
    for row in range(episode.rows):
        u, c = episode.inputs[row], episode.context[row]
        before = tracker.state
        tracker.seen(episode.shown[row], u, c)
        if row > 2:
            added.append(tracker.state - before)
        states.append(tracker.state)
        tracker.went(u, c)
    return np.array(states), np.array(added).reshape(-1, len(before))


class _School:
    """One training: what is fixed in it, and the networks."""

    def __init__(self, plain: Symbolic, belief: Belief, rows: _Rows, lesson: Lesson) -> None:
        self._torch = _torch()
        process = plain.process
        self._plain, self._belief, self._rows, self._lesson = plain, belief, rows, lesson
        self._step = _Forced(plain, lesson.members * lesson.batch, belief.mean)
        nx = plain.sizes[0]
        self._nx, self._own = nx, list(own_outputs(process))
        features = np.concatenate([rows.states, rows.inputs, rows.context], axis=1)
        variables = (*process.states, *process.inputs, *process.context)
        least = 0.02 * np.array([one.span for one in variables])
        self._center = features.mean(axis=0)
        self._scale = np.maximum(features.std(axis=0), least)
        self._support = support_of((features - self._center) / self._scale)
        step_s = plain.step_s or 1.0
        errors = self._ahead(np.zeros((len(rows.starts), nx)))
        self._error = np.maximum(
            np.sqrt(np.nanmean(np.clip(errors, -1e12, 1e12) ** 2, axis=(0, 1))), belief.noise
        )
        spans = np.array([one.span for one in process.states])
        sizes = np.sqrt((rows.moved**2).mean(axis=0)) / step_s
        rates = np.maximum(sizes, 1e-7 * spans / step_s)
        outputs = np.sqrt(np.nanmean(errors[:, 0] ** 2, axis=0))[self._own]
        outputs = np.maximum(np.nan_to_num(outputs), belief.noise[self._own])
        size = np.concatenate([rates, outputs])
        self._limit, self._doubt = _LIMIT * size, _DOUBT * size
        self._source = np.random.default_rng(lesson.seed)
        self._networks = self._begun(len(self._scale), len(size))

    def _begun(self, features: int, heads: int) -> list[Any]:
        m, h, s = self._lesson.members, self._lesson.hidden, self._source
        wide = [
            s.standard_normal((m, features, h)) / np.sqrt(features),
            0.5 * s.standard_normal((m, 1, h)),
            0.1 * s.standard_normal((m, h, heads)) / np.sqrt(h),
            np.zeros((m, 1, heads)),
        ]
        return [self._torch.tensor(one, requires_grad=True) for one in wide]

    def held(self) -> Ensemble:
        """Teach, and hold what was learned."""
        torch, lesson = self._torch, self._lesson
        anchors = [one.detach().clone() for one in self._networks]
        pupil = torch.optim.Adam(self._networks, lr=lesson.rate)
        pace = torch.optim.lr_scheduler.CosineAnnealingLR(pupil, lesson.rounds)
        drawn = self._drawn()
        for _ in range(lesson.rounds):
            picked = np.stack([self._source.choice(one, lesson.batch) for one in drawn])
            wrong, size = self._wrong(picked)
            away = sum(((a - b) ** 2).mean() for a, b in zip(self._networks, anchors, strict=True))
            cost = wrong + _SIZE * size + _PULL * away
            pupil.zero_grad()
            cost.backward()
            torch.nn.utils.clip_grad_norm_(self._networks, 5.0)
            pupil.step()
            pace.step()
        first, shift, last, offset = (one.detach().numpy().copy() for one in self._networks)
        if not all(np.isfinite(one).all() for one in (first, shift, last, offset)):
            raise TwinError(
                f"the networks of '{self._plain.process.name}' came apart; the physics runs away "
                "from these rows, look at check_twin()"
            )
        heads, waves = len(self._limit), _WAVES
        heights = self._source.standard_normal((lesson.members, waves, heads))
        heights = heights - heights.mean(axis=0)
        heights *= np.sqrt(2.0 / waves * lesson.members / (lesson.members - 1))
        process = self._plain.process
        return Ensemble(
            feature_names(process),
            tuple(self._own),
            len(process.outputs),
            self._center,
            self._scale,
            first,
            shift[:, 0],
            last,
            offset[:, 0],
            self._limit,
            self._doubt,
            self._source.standard_normal((len(self._scale), waves)),
            self._source.uniform(0, 2 * np.pi, waves),
            heights,
            self._support,
        )

    def _drawn(self) -> list[npt.NDArray[np.int64]]:
        """Starts of each member: blocks drawn with replacement."""
        starts, blocks = self._rows.starts, self._rows.blocks
        each = [starts[blocks == block] for block in np.unique(blocks)]
        return [
            np.concatenate([each[k] for k in self._source.integers(len(each), size=len(each))])
            for _ in range(self._lesson.members)
        ]

    def _wrong(self, picked: npt.NDArray[np.int64]) -> tuple[Any, Any]:
        """Mean error of segments, and the size of what was said, for all members."""
        torch, rows, lesson = self._torch, self._rows, self._lesson
        members, batch = picked.shape
        flat = picked.ravel()
        x = torch.tensor(rows.states[flat])
        wrong, size = torch.zeros(()), torch.zeros(())
        for k in range(lesson.length + 1):
            u, c = rows.inputs[flat + k], rows.context[flat + k]
            heads = self._said(x, u, c, members, batch)
            size = size + (heads / torch.tensor(self._limit)).square().mean()
            shown, after = self._step(torch, x, u, c, heads[:, : self._nx])
            if self._own:
                shown = shown.index_add(
                    1, torch.tensor(self._own), heads[:, self._nx :].to(shown.dtype)
                )
            real = rows.shown[flat + k]
            known = np.isfinite(real)
            error = (shown - torch.tensor(np.where(known, real, 0.0))) / torch.tensor(self._error)
            error = error * torch.tensor(known.astype(float))
            far = error.abs().clamp(max=_FAR)
            wrong = wrong + (far * (error.abs() - 0.5 * far)).sum() / max(1.0, float(known.sum()))
            x = after
        return wrong * members / lesson.length, size * members / lesson.length

    def _said(self, x: Any, u: Floats, c: Floats, members: int, batch: int) -> Any:
        torch = self._torch
        row = torch.cat([x, torch.tensor(u), torch.tensor(c)], dim=1)
        row = (row - torch.tensor(self._center)) / torch.tensor(self._scale)
        row = row.reshape(members, batch, -1)
        first, shift, last, offset = self._networks
        learned = torch.tanh(torch.tanh(row @ first + shift) @ last + offset)
        gate = torch.tensor(self._support.open(row.detach().numpy()))[..., None]
        return (gate * torch.tensor(self._limit) * learned).reshape(members * batch, -1)

    def _ahead(self, rates: Floats) -> Floats:
        """Errors of segments under fixed additions to the rates, (starts, length + 1, outputs)."""
        rows, forced = self._rows, _Forced(self._plain, len(rates), self._belief.mean)
        x, told = rows.states[rows.starts], []
        for k in range(self._lesson.length + 1):
            at = rows.starts + k
            after, shown = forced.plain(x, rows.inputs[at], rows.context[at], rates)
            told.append(shown - rows.shown[at])
            x = after
        return np.stack(told, axis=1)


class _Forced:
    """A step with something added to its rates, for rows side by side, and its slopes."""

    def __init__(self, plain: Symbolic, rows: int, z: Floats) -> None:
        nx, nu, nc, _, _ = plain.sizes
        x, u, c, r = (
            casadi.SX.sym(name, size) for name, size in (("x", nx), ("u", nu), ("c", nc), ("r", nx))
        )
        forced = driven(plain)
        around = casadi.vertcat(c, r)
        after, shown = forced.step(x, u, around, z), forced.shows(x, u, around, z)
        slopes = [casadi.jacobian(after, x), casadi.jacobian(after, r), casadi.jacobian(shown, x)]
        self._values = casadi.Function("values", [x, u, c, r], [after, shown]).map(rows)
        self._sloped = casadi.Function("sloped", [x, u, c, r], [after, shown, *slopes]).map(rows)

    def plain(self, x: Floats, u: Floats, c: Floats, r: Floats) -> tuple[Floats, Floats]:
        after, shown = self._values(x.T, u.T, c.T, r.T)
        return after.full().T, shown.full().T

    def __call__(self, torch: Any, x: Any, u: Floats, c: Floats, r: Any) -> tuple[Any, Any]:
        """Give what is shown and the state after the step, with slopes for PyTorch.

        The slopes are led through ``x`` and ``r`` by a product that is zero in value.
        """
        at, added = x.detach().numpy(), r.detach().numpy()
        after, shown, after_x, after_r, shown_x = (
            one.full() for one in self._sloped(at.T, u.T, c.T, added.T)
        )
        moved, forced = x - x.detach(), r - r.detach()
        by_x, by_r, seen_x = (
            torch.tensor(one.reshape(one.shape[0], len(at), -1).swapaxes(0, 1).copy())
            for one in (after_x, after_r, shown_x)
        )
        later = (by_x @ moved[..., None] + by_r @ forced[..., None])[..., 0]
        seen = (seen_x @ moved[..., None])[..., 0]
        return torch.tensor(shown.T.copy()) + seen, torch.tensor(after.T.copy()) + later


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise TwinError(
            "networks need PyTorch, which is not installed; pip install 'genba[deep]'"
        ) from None
    torch.set_num_threads(1)
    return torch
