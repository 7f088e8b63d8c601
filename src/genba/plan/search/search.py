"""Local search on turns and machines, for problems of any kind, from what the rules found.

Simulated annealing (Kirkpatrick, Gelatt and Vecchi, 1983; for job shops van Laarhoven et al., 1992)
with moves that follow what makes costly jobs late, and that bring set-up families together. Where
machines, routings, set-ups and calendars are all there is, a lean judge times tens of millions of
operations per second; everything else is timed by the decoder itself.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from genba.plan.objective import Goal, Objective
from genba.plan.search.judge import BEST, NOW, TRY, judge, lean_of, read, walk_of
from genba.plan.search.moves import RENEWED, anneal, by_start, copy_row, propose, settle
from genba.plan.search.rules import Draft
from genba.plan.shop.draw import seeded
from genba.plan.timing import columns as c
from genba.plan.timing.decode import Decoder
from genba.plan.timing.place import new_board
from genba.plan.timing.run import run
from genba.plan.timing.value import pricing_of

CHUNK_S = 0.05
"""Seconds between two looks at the clock."""
HOT, COLD = 3.0, 0.03
"""First and last temperature, in shares of the best worth that fall to one operation."""
LONG = 400
"""Steps for each operation from which on a search may begin hot. A shorter one begins colder, in
proportion: it would not find its way back to what it set out from."""
COOLEST = 0.1
"""The coldest begin, in the same shares."""
MILD = 0.1
"""The same factor less where the end of all counts, which one operation moves little."""
CYCLE = 2_000_000
"""Steps from hot to cold at most; then it begins again, from the best."""

Better = Callable[[Draft], None]


class Search:
    """One climber with a board and random numbers of its own.

    Parameters
    ----------
    decoder : Decoder
        Of the problem; its board is only used to read the starts.
    objective : Objective
        What is made small.
    seed : int
        The same starts, seed and number of steps give the same order.
    """

    def __init__(self, decoder: Decoder, objective: Objective, seed: int = 0) -> None:
        self._decoder = decoder
        self._tables = decoder.tables
        self._board = new_board(decoder.tables)
        self._pricing = pricing_of(decoder.problem, objective)
        self._heat = MILD if objective.goals[0][0] is Goal.MAKESPAN else 1.0
        self._lean = lean_of(decoder.tables)
        self._walk = walk_of(decoder.tables)
        self._rng = seeded(seed)
        self._worths = np.zeros(3)
        self._accepted = 0
        self.steps = 0
        """Orders that were tried."""

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
        on_better : callable, optional
            Called with the best order so far, now and then.
        """
        first = min(starts, key=lambda draft: draft.worth)
        self._begin(first)
        began, done, told = time.monotonic(), 0, self._worths[BEST]
        chunk, rate = 1, 0.0
        total = steps
        while steps is None or done < steps:
            now = time.monotonic()
            if until is not None:
                if now >= until:
                    break
                rate = max(1.0, done / max(1e-9, now - began))
                chunk = int(min(max(1, 2 * chunk), max(1.0, rate * min(CHUNK_S, until - now))))
                total = int(done + rate * (until - now)) if done else None
            else:
                chunk = min(1000, (steps or 1000) - done)
            self._anneal(chunk, done, total)
            done += chunk
            if on_better is not None and self._worths[BEST] < told:
                told = self._worths[BEST]
                on_better(self._draft(BEST))
        self.steps += done
        found = self._draft(BEST)
        return found if found.worth < first.worth else first

    def _anneal(self, chunk: int, done: int, total: int | None) -> None:
        length = max(1, min(CYCLE, total or CYCLE))
        share = (done % length) / length
        if done and done // length != max(0, done - chunk) // length:
            copy_row(self._walk, BEST, NOW)
            self._worths[NOW] = self._worths[BEST]
        count = len(self._tables.operations)
        scale = max(abs(self._worths[BEST]), 1.0) / max(count, 30)
        hot = max(COOLEST, HOT * min(1.0, length / (LONG * max(1, count))))
        temperature = self._heat * scale * hot * (COLD / hot) ** share
        span = max(4, min(count // 4, 100))
        lean, walk, worths = self._lean, self._walk, self._worths
        if lean.is_lean[0]:
            anneal(
                self._tables,
                lean,
                self._pricing,
                walk,
                worths,
                self._rng,
                chunk,
                temperature,
                span,
            )
            return
        for _ in range(chunk):
            if propose(self._tables, lean, walk, self._rng, span) < 0:
                continue
            self._accepted += settle(walk, worths, self._rng, self._timed(), temperature)
            if self._accepted == RENEWED:
                by_start(walk)
                self._accepted = 0

    def _timed(self) -> float:
        """Time row TRY, and return its worth."""
        walk, tables = self._walk, self._tables
        if self._lean.is_lean[0]:
            return float(judge(tables, self._lean, self._pricing, walk, 0))
        way = walk.way[TRY]
        modes = np.where(way < 0, -1, tables.ways[way, c.W_MODE])
        missing = run(tables, self._board, walk.place[TRY], modes, 1)
        return float(read(tables, self._board, self._pricing, walk, missing))

    def _begin(self, draft: Draft) -> None:
        """Set out from a draft, as the decoder times it."""
        tables, walk = self._tables, self._walk
        placed = self._decoder.placed(draft.rank, draft.modes, fill_gaps=draft.fill_gaps)
        missing = placed[:, c.S_WAY] < 0
        start = np.where(missing, c.NEVER, placed[:, c.S_START])
        order = np.lexsort((draft.rank, placed[:, c.S_END], start))
        for row in (NOW, TRY):
            walk.order[row] = order
            walk.place[row, order] = np.arange(len(order))
            if self._lean.is_lean[0]:
                first = tables.operations[:, c.O_WAY]
                walk.way[row] = np.where(missing, first, placed[:, c.S_WAY])
            else:
                chosen = np.where(draft.modes < 0, -1, placed[:, c.S_WAY])
                walk.way[row] = np.where(missing, -1, chosen)
        self._worths[:] = self._timed()
        copy_row(walk, TRY, NOW)
        by_start(walk)
        copy_row(walk, NOW, BEST)

    def _draft(self, row: int) -> Draft:
        way = self._walk.way[row]
        modes = np.where(way < 0, -1, self._tables.ways[way, c.W_MODE])
        fill_gaps = not self._lean.is_lean[0]
        worth = float(self._worths[row])
        return Draft(worth, self._walk.place[row].copy(), modes, fill_gaps, "local search")
