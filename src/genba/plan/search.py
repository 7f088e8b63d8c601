"""Local search on the order of operations, for problems of any kind: the decoder is the judge.

Late acceptance hill climbing (Burke and Bykov, *The late acceptance hill-climbing heuristic*, 2017)
over the decoder's input. A job, or one operation of it, takes another place in the order: next to a
job of the same set-up family, before one that is late, or anywhere; or it is given a machine.
What is late is moved more often than what is not. Starts from the best of what the rules found.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from genba.plan import columns as c
from genba.plan.compile import Floats, Ints
from genba.plan.decode import Decoder
from genba.plan.decode_value import pricing_of
from genba.plan.objective import Objective
from genba.plan.rules import Draft

MEMORY = 12
"""Length of the late acceptance list: short, since an evaluation is dear."""
PATIENCE = 400
"""Steps without a better order after which the search goes back to the best one."""
LATE_SHARE = 0.5
"""Share of moves that take up a late job."""

Better = Callable[[Draft], None]


@dataclass(eq=False)
class _Point:
    """An order as real keys, which moves change at little cost, with its modes and its worth."""

    keys: Floats
    modes: Ints
    fill_gaps: bool
    worth: float

    def copy(self) -> "_Point":
        return _Point(self.keys.copy(), self.modes.copy(), self.fill_gaps, self.worth)


class Search:
    """One climber with a decoder and random numbers of its own.

    Parameters
    ----------
    decoder : Decoder
        Used by this search alone while it runs.
    objective : Objective
        What is made small.
    seed : int
        The same decoder, starts, seed and number of steps give the same order.
    """

    def __init__(self, decoder: Decoder, objective: Objective, seed: int = 0) -> None:
        self._decoder = decoder
        self._pricing = pricing_of(decoder.problem, objective)
        self._random = np.random.default_rng(seed)
        tables = decoder.tables
        self._job = tables.operations[:, c.O_JOB]
        self._jobs = [np.flatnonzero(self._job == j) for j in range(len(tables.jobs))]
        self._free = np.flatnonzero(tables.operations[:, c.O_FIXED] < 0)
        self._count = np.array([len(o.modes) for o in decoder.problem.operations])
        self._families = _families(decoder)

    def climb(
        self,
        starts: Sequence[Draft],
        *,
        until: float | None = None,
        steps: int | None = None,
        on_better: Better | None = None,
    ) -> Draft:
        """Search from drafts; return the best order found, which is no worse than any of them.

        Parameters
        ----------
        starts : sequence of Draft
            At least one.
        until : float, optional
            End on :func:`time.monotonic`.
        steps : int, optional
            Orders that are tried at most.
        """
        first = min(starts, key=lambda draft: draft.worth)
        here = _Point(
            first.rank.astype(np.float64), first.modes.copy(), first.fill_gaps, first.worth
        )
        best, since, done = here.copy(), 0, 0
        memory = [here.worth] * MEMORY
        weights = self._lateness(here)
        while len(self._free) and (steps is None or done < steps):
            if until is not None and time.monotonic() >= until:
                break
            there = here.copy()
            self._move(there, weights)
            there.worth = self._worth(there)
            done, since = done + 1, since + 1
            late = done % MEMORY
            if there.worth <= max(memory[late], here.worth):
                here = there
                weights = self._lateness(here)
            memory[late] = min(memory[late], here.worth)
            if here.worth < best.worth - 1e-12 * abs(best.worth):
                best, since = here.copy(), 0
                if on_better is not None:
                    on_better(self._draft(best))
            elif since >= PATIENCE:
                here, since = best.copy(), 0
                memory = [best.worth * 1.01] * MEMORY
                weights = self._lateness(here, anew=True)
        return self._draft(best)

    # -- evaluation ---------------------------------------------------------------------------

    def _worth(self, point: _Point) -> float:
        rank = np.empty(len(point.keys), dtype=np.int64)
        rank[np.argsort(point.keys, kind="stable")] = np.arange(len(point.keys))
        return self._decoder.worth(rank, point.modes, self._pricing, fill_gaps=point.fill_gaps)

    def _draft(self, point: _Point) -> Draft:
        rank = np.empty(len(point.keys), dtype=np.int64)
        rank[np.argsort(point.keys, kind="stable")] = np.arange(len(point.keys))
        return Draft(point.worth, rank, point.modes.copy(), point.fill_gaps, "local search")

    def _lateness(self, point: _Point, *, anew: bool = False) -> Floats:
        """Return how much each job costs by being late on the board that was timed last."""
        if anew:
            self._worth(point)
        late: Floats = self._decoder.late_ticks() * self._pricing.jobs[:, 0]
        return late

    # -- moves --------------------------------------------------------------------------------

    def _move(self, point: _Point, late: Floats) -> None:
        """Change one or two things."""
        for _ in range(1 + (self._random.random() < 0.2)):
            kind = self._random.random()
            if kind < 0.45:
                self._shift_job(point, self._some_job(late), late)
            elif kind < 0.6:
                self._join_family(point, self._some_job(late))
            elif kind < 0.75:
                self._shift_operation(point)
            elif kind < 0.85:
                self._swap_jobs(point, self._some_job(late))
            else:
                self._choose_machine(point)

    def _some_job(self, late: Floats) -> int:
        total = late.sum()
        if total > 0 and self._random.random() < LATE_SHARE:
            return int(self._random.choice(len(late), p=late / total))
        operation = self._free[self._random.integers(len(self._free))]
        return int(self._job[operation])

    def _shift_job(self, point: _Point, job: int, late: Floats) -> None:
        """Put a job before (if it is late, mostly) or after another one."""
        other = int(self._job[self._free[self._random.integers(len(self._free))]])
        self._place(point, job, other, before=self._random.random() < (0.8 if late[job] else 0.5))

    def _join_family(self, point: _Point, job: int) -> None:
        """Put a job next to one that shares a set-up family with it."""
        own = self._families[self._jobs[job]]
        own = own[own >= 0]
        if not len(own):
            return
        family = own[self._random.integers(len(own))]
        mates = np.unique(self._job[self._families == family])
        mates = mates[mates != job]
        if len(mates):
            other = int(mates[self._random.integers(len(mates))])
            self._place(point, job, other, before=self._random.random() < 0.5)

    def _swap_jobs(self, point: _Point, job: int) -> None:
        other = int(self._job[self._free[self._random.integers(len(self._free))]])
        one, two = self._jobs[job], self._jobs[other]
        shift = point.keys[two].min() - point.keys[one].min()
        point.keys[one] += shift
        point.keys[two] -= shift

    def _place(self, point: _Point, job: int, other: int, *, before: bool) -> None:
        own, its = self._jobs[job], self._jobs[other]
        shift = point.keys[its].min() - point.keys[own].min()
        point.keys[own] += shift + (-0.5 if before else 0.5) * (1.0 + self._random.random())

    def _shift_operation(self, point: _Point) -> None:
        one, two = self._free[self._random.integers(len(self._free), size=2)]
        point.keys[one] = point.keys[two] + (self._random.random() - 0.5)

    def _choose_machine(self, point: _Point) -> None:
        """Give an operation another machine, or leave that to the decoder again."""
        operation = self._free[self._random.integers(len(self._free))]
        if self._count[operation] > 1:
            point.modes[operation] = self._random.integers(-1, self._count[operation])


def _families(decoder: Decoder) -> Ints:
    """Return a number for the set-up family of each operation's first mode; -1: it has none."""
    names: dict[str, int] = {}
    return np.array(
        [
            -1
            if not operation.modes or operation.modes[0].family is None
            else names.setdefault(operation.modes[0].family, len(names))
            for operation in decoder.problem.operations
        ],
        dtype=np.int64,
    ).reshape(-1)
