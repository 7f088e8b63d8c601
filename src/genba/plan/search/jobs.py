"""Local search on the order of whole jobs, where the decoder puts jobs in whole.

Where stations have bounded places, a job's operations are placed together (see
:mod:`genba.plan.timing.run`), so what decides is which job goes before which: a permutation of the
jobs, timed by the decoder with machines left to it. Jobs are taken out and put in elsewhere (as in
Nawaz, Enscore and Ham, 1983, for flow shops); what is a little worse than the best is accepted too,
ever less of it (record-to-record travel: Dueck, 1993).
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from genba.plan.objective import Objective
from genba.plan.problem import Problem
from genba.plan.search.rules import Draft
from genba.plan.timing import columns as c
from genba.plan.timing.compile import Floats, Ints
from genba.plan.timing.decode import Decoder
from genba.plan.timing.value import pricing_of

DEVIATION = 0.005
"""Share by which an order may be worse than the best, at the beginning."""
REACH = 20
"""Places that a job moves at most, in most moves."""
FAR = 0.1
"""Share of moves that go anywhere."""

URGENT = 0.3
"""Share of moves that bring a late job forward."""

Better = Callable[[Draft], None]


def puts_jobs_in_whole(problem: Problem) -> bool:
    """Whether the order of jobs decides: at most stations, places are bounded."""
    bounded = sum(machine.places is not None for machine in problem.machines)
    return 2 * bounded > len(problem.machines) and len(problem.jobs) > 1


class JobSearch:
    """One climber.

    Parameters
    ----------
    decoder : Decoder
        Of the problem.
    objective : Objective
        What is made small.
    seed : int
        The same starts, seed and number of steps give the same order.
    """

    def __init__(self, decoder: Decoder, objective: Objective, seed: int = 0) -> None:
        self._decoder = decoder
        self._pricing = pricing_of(decoder.problem, objective)
        self._job = decoder.tables.operations[:, c.O_JOB]
        self._open = np.full(len(self._job), -1, dtype=np.int64)
        self._random = np.random.default_rng(seed)

    def climb(
        self,
        starts: Sequence[Draft] = (),
        *,
        until: float | None = None,
        steps: int | None = None,
        on_better: Better | None = None,
    ) -> Draft:
        """Search from the jobs' due dates and from drafts; return the best order found.

        Parameters
        ----------
        starts : sequence of Draft
            Orders that others found.
        until : float, optional
            End on :func:`time.monotonic`.
        steps : int, optional
            Orders that are tried at most.
        on_better : callable, optional
            Called with each better order.
        """
        now = min((self._draft(jobs) for jobs in self._starts(starts)), key=lambda d: d[0].worth)
        best, late = now, None
        began, done = time.monotonic(), 0
        while steps is None or done < steps:
            at = time.monotonic()
            if until is not None and at >= until:
                break
            share = done / steps if steps is not None else (at - began) / ((until or at) - began)
            if late is None:
                late = self._lateness(now)
            tried = self._draft(self._moved(now[1], late))
            done += 1
            allowed = best[0].worth + DEVIATION * (1.0 - share) ** 2 * abs(best[0].worth)
            if tried[0].worth <= now[0].worth or tried[0].worth <= allowed:
                now, late = tried, None
            if tried[0].worth < best[0].worth:
                best = tried
                if on_better is not None:
                    on_better(best[0])
        return best[0]

    def _starts(self, starts: Sequence[Draft]) -> list[Ints]:
        """Return orders of jobs to begin with: by due date, by release, and those of drafts."""
        jobs = self._decoder.tables.jobs
        due, release = jobs[:, c.J_DUE], jobs[:, c.J_RELEASE]
        found = [np.lexsort((release, due)), np.lexsort((due, release))]
        for draft in starts:
            # A job is as urgent as the last of its operations is.
            last = np.zeros(len(jobs), dtype=np.int64)
            np.maximum.at(last, self._job, draft.rank)
            found.append(np.argsort(last, kind="stable"))
        return found

    def _lateness(self, now: tuple[Draft, Ints]) -> Floats:
        """Return how late each job is, weighted, summed up along the order; all 0: none is."""
        placed = self._decoder.placed(now[0].rank, now[0].modes)
        jobs = self._decoder.tables.jobs
        end = np.zeros(len(jobs), dtype=np.int64)
        np.maximum.at(end, self._job, placed[:, c.S_END])
        late = np.maximum(0, end - jobs[:, c.J_DUE]) * self._pricing.jobs[:, 0]
        return np.cumsum(late[now[1]])

    def _moved(self, jobs: Ints, late: Floats) -> Ints:
        """Take a job out and put it in elsewhere: any one anywhere near, or a late one earlier."""
        count = len(jobs)
        origin = int(self._random.integers(count))
        if late[-1] > 0 and self._random.random() < URGENT:
            origin = int(np.searchsorted(late, self._random.random() * late[-1], side="right"))
            goal = max(0, origin - int(self._random.integers(1, 2 * REACH + 1)))
        elif self._random.random() < FAR:
            goal = int(self._random.integers(count))
        else:
            reach = int(self._random.integers(-REACH, REACH + 1))
            goal = min(count - 1, max(0, origin + reach))
        moved = jobs.copy()
        if origin < goal:
            moved[origin:goal] = jobs[origin + 1 : goal + 1]
        else:
            moved[goal + 1 : origin + 1] = jobs[goal:origin]
        moved[goal] = jobs[origin]
        return moved

    def _draft(self, jobs: Ints) -> tuple[Draft, Ints]:
        place = np.empty(len(jobs), dtype=np.int64)
        place[jobs] = np.arange(len(jobs))
        rank = np.empty(len(self._job), dtype=np.int64)
        rank[np.argsort(place[self._job], kind="stable")] = np.arange(len(self._job))
        worth = self._decoder.worth(rank, self._open, self._pricing)
        return Draft(worth, rank, self._open, True, "order of jobs"), jobs
